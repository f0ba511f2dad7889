"""The page of quiet hours by country and state, and of public holidays, out of the data that decide."""

from calendar import isleap
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Final

from docs.tables import table
from heliograph.core import holidays, quiet

_HEAD: Final = """\
# Quiet hours by country and state

When promotional messages may go, in the recipient's local time; [quiet hours](../quiet-hours.md) says what follows. In
the United States a state's line holds beside the line `US`; `DEFAULT` holds in every country that has no line, and for
US numbers of an unknown state. The last column says how sure the public sources are.
"""
_HOLIDAYS: Final = """
## Public holidays

Those of a state come on top of its country's.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *_rows()])


def _rows() -> Iterator[str]:
    names = ("where", *quiet.WEEKDAYS, "public holidays", "frequency", "sources")
    yield from table(names, [_quiet_row(name, quiet.legal(name)) for name in quiet.rows()])
    yield _HOLIDAYS
    dates = [(f"`{name}`", *(_holidays(name, year) for year in (2026, 2027, 2028))) for name in holidays.calendars()]
    yield from table(("calendar", "2026", "2027", "2028"), dates)
    yield ""


def _quiet_row(name: str, rule: quiet.Rule) -> Sequence[str]:
    row = quiet.rows()[name]
    days = (", ".join(f"{_clock(start)}-{_clock(end)}" for start, end in spans) or "–" for spans in rule.windows)
    cap = f"{row.cap['max']} in {row.cap['hours']} h" if row.cap else ""
    return f"`{name}`", *days, f"closed (`{rule.calendar}`)" if rule.calendar else "", cap, row.confidence


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _holidays(calendar: str, year: int) -> str:
    days = (date(year, 1, 1) + timedelta(offset) for offset in range(365 + isleap(year)))
    country = calendar[:2] if calendar[2:] else None
    mine = [d for d in days if holidays.holiday(calendar, d) and not (country and holidays.holiday(country, d))]
    return " ".join(f"{day:%m-%d}" for day in mine)
