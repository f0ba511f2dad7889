"""What a carrier's answer makes of the price of a message: its word is better than our estimate."""

import json
from typing import Any

import pytest

from heliograph.core.message import Outcome, Submission
from heliograph.engine.outcomes import taken
from tests.carriers.network import NOW, message


def answered(outcome: Outcome, **changes: Any) -> tuple[Any, Any]:
    """The message after the answer, and what its event tells."""
    fields = {
        "state": "sending",
        "price": "0.05",
        "currency": "EUR",
        "surcharge": "0.01",
        "segments": 1,
        "possible_duplicate": 0,
    }
    subject = message(1, **fields | changes)
    move = taken(Submission(subject, 1), outcome, "telco", NOW)
    return subject, json.loads(move.events[0].data or "{}")


@pytest.mark.parametrize(
    ("outcome", "price", "surcharge", "billed"),
    [
        (Outcome("accepted", ("a",)), "0.05", "0.01", None),
        (Outcome("accepted", ("a",), parts=1), "0.05", "0.01", None),
        (Outcome("accepted", ("a",), parts=3), "0.15", "0.03", 3),
        (Outcome("accepted", ("a",), parts=0), "0.05", "0.01", None),
        (Outcome("accepted", ("a",), price="0.07", currency="EUR"), "0.08", "0.01", None),
        (Outcome("accepted", ("a", "b"), price="0.14", currency="EUR", parts=2), "0.16", "0.02", 2),
        (Outcome("accepted", ("a",), price="0.07", currency="USD"), "0.07", None, None),
    ],
)
def test_the_carriers_word_on_price_and_parts_counts(
    outcome: Outcome, price: str, surcharge: str | None, billed: int | None
) -> None:
    subject, facts = answered(outcome)
    assert (subject.price, subject.surcharge, subject.billed_segments) == (price, surcharge, billed)
    if price == "0.05":
        assert "price" not in facts
    else:
        assert (facts["price"], facts["estimated_price"], facts["currency"]) == (price, "0.05", subject.currency)
        assert facts.get("billed_segments") == (billed if billed != 1 else None)


def test_where_nothing_was_estimated_the_carriers_price_is_the_price() -> None:
    outcome = Outcome("accepted", ("a",), price="0.07", currency="USD")
    subject, facts = answered(outcome, price=None, currency=None, surcharge=None)
    assert (subject.price, subject.currency) == ("0.07", "USD")
    assert facts["estimated_price"] is None
