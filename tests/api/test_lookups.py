"""Providers are asked about numbers: on request, and before messages where that is declared."""

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
import requests

from tests.process.oracle import Oracle
from tests.process.server import Api, Server

CONFIG = """
[connectors.quick]
kind = "sandbox"
[[routes]]
name = "all"
via = ["quick"]
"""
FIXED = "+447700900211"  # of fiction: only sandbox routes take it


@pytest.fixture(scope="module")
def oracle() -> Iterator[Oracle]:
    with Oracle() as listening:
        yield listening


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, oracle: Oracle) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("lookups"), CONFIG + oracle.connector("telco")) as running:
        yield running


@pytest.fixture(scope="module")
def live(shop: Server) -> Api:
    return Api(shop, shop.key("admin", environment="live"))


@pytest.fixture(scope="module")
def trial(shop: Server) -> Api:
    return Api(shop, shop.key("admin"))


@pytest.fixture(autouse=True)
def usual(oracle: Oracle) -> None:
    oracle.status, oracle.delay_s = 200, 0.0
    oracle.asked.clear()
    oracle.types[FIXED] = "landline"


def look(api: Api, number: str, provider: str = "telco") -> Any:
    return api("GET", f"/v1/lookup/{quote(number)}?provider={provider}")


def number(last: int) -> str:
    return f"+4477009{last:05}"


def step(api: Api, to: str, kind: str = "otp") -> Any:
    sent = api("POST", "/v1/messages", {"to": to, "text": "1234", "kind": kind})
    assert sent.status_code == 202, sent.text
    shown = api("GET", f"/v1/messages/{sent.json()['id']}").json()
    return next((one for one in shown["decision"] if one["rule"] == "lookup"), None)


def test_a_provider_is_asked_once_and_what_it_costs_is_noted(live: Api, oracle: Oracle) -> None:
    live("PUT", "/v1/prices", {"csv": "connector,item,price,currency\ntelco,lookup,0.005,USD\n"})
    first = look(live, number(301)).json()
    asked = first["asked"]
    assert first["e164"] == number(301) and asked.pop("at")
    assert asked == {
        "provider": "telco",
        "valid": True,
        "type": "mobile",
        "carrier": "Example",
        "mccmnc": "23410",
        "can_receive": True,
        "price": "0.005",
        "currency": "USD",
        "note": None,
    }
    assert look(live, number(301)).json()["asked"]["carrier"] == "Example"
    assert oracle.asked == [number(301)]
    spent = live("GET", "/v1/costs?by=connector").json()["data"]
    assert [(one["group"], one["lookup"]) for one in spent if one["lookup"] != "0"] == [("telco", "0.005")]


def test_without_an_answer_what_is_known_here_is_told_with_a_note(live: Api, oracle: Oracle) -> None:
    oracle.status = 503
    found = look(live, number(302)).json()
    assert found["country"] == "GB" and found["asked"]["carrier"] is None
    assert found["asked"]["note"] == "offers no lookup, or did not answer"


def test_nobody_is_asked_when_nobody_is_named(live: Api, oracle: Oracle) -> None:
    assert live("GET", f"/v1/lookup/{quote(number(303))}").json()["asked"] is None
    assert oracle.asked == []


def test_a_connector_that_is_not_there_is_refused(live: Api) -> None:
    answer = look(live, number(304), "nobody")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_connector")


def test_test_traffic_asks_the_sandbox_alone(trial: Api, oracle: Oracle) -> None:
    assert "test traffic" in look(trial, number(305)).json()["asked"]["note"]
    assert look(trial, "+447700900204", "quick").json()["asked"]["can_receive"] is False  # …04: a bad number
    assert look(trial, "+447700900206", "quick").json()["asked"]["can_receive"] is True
    assert oracle.asked == []


def test_asking_costs_money_so_reading_does_not_suffice(shop: Server) -> None:
    reader = Api(shop, shop.key("messages:read", environment="live"))
    assert reader("GET", f"/v1/lookup/{quote(number(306))}").status_code == 200
    assert look(reader, number(306)).json()["code"] == "missing_scope"


def test_another_workspace_sees_nothing_of_what_was_asked(shop: Server, live: Api, oracle: Oracle) -> None:
    shop.run("workspaces", "create", "tenant")
    tenant = Api(shop, shop.key("admin", workspace="tenant", environment="live"))
    look(live, number(307))
    look(tenant, number(307))
    assert oracle.asked == [number(307)] * 2
    assert tenant("GET", f"/v1/people/{quote(number(307))}/export").json()["lookups"] != []
    assert [one["group"] for one in tenant("GET", "/v1/costs?by=workspace").json()["data"]] == ["tenant"]
    assert tenant("GET", "/v1/costs?workspace=default").json()["code"] == "unknown_workspace"


# -- before messages


@pytest.fixture
def asks(live: Api) -> Iterator[Api]:
    answer = live.policy("lookup", before=["otp"], provider="telco", timeout_ms=800)
    assert answer.status_code == 200, answer.text
    yield live
    live.policy("lookup")


def refused(api: Api, to: str) -> requests.Response:
    """What a code is answered once the provider's answer is here: a loaded machine may need longer than a message
    waits, and then the next one finds it."""
    end = time.monotonic() + 10
    while True:
        answer = api("POST", "/v1/messages", {"to": to, "text": "1234", "kind": "otp"})
        if answer.status_code != 202 or time.monotonic() > end:
            return answer


def test_a_code_is_not_sent_to_a_number_that_can_not_take_it(asks: Api, oracle: Oracle) -> None:
    answer = refused(asks, FIXED)
    assert (answer.status_code, answer.json()["code"]) == (422, "number_not_reachable"), answer.text
    assert "its type is fixed" in answer.json()["detail"]
    assert asks("POST", "/v1/messages", {"to": FIXED, "text": "Hello"}).status_code == 202, "other kinds are not asked"
    batch = {"defaults": {"kind": "otp", "text": "1"}, "messages": [{"to": FIXED}, {"to": number(311)}]}
    data = asks("POST", "/v1/messages/batch", batch).json()["data"]
    assert [one.get("code", one["status"]) for one in data] == ["number_not_reachable", "queued"]
    form = asks("POST", "/sms/send", {"to": FIXED, "message": "Hello"})
    assert form.status_code == 200, "this door sends no codes"
    end = time.monotonic() + 10
    while oracle.asked != [FIXED, number(311)]:
        assert time.monotonic() < end, oracle.asked
        time.sleep(0.01)


def test_what_was_said_stands_in_the_trace(asks: Api) -> None:
    look(asks, number(312))
    found = step(asks, number(312))
    assert (found["type"], found["carrier"], found["why"]) == ("mobile", "Example", "can be texted")
    assert step(asks, number(312), "transactional") is None


def test_a_warning_lets_it_go(asks: Api) -> None:
    asks.policy("lookup", before=["otp"], provider="telco", action="warn")
    look(asks, FIXED)
    assert step(asks, FIXED)["why"] == "its type is fixed"


@pytest.mark.parametrize(("status", "delay_s"), [(503, 0.0), (200, 1.2)])
def test_a_provider_that_fails_or_is_slow_stops_nothing(asks: Api, oracle: Oracle, status: int, delay_s: float) -> None:
    oracle.status, oracle.delay_s = status, delay_s
    asks.policy("lookup", before=["otp"], provider="telco", timeout_ms=100)
    why = step(asks, number(320 + (status == 503)))["why"]
    assert why == ("offers no lookup, or did not answer" if status == 503 else "no answer in time, or not asked")


def test_a_rehearsal_asks_nobody(asks: Api, oracle: Oracle) -> None:
    answer = asks("POST", "/v1/messages", {"to": number(331), "text": "1", "kind": "otp", "dry_run": True}).json()
    assert answer["decision"][-1]["why"] == "no answer in time, or not asked"
    assert oracle.asked == []


@pytest.mark.parametrize(
    ("spec", "pointer"),
    [
        ({"before": ["otp"]}, "/provider"),
        ({"before": ["code"], "provider": "telco"}, "/before/0"),
        ({"before": ["otp"], "provider": "telco", "timeout_ms": 801}, "/timeout_ms"),
        ({"before": ["otp"], "provider": "telco", "action": "ignore"}, "/action"),
    ],
)
def test_a_policy_that_can_not_work_is_refused(live: Api, spec: dict[str, Any], pointer: str) -> None:
    answer = live.policy("lookup", **spec)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"].endswith(pointer)
