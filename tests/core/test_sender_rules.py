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


def test_every_country_has_a_verdict_that_is_known() -> None:
    verdicts = {"yes", "no", "registration", "partial-registration", "limited", "unknown"}
    assert {rules.alphanumeric for rules in sender_rules._countries().values()} <= verdicts
    assert sender_rules.rules_of("GB").two_way
