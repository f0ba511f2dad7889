"""Alarms with a real gateway: a carrier is away, those on call hear of it by chat and text, and look after it."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.process.server import Api, Server
from tests.process.sink import Sink

CONFIG = """
[webhooks]
allow_networks = ["127.0.0.0/8"]
[connectors.quick]
kind = "sandbox"
receipt_delay_ms = 5
[connectors.gone]
kind = "smpp"
host = "127.0.0.1"
port = 1
system_id = "x"
password = "x"
[[routes]]
name = "all"
via = ["quick"]
[senders.Acme]
default = true
"""
ON_CALL = "+447700900199"


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("alarms"), CONFIG) as running:
        yield running


@pytest.fixture(scope="module")
def live(watched: Server) -> Api:
    return Api(watched, watched.key("admin", environment="live"))


@pytest.fixture(scope="module")
def chat() -> Iterator[Sink]:
    with Sink() as listening:
        yield listening


@pytest.fixture(scope="module")
def alarm(live: Api, chat: Sink) -> dict[str, Any]:
    """That a connector is down: firing."""
    rules = {"connector_down": {"limit": 1}, "delivery_drop": {"enabled": False}}
    declared = live.policy("alarms", webhooks=[f"{chat.url}/chat"], sms=[ON_CALL], rules=rules)
    assert declared.status_code == 200, declared.text
    end = time.monotonic() + 30
    while not (found := live("GET", "/v1/alarms?status=firing").json()["data"]):
        assert time.monotonic() < end
        time.sleep(0.1)
    first: dict[str, Any] = found[0]
    return first


def test_a_connector_that_is_down_rings_and_says_what_to_do(live: Api, alarm: dict[str, Any]) -> None:
    assert (alarm["rule"], alarm["subject"], alarm["severity"]) == ("connector_down", {"connector": "gone"}, "critical")
    found = live("GET", f"/v1/alarms/{alarm['id']}").json()
    assert "firing" in [step["what"] for step in found["history"]]
    assert found["steps"] and found["actions"]


def test_those_on_call_hear_of_it_by_chat_and_text(live: Api, alarm: dict[str, Any], chat: Sink) -> None:
    heard = chat.until(lambda heard: heard)
    assert "A connector is down (connector gone)" in heard[0].body.decode()
    end = time.monotonic() + 20
    while not (texts := live("GET", "/v1/messages?to=%2B447700900199").json()["data"]):
        assert time.monotonic() < end
        time.sleep(0.1)
    assert len(texts) == 1
    assert texts[0]["text"].startswith("Heliograph: A connector is down (connector gone)")
    assert texts[0]["kind"] == "transactional"


def test_an_alarm_is_acknowledged_once(watched: Server, live: Api, alarm: dict[str, Any]) -> None:
    found = live("POST", f"/v1/alarms/{alarm['id']}/acknowledge").json()
    again = live("POST", f"/v1/alarms/{alarm['id']}/acknowledge").json()
    assert found["acknowledged_at"] == again["acknowledged_at"] is not None
    assert "alarm.acknowledged" in live("GET", "/v1/audit").text
    text = live("GET", f"/v1/alarms/{alarm['id']}/report").json()["markdown"]
    assert text.startswith("# A connector is down\n")
    assert "**acknowledged**" in text


def test_alarms_and_silences_of_others_are_nowhere(watched: Server, live: Api, alarm: dict[str, Any]) -> None:
    made = live("POST", "/v1/silences", {"why": "ours", "duration": "30m", "rule": "budget"}).json()
    watched.run("workspaces", "create", "neighbour")
    neighbour = Api(watched, watched.key("admin", workspace="neighbour", environment="live"))
    beside = Api(watched, watched.key("admin", environment="test"))
    for stranger in (neighbour, beside):
        for method, path in (("GET", ""), ("GET", "/report"), ("POST", "/acknowledge")):
            answer = stranger(method, f"/v1/alarms/{alarm['id']}{path}")
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert stranger("GET", "/v1/alarms").json()["data"] == []
    assert neighbour("DELETE", f"/v1/silences/{made['id']}").status_code == 404
    assert neighbour("GET", "/v1/silences").json()["data"] == []
    live("DELETE", f"/v1/silences/{made['id']}")


def test_what_is_silenced_is_listed_until_it_is_ended(live: Api) -> None:
    asked = {"why": "maintenance", "duration": "30m", "rule": "connector_down", "subject": {"connector": "gone"}}
    made = live("POST", "/v1/silences", asked)
    assert made.status_code == 201, made.text
    assert [one["id"] for one in live("GET", "/v1/silences").json()["data"]] == [made.json()["id"]]
    assert live("DELETE", f"/v1/silences/{made.json()['id']}").json()["data"] == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"why": "x"}, "missing_field"),
        ({"why": "x", "duration": "1h", "rule": "rain"}, "bad_value"),
        ({"why": "x", "until": "2020-01-01T00:00:00Z"}, "bad_time"),
        ({"why": "x", "duration": "soon"}, "bad_span"),
    ],
)
def test_a_wrong_silence_is_refused(live: Api, body: dict[str, Any], code: str) -> None:
    assert live("POST", "/v1/silences", body).json()["code"] == code


@pytest.mark.parametrize(
    "policy",
    [
        {"rules": {"rain": {}}},
        {"sms": ["12"]},
        {"email": ["nobody"]},
        {"webhooks": ["ftp://x"]},
        {"rules": {"budget": {"factor": 0}}},
    ],
)
def test_a_wrong_policy_is_refused(live: Api, policy: dict[str, Any]) -> None:
    assert live.policy("alarms", **policy).status_code == 422


def test_rules_are_shown_as_they_hold_here(live: Api, alarm: dict[str, Any]) -> None:
    found = {one["name"]: one for one in live("GET", "/v1/alarm-rules").json()["data"]}
    assert (found["connector_down"]["limit"], found["delivery_drop"]["enabled"]) == (1, False)
