"""How long things take, counted in slots: each about one and a half times as long as the one before.

A count by slot is a few numbers instead of every time that was measured, and counts of different hours add up. What is
read from it, such as the time within which 95 of 100 were sent, is right within its slot.
"""

from bisect import bisect_right
from collections.abc import Mapping
from typing import Final

_SECOND: Final = 1_000
_MINUTE: Final = 60_000
_HOUR: Final = 3_600_000
# Where slots begin, in milliseconds; slot 0 is all before the first one.
EDGES: Final = (
    *(5, 10, 15, 20, 30, 50, 75, 100, 150, 200, 300, 500, 750),
    *(_SECOND * s // 2 for s in (2, 3, 4, 6, 8, 10, 15, 20, 30, 40, 60, 90)),
    *(_MINUTE * s for s in (1, 2, 3, 5, 10, 15, 20, 30)),
    *(_HOUR * s for s in (1, 2, 3, 4, 6, 12, 24, 48, 72)),
)


def slot_of(ms: int) -> int:
    """The slot of a time; what a clock that went back makes negative is in the first."""
    return bisect_right(EDGES, ms)


def slot_sql(ms: str) -> str:
    """The same as an SQL expression, by halving."""

    def between(low: int, high: int) -> str:
        if low == high:
            return str(low)
        middle = (low + high) // 2
        return f"CASE WHEN {ms} < {EDGES[middle]} THEN {between(low, middle)} ELSE {between(middle + 1, high)} END"

    return between(0, len(EDGES))


def quantile(counts: Mapping[int, int], share: float) -> float | None:
    """The time, in milliseconds, within which this share of all lies; None of nothing. Within a slot times are taken to
    lie evenly; of the last slot its beginning is told, for it has no end."""
    total = sum(counts.values())
    if total <= 0:
        return None
    wanted, seen = share * total, 0
    for slot in sorted(counts):
        count = counts[slot]
        if seen + count >= wanted and count > 0:
            begin = EDGES[slot - 1] if slot else 0
            if slot == len(EDGES):
                return float(begin)
            return begin + (EDGES[slot] - begin) * max(0.0, wanted - seen) / count
        seen += count
    return float(EDGES[-1])


def share_within(counts: Mapping[int, int], ms: int) -> float | None:
    """Which share took at most so long; `ms` is where a slot begins."""
    total = sum(counts.values())
    return sum(count for slot, count in counts.items() if slot <= EDGES.index(ms)) / total if total else None
