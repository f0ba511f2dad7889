"""Tallies: room, thresholds, money."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.core.charges import Charge, Limit, Tally, billionths, written


def limit(most: int = 10, *, stops: bool = True, warn_at: tuple[int, ...] = (50, 80, 100)) -> Limit:
    return Limit((1, "spring/messages", "", 0), 1, 1_000, most, "messages", warn_at=warn_at, stops=stops)


@given(st.integers(1, 200), st.lists(st.integers(1, 20), max_size=60))
def test_a_tally_that_stops_never_exceeds_its_limit(most: int, amounts: list[int]) -> None:
    bound = limit(most)
    tally, taken = Tally(bound, 0, 0), 0
    for amount in amounts:
        if tally.has_room(charge := Charge(bound, amount)):
            tally.add(charge)
            taken += amount
    assert tally.used == taken <= most


@given(st.lists(st.integers(1, 9), max_size=40))
def test_each_threshold_is_told_once(amounts: list[int]) -> None:
    bound, told, used, mark = limit(100), [], 0, 0
    for amount in amounts:
        tally = Tally(bound, used, mark)  # as the next commit finds it
        if tally.has_room(Charge(bound, amount)):
            tally.add(Charge(bound, amount))
        told += [alarm.percent for alarm in tally.alarms()]
        used, mark = tally.used, tally.told
    reached = [at for at in (50, 80) if used >= at]
    assert told in (reached, [*reached, 100])
    assert (told[-1:] == [100]) == (used == 100 or sum(amounts) > 100)


def test_a_jump_tells_of_all_that_it_passes() -> None:
    tally = Tally(limit(10), 0, 0)
    tally.add(Charge(limit(10), 9))
    assert [alarm.percent for alarm in tally.alarms()] == [50, 80]


def test_a_budget_that_has_to_refuse_is_full_whatever_it_warns_of() -> None:
    bound = limit(10, warn_at=())
    tally = Tally(bound, 9, 0)
    assert not tally.has_room(Charge(bound, 2))
    assert [(alarm.percent, alarm.used) for alarm in tally.alarms()] == [(100, 9)]
    assert tally.alarms() == []


@pytest.mark.parametrize(("stops", "exempt"), [(False, False), (True, True)], ids=["only warns", "exempt"])
def test_what_is_never_refused_still_counts(stops: bool, exempt: bool) -> None:
    charge = Charge(limit(10, stops=stops), 11, exempt)
    tally = Tally(charge.limit, 0, 0)
    assert tally.has_room(charge)
    tally.add(charge)
    assert tally.used == 11 and [alarm.percent for alarm in tally.alarms()] == [50, 80, 100]


@given(st.decimals(min_value=0, max_value=999_999_999, places=9))
def test_money_is_counted_exactly(amount: Decimal) -> None:
    assert Decimal(str(written("spend", billionths(f"{amount:f}")))) == amount


@pytest.mark.parametrize(
    ("amount", "shown"), [("12.5", "12.50"), ("0.0345", "0.0345"), ("3", "3.00"), ("0.0000000001", "0.000000001")]
)
def test_money_is_shown_as_people_write_it(amount: str, shown: str) -> None:
    assert written("spend", billionths(amount)) == shown
