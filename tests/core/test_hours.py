"""Hours of the week: open, closed, and how much open time has passed."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.core.hours import Hours, Window, is_open, opens_after, passed

HOUR = 3_600_000
OFFICE = Hours("Europe/Lisbon", [Window(["mon", "tue", "wed", "thu", "fri"], "09:00-17:00")], ["2026-12-25"])
NIGHT = Hours("America/New_York", [Window(["fri"], "22:00-02:00")])
ALWAYS = Hours("UTC", [Window()])


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1_000)


@pytest.mark.parametrize(
    ("hours", "moment", "expected"),
    [
        (OFFICE, "2026-11-20T09:00+00:00", True),  # a Friday
        (OFFICE, "2026-11-20T08:59+00:00", False),
        (OFFICE, "2026-11-20T17:00+00:00", False),
        (OFFICE, "2026-11-21T12:00+00:00", False),  # Saturday
        (OFFICE, "2026-07-20T08:00+00:00", True),  # summer time
        (OFFICE, "2026-12-25T12:00+00:00", False),  # a holiday, a Friday
        (NIGHT, "2026-11-21T06:59+00:00", True),  # 01:59 on Saturday, there
        (NIGHT, "2026-11-21T07:00+00:00", False),
        (NIGHT, "2026-11-20T06:00+00:00", False),  # the night before
        (ALWAYS, "2026-11-20T00:00+00:00", True),
    ],
)
def test_it_is_open_by_the_clocks_of_its_zone(hours: Hours, moment: str, expected: bool) -> None:
    assert is_open(hours, at(moment)) is expected


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        ("2026-11-20T18:00+00:00", "2026-11-23T09:00+00:00"),  # over the weekend
        ("2026-11-20T10:00+00:00", "2026-11-20T10:00+00:00"),
        ("2026-12-24T18:00+00:00", "2026-12-28T09:00+00:00"),  # over a holiday and the weekend
        ("2026-03-27T18:00+00:00", "2026-03-30T08:00+00:00"),  # the clocks go forward in between
    ],
)
def test_it_says_when_it_opens(moment: str, opens: str) -> None:
    assert opens_after(OFFICE, at(moment)) == at(opens)


@pytest.mark.parametrize(
    ("hours", "moment", "span_h", "end"),
    [
        (OFFICE, "2026-11-20T16:00+00:00", 2, "2026-11-23T10:00+00:00"),
        (OFFICE, "2026-11-20T10:00+00:00", 2, "2026-11-20T12:00+00:00"),
        (OFFICE, "2026-11-20T16:00+00:00", 1, "2026-11-20T17:00+00:00"),
        (ALWAYS, "2026-11-20T16:00+00:00", 30, "2026-11-21T22:00+00:00"),
    ],
)
def test_only_open_time_counts(hours: Hours, moment: str, span_h: int, end: str) -> None:
    assert passed(hours, at(moment), span_h * HOUR) == at(end)


def test_what_never_opens_again_is_said_to_be_so() -> None:
    days = [f"2026-{month:02}-{day:02}" for month in (11, 12) for day in range(1, 31)]
    only = Hours("UTC", [Window(["sat"], "10:00-11:00")], days)
    assert opens_after(only, at("2026-11-20T00:00+00:00")) == at("2027-01-02T10:00+00:00")


moments = st.integers(at("2026-01-01T00:00+00:00"), at("2027-12-31T00:00+00:00"))


@given(st.sampled_from([OFFICE, NIGHT, ALWAYS]), moments)
def test_when_it_opens_it_is_open_and_not_before(hours: Hours, moment: int) -> None:
    opens = opens_after(hours, moment)
    assert opens is not None and opens >= moment and is_open(hours, opens)
    assert opens == moment or not is_open(hours, opens - 1)


@given(st.sampled_from([OFFICE, NIGHT, ALWAYS]), moments, st.integers(1, 40), st.integers(1, 40))
def test_two_spans_after_each_other_are_one(hours: Hours, moment: int, first: int, second: int) -> None:
    middle = passed(hours, moment, first * HOUR)
    assert middle is not None
    assert passed(hours, middle, second * HOUR) == passed(hours, moment, (first + second) * HOUR)


@pytest.mark.parametrize(
    ("hours", "pointers"),
    [
        (Hours("Europe/Atlantis", [Window()]), ["/x/zone"]),
        (Hours("../etc", [Window()], ["2026-02-30"]), ["/x/zone", "/x/closed/0"]),
        (OFFICE, []),
    ],
)
def test_what_can_not_be_is_named(hours: Hours, pointers: list[str]) -> None:
    assert [refusal.pointer for refusal in hours.wrong("/x")] == pointers
