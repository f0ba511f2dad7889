"""When to try again, or never."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.core.failures import CONSEQUENCES
from heliograph.core.retry import DEFAULT, after_failure, pause_ms

NOW = 1_700_000_000_000
DAY = 86_400_000


@pytest.mark.parametrize("failure", sorted(name for name, c in CONSEQUENCES.items() if not c.retry))
def test_a_hopeless_failure_is_never_tried_again(failure: str) -> None:
    decision = after_failure(failure=failure, attempt=1, connector="a", plan=["a", "b"], now=NOW, valid_until=NOW + DAY)
    assert decision.at is None and failure in decision.reason


@pytest.mark.parametrize(
    ("failure", "connector", "following"),
    [("transient", "a", "b"), ("transient", "b", "a"), ("unauthorised", "a", "b"), ("throttled", "a", "a"),
     ("unknown", "a", "a")],
)  # fmt: skip
def test_the_class_decides_which_connector_is_next(failure: str, connector: str, following: str) -> None:
    decision = after_failure(
        failure=failure, attempt=1, connector=connector, plan=["a", "b"], now=NOW, valid_until=NOW + DAY
    )
    assert decision.at is not None and decision.connector == following


def test_it_ends_after_the_last_attempt() -> None:
    decision = after_failure(
        failure="transient", attempt=DEFAULT.attempts, connector="a", plan=["a"], now=NOW, valid_until=NOW + DAY
    )
    assert decision.at is None


def test_throttling_does_not_use_attempts_up() -> None:
    decision = after_failure(failure="throttled", attempt=99, connector="a", plan=["a"], now=NOW, valid_until=NOW + DAY)
    assert decision.at is not None


def test_a_carrier_that_names_a_time_is_obeyed() -> None:
    decision = after_failure(
        failure="throttled", attempt=1, connector="a", plan=["a"], now=NOW, valid_until=NOW + DAY, retry_after_ms=7_000
    )
    assert decision.at == NOW + 7_000


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_pauses_are_positive_and_bounded(attempts: int, chance: float) -> None:
    assert 0 < pause_ms(DEFAULT, attempts, chance) <= DEFAULT.longest_ms * (1 + DEFAULT.jitter)


@given(
    st.sampled_from(sorted(CONSEQUENCES)),
    st.integers(1, 30),
    st.integers(0, DAY),
    st.floats(0, 1, exclude_max=True),
    st.none() | st.integers(0, DAY),
)
def test_no_attempt_is_planned_beyond_valid_until(
    failure: str, attempt: int, left: int, chance: float, retry_after: int | None
) -> None:
    decision = after_failure(
        failure=failure,
        attempt=attempt,
        connector="a",
        plan=["a", "b"],
        now=NOW,
        valid_until=NOW + left,
        chance=chance,
        retry_after_ms=retry_after,
    )
    assert decision.at is None or NOW < decision.at < NOW + left
