"""Parts and route → price. Money is decimal, never binary."""

from decimal import Decimal


def price(segments: int, per_segment: str | None) -> str | None:
    """What a message of so many segments costs; None when the connector declares no price."""
    return None if per_segment is None else format(Decimal(per_segment) * segments, "f")
