"""What countries ask of senders."""

import pytest

from heliograph.core import sender_rules
from heliograph.core.failures import Refusal


@pytest.mark.parametrize(
    ("sender_type", "country", "registration", "found"),
    [
        ("alphanumeric", "GB", None, None),
        ("alphanumeric", "US", None, "sender_not_possible"),
        ("alphanumeric", "US", "registered", "sender_not_possible"),
        ("alphanumeric", "SG", None, "warning"),
        ("alphanumeric", "SG", "registered", None),
        ("alphanumeric", "SG", "pending", "sender_not_registered"),
        ("long_number", "US", None, "warning"),
        ("long_number", "US", "registered", None),
        ("long_number", "US", "rejected", "sender_not_registered"),
        ("toll_free", "US", "pending", "sender_not_registered"),
        ("short_code", "US", None, None),
        ("long_number", "GB", None, None),
        ("alphanumeric", "XX", None, None),
    ],
)
def test_a_sender_is_judged_by_the_country(
    sender_type: str, country: str, registration: str | None, found: str | None
) -> None:
    said = sender_rules.check("Acme", sender_type, country, registration)
    assert ("warning" if isinstance(said, str) else said.code if said else None) == found
    if isinstance(said, Refusal):
        assert said.pointer == "/sender" and "Acme" in said.detail


@pytest.mark.parametrize(
    ("state", "unregistered", "found"),
    [
        (None, None, "warning"),
        (None, "warn", "warning"),
        (None, "refuse", "sender_not_registered"),
        ("pending", None, "sender_not_registered"),
        ("pending", "warn", "warning"),
        ("rejected", "refuse", "sender_not_registered"),
        ("registered", "refuse", None),
    ],
)
def test_what_happens_without_a_registration_can_be_declared(
    state: str | None, unregistered: str | None, found: str | None
) -> None:
    said = sender_rules.check("+12025550101", "long_number", "US", state, unregistered)
    assert ("warning" if isinstance(said, str) else said.code if said else None) == found


@pytest.mark.parametrize(
    ("value", "sender_type", "is_declared", "two_way", "warns"),
    [
        ("Acme", "alphanumeric", True, True, True),
        ("+12025550101", "long_number", True, True, False),
        ("+12025550101", "long_number", True, False, True),
        ("+12025550101", "long_number", False, False, False),
    ],
)
def test_a_sender_that_nobody_can_answer_is_known(
    value: str, sender_type: str, is_declared: bool, two_way: bool, warns: bool
) -> None:
    assert bool(sender_rules.replies(value, sender_type, is_declared, two_way)) == warns


def test_every_country_has_a_verdict_that_is_known() -> None:
    verdicts = {"yes", "no", "registration", "partial-registration", "limited", "unknown"}
    assert {rules.alphanumeric for rules in sender_rules._countries().values()} <= verdicts
    assert sender_rules.rules_of("GB").two_way
