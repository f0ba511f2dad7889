"""Hours of the week in a time zone: is it open, when does it open next, and when has so much open time passed?"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta

from heliograph.core.failures import Refusal

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LOOK_AHEAD: Final = 400  # days in which something must open, or it never does
_TIME: Final = r"([01]\d|2[0-3]):[0-5]\d"


class Window(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Some days, from one time to another; one that ends before it begins ends on the day after."""

    days: list[Day] = []  # none named: all
    hours: Annotated[str, Meta(pattern=f"^{_TIME}-({_TIME}|24:00)$")] = "00:00-24:00"


class Hours(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When it is open, by the clocks of a time zone."""

    zone: str
    open: Annotated[list[Window], Meta(min_length=1, max_length=50)]
    closed: Annotated[list[Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\d$")]], Meta(max_length=400)] = []  # holidays

    def wrong(self, pointer: str) -> list[Refusal]:
        """What the types can't say."""
        found = []
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            detail = f"{self.zone[:60]!r} is not a time zone of the IANA database, such as Europe/Lisbon"
            found.append(Refusal("bad_time_zone", detail, f"{pointer}/zone"))
        for place, day in enumerate(self.closed):
            try:
                date.fromisoformat(day)
            except ValueError:
                detail = f"{day!r} is no day of the calendar; write it as 2026-12-25"
                found.append(Refusal("bad_value", detail, f"{pointer}/closed/{place}"))
        return found


def is_open(hours: Hours, at: int) -> bool:
    return opens_after(hours, at) == at


def opens_after(hours: Hours, at: int) -> int | None:
    """The first moment from `at` on at which it is open; None: never again."""
    return next((max(start, at) for start, end in _spans(hours, at) if end > at), None)


def passed(hours: Hours, at: int, span_ms: int) -> int | None:
    """When it has been open for so long since `at`; None: never."""
    left = span_ms
    for start, end in _spans(hours, at):
        begin = max(start, at)
        if end - begin >= left:
            return begin + left
        if end > begin:
            left -= end - begin
            at = end
    return None


def _spans(hours: Hours, at: int) -> Iterator[tuple[int, int]]:
    """Open spans in the order of their beginnings, from those that may still last at `at`."""
    zone = ZoneInfo(hours.zone)
    today = datetime.fromtimestamp(at / 1_000, UTC).astimezone(zone).date()
    for ahead in range(-1, _LOOK_AHEAD):
        day = today + timedelta(days=ahead)
        if day.isoformat() not in hours.closed:
            yield from sorted(_span(window, day, zone) for window in hours.open if _is_on(window, day))


def _is_on(window: Window, day: date) -> bool:
    return not window.days or _DAYS[day.weekday()] in window.days


def _span(window: Window, day: date, zone: ZoneInfo) -> tuple[int, int]:
    start, end = (int(part[:2]) * 60 + int(part[3:]) for part in window.hours.split("-"))
    return _moment(day, start, zone), _moment(day, end if end > start else end + 1_440, zone)


def _moment(day: date, minute: int, zone: ZoneInfo) -> int:
    days, minute = divmod(minute, 1_440)
    day += timedelta(days=days)
    wall = datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=zone)
    return int(wall.timestamp()) * 1_000
