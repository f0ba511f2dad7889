"""Routes by price and quality over HTTP: declaring them, the trace, the numbers, and what followed of messages."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.process.server import Api, Server

CONFIG = """
[connectors.dear]
kind = "sandbox"
price_per_segment = "0.05"
currency = "EUR"
[connectors.cheap]
kind = "sandbox"
price_per_segment = "0.03"
currency = "EUR"
receipt_delay_ms = 20
[[routes]]
name = "codes"
via = ["dear", "cheap"]
order = "best"
match = { kind = "otp" }
[[routes]]
name = "french"
via = ["dear"]
match = { network = "SFR" }
[[routes]]
name = "all"
via = ["dear", "cheap"]
order = "cheapest"
"""


@pytest.fixture(scope="module")
def ordering(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("quality"), CONFIG) as running:
        yield running


@pytest.fixture(scope="module")
def owner(ordering: Server) -> Api:
    return Api(ordering, ordering.key("admin", environment="live"))


def trace(api: Api, **request: Any) -> dict[str, Any]:
    """The steps of a decision, by rule."""
    body = {"to": "+447700900123", "text": "Hello", "dry_run": True, **request}
    answer = api("POST", "/v1/messages", body)
    assert answer.status_code == 200, answer.text
    return {step["rule"]: step for step in answer.json()["decision"]}


def test_the_cheapest_goes_first_and_the_trace_says_why(owner: Api) -> None:
    found = trace(owner)
    assert found["order"] == {
        "rule": "order",
        "order": "cheapest",
        "first": "cheap",
        "why": "cheapest: 0.03 EUR for a segment",
        "prices": {"dear": "0.05 EUR", "cheap": "0.03 EUR"},
    }
    assert (found["route"]["via"], found["price"]["price"]) == (["cheap", "dear"], "0.03")
    sent = owner.until(owner.send()["id"], "delivered")
    assert sent["connector"] == "cheap"
    assert found["order"] in sent["decision"]


def test_with_too_few_messages_the_best_is_the_first_in_the_list_or_explored(owner: Api) -> None:
    found = [trace(owner, kind="otp")["order"] for _ in range(60)]
    assert {(one["first"], one["why"]) for one in found} >= {("dear", "too few messages to tell")}
    assert {one["why"] for one in found if one["first"] == "cheap"} <= {"exploring"}


def test_a_route_by_network_goes_by_the_numbers_range(owner: Api) -> None:
    found = trace(owner, to="+33612345678")
    assert found["network"] == {"rule": "network", "network": "SFR", "why": "by number range"}
    assert found["route"]["route"] == "french"
    assert trace(owner, to="+33700012345")["route"]["route"] == "all"


ROUTE = {"name": "all", "via": ["dear", "cheap"]}


@pytest.mark.parametrize(
    ("route", "code", "pointer", "says"),
    [
        ({"order": "chepest"}, "unknown_order", "order", "Did you mean 'cheapest'?"),
        ({"order": "best", "weights": [1, 1]}, "bad_weights", "weights", "give one of the two"),
        ({"pin": "deer"}, "bad_pin", "pin", "Did you mean 'dear'?"),
        ({"pin": "sandbox"}, "bad_pin", "pin", "is not in via: dear, cheap"),
        ({"pin_until": "2030-01-01T00:00:00Z"}, "bad_pin", "pin_until", "there is no pin"),
        ({"pin": "dear", "pin_until": "tomorrow"}, "bad_time", "pin_until", "not an RFC 3339 time"),
        ({"explore": 0.1}, "bad_value", "explore", "order = 'best'"),
        ({"order": "best", "explore": 0}, "bad_value", "explore", ">= 0.01"),
        ({"match": {"network": "Vodafon"}}, "unknown_network", "match/network", "Did you mean 'Vodafone'?"),
    ],
)
def test_an_order_that_cant_be_is_refused(owner: Api, route: Any, code: str, pointer: str, says: str) -> None:
    answer = owner("POST", "/v1/apply", {"document": {"routes": [ROUTE | route]}, "dry_run": True})
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["code"], error["pointer"]) == (code, f"/document/routes/0/{pointer}")
    assert says in error["detail"]


def test_a_pin_is_declared_audited_and_holds_at_once(owner: Api) -> None:
    for route, why in (
        (ROUTE | {"order": "cheapest", "pin": "dear"}, "pinned"),
        (ROUTE | {"order": "cheapest"}, "che"),
    ):
        assert owner("POST", "/v1/apply", {"document": {"routes": [route]}}).status_code == 200
        assert trace(owner)["order"]["why"].startswith(why)
    assert owner("GET", "/v1/audit").json()["data"][0]["action"] == "route.changed"


# -- what followed


def test_what_followed_is_kept_once_for_each_kind(owner: Api) -> None:
    sent = owner.send()
    path = f"/v1/messages/{sent['id']}/conversion"
    first = owner("POST", path, {"kind": "verified"})
    assert first.status_code == 200
    assert first.json() == {"id": sent["id"], "kind": "verified", "at": first.json()["at"]}
    assert owner("POST", path, {"kind": "verified"}).json() == first.json()
    created = owner("GET", f"/v1/messages/{sent['id']}").json()["created_at"]
    assert owner("POST", path, {"kind": "clicked", "at": created}).json()["at"] == created


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({}, "missing_field", "/kind"),
        ({"kind": "bought"}, "bad_value", "/kind"),
        ({"kind": "other", "at": "now"}, "bad_time", "/at"),
        ({"kind": "other", "at": "2020-01-01T00:00:00Z"}, "bad_time", "/at"),
        ({"kind": "other", "at": "2100-01-01T00:00:00Z"}, "bad_time", "/at"),
        ({"kind": "other", "value": 5}, "unknown_field", "/value"),
    ],
)
def test_what_cant_have_followed_is_refused(owner: Api, body: Any, code: str, pointer: str) -> None:
    path = f"/v1/messages/{owner.send()['id']}/conversion"
    answer = owner("POST", path, body)
    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_only_who_may_send_tells_and_only_who_may_analyse_reads(ordering: Server, owner: Api) -> None:
    sent = owner.send()
    reader = Api(ordering, ordering.key("messages:read", environment="live"))
    for method, path, scope in (
        ("POST", f"/v1/messages/{sent['id']}/conversion", "messages:send"),
        ("GET", "/v1/quality", "analytics:read"),
    ):
        answer = reader(method, path, {"kind": "verified"} if method == "POST" else None)
        assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")
        assert scope in answer.json()["detail"]


# -- the numbers


def test_the_numbers_are_those_of_who_asks_and_of_all_for_the_operator(ordering: Server, owner: Api) -> None:
    owner.until(owner.send(to="+12025550123")["id"], "delivered")
    ordering.run("workspaces", "create", "shop")
    shop = Api(ordering, ordering.key("analytics:read", "messages:send", environment="live", workspace="shop"))
    assert shop("GET", "/v1/quality").json()["data"] == []
    found = owner("GET", "/v1/quality").json()
    (american,) = [way for way in found["data"] if way["country"] == "US"]
    assert (american["connector"], american["submitted"], american["score"]) == ("cheap", 1, None)
    assert found["since"] < found["until"] and found["leaders"] == []
