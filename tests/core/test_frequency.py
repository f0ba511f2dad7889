"""Frequency caps: examples, and laws against counting by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.core.frequency import FrequencyCap, Past, legal, next_free, over_cap
from heliograph.core.zones import Place

MINUTE = 60_000
NONE: frozenset[str] = frozenset()
PROMOTIONAL = frozenset({"promotional"})


def cap(most: int, per_ms: int, *tags: str, kinds: frozenset[str] = PROMOTIONAL) -> FrequencyCap:
    return FrequencyCap(f"{most} in {per_ms}", most, per_ms, kinds, frozenset(tags))


def past(*times: int, kind: str = "promotional", tags: frozenset[str] = NONE) -> list[Past]:
    return [Past(time, kind, tags) for time in times]


@pytest.mark.parametrize(
    ("before", "caps", "at", "expected"),
    [
        (past(), (cap(1, MINUTE),), 0, 0),
        (past(0), (cap(1, MINUTE),), 0, MINUTE),
        (past(0), (cap(1, MINUTE),), MINUTE - 1, MINUTE),
        (past(0), (cap(1, MINUTE),), MINUTE, MINUTE),
        (past(0, 10), (cap(2, MINUTE),), 20, MINUTE),
        # 1 a minute, 5 in 15 minutes, 3 a day: the strictest decides.
        (past(0, MINUTE, 2 * MINUTE), (cap(1, MINUTE), cap(5, 15 * MINUTE)), 2 * MINUTE, 3 * MINUTE),
        (past(0, MINUTE, 2 * MINUTE), (cap(1, MINUTE), cap(3, 1_440 * MINUTE)), 3 * MINUTE, 1_440 * MINUTE),
        (past(*range(0, 5 * MINUTE, MINUTE)), (cap(1, MINUTE), cap(5, 15 * MINUTE)), 5 * MINUTE, 15 * MINUTE),
        # What is to go later counts as well.
        (past(30_000), (cap(1, MINUTE),), 0, 90_000),
        # Other kinds and other topics don't.
        (past(0, kind="otp"), (cap(1, MINUTE),), 0, 0),
        (past(0, tags=frozenset({"news"})), (cap(1, MINUTE, "sale"),), 0, 0),
        (past(0, tags=frozenset({"sale", "news"})), (cap(1, MINUTE, "sale"),), 0, MINUTE),
    ],
)
def test_when_one_more_may_go(before: list[Past], caps: tuple[FrequencyCap, ...], at: int, expected: int) -> None:
    assert next_free(at, before, caps) == expected


@pytest.mark.parametrize(
    ("country", "region", "most"),
    [("US", "FL", 3), ("US", "OK", 3), ("US", "MD", 3), ("US", "NY", None), ("US", None, None), ("FR", None, None)],
)
def test_states_that_set_a_cap(country: str, region: str | None, most: int | None) -> None:
    found = legal(Place(country, region, ("Etc/UTC",), "area code"))
    assert (found and (found.most, found.per_ms)) == (most and (most, 86_400_000))


TIMES = st.lists(st.integers(0, 200), max_size=12)
CAPS = st.lists(st.builds(cap, st.integers(1, 4), st.integers(1, 60)), min_size=1, max_size=3)


def keeps(times: list[int], caps: list[FrequencyCap], at: int) -> bool:
    """No span that begins at any message, and holds this one, holds too many."""
    return all(
        sum(start <= time < start + one.per_ms for time in [*times, at]) <= one.most
        for one in caps
        for start in [*times, at]
        if start <= at < start + one.per_ms
    )


@given(TIMES, CAPS, st.integers(0, 220))
def test_the_time_found_is_the_first_that_keeps_all_caps(times: list[int], caps: list[FrequencyCap], at: int) -> None:
    found = next_free(at, past(*times), caps)
    assert keeps(times, caps, found)
    assert not any(keeps(times, caps, earlier) for earlier in range(at, found))
    assert (over_cap(at, past(*times), caps) is None) is (found == at)


@given(CAPS, st.lists(st.integers(0, 200), max_size=15))
def test_messages_that_come_one_by_one_never_break_a_cap(caps: list[FrequencyCap], asked: list[int]) -> None:
    times: list[int] = []
    for at in asked:
        times.append(next_free(at, past(*times), caps))
    for one in caps:
        assert all(sum(start <= time < start + one.per_ms for time in times) <= one.most for start in times)
