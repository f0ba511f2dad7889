"""Times as SMPP writes them: `YYMMDDhhmmsstnnp`, absolute with an offset from UTC in quarter hours, or relative.

All times are integers: milliseconds since 1970 UTC, or spans in seconds.
"""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

_WRITTEN: Final = re.compile(r"(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d)(\d\d)([+\-R])")
_DAY_S: Final = 86_400
_RELATIVE_MAX_S: Final = 99 * _DAY_S + 86_399  # days and smaller only: months and years have no length


def absolute(at_ms: int) -> str:
    """A moment, in UTC."""
    moment = datetime.fromtimestamp(at_ms / 1000, UTC)
    return f"{moment:%y%m%d%H%M%S}{moment.microsecond // 100_000}00+"


def relative(seconds: int) -> str:
    """A span, each field within its own range."""
    seconds = max(1, min(seconds, _RELATIVE_MAX_S))
    days, rest = divmod(seconds, _DAY_S)
    return f"0000{days:02d}{rest // 3600:02d}{rest // 60 % 60:02d}{rest % 60:02d}000R"


def read(text: str, now_ms: int) -> int | None:
    """The moment that is written, seen from `now_ms`; None when it is none. Months count 30 days, years 365."""
    found = _WRITTEN.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, tenth, quarters = map(int, found.groups()[:8])
    if found[9] == "R":
        days = day + 30 * month + 365 * year
        return now_ms + 1000 * (days * _DAY_S + hour * 3600 + minute * 60 + second)
    if quarters > 48:
        return None
    offset = timedelta(minutes=15 * quarters) * (1 if found[9] == "+" else -1)
    century = 2000 if year < 38 else 1900
    try:
        moment = datetime(century + year, month, day, hour, minute, second, tenth * 100_000, timezone(offset))
    except ValueError:
        return None
    return round(moment.timestamp() * 1000)
