"""What one receipt means for its message, of one part and of several; and in which forms ids are looked for."""

import json
from typing import Any

import pytest

from heliograph.core.message import Message, Receipt
from heliograph.engine.receipts import FORMS, judge
from heliograph.store.port import AttemptRow, Match
from tests.carriers.network import NOW, message


def part(number: int, state: str = "accepted") -> AttemptRow:
    return AttemptRow(1, 1, number, "play", state, f"id-{number}", None, None, None, NOW, NOW, None)


def told(sent: Message, fact: str, state: str = "accepted", others: tuple[str, ...] = (), **more: Any) -> Any:
    """The move that a receipt for the first part makes, when the others stand like this."""
    receipt = Receipt("play", "id-1", fact, NOW + 9, **more)
    rest = tuple(part(number, other) for number, other in enumerate(others, 2))
    return judge(Match(receipt, sent, part(1, state), rest))


def sent(**changes: Any) -> Message:
    return message(1, **{"state": "sent", "owner": 1, "sent_at": NOW} | changes)


@pytest.mark.parametrize(
    ("state", "fact", "after"),
    [
        ("sent", "delivered", "delivered"),
        ("sent", "undelivered", "undelivered"),
        ("sent", "expired", "expired"),
        ("sent", "buffered", "sent"),
        ("delivered", "read", "read"),
        ("delivered", "undelivered", "delivered"),
        ("delivered", "delivered", "delivered"),
        ("expired", "delivered", "delivered"),
        ("canceled", "buffered", "canceled"),
    ],
)
def test_a_receipt_moves_a_message_forward_only(state: str, fact: str, after: str) -> None:
    subject = sent(state=state)
    move = told(subject, fact)
    assert move.message.state == after
    types = [event.type for event in move.events]
    assert types == (["receipt.ignored"] if after == state else [f"message.{after}"])


@pytest.mark.parametrize(
    ("fact", "others", "after"),
    [
        ("delivered", ("accepted", "accepted"), "sent"),
        ("delivered", ("delivered", "accepted"), "sent"),
        ("delivered", ("delivered", "delivered"), "delivered"),
        ("delivered", ("undelivered", "delivered"), "undelivered"),
        ("undelivered", ("delivered", "delivered"), "undelivered"),
        ("undelivered", ("delivered", "accepted"), "undelivered"),
    ],
)
def test_several_parts_arrive_together_or_not_at_all(fact: str, others: tuple[str, ...], after: str) -> None:
    assert told(sent(segments=3), fact, others=others).message.state == after


def test_a_price_of_each_part_makes_that_of_the_message() -> None:
    move = told(sent(segments=3), "delivered", others=("delivered", "delivered"), price="0.05", currency="EUR")
    assert (move.message.price, move.message.currency) == ("0.15", "EUR")
    assert told(sent(), "delivered", price="0.05", currency="EUR").message.price == "0.05"


def facts(move: Any) -> Any:
    return json.loads(move.events[0].data)


def test_what_was_estimated_is_told_beside_what_the_carrier_asks() -> None:
    guessed = sent(price="0.04", currency="EUR", surcharge="0.01")
    move = told(guessed, "delivered", price="0.05", currency="EUR")
    assert (move.message.price, move.message.surcharge) == ("0.06", "0.01")
    assert facts(move) == {"price": "0.06", "currency": "EUR", "estimated_price": "0.04"}


def test_as_many_parts_as_the_carrier_made_are_paid_once() -> None:
    guessed = sent(price="0.04", currency="EUR")
    move = told(guessed, "delivered", parts=2)
    assert (move.message.price, move.message.billed_segments) == ("0.08", 2)
    assert facts(move)["billed_segments"] == 2
    again = told(sent(price="0.08", currency="EUR", billed_segments=2), "delivered", parts=2)
    assert again.message.price == "0.08"


def test_a_price_that_comes_late_counts_and_stays_when_it_is_told_again() -> None:
    over = sent(state="delivered", price="0.04", currency="EUR")
    move = told(over, "delivered", price="0.05", currency="EUR")
    assert (move.message.state, move.message.price, move.events[0].type) == ("delivered", "0.05", "receipt.ignored")
    assert facts(move)["price"] == "0.05"
    again = told(over, "delivered", price="0.05", currency="EUR")
    assert again.message.price == "0.05" and "estimated_price" not in facts(again)


def test_progress_may_bring_a_price_too() -> None:
    move = told(sent(price="0.04", currency="EUR"), "buffered", price="0.05", currency="EUR")
    assert (move.message.state, move.message.price) == ("sent", "0.05")
    unknown = sent(state="queued", attempts=1, price="0.04", currency="EUR")
    move = told(unknown, "buffered", state="unknown", price="0.05", currency="EUR")
    assert (move.message.state, move.message.price, facts(move)["estimated_price"]) == ("sent", "0.05", "0.04")


def test_why_it_failed_is_kept_and_forgotten_when_it_arrived_after_all() -> None:
    failed = told(sent(), "expired", failure="unreachable", code="absent", carrier_code="27").message
    assert (failed.failure, failed.failure_code, failed.carrier_code) == ("unreachable", "absent", "27")
    arrived = told(failed, "delivered", state="expired")
    assert arrived.message.failure is None and arrived.events[0].data == '{"correction":true}'


@pytest.mark.parametrize(
    ("form", "reported", "ours"),
    [
        ("as_is", "abc", "abc"),
        ("stripped", "000123", "123"),
        ("stripped", "000", None),
        ("hex_to_decimal", "7B", "123"),
        ("hex_to_decimal", "xyz", None),
        ("decimal_to_hex", "255", "ff"),
        ("decimal_to_hex", "ff", None),
        ("decimal_to_upper_hex", "255", "FF"),
        ("lower", "AbC", "abc"),
        ("upper", "AbC", "ABC"),
    ],
)
def test_an_id_may_be_reported_in_another_form(form: str, reported: str, ours: str | None) -> None:
    assert FORMS[form](reported) == ours
