"""Days as networks and budgets count them: from midnight to midnight in a time zone; weeks and months of them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # unknown, or no name at all
        return False
    return True


def day_of(now_ms: int, zone: str) -> tuple[int, int]:
    """When the day began that this moment belongs to, and when the next one begins."""
    return span_of(now_ms, zone, "day")


def span_of(now_ms: int, zone: str, per: str) -> tuple[int, int]:
    """The same for a `day`, a `week` (from Monday on) or a `month`, by the calendar of that zone."""
    place = ZoneInfo(zone)
    local = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(place)
    begin = local.replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)
    if per == "week":
        begin -= timedelta(days=begin.weekday())
        end = begin + timedelta(days=7)
    elif per == "month":
        begin = begin.replace(day=1)
        end = (begin + timedelta(days=31)).replace(day=1)
    else:
        end = begin + timedelta(days=1)
    return _at(begin, place), _at(end, place)


def _at(wall: datetime, place: ZoneInfo) -> int:
    """When a clock on the wall shows this."""
    return int(wall.replace(tzinfo=place).timestamp() * 1000)
