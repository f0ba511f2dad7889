"""The laws of a message's life (invariant 4: forward only)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.core.lifecycle import ENDS, FACTS, NOTES, RANK, STATES, advance, worst_part

ALL_FACTS = [*FACTS, *NOTES]


@pytest.mark.parametrize(
    ("state", "fact", "to", "event"),
    [
        ("accepted", "queue", "queued", "message.queued"),
        ("accepted", "schedule", "scheduled", "message.scheduled"),
        ("scheduled", "hand_over", "sending", None),
        ("queued", "hand_over", "sending", None),
        ("sending", "taken", "sent", "message.sent"),
        ("sending", "try_again", "queued", "message.queued"),
        ("sending", "refused", "failed", "message.failed"),
        ("sent", "delivered", "delivered", "message.delivered"),
        ("sent", "undelivered", "undelivered", "message.undelivered"),
        ("delivered", "read", "read", "message.read"),
        ("queued", "cancel", "canceled", "message.canceled"),
        ("queued", "reject", "rejected", "message.rejected"),
        ("queued", "expired", "expired", "message.expired"),
    ],
)
def test_a_fact_leads_to_its_state(state: str, fact: str, to: str, event: str | None) -> None:
    step = advance(state, fact)
    assert (step.state, step.event, step.ignored) == (to, event, None)


@pytest.mark.parametrize("end", ["undelivered", "expired", "failed"])
def test_a_late_delivered_corrects_a_wrong_end(end: str) -> None:
    step = advance(end, "delivered")
    assert (step.state, step.correction) == ("delivered", True)


@pytest.mark.parametrize("state", ["sending", "sent", "delivered", "canceled"])
def test_nothing_is_canceled_once_it_was_handed_over(state: str) -> None:
    assert advance(state, "cancel").ignored


@given(st.sampled_from(STATES), st.sampled_from(ALL_FACTS))
def test_rank_only_rises_but_for_another_attempt(state: str, fact: str) -> None:
    step = advance(state, fact)
    assert step.state == state or RANK[step.state] > RANK[state] or fact == "try_again"
    assert (step.ignored is None) == (step.state != state)


@given(st.lists(st.sampled_from(ALL_FACTS), max_size=12))
def test_the_first_end_stays_whatever_follows_except_for_corrections(facts: list[str]) -> None:
    state, first_end = "accepted", None
    for fact in facts:
        state = advance(state, fact).state
        if first_end is None and state in ENDS:
            first_end = state
    if first_end is not None:
        assert state == first_end or state in ("delivered", "read")


@given(st.permutations(["delivered", "undelivered", "taken", "delivered", "buffered"]))
def test_receipts_in_any_order_end_as_delivered(facts: list[str]) -> None:
    state = "sending"
    for fact in facts:
        state = advance(state, fact).state
    assert state == "delivered"


@given(st.sampled_from(STATES), st.sampled_from(ALL_FACTS))
def test_the_same_fact_twice_changes_nothing_more(state: str, fact: str) -> None:
    once = advance(state, fact).state
    assert advance(once, fact).state == once


@pytest.mark.parametrize(
    ("parts", "fact"),
    [
        (["delivered"], "delivered"),
        (["delivered", "accepted"], None),
        (["delivered", "delivered", "delivered"], "delivered"),
        (["delivered", "undelivered"], "undelivered"),
        (["accepted", "expired"], "expired"),
        (["refused", "delivered"], "refused"),
        (["read", "delivered"], "read"),
    ],
)
def test_a_message_is_what_its_parts_say(parts: list[str], fact: str | None) -> None:
    assert worst_part(parts) == fact
