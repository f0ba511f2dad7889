"""A month as it will probably be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.core.forecast import forecast

WEEK = [10.0, 10, 10, 10, 10, 2, 1]  # Monday to Sunday


def test_days_that_are_all_alike_go_on() -> None:
    found = forecast(spent=100, today=0, past=[10.0] * 28, days_left=5)
    assert found == (pytest.approx(150), pytest.approx(150), pytest.approx(150))


def test_each_day_is_as_its_weekday_usually_is() -> None:
    """Today is a Monday, and nothing was sent yet: what is left is a whole week."""
    found = forecast(spent=60, today=0, past=WEEK * 4, days_left=7)
    assert found.expected == pytest.approx(60 + sum(WEEK))
    saturday = forecast(spent=60, today=0, past=(WEEK * 5)[5:-2], days_left=2)
    assert saturday.expected == pytest.approx(60 + 3)


def test_what_today_has_cost_already_is_part_of_the_day() -> None:
    assert forecast(spent=107, today=7, past=[10.0] * 28, days_left=1).expected == pytest.approx(110)
    assert forecast(spent=130, today=30, past=[10.0] * 28, days_left=1).expected == pytest.approx(130)


def test_more_in_the_last_days_is_more_in_the_next() -> None:
    found = forecast(spent=0, today=0, past=[10.0] * 21 + [20.0] * 7, days_left=10)
    assert 180 < found.expected <= 200.0001


def test_without_a_past_nothing_is_said_of_the_rest() -> None:
    assert forecast(spent=5, today=5, past=[], days_left=20) == (5, 5, 5)


@given(
    st.lists(st.floats(0, 1e6), max_size=40), st.floats(0, 1e6), st.integers(0, 31), st.floats(0, 1), st.floats(0, 1e6)
)
def test_a_month_costs_no_less_than_it_has(
    past: list[float], spent: float, days_left: int, part: float, more: float
) -> None:
    found = forecast(spent + more, more * part, past, days_left)
    assert spent + more <= found.low * (1 + 1e-9) + 1e-6
    assert found.low <= found.expected + 1e-6 <= found.high + 2e-6
