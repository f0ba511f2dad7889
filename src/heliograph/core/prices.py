"""Parts and route → price. Money is decimal, never binary."""

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple, TypeAlias

import msgspec

Cost: TypeAlias = tuple[str | None, str | None]  # price and currency


class Line(NamedTuple):
    """What one segment costs, and where that stands."""

    price: str
    currency: str | None
    where: str  # as the trace of a decision names it


class PriceBook(msgspec.Struct, frozen=True):
    """What one segment costs by connector, country and kind; "" stands for every country, and for every kind."""

    lines: Mapping[tuple[str, str, str], tuple[str, str | None]] = {}  # (connector, country, kind): (price, currency)
    own: Mapping[str, tuple[str, str | None]] = {}  # connectors' own `price_per_segment`, where the book is silent

    def find(self, connector: str, country: str, kind: str) -> tuple[str, str | None] | None:
        """(price, currency) of one segment: the most particular that there is."""
        line = self.line(connector, country, kind)
        return None if line is None else (line.price, line.currency)

    def line(self, connector: str, country: str, kind: str) -> Line | None:
        """What `find` finds, and where. A country is more particular than a kind."""
        for at_country, at_kind in ((country, kind), (country, ""), ("", kind), ("", "")):
            found = self.lines.get((connector, at_country, at_kind))
            if found is not None:
                return Line(*found, _where(at_country, at_kind))
        own = self.own.get(connector)
        return None if own is None else Line(*own, "price_per_segment")

    def estimate(self, connector: str, country: str, kind: str, segments: int) -> tuple[str | None, str | None]:
        """(price, currency) of a message of so many segments; (None, None) when nobody knows."""
        found = self.find(connector, country, kind)
        return (None, None) if found is None else (price(segments, found[0]), found[1])


def price(segments: int, per_segment: str | None) -> str | None:
    """What a message of so many segments costs; None when nobody knows what one does."""
    return None if per_segment is None else format(Decimal(per_segment) * segments, "f")


def _where(country: str, kind: str) -> str:
    named = [f"{name} {value}" for name, value in (("country", country), ("kind", kind)) if value]
    return ", ".join(named) or "every country and kind"
