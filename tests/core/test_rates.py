"""The laws of a cap: exact in every window, even where it is asked to be, and never losing capacity."""

from hypothesis import given, settings
from hypothesis import strategies as st

from heliograph.core.rates import Cap

STEPS = st.lists(
    st.tuples(st.floats(0.0, 0.4), st.integers(1, 12), st.sampled_from(["use", "give back", "evenly"])), max_size=200
)


@given(st.integers(12, 200), STEPS)
def test_no_window_of_one_second_holds_more_than_the_cap(rate: int, steps: list[tuple[float, int, str]]) -> None:
    cap, now, used = Cap(rate, -10.0), 0.0, []
    for pause, units, what in steps:
        now += pause
        if (what == "evenly" and cap.even(now) < units) or not cap.reserve(units, now):
            continue
        if what == "give back":
            cap.give_back(units)
        else:
            cap.use(units, now)
            used.append((now, units))
    for start, _ in used:
        assert sum(units for at, units in used if start <= at < start + 1.0) <= rate


@settings(max_examples=30)
@given(st.integers(1, 5_000), st.floats(0.002, 0.01))
def test_what_goes_evenly_loses_no_capacity_and_never_bursts(rate: int, step: float) -> None:
    """Somebody who always has something to send, and looks every few milliseconds."""
    cap, now, used = Cap(rate, -10.0), 0.0, []
    while now < 5.0:
        units = min(cap.free(now), cap.even(now))
        if units > 0:
            cap.hold(units, now)
            cap.use(units, now)
            used.append((now, units))
        now += step
    assert sum(units for _, units in used) >= 0.98 * rate * 5 - rate * 0.1 - 1
    after_start = [(at, units) for at, units in used if at > 0.2]
    for start, _ in after_start:
        in_a_tenth = sum(units for at, units in after_start if start <= at < start + 0.1)
        assert in_a_tenth <= 0.2 * rate + 2, "twice the pace at most, when it was late"


def test_a_message_larger_than_the_cap_goes_alone() -> None:
    cap = Cap(2, -10.0)
    assert cap.reserve(5, 0.0)
    cap.use(5, 0.0)
    assert not cap.reserve(1, 0.9)
    assert cap.reserve(1, 1.1)


def test_the_wait_ends_when_something_fits() -> None:
    cap = Cap(10, -10.0)
    for _ in range(10):
        cap.reserve(1, 5.0)
        cap.use(1, 5.0)
    assert cap.free(5.5) <= 0
    assert cap.free(5.5 + cap.wait(5.5)) > 0


def test_the_wait_for_the_steady_pace_ends_when_one_may_go() -> None:
    cap, now = Cap(100, -10.0), 5.0
    while cap.even(now) > 0:
        cap.hold(1, now)
        cap.use(1, now)
    assert cap.free(now) > 0
    wait = cap.wait(now)
    assert 0.0 < wait <= 0.06 and cap.even(now + wait) > 0


def test_without_a_cap_everything_fits() -> None:
    cap = Cap(0, -10.0)
    assert cap.reserve(10_000, 0.0) and cap.reserve(10_000, 0.0)
    cap.use(20_000, 0.0)
    assert cap.free(0.0) > 1_000_000 and cap.even(0.0) > 1_000_000 and cap.wait(0.0) == 0.0


def test_the_second_before_the_start_counts_as_spent() -> None:
    """A process that died may have sent as much as it might."""
    cap = Cap(10, 5.0)
    assert not cap.reserve(1, 5.0) and cap.free(5.9) <= 0
    assert 1.0 <= cap.wait(5.0) <= 1.05
    assert cap.reserve(10, 6.05)
