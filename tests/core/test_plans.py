"""What follows from how the steps of a plan stand: a table, and laws for all of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.core.lifecycle import ENDS, STATES
from heliograph.core.plans import SKIPPED, PlanSpec, PlanStep, Tried, look, ordered

NOW = 1_000_000


def tried(state: str, *, goal: str = "delivered", within: int | None = None, ago: int = 0) -> Tried:
    return Tried(goal, within, NOW - ago, state)


@pytest.mark.parametrize(
    ("steps", "of", "what", "more"),
    [
        ([], 2, "next", None),
        ([tried("sent")], 2, "wait", None),
        ([tried("sent", within=5_000, ago=1_000)], 2, "wait", NOW + 4_000),
        ([tried("sent", within=5_000, ago=5_000)], 2, "next", None),
        ([tried("delivered")], 2, "reached", 0),
        ([tried("read")], 2, "reached", 0),
        ([tried("undelivered")], 2, "next", None),
        ([tried("failed")], 1, "exhausted", None),
        ([tried(SKIPPED)], 2, "next", None),
        ([tried("sent", goal="sent")], 2, "reached", 0),
        ([tried("delivered", goal="read")], 2, "wait", None),
        ([tried("delivered", goal="read", within=1, ago=2)], 2, "next", None),
        ([tried("canceled")], 2, "canceled", None),
        ([tried("sent", within=1, ago=9), tried("queued")], 2, "wait", None),
        ([tried("delivered", within=1, ago=9), tried("queued")], 2, "reached", 0),
        ([tried("undelivered"), tried("delivered")], 2, "reached", 1),
        ([tried("sent", within=1, ago=9), tried("undelivered")], 2, "wait", None),
        ([tried("undelivered"), tried("failed")], 2, "exhausted", None),
        ([tried("sent", within=1, ago=9)], 1, "exhausted", None),
    ],
)
def test_what_follows(steps: list[Tried], of: int, what: str, more: int | None) -> None:
    found = look(steps, of, NOW)
    assert found.what == what
    assert (found.step if what == "reached" else found.at) == more


TRIED = st.builds(
    Tried,
    st.sampled_from(["sent", "delivered", "read"]),
    st.none() | st.integers(1, 10_000),
    st.integers(NOW - 20_000, NOW),
    st.sampled_from([*STATES, SKIPPED]),
)


@given(st.lists(TRIED, max_size=4), st.integers(0, 2))
def test_a_plan_goes_on_waits_or_ends_but_never_stands_still(steps: list[Tried], left: int) -> None:
    found = look(steps, len(steps) + left, NOW)
    if found.what == "next":
        assert left, "there is no step to go on with"
    if found.what == "wait":
        assert any(one.state not in (*ENDS, SKIPPED) or one.state == "delivered" for one in steps), "nothing may come"
        assert found.at is None or found.at > NOW, "what was due is done"
    if found.what == "exhausted":
        assert not left


@given(st.lists(TRIED, min_size=1, max_size=4), st.integers(0, 2))
def test_who_is_reached_is_not_written_to_again(steps: list[Tried], left: int) -> None:
    steps[0] = steps[0]._replace(state="read")
    assert look(steps, len(steps) + left, NOW).what == "reached"


STEPS = [PlanStep("sms"), PlanStep("email"), PlanStep("whatsapp"), PlanStep("sms", kinds=["otp"])]


@pytest.mark.parametrize(
    ("spec", "kind", "preferred", "prices", "places"),
    [
        (PlanSpec(STEPS), "transactional", "email", {}, [0, 1, 2]),
        (PlanSpec(STEPS), "otp", None, {}, [0, 1, 2, 3]),
        (PlanSpec(STEPS, by_preference=True), "transactional", "whatsapp", {}, [2, 0, 1]),
        (PlanSpec(STEPS, by_preference=True), "transactional", "pigeon", {}, [0, 1, 2]),
        (
            PlanSpec(STEPS, cheapest_first=["promotional"]),
            "promotional",
            None,
            {0: ("0.05", "EUR"), 1: ("0.001", "EUR"), 2: ("0.03", "EUR")},
            [1, 2, 0],
        ),
        (PlanSpec(STEPS, cheapest_first=["promotional"]), "transactional", None, {1: ("0", "EUR")}, [0, 1, 2]),
        (PlanSpec(STEPS, cheapest_first=["promotional"]), "promotional", None, {2: ("1", "EUR")}, [2, 0, 1]),
        (
            PlanSpec(STEPS, cheapest_first=["promotional"]),
            "promotional",
            None,
            {0: ("9", "EUR"), 1: ("1", "USD")},
            [0, 1, 2],
        ),
        (
            PlanSpec(STEPS, by_preference=True, cheapest_first=["promotional"]),
            "promotional",
            "sms",
            {0: ("9", "EUR"), 1: ("1", "EUR")},
            [0, 1, 2],
        ),
    ],
)
def test_the_order_of_the_steps(
    spec: PlanSpec, kind: str, preferred: str | None, prices: dict[int, tuple[str, str | None]], places: list[int]
) -> None:
    assert [place for place, _ in ordered(spec, kind, preferred, prices)] == places
