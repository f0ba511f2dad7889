"""Public holidays by rule: fixed days, the n-th weekday of a month, days counted from Easter Sunday.

A calendar is a country's, or a state's: that adds to its country's. Where a fixed holiday that falls on a weekend is
observed on the working day beside it, both days count: whoever asks wants to disturb nobody.
"""

from datetime import date, timedelta
from functools import cache
from importlib import resources
from typing import Final

import msgspec

_SATURDAY: Final = 5
_SUNDAY: Final = 6
_WEEK: Final = 7


class _Holiday(msgspec.Struct, frozen=True):
    """One holiday; one of `on`, `easter` and `month` says when."""

    name: str
    on: str | None = None  # month-day
    easter: int | None = None  # days after Easter Sunday
    month: int | None = None
    weekday: int = 0  # Monday is 0
    nth: int = 1  # of the month; -1: the last
    days_after: int = 0
    observed: bool = False  # on a weekend, the working day beside it is free as well
    since: int = 0  # year


@cache
def _calendars() -> dict[str, tuple[_Holiday, ...]]:
    file = resources.files("heliograph.core") / "data" / "holidays.json"
    return msgspec.json.decode(file.read_bytes(), type=dict[str, tuple[_Holiday, ...]])


def calendars() -> tuple[str, ...]:
    """The countries and states whose holidays are known."""
    return tuple(_calendars())


def calendar_of(jurisdiction: str) -> str | None:
    """The calendar that holds there: the state's own, else the country's, if there is one."""
    known = _calendars()
    return next((name for name in (jurisdiction, jurisdiction[:2]) if name in known), None)


def holiday(calendar: str, day: date) -> str | None:
    """The name of the holiday that a day is."""
    return _year(calendar, day.year).get(day)


def easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar, after the anonymous algorithm of 1876."""
    century, rest = divmod(year, 100)
    leaps, more = divmod(century, 4)
    moon = (19 * (year % 19) + century - leaps - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    sunday = (32 + 2 * more + 2 * (rest // 4) - moon - rest % 4) % 7
    late = (year % 19 + 11 * moon + 22 * sunday) // 451
    month, day = divmod(moon + sunday - 7 * late + 114, 31)
    return date(year, month, day + 1)


@cache
def _year(calendar: str, year: int) -> dict[date, str]:
    found: dict[date, str] = {}
    for name in dict.fromkeys((calendar[:2], calendar)):
        for entry in _calendars().get(name, ()):
            for around in (year - 1, year, year + 1):  # a New Year's Day on a Saturday is observed in the old year
                if around >= entry.since:
                    found |= {day: entry.name for day in _days(entry, around) if day.year == year}
    return found


def _days(entry: _Holiday, year: int) -> tuple[date, ...]:
    if entry.easter is not None:
        return (easter(year) + timedelta(entry.easter),)
    if entry.on is not None:
        month, day = map(int, entry.on.split("-"))
        return _observed(date(year, month, day)) if entry.observed else (date(year, month, day),)
    assert entry.month is not None
    return (_weekday(year, entry.month, entry.weekday, entry.nth) + timedelta(entry.days_after),)


def _observed(day: date) -> tuple[date, ...]:
    beside = {_SATURDAY: -1, _SUNDAY: 1}.get(day.weekday())
    return (day,) if beside is None else (day, day + timedelta(beside))


def _weekday(year: int, month: int, weekday: int, nth: int) -> date:
    if nth > 0:
        first = date(year, month, 1)
        return first + timedelta((weekday - first.weekday()) % _WEEK + _WEEK * (nth - 1))
    last = date(year + month // 12, month % 12 + 1, 1) - timedelta(1)
    return last - timedelta((last.weekday() - weekday) % _WEEK)
