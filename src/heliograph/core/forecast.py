"""What a month will probably cost. The rest of it is taken to go as the last four weeks did: each day as its weekday
usually does, all of them higher or lower as the last seven days were beside the four weeks."""

from collections.abc import Sequence
from math import sqrt
from typing import Final, NamedTuple

WEEKS: Final = 4
METHOD: Final = (
    "spent so far, and for each day that is left the mean of its weekday in the last four weeks, times the last seven "
    "days over an average week of them; low and high: 80 of 100 such months"
)
_SIGMAS: Final = 1.28


class Forecast(NamedTuple):
    """The whole month."""

    expected: float
    low: float
    high: float


def forecast(spent: float, today: float, past: Sequence[float], days_left: int) -> Forecast:
    """`spent`: in the month, today so far included; `today`: so far; `past`: the last full days, oldest first, at most
    four weeks; `days_left`: of the month, today included."""
    past = past[-7 * WEEKS :]
    if not past:
        return Forecast(spent, spent, spent)
    usual = [_mean([past[-1 - back] for back in range(offset, len(past), 7)]) for offset in range(min(7, len(past)))]
    week = sum(usual) / len(usual)
    recent = _mean(past[-7:])
    level = recent / week if week else 0.0
    # Of the days to come, today is as many weekdays after yesterday as `ahead` says.
    days = [usual[(-1 - ahead) % 7 % len(usual)] * level for ahead in range(days_left)]
    rest = sum(days) - min(today, days[0]) if days else 0.0
    off = [past[-1 - back] - usual[back % 7 % len(usual)] for back in range(len(past))]
    spread = _SIGMAS * sqrt(sum(one * one for one in off) / len(off) * max(days_left, 1))
    return Forecast(spent + rest, max(spent, spent + rest - spread), spent + rest + spread)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
