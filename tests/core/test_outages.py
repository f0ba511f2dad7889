"""When all ways are shut, and what a plan may say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.core.outages import ALL, KindPlan, OutagePolicy, Shut, begins, filled, is_over, shut_ways

POLICY = OutagePolicy(begins_after_s=10, ends_after_s=30)
A, B = Shut(1_000, "a is down"), Shut(5_000, "b is down")
WAYS = [
    ("one of two is down", {("a", ALL): A}, {}),
    ("both are down: since the last was", {("a", ALL): A, ("b", ALL): B}, {ALL: B}),
    ("one fails for a country, the other is down", {("a", "FR"): A, ("b", ALL): B}, {"FR": B}),
    ("each fails for another country", {("a", "FR"): A, ("b", "DE"): B}, {}),
    ("down is more than failing for a country", {("a", ALL): A, ("b", ALL): B, ("a", "FR"): A}, {ALL: B}),
    ("others are down", {("c", ALL): A}, {}),
]


@pytest.mark.parametrize(("shut", "found"), [row[1:] for row in WAYS], ids=[row[0] for row in WAYS])
def test_a_way_is_shut_when_all_its_connectors_are(shut: dict[tuple[str, str], Shut], found: dict[str, Shut]) -> None:
    assert shut_ways([("b", "a")], shut) == {(("a", "b"), country): why for country, why in found.items()}


@given(st.sets(st.sampled_from("abcd")), st.lists(st.sets(st.sampled_from("abcd"), min_size=1), max_size=4))
def test_no_way_with_a_connector_that_works_is_shut(down: set[str], ways: list[set[str]]) -> None:
    found = shut_ways([tuple(way) for way in ways], {(name, ALL): A for name in down})
    assert {way for way, _ in found} == {tuple(sorted(way)) for way in ways if way <= down}


def test_an_outage_begins_and_ends_with_patience() -> None:
    assert not begins(A, 10_999, POLICY)
    assert begins(A, 11_000, POLICY)
    assert not is_over(None, 99_000, POLICY)
    assert not is_over(1_000, 30_999, POLICY)
    assert is_over(1_000, 31_000, POLICY)


WRONG = [
    ("a kind that is none", {"fax": KindPlan()}, "unknown_kind"),
    ("a pause with a channel", {"otp": KindPlan(channel="whatsapp", then="pause")}, "bad_value"),
    ("a channel by another address", {"otp": KindPlan(channel="email")}, "unknown_channel"),
    ("the channel that is out", {"otp": KindPlan(channel="sms")}, "unknown_channel"),
    ("content of another channel", {"otp": KindPlan(channel="whatsapp", content={"subject": "x"})}, "bad_content"),
]


@pytest.mark.parametrize(("kinds", "code"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_a_plan_that_can_not_work_is_refused(kinds: dict[str, KindPlan], code: str) -> None:
    assert [refusal.code for refusal in OutagePolicy(kinds=kinds).wrong()] == [code]


def test_a_channel_gets_the_words_of_the_message() -> None:
    content = {"template": {"variables": ["Notice", "{{text}}"]}}
    assert filled(content, "Your train is late") == {"template": {"variables": ["Notice", "Your train is late"]}}
