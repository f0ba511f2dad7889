"""Rules for messages from phones: what fits, what follows, and what is never answered by itself."""

import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.core.hours import Hours, Window
from heliograph.core.inbound_rules import Facts, InboundPolicy, Match, Rule, fits, held_back, judge, resembles

NOON = 1_795_176_000_000  # Friday, 2026-11-20T12:00Z
FACTS = Facts(sender="60606", number="+447700900123", text="Where is my ORDER 17?", at=NOON)


@pytest.mark.parametrize(
    ("match", "more", "expected"),
    [
        (Match(), {}, True),
        (Match(sender="60606"), {}, True),
        (Match(sender=["70707", "60606"]), {}, True),
        (Match(sender="70707"), {}, False),
        (Match(keyword="hours"), {"text": "  Hours! "}, True),
        (Match(keyword=["open", "opening hours"]), {"text": "OPENINGHOURS\nSent from my phone"}, True),
        (Match(keyword="horario"), {"text": "Horário"}, True),
        (Match(keyword="hours"), {"text": "hours please"}, False),
        (Match(pattern="where is*order*"), {}, True),
        (Match(pattern="*order"), {}, False),
        (Match(language="pt"), {"languages": frozenset({"pt"})}, True),
        (Match(language=["pt", "es"]), {"languages": frozenset({"en"})}, False),
        (Match(hours=Hours("UTC", [Window(["fri"], "09:00-17:00")])), {}, True),
        (Match(hours=Hours("UTC", [Window(["sat"])])), {}, False),
        (Match(state="new"), {}, True),
        (Match(state="open"), {}, False),
        (Match(state="open"), {"is_new": False}, True),
        (Match(contact="unknown"), {}, True),
        (Match(contact="known"), {"is_known": True}, True),
        (Match(attributes={"tier": "gold"}), {"attributes": {"tier": "gold", "x": "y"}}, True),
        (Match(attributes={"tier": "gold"}), {}, False),
        (Match(sender="60606", keyword="hours"), {}, False),
    ],
)
def test_all_that_a_rule_names_must_fit(match: Match, more: dict[str, Any], expected: bool) -> None:
    assert fits(match, msgspec.structs.replace(FACTS, **more)) is expected


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("order", "Order", True),
        ("order", "orders", False),
        ("order*", "orders", True),
        ("*order", "my order", True),
        ("*or*er*", "my order!", True),
        ("ab*ba", "aba", False),
        ("*café*", "the CAFE", True),
        ("a*a*a", "aa", False),
        ("a*a*a", "aXaXa", True),
        ("*refund*", "line one\nREFUND me", True),
    ],
)
def test_a_star_stands_for_anything(pattern: str, text: str, expected: bool) -> None:
    assert resembles(pattern, text) is expected


@given(st.text("ab*", min_size=1, max_size=8), st.text("ab", max_size=12))
def test_a_pattern_means_what_its_regular_expression_would(pattern: str, text: str) -> None:
    expected = re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text)
    assert resembles(pattern, text) is (expected is not None)


def test_the_first_rule_that_fits_decides_unless_it_lets_others_go_on() -> None:
    rules = [
        Rule("mark", tags=["seen"], goes_on=True),
        Rule("other", Match(sender="70707"), reply="No"),
        Rule("order", Match(pattern="*order*"), reply="{to} thanks {from}", team="sales", flow="track", tags=["seen"]),
        Rule("last", reply="Never"),
    ]
    verdict = judge(rules, FACTS)
    assert verdict.rules == ("mark", "order")
    assert verdict.replies == (("order", "60606 thanks +447700900123"),)
    assert (verdict.tags, verdict.team, verdict.flows) == (("seen",), ("order", "sales"), (("order", "track"),))
    assert verdict.needs_answer


@given(st.lists(st.booleans(), max_size=6), st.lists(st.booleans(), max_size=6))
def test_nothing_after_a_rule_that_decides_has_a_say(fitting: list[bool], going_on: list[bool]) -> None:
    rules = [
        Rule(str(place), Match() if fit else Match(sender="70707"), goes_on=on)
        for place, (fit, on) in enumerate(zip(fitting, going_on, strict=False))
    ]
    found = judge(rules, FACTS).rules
    stops = [rule.name for rule in rules if rule.match == Match() and not rule.goes_on]
    assert list(found) == [r.name for r in rules if r.match == Match() and (not stops or int(r.name) <= int(stops[0]))]


@pytest.mark.parametrize(
    ("number", "text", "sent", "count", "why"),
    [
        ("+447700900123", "Hello", [], 0, ""),
        ("+447700900123", "Hello", ["Bye"], 2, ""),
        ("+447700900123", "Hello", [], 3, "too_many"),
        ("60606", "Hello", [], 0, "not_a_phone"),
        ("Acme", "Hello", [], 0, "not_a_phone"),
        ("+447700900999", "Hello", [], 0, "our_own_number"),
        ("+447700900123", "thanks, we are CLOSED", ["Thanks! We are closed."], 0, "echo"),
    ],
)
def test_machines_are_not_answered(number: str, text: str, sent: list[str], count: int, why: str) -> None:
    assert held_back(number, {"+447700900999"}, text, sent, count, 3) == why


@pytest.mark.parametrize(
    ("rule", "code", "pointer"),
    [
        ({"match": {"keyword": "STOP"}}, "reserved_keyword", "/rules/0/match/keyword"),
        ({"match": {"keyword": ["order", "Help!"]}}, "reserved_keyword", "/rules/0/match/keyword"),
        ({"match": {"keyword": "?!"}}, "bad_value", "/rules/0/match/keyword"),
        ({"match": {"pattern": "**"}}, "bad_value", "/rules/0/match/pattern"),
        ({"match": {"hours": {"zone": "Moon", "open": [{}]}}}, "bad_time_zone", "/rules/0/match/hours/zone"),
    ],
)
def test_rules_that_can_not_work_are_refused(rule: dict[str, Any], code: str, pointer: str) -> None:
    policy = msgspec.convert({"rules": [{"name": "one", **rule}]}, InboundPolicy)
    assert [(refusal.code, refusal.pointer) for refusal in policy.wrong()] == [(code, pointer)]


def test_a_yes_may_have_a_rule() -> None:
    """It counts as an opt-in only where one was asked for."""
    assert msgspec.convert({"rules": [{"name": "a", "match": {"keyword": "YES"}}]}, InboundPolicy).wrong() == []


def test_names_and_spans_are_checked() -> None:
    policy = msgspec.convert({"rules": [{"name": "a"}, {"name": "a"}], "replies_within": "soon"}, InboundPolicy)
    assert [(r.code, r.pointer) for r in policy.wrong()] == [
        ("bad_value", "/rules/1/name"),
        ("bad_span", "/replies_within"),
    ]
