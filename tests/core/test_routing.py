"""Routes: the first whose conditions all hold, a workspace's own before everybody's; shares add up."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.core.routing import Facts, Route, choose, looks, ordered, shadowed


def facts(**changes: Any) -> Facts:
    plain: dict[str, Any] = {"workspace": 1, "number": "+447400123456", "country": "GB", "kind": "otp"}
    more = {"sender": "Acme", "ballot": 0.5, "number_type": "mobile", "tags": ("spring",), "minute": 12 * 60}
    return Facts(**plain | more | changes)


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({}, True),
        ({"workspace": 1}, True),
        ({"workspace": 2}, False),
        ({"countries": frozenset({"GB", "DE"})}, True),
        ({"countries": frozenset({"DE"})}, False),
        ({"prefixes": ("+4474",)}, True),
        ({"prefixes": ("+4475", "+4476")}, False),
        ({"kinds": frozenset({"otp"})}, True),
        ({"kinds": frozenset({"promotional"})}, False),
        ({"senders": frozenset({"Acme"})}, True),
        ({"senders": frozenset({"Other"})}, False),
        ({"types": frozenset({"mobile"})}, True),
        ({"types": frozenset({"fixed_line"})}, False),
        ({"tags": frozenset({"campaign-7", "spring"})}, True),
        ({"tags": frozenset({"winter"})}, False),
        ({"hours": (8 * 60, 20 * 60)}, True),
        ({"hours": (13 * 60, 20 * 60)}, False),
        ({"hours": (20 * 60, 8 * 60)}, False),
        ({"hours": (22 * 60, 13 * 60)}, True),
        ({"share": 0.6}, True),
        ({"share": 0.5}, False),
        ({"countries": frozenset({"GB"}), "kinds": frozenset({"promotional"})}, False),
    ],
)
def test_a_route_takes_what_fits_all_its_conditions(condition: dict[str, Any], holds: bool) -> None:
    route, rest = Route("special", ("a",), **condition), Route("rest", ("b",))
    assert choose((route, rest), facts()) is (route if holds else rest)


def test_where_no_route_fits_there_is_none() -> None:
    assert choose((), facts()) is None
    assert choose((Route("other", ("a",), countries=frozenset({"DE"})),), facts()) is None


@given(st.floats(0, 1), st.lists(st.floats(0, 1, exclude_max=True), min_size=1))
def test_a_share_is_taken_and_the_others_go_on(share: float, ballots: list[float]) -> None:
    part, rest = Route("part", ("a",), share=share), Route("rest", ("b",))
    chosen = [choose((part, rest), facts(ballot=ballot)) for ballot in ballots]
    assert chosen.count(part) == sum(ballot < share for ballot in ballots)
    assert None not in chosen


def test_a_share_is_one_of_those_that_come_by() -> None:
    """Half, then half of the rest, then the rest: whatever else stands between them."""
    elsewhere = Route("elsewhere", ("x",), countries=frozenset({"DE"}), share=0.9)
    routes = (Route("half", ("a",), share=0.5), elsewhere, Route("quarter", ("b",), share=0.5), Route("rest", ("c",)))
    ballots = [(place + 0.5) / 1_000 for place in range(1_000)]
    chosen = [choose(routes, facts(ballot=ballot)) for ballot in ballots]
    counts = {route.name: chosen.count(route) for route in routes}
    assert counts == {"half": 500, "elsewhere": 0, "quarter": 250, "rest": 250}


def test_only_prefixes_and_shares_make_each_message_a_case_of_its_own() -> None:
    assert not looks((Route("a", ("a",), countries=frozenset({"GB"})),)).number
    assert looks((Route("a", ("a",), prefixes=("+44",)),)).number
    assert looks((Route("a", ("a",), share=0.5),)).number


def test_weights_draw_the_first_and_keep_the_others_behind_it() -> None:
    route = Route("canary", ("old", "new", "last"), weights=(0.95, 0.05, 0))
    drawn = [ordered(route, (place + 0.5) / 10_000) for place in range(10_000)]
    assert 9_400 < sum(via == ("old", "new", "last") for via in drawn) < 9_600
    assert set(drawn) == {("old", "new", "last"), ("new", "old", "last")}
    assert ordered(Route("plain", ("a", "b")), 0.9) == ("a", "b")


@pytest.mark.parametrize(
    ("earlier", "later", "never"),
    [
        ({}, {"kinds": frozenset({"otp"})}, True),
        ({"share": 0.5}, {}, False),
        ({"countries": frozenset({"GB", "DE"})}, {"countries": frozenset({"DE"})}, True),
        ({"countries": frozenset({"DE"})}, {"countries": frozenset({"GB", "DE"})}, False),
        ({"countries": frozenset({"DE"})}, {}, False),
        ({"prefixes": ("+44",)}, {"prefixes": ("+4474", "+4475")}, True),
        ({"prefixes": ("+4474",)}, {"prefixes": ("+44",)}, False),
        ({"hours": (0, 600)}, {}, False),
        ({"workspace": 2}, {"workspace": 3}, False),
    ],
)
def test_a_route_that_can_never_match_is_found(earlier: dict[str, Any], later: dict[str, Any], never: bool) -> None:
    routes = (Route("earlier", ("a",), **earlier), Route("later", ("b",), **later))
    assert shadowed(routes) == ([(routes[1], routes[0])] if never else [])


@given(st.floats(0, 1, exclude_max=True), st.sampled_from(["otp", "promotional"]), st.sampled_from(["GB", "DE"]))
def test_what_is_called_unreachable_is_never_reached(ballot: float, kind: str, country: str) -> None:
    routes = (
        Route("a", ("a",), kinds=frozenset({"otp"})),
        Route("b", ("b",), kinds=frozenset({"otp"}), countries=frozenset({"GB"})),
        Route("c", ("c",), share=0.3),
        Route("d", ("d",)),
        Route("e", ("e",), countries=frozenset({"DE"})),
    )
    unreachable = {route.name for route, _ in shadowed(routes)}
    assert unreachable == {"b", "e"}
    chosen = choose(routes, facts(kind=kind, country=country, ballot=ballot))
    assert chosen is not None and chosen.name not in unreachable
