"""The decision as a whole: each rule can refuse, in order, and the trace tells what each said."""

from typing import Any

import pytest

from heliograph.core.budget import Budget
from heliograph.core.decide import Case, Connector, Rules, Verdict, decide
from heliograph.core.prices import PriceBook, price
from heliograph.core.routing import Route
from heliograph.core.senders import Sender

CONNECTORS = {
    "first": Connector("first", "smpp"),
    "second": Connector("second", "smpp"),
    "sandbox": Connector("sandbox", "sandbox"),
}
PRICES = PriceBook({}, {"first": ("0.05", "EUR"), "second": ("0.04", "EUR")})
EVERYWHERE = (Route("all", ("first", "second")),)


def case(**changes: Any) -> Case:
    plain: dict[str, Any] = {
        "country": "GB",
        "number_type": "mobile",
        "number_valid": True,
        "test_number": False,
        "number": "",
        "kind": "transactional",
        "sender": None,
        "encoding": "gsm7",
        "segments": 2,
        "max_segments": None,
        "ballot": 0.0,
    }
    return Case(**plain | changes)


def rules(**changes: Any) -> Rules:
    plain: dict[str, Any] = {
        "workspace": 1,
        "mode": "live",
        "connectors": CONNECTORS,
        "routes": EVERYWHERE,
        "prices": PRICES,
    }
    return Rules(**plain | {"senders": {"Acme": Sender("Acme", "alphanumeric")}, "budget": Budget()} | changes)


def said(verdict: Verdict, rule: str) -> dict[str, Any]:
    (entry,) = [entry for entry in verdict.trace if entry["rule"] == rule]
    return entry


def test_what_goes_has_sender_lane_way_and_price() -> None:
    verdict = decide(case(), rules())
    assert verdict.refusal is None
    assert (verdict.sender, verdict.lane, verdict.connectors) == ("Acme", 1, ("first", "second"))
    assert (verdict.price, verdict.currency) == ("0.10", "EUR")
    assert [entry["rule"] for entry in verdict.trace] == ["number", "kind", "sender", "budget", "route", "price"]


@pytest.mark.parametrize(
    ("facts", "declared", "code", "last"),
    [
        ({"sender": "Other"}, {}, "unknown_sender", "sender"),
        ({"kind": "otp"}, {}, "over_budget", "budget"),
        ({"segments": 3, "max_segments": 2}, {}, "over_budget", "budget"),
        ({}, {"routes": ()}, "no_route", "budget"),
        ({}, {"routes": (Route("gone", ("removed",)),)}, "no_route", "budget"),
        ({"test_number": True}, {}, "test_number", "route"),
        ({"sender": "Other", "segments": 99}, {"routes": ()}, "unknown_sender", "sender"),
    ],
    ids=[
        "sender",
        "otp of two parts",
        "own limit",
        "no route",
        "its connectors are gone",
        "fiction",
        "the first tells",
    ],
)
def test_each_rule_can_refuse(facts: dict[str, Any], declared: dict[str, Any], code: str, last: str) -> None:
    verdict = decide(case(**facts), rules(**declared))
    assert verdict.refusal is not None and verdict.refusal.code == code
    assert verdict.trace[-1]["rule"] == last


@pytest.mark.parametrize(("kind", "lane"), [("otp", 0), ("transactional", 1), ("support", 1), ("promotional", 2)])
def test_the_kind_decides_the_lane(kind: str, lane: int) -> None:
    assert decide(case(kind=kind, segments=1), rules()).lane == lane


def test_test_traffic_never_reaches_a_real_network() -> None:
    verdict = decide(case(), rules(mode="test"))
    assert verdict.connectors == ("sandbox",) and said(verdict, "route")["why"] == "test traffic"


def test_a_rehearsal_keeps_its_own_sandbox_and_may_use_numbers_of_fiction() -> None:
    connectors = CONNECTORS | {"stage": Connector("stage", "sandbox")}
    routes = (Route("rehearsal", ("stage",)),)
    for mode in ("test", "live"):
        verdict = decide(case(test_number=True), rules(mode=mode, connectors=connectors, routes=routes))
        assert verdict.connectors == ("stage",), mode


def test_a_connector_that_is_gone_is_left_out_of_the_way() -> None:
    connectors = {"second": CONNECTORS["second"]}
    assert decide(case(), rules(connectors=connectors)).connectors == ("second",)


@pytest.mark.parametrize(
    ("segments", "per_segment", "cost"),
    [(1, "0.05", "0.05"), (3, "0.1", "0.3"), (7, "0.0075", "0.0525"), (3, "1e-2", "0.03"), (2, None, None)],
)
def test_money_is_decimal(segments: int, per_segment: str | None, cost: str | None) -> None:
    assert price(segments, per_segment) == cost


def test_the_price_is_that_of_country_and_kind_and_the_trace_says_where_it_stands() -> None:
    book = PriceBook({("first", "GB", "", ""): ("0.07", "GBP")}, PRICES.own)
    verdict = decide(case(), rules(prices=book))
    assert (verdict.price, verdict.currency) == ("0.14", "GBP")
    assert said(verdict, "price") == {
        "rule": "price",
        "price": "0.14",
        "currency": "GBP",
        "connector": "first",
        "line": "country GB",
    }
    assert said(decide(case(country="DE"), rules(prices=book)), "price")["line"] == "price_per_segment"


def test_a_surcharge_is_a_line_of_its_own() -> None:
    book = PriceBook({}, PRICES.own, surcharges={("first", "GB", "", ""): ("0.003", "EUR")})
    verdict = decide(case(), rules(prices=book))
    assert (verdict.price, verdict.surcharge) == ("0.106", "0.006")
    assert said(verdict, "price")["price"] == "0.10"
    assert said(verdict, "surcharge") == {
        "rule": "surcharge",
        "price": "0.006",
        "currency": "EUR",
        "line": "country GB",
        "total": "0.106",
    }
    dollars = PriceBook({}, PRICES.own, surcharges={("first", "GB", "", ""): ("0.003", "USD")})
    assert said(decide(case(), rules(prices=dollars)), "surcharge")["why"].startswith("left out")


def test_without_a_price_the_trace_says_so() -> None:
    verdict = decide(case(), rules(prices=PriceBook()))
    assert (verdict.price, verdict.currency) == (None, None)
    assert said(verdict, "price")["line"] is None


def test_warnings_of_the_content_rules_stand_in_the_trace_and_only_then() -> None:
    warned = decide(case(findings=("brand_missing",)), rules())
    assert warned.refusal is None and said(warned, "content")["findings"] == ("brand_missing",)
    assert all(entry["rule"] != "content" for entry in decide(case(), rules()).trace)


POOL = {
    value: Sender(value, "long_number", pool="shop", home="US", registration={"US": "registered"})
    for value in ("+12025550101", "+12025550102")
}


@pytest.mark.parametrize(
    ("asked", "mode", "why"),
    [("shop", "live", "of its pool"), (None, "live", "default"), ("shop", "test", "of its pool")],
)
def test_a_pool_gives_each_recipient_its_sender_and_the_trace_tells(asked: str | None, mode: str, why: str) -> None:
    facts = case(country="US", number="+12025550143", sender=asked)
    verdict = decide(facts, rules(senders=POOL, mode=mode))
    assert verdict.refusal is None and verdict.sender in POOL
    entry = said(verdict, "sender")
    assert (entry["why"], entry["pool"], entry["choice"]) == (why, "shop", "the recipient's own")
    assert decide(facts, rules(senders=POOL, mode=mode)) == verdict


def test_a_pools_member_can_be_asked_for_by_itself() -> None:
    for value in POOL:
        verdict = decide(case(country="US", number="+12025550143", sender=value), rules(senders=POOL))
        assert verdict.sender == value and said(verdict, "sender")["why"] == "declared"


def test_a_pool_in_which_nothing_fits_is_refused() -> None:
    members = {value: Sender(value, "long_number", pool="shop", kinds=frozenset({"otp"})) for value in POOL}
    verdict = decide(case(country="US", sender="shop"), rules(senders=members))
    assert verdict.refusal is not None and verdict.refusal.code == "no_sender_in_pool"


def test_support_from_a_name_warns_that_nobody_can_answer() -> None:
    verdict = decide(case(kind="support"), rules())
    assert verdict.refusal is None and "nobody can answer" in said(verdict, "replies")["why"]
