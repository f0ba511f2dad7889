"""The order of a route's connectors: as listed, by price, by quality; and what the trace says of it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.core.order import arrange
from heliograph.core.prices import PriceBook
from heliograph.core.quality import NO_QUALITY, Quality, Score
from heliograph.core.routing import Facts, Route, last_end, looks

VIA = ("a", "b", "c")
USABLE = dict.fromkeys(VIA)


def facts(**changes: Any) -> Facts:
    plain: dict[str, Any] = {"workspace": 1, "number": "", "country": "GB", "kind": "otp", "sender": None, "ballot": 0}
    return Facts(**plain | changes)


def book(**prices: tuple[str, str | None]) -> PriceBook:
    return PriceBook({}, prices)


def quality(leader: str | None = None, **values: float) -> Quality:
    scored = {name: Score(value, 0.01, True) for name, value in values.items()}
    return Quality({("GB", "otp"): scored}, {(0, "all", "GB", "otp"): leader} if leader else {})


def arranged(order: str = "listed", at: Any = None, prices: Any = None, known: Any = NO_QUALITY, **more: Any) -> Any:
    return arrange(Route("all", VIA, order=order, **more), USABLE, at or facts(), prices or PriceBook(), known)


def test_as_listed_there_is_nothing_to_say() -> None:
    assert arranged() == (VIA, None)


# -- by price


@pytest.mark.parametrize(
    ("prices", "via", "why"),
    [
        (book(a=("0.05", "EUR"), b=("0.03", "EUR"), c=("0.04", "EUR")), "bca", "cheapest: 0.03 EUR for a segment"),
        (book(a=("0.05", "EUR"), c=("0.04", "EUR")), "cab", "cheapest: 0.04 EUR for a segment"),
        (book(b=("0.040", "EUR"), c=("0.04", "EUR")), "bca", "cheapest: 0.040 EUR for a segment"),
        (book(a=("10", "EUR"), b=("9", "EUR"), c=("9", "EUR")), "bca", "cheapest: 9 EUR for a segment"),
        (book(a=("0.05", None), b=("0.03", None)), "bac", "cheapest: 0.03 for a segment"),
        (
            book(a=("0.05", "EUR"), b=("0.03", "USD")),
            "abc",
            "as listed: prices in different currencies can't be compared",
        ),
        (book(), "abc", "as listed: no price is known"),
    ],
)
def test_the_cheapest_goes_first_and_what_nobody_knows_last(prices: PriceBook, via: str, why: str) -> None:
    found = arranged("cheapest", prices=prices)
    assert ("".join(found.via), found.why["why"], found.why["first"]) == (via, why, via[0])


def test_a_price_for_a_country_and_kind_counts_before_that_for_all() -> None:
    prices = PriceBook({("a", "GB", "", "otp"): ("0.01", "EUR")}, {"a": ("9", "EUR"), "b": ("0.02", "EUR")})
    assert arranged("cheapest", prices=prices).via[0] == "a"
    assert arranged("cheapest", at=facts(country="FR"), prices=prices).via[0] == "b"
    assert arranged("cheapest", prices=prices).why["prices"] == {"a": "0.01 EUR", "b": "0.02 EUR", "c": None}


# -- by quality


@pytest.mark.parametrize(
    ("known", "via", "why"),
    [
        (NO_QUALITY, "abc", "too few messages to tell"),
        (quality(a=0.9), "abc", "too few messages to tell"),
        (quality(a=0.5, b=0.93, c=0.88), "bca", "best: 0.93 vs 0.88"),
        (quality("c", a=0.5, b=0.93, c=0.90), "cba", "it leads: 0.90 vs 0.93, too close to change"),
        (quality("gone", a=0.5, b=0.93), "bac", "best: 0.93 vs 0.50"),
        (quality(a=0.9, b=0.3), "acb", "best: 0.90 vs 0.30"),  # nothing is known of c: better than what is bad
    ],
)
def test_the_leader_goes_first_then_the_others_by_their_scores(known: Quality, via: str, why: str) -> None:
    found = arranged("best", known=known)
    assert ("".join(found.via), found.why["why"]) == (via, why)


def test_the_trace_has_the_score_of_each() -> None:
    assert arranged("best", known=quality(a=0.912, b=0.5)).why["scores"] == {"a": 0.91, "b": 0.5, "c": None}


def test_a_part_of_the_messages_tries_the_others_first() -> None:
    throws = [place / 1_000 for place in range(1_000)]
    found = [arranged("best", at=facts(dice=dice), known=quality("b", a=0.1, b=0.9), explore=0.1) for dice in throws]
    counts = {name: sum(one.via[0] == name for one in found) for name in VIA}
    assert counts == {"a": 50, "b": 900, "c": 50}
    assert {one.why["why"] for one in found if one.via[0] != "b"} == {"exploring"}
    assert {"".join(one.via) for one in found} == {"bca", "abc", "cba"}  # the leader is next


def test_who_throws_no_dice_explores_nothing() -> None:
    assert arranged("best", at=facts(dice=1.0), known=quality(a=0.9, b=0.5), explore=0.5).why["why"][:4] == "best"
    assert looks((Route("a", VIA), Route("b", VIA, order="best", explore=0.1))).explores == 0.1
    assert looks((Route("a", VIA),)).explores == 0.0


# -- pins


@pytest.mark.parametrize("order", ["listed", "cheapest", "best"])
def test_a_pin_goes_first_whatever_the_order(order: str) -> None:
    found = arranged(order, at=facts(dice=0.0), known=quality(a=0.9, b=0.5), pin="c")
    assert (found.via[0], found.why["first"], found.why["why"], found.why["order"]) == ("c", "c", "pinned", order)


def test_a_pin_ends_when_it_says() -> None:
    routes = (Route("a", VIA, pin="c", pin_until=500), Route("b", VIA, pin="b", pin_until=300), Route("c", VIA))
    ends = looks(routes).pin_ends
    assert ends == (300, 500)
    first = {
        now: arranged(at=facts(at=last_end(ends, now)), pin="c", pin_until=500).via[0] for now in (0, 299, 499, 500)
    }
    assert first == {0: "c", 299: "c", 499: "c", 500: "a"}


@given(st.lists(st.integers(1, 1_000)), st.integers(0, 1_200), st.integers(1, 1_000))
def test_the_last_end_tells_as_much_of_pins_as_the_time_itself(ends: list[int], now: int, until: int) -> None:
    assert (last_end([*ends, until], now) < until) == (now < until)


# -- always


@given(
    st.sampled_from(["listed", "cheapest", "best"]),
    st.sets(st.sampled_from("abc")),
    st.sampled_from([None, "a", "c"]),
    st.floats(0, 1),
)
def test_every_connector_that_can_be_used_is_there_once(
    order: str, usable: set[str], pin: str | None, dice: float
) -> None:
    route = Route("all", VIA, order=order, pin=pin)
    prices, known = book(a=("2", "EUR"), b=("1", "EUR")), quality(a=0.2, b=0.9)
    found = arrange(route, dict.fromkeys(usable), facts(dice=dice), prices, known)
    assert sorted(found.via) == sorted(usable)
    assert found.why is None or found.why["first"] == found.via[0]
