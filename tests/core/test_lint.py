"""What the content rules find: the vectors, a table by rule, ordinary texts, and laws that hold for any text."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliograph.core.lint import BLOCK, RULES, WARN, Content, lint
from heliograph.core.message import LANES
from tests.core.lint_texts import GOOD, ORDINARY, TEXTS

VECTORS = json.loads((Path(__file__).parent / "data" / "content_vectors.json").read_text())


def rules_of(text: str, kind: str, country: str = "US", **given: Any) -> set[str]:
    return {finding.rule for finding in lint(text, kind=kind, country=country, **given)}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["text"][:40])
def test_a_vector_finds_exactly_what_it_expects(vector: dict[str, Any]) -> None:
    found = rules_of(vector["text"], vector["class"], vector["country"], brands=(vector["brand"],))
    assert sorted(found) == sorted(vector["expect"])


@pytest.mark.parametrize(("rule", "kind", "country", "text"), TEXTS)
def test_a_bad_text_is_found_by_its_rule(rule: str, kind: str, country: str, text: str) -> None:
    given = {"brands": ("Acme",), "domains": frozenset({"acme.example"}), "sender_type": "long_number"}
    if rule == "opt_out_dead_end":
        given["sender_type"] = "alphanumeric"
    found = {f.rule: f for f in lint(text, kind=kind, country=country, **given)}  # type: ignore[arg-type]
    assert rule in found
    assert found[rule].suggestion and found[rule].detail.startswith(RULES[rule].says)


@pytest.mark.parametrize(("rule", "kind", "country", "text"), GOOD)
def test_a_text_that_only_looks_bad_is_left_alone(rule: str, kind: str, country: str, text: str) -> None:
    given = {"brands": ("Acme",), "domains": frozenset({"acme.example"}), "sender_type": "long_number"}
    assert rule not in rules_of(text, kind, country, **given)


@pytest.mark.parametrize(("kind", "text"), ORDINARY)
def test_an_ordinary_text_is_never_blocked(kind: str, text: str) -> None:
    assert [f for f in lint(text, kind=kind, country="GB") if f.severity == BLOCK] == []


def test_the_tables_have_every_rule() -> None:
    assert {rule for rule, *_ in TEXTS} == set(RULES)
    assert len(TEXTS) + len(GOOD) >= 150 and len(ORDINARY) >= 60


TRICKY = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from("stop2=end{}[]<>%$!?.:/@#-_ \n\u200b\u200d\u202eİßıАеΟ٣²\U0001f3f4\U000e0067xn--0134"),
    ),
    max_size=300,
)
PIECES = st.lists(
    st.sampled_from(
        [
            "https://",
            "http://",
            "bit.ly/",
            "xn--",
            "a.b",
            "stop",
            "STOP2",
            "{{",
            "}}",
            "\u200b",
            "Нello",
            " ",
            "4111 ",
            "İ",
        ]
    ),
    max_size=60,
).map("".join)


@given(
    st.one_of(TRICKY, PIECES),
    st.sampled_from(list(LANES)),
    st.sampled_from(["", "US", "AE", "SA"]),
    st.sampled_from([(), ("Acme", "İstanbul")]),
    st.sampled_from([None, "alphanumeric", "short_code"]),
)
@settings(max_examples=600, deadline=None)
def test_any_text_is_judged_the_same_again_and_places_lie_inside_it(
    text: str, kind: str, country: str, brands: tuple[str, ...], sender_type: str | None
) -> None:
    judged = lint(text, kind=kind, country=country, brands=brands, sender_type=sender_type)
    assert judged == lint(text, kind=kind, country=country, brands=brands, sender_type=sender_type)
    assert len({finding.rule for finding in judged}) == len(judged)
    for finding in judged:
        assert 0 <= finding.where[0] <= finding.where[1] <= len(text)
        assert kind in RULES[finding.rule].kinds


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "a.",
        "1",
        "1 ",
        "-",
        "stop ",
        "{",
        "[",
        "{{",
        "%",
        "http://",
        "reply ",
        "\u200f",
        "А",
        "aА ",
        "a@",
        "x--.",
        "4 ",
    ],
)
def test_a_long_text_takes_steps_in_proportion_to_its_length(piece: str) -> None:
    """A pattern that goes wrong takes minutes for this, not moments: it would run into the time-out of the tests."""
    for kind in LANES:
        lint(piece * (60_000 // len(piece)), kind=kind, brands=("Acme",), sender_type="alphanumeric")


def test_the_gravest_comes_first() -> None:
    found = lint("Sale at bit.ly/x!!! stop2end", kind="promotional", brands=("Acme",))
    assert [f.severity for f in found] == sorted((f.severity for f in found), key=["block", "warn", "info"].index)


def test_a_country_makes_a_rule_graver() -> None:
    text = "Acme: wine tasting. Reply STOP to opt out"
    assert [f.severity for f in lint(text, kind="promotional", country="GB")] == [WARN]
    assert {f.severity for f in lint(text, kind="promotional", country="AE")} == {BLOCK}


def test_a_secret_is_not_repeated() -> None:
    for text in ("Your card 4111 1111 1111 1111 was used", "Key: sk_live_abcdefghijklmnop", "SSN 123-45-6789"):
        (found,) = (f for f in lint(text, kind="transactional") if f.rule == "secret_in_body")
        assert not any(character.isdigit() for character in found.detail)


def test_a_workspace_changes_what_is_made_of_a_finding() -> None:
    found = lint("Acme: Sale at bit.ly/x. Reply STOP to end", kind="promotional")
    default = Content()
    assert default.refused("promotional", default.weigh(found)) is not None
    assert default.refused("transactional", default.weigh(found)) is None
    for milder in (Content(rules={"public_shortener": "warn"}), Content(rules={"public_shortener": "off"})):
        assert milder.refused("promotional", milder.weigh(found)) is None
    stricter = Content(rules={"opt_out_missing": "block"})
    assert stricter.refused("promotional", stricter.weigh(lint("Acme: hello", kind="promotional"))) is not None


def test_kinds_are_looked_at_when_their_mode_says_so() -> None:
    assert Content().linted == {"promotional"}
    assert Content(modes={"otp": "warn", "promotional": "off", "support": "block"}).linted == {"otp", "support"}
