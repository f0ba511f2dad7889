"""What a message adds to budgets, and whether there is room for it.

A tally counts one measure (messages, segments or money) of one budget in one span: a day, a week, a month. The ledger
keeps it, and counts in the commit that keeps the messages: so it is never off, however many processes there are. Money
is counted in billionths of its unit, which is as fine as prices are.
"""

from decimal import ROUND_CEILING, Decimal
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

import msgspec

BUDGET_EXCEEDED: Final = "budget_exceeded"
RUNAWAY: Final = "runaway"
FULL: Final = 100

_BILLION: Final = 1_000_000_000
_MOST: Final = (1 << 62) - 1  # what a column of the ledger holds, with room for one more message

Key: TypeAlias = tuple[int, str, str, int]  # environment, name, whose it is ("": everybody's), begin of its span


class Limit(msgspec.Struct, frozen=True):
    """How far a tally may go."""

    key: Key
    workspace: int
    ends: int
    most: int
    measure: str  # messages | segments | spend
    of: str = ""  # whose it is, as people know them
    currency: str | None = None
    warn_at: tuple[int, ...] = ()  # percent, rising
    stops: bool = True  # refuse what goes beyond; else only say so


class Charge(NamedTuple):
    """What one message adds to a tally. What is exempt is counted, and never refused."""

    limit: Limit
    amount: int
    is_exempt: bool = False


class Alarm(NamedTuple):
    """A tally has come so far, for the first time in its span."""

    limit: Limit
    percent: int
    used: int


class Tally:
    """One tally as a commit finds it, and as it leaves it."""

    __slots__ = ("blocked", "found", "limit", "told", "used")

    def __init__(self, limit: Limit, used: int, told: int) -> None:
        self.limit = limit
        self.used = self.found = used
        self.told = told  # the highest percentage that was told
        self.blocked = False  # something had to be refused

    def has_room(self, charge: Charge) -> bool:
        """Room for this one? If not, that is remembered."""
        if charge.is_exempt or not charge.limit.stops or self.used + charge.amount <= charge.limit.most:
            return True
        self.limit, self.blocked = charge.limit, True
        return False

    def add(self, charge: Charge) -> None:
        self.limit = charge.limit
        used = self.used + charge.amount
        self.used = min(_MOST, used)

    def alarms(self) -> list[Alarm]:
        """What is to be told now, each once in a span; a tally that has to refuse is full."""
        limit = self.limit
        percent = self.used * FULL // limit.most
        reached = [at for at in limit.warn_at if self.told < at <= percent]
        if self.blocked and self.told < FULL and FULL not in reached:
            reached.append(FULL)
        if not reached:
            return []
        self.told = max(reached)
        return [Alarm(limit, at, self.used) for at in sorted(reached)]


@lru_cache(maxsize=4_096)
def billionths(amount: str) -> int:
    """Money as tallies count it, rounded up."""
    return min(int((Decimal(amount) * _BILLION).to_integral_value(ROUND_CEILING)), _MOST)


def written(measure: str, amount: int) -> str | int:
    """A count as people read it; money as a decimal."""
    if measure != "spend":
        return amount
    whole, rest = divmod(abs(amount), _BILLION)
    tail = f"{rest:09d}".rstrip("0").ljust(2, "0")
    return f"{'-' if amount < 0 else ''}{whole}.{tail}"
