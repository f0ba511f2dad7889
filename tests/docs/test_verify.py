"""What docs/verify.md shows is what there is: policy, reasons, fields, figures."""

import re
import tomllib
from pathlib import Path

import msgspec

from heliograph.core.verify import guard, texts
from heliograph.core.verify.policy import Limits, VerifyPolicy
from heliograph.engine import policies
from heliograph.products.verify.asking import VerificationRequest
from tests.core.test_verify import TOO_LONG_WITH_LONG_HOST

PAGE = (Path(__file__).parents[2] / "docs" / "verify.md").read_text()
SHOWN = tomllib.loads(PAGE.partition("```toml\n")[2].partition("```")[0])["policies"]["verify"]


def test_the_policy_of_the_page_can_be_declared_and_names_every_setting() -> None:
    found = msgspec.convert(SHOWN, VerifyPolicy)
    assert policies.FORMS["verify"] is VerifyPolicy and found.wrong() == []
    assert set(SHOWN) == set(VerifyPolicy.__struct_fields__)
    assert set(SHOWN["limits"]) == set(Limits.__struct_fields__)


def test_what_the_page_shows_beyond_lists_is_what_holds_without_a_policy() -> None:
    own = {"countries", "allow", "deny", "max_price", "brand", "whatsapp_template"}
    usual = msgspec.to_builtins(VerifyPolicy())
    assert {name: SHOWN[name] for name in SHOWN if name not in own} == {
        name: list(value) if isinstance(value, tuple) else value for name, value in usual.items() if name not in own
    }


def test_every_reason_stands_there_with_its_action() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (allow|delay|challenge|block) \|", PAGE, re.MULTILINE)
    assert rows == [(reason, action) for reason, (action, _) in guard.REASONS.items()]


def test_every_field_is_explained() -> None:
    rows = PAGE.partition("takes `to` and any of these")[2].partition("\n\n|")[2].partition("\n\n")[0]
    assert set(re.findall(r"`(\w+)`", rows)) >= set(VerificationRequest.__struct_fields__) - {"to"}


def test_the_figures_are_right() -> None:
    assert f"{len(texts.languages())} languages" in PAGE
    assert f"{len(TOO_LONG_WITH_LONG_HOST.split())} languages outside GSM-7" in PAGE
