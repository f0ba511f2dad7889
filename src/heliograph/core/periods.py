"""Stretches of time that follow each other without a gap: hours, days and weeks of UTC, weeks from Monday."""

from datetime import UTC, datetime
from typing import Final

LENGTHS_MS: Final = {"hour": 3_600_000, "day": 86_400_000, "week": 604_800_000}
_FIRST_MONDAY_MS: Final = 4 * 86_400_000  # 1970 began on a Thursday


def start_of(every: str, at: int) -> int:
    """When the stretch that `at` lies in began."""
    offset = _FIRST_MONDAY_MS if every == "week" else 0
    return at - (at - offset) % LENGTHS_MS[every]


def end_of(every: str, at: int) -> int:
    """When the stretch that `at` lies in ends, and the next one begins."""
    return start_of(every, at) + LENGTHS_MS[every]


def label(every: str, start: int) -> str:
    """How the stretch is called in the name of a file: 2026-11-21, 2026-11-21T14, 2026-W47."""
    at = datetime.fromtimestamp(start / 1000, UTC)
    if every == "week":
        year, week, _ = at.isocalendar()
        return f"{year}-W{week:02d}"
    return at.strftime("%Y-%m-%dT%H" if every == "hour" else "%Y-%m-%d")
