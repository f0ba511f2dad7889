"""Spans of time as people write them."""

from typing import Final

from heliograph.core.failures import Refusal

_UNITS_MS: Final = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
LONGEST_MS: Final = 7 * 86_400_000


def read_span(value: int | str) -> int | Refusal:
    """A span in seconds, or with a unit: 90, "90s", "5m", "2h", "3d"."""
    wrong = Refusal(
        "bad_span",
        f'{str(value)[:40]!r} is not a span between 1 second and 7 days: 300 (seconds), "5m", "2h"',
        "/valid_for",
    )
    if isinstance(value, str):
        unit = _UNITS_MS.get(value[-1:])
        number = value[:-1] if unit else value
        if not number.isascii() or not number.isdigit() or len(number) > 9:
            return wrong
        span = int(number) * (unit or 1_000)
    else:
        span = value * 1_000
    return span if 1_000 <= span <= LONGEST_MS else wrong
