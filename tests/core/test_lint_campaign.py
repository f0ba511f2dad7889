"""What a campaign registration is rejected for, found beforehand."""

from typing import Any

import msgspec
import pytest

from heliograph.core.lint import BLOCK, Campaign, lint_campaign

FLOW = (
    "People tick a box at https://acme.example/texts, which is empty at first, to get recurring messages of Acme "
    "about boots. Message and data rates may apply. Reply HELP for help, STOP to opt out. "
    "Consent is never shared or sold."
)
GOOD = Campaign(
    brand="Acme",
    use_case="MARKETING",
    description="Acme sends offers of boots and jackets to customers who asked for them.",
    message_flow=FLOW,
    samples=(
        "Acme: new boots are in, [FirstName]! See https://acme.example/b. Reply STOP to opt out",
        "Acme: 20% off all jackets until Sunday. Reply STOP to opt out",
    ),
    domains=frozenset({"acme.example"}),
)


def found(**changes: Any) -> set[tuple[str, str]]:
    campaign = msgspec.structs.replace(GOOD, **changes)
    return {(f.field, f.rule) for f in lint_campaign(campaign) if f.severity == BLOCK}


def test_a_good_campaign_has_no_findings() -> None:
    assert lint_campaign(GOOD) == ()
    code = ("[123456] is your Acme code. It ends in 10 minutes.", "Your Acme login code: [123456]. Do not share it.")
    assert found(use_case="2FA", samples=code) == set()


@pytest.mark.parametrize(
    ("changes", "field", "rule"),
    [
        ({"description": "Acme offers"}, "description", "bad_length"),
        ({"message_flow": "On our site"}, "message_flow", "bad_length"),
        ({"message_flow": FLOW.replace("Acme", "us").replace("acme", "us")}, "message_flow", "brand_missing"),
        ({"message_flow": FLOW.replace("Message and data rates may apply. ", "")}, "message_flow", "rates_missing"),
        ({"message_flow": FLOW.replace("recurring ", "")}, "message_flow", "frequency_missing"),
        ({"message_flow": FLOW.replace("HELP for help, ", "")}, "message_flow", "help_missing"),
        ({"message_flow": FLOW.replace(", STOP to opt out", "")}, "message_flow", "stop_missing"),
        (
            {"message_flow": FLOW.replace("Consent is never shared or sold", "Our partners may text you too")},
            "message_flow",
            "consent_shared",
        ),
        ({"samples": GOOD.samples[:1]}, "samples", "sample_count"),
        ({"samples": GOOD.samples * 3}, "samples", "sample_count"),
        ({"samples": ("Boots are in! Reply STOP to end", "Jackets, too, from Monday")}, "samples", "brand_missing"),
        ({"samples": ("Acme: new boots are in", "Acme: new jackets are in")}, "samples", "opt_out_missing"),
        ({"samples": (GOOD.samples[0], "Acme: boots")}, "samples/1", "bad_length"),
        ({"samples": (GOOD.samples[0], "Acme: boots at bit.ly/3x now")}, "samples/1", "public_shortener"),
        ({"samples": (GOOD.samples[0], "Acme: CBD gummies are back")}, "samples/1", "cannabis"),
        ({"use_case": "2FA"}, "samples/0", "use_case_mismatch"),
        (
            {"use_case": "DELIVERY_NOTIFICATION", "samples": ("Acme: shipped. Reply STOP to end", GOOD.samples[1])},
            "samples/1",
            "use_case_mismatch",
        ),
    ],
)
def test_a_common_cause_of_rejection_is_found_in_its_field(changes: dict[str, Any], field: str, rule: str) -> None:
    assert (field, rule) in found(**changes)
