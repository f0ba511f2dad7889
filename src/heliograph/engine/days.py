"""Days as a network counts them: from midnight to midnight in a time zone."""

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
    local = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(ZoneInfo(zone))
    begin = local.replace(hour=0, minute=0, second=0, microsecond=0)
    end = (begin.replace(tzinfo=None) + timedelta(days=1)).replace(tzinfo=begin.tzinfo)
    return int(begin.timestamp() * 1000), int(end.timestamp() * 1000)
