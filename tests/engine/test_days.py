"""Days, weeks and months by the clock on the wall, where clocks are changed too."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.engine.days import span_of

HOUR = 3_600_000
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Sao_Paulo"]


def at(text: str, zone: str = "UTC") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


@pytest.mark.parametrize(
    ("now", "zone", "per", "begin", "end", "hours"),
    [
        ("2026-03-29T12:00", "Europe/Berlin", "day", "2026-03-29", "2026-03-30", 23),
        ("2026-10-25T12:00", "Europe/Berlin", "day", "2026-10-25", "2026-10-26", 25),
        ("2026-10-31T23:59", "Europe/Berlin", "month", "2026-10-01", "2026-11-01", 31 * 24 + 1),
        ("2026-11-01T00:00", "Europe/Berlin", "month", "2026-11-01", "2026-12-01", 30 * 24),
        ("2026-03-31T12:00", "America/New_York", "month", "2026-03-01", "2026-04-01", 31 * 24 - 1),
        ("2026-02-28T12:00", "UTC", "month", "2026-02-01", "2026-03-01", 28 * 24),
        ("2026-12-31T12:00", "UTC", "month", "2026-12-01", "2027-01-01", 31 * 24),
        ("2026-03-29T12:00", "Europe/Berlin", "week", "2026-03-23", "2026-03-30", 7 * 24 - 1),
        ("2026-11-02T00:00", "UTC", "week", "2026-11-02", "2026-11-09", 7 * 24),
    ],
)
def test_spans_follow_the_calendar_of_their_zone(
    now: str, zone: str, per: str, begin: str, end: str, hours: int
) -> None:
    found = span_of(at(now, zone), zone, per)
    assert found == (at(begin, zone), at(end, zone))
    assert found[1] - found[0] == hours * HOUR


def test_a_month_begins_where_the_budget_lives() -> None:
    """Half past ten in the evening in London is already the next month in Berlin, not yet in New York."""
    now = at("2026-09-30T22:30")
    begins = [span_of(now, zone, "month")[0] for zone in ("Europe/Berlin", "America/New_York")]
    assert begins == [at("2026-10-01", "Europe/Berlin"), at("2026-09-01", "America/New_York")]


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2040, 1, 1)),
    st.sampled_from(ZONES),
    st.sampled_from(["day", "week", "month"]),
)
def test_spans_have_no_gaps_and_never_overlap(when: datetime, zone: str, per: str) -> None:
    now = int(when.replace(tzinfo=UTC).timestamp() * 1000)
    begin, end = span_of(now, zone, per)
    assert begin <= now < end
    assert span_of(end - 1, zone, per) == (begin, end)
    assert span_of(end, zone, per)[0] == end
