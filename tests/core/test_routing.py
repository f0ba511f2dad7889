"""Routes: the first whose conditions all hold, a workspace's own before everybody's; shares add up."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.core.routing import Facts, Route, choose, looks_at_number


def facts(**changes: Any) -> Facts:
    plain: dict[str, Any] = {"workspace": 1, "number": "+447400123456", "country": "GB", "kind": "otp"}
    return Facts(**plain | {"sender": "Acme", "ballot": 0.5} | changes)


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
    assert not looks_at_number((Route("a", ("a",), countries=frozenset({"GB"})),))
    assert looks_at_number((Route("a", ("a",), prefixes=("+44",)),))
    assert looks_at_number((Route("a", ("a",), share=0.5),))
