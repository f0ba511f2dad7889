"""Frequency caps over HTTP: held, refused, declared, walled."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest

from tests.process.server import Api, Server

MINUTE = {"name": "one a minute", "max": 1, "per": "1m", "kinds": ["support"]}
DAY = {"name": "three a day", "max": 3, "per": "1d", "kinds": ["support"], "action": "reject"}


@pytest.fixture(scope="module")
def capped(server: Server) -> Api:
    server.run("workspaces", "create", "capped")
    return Api(server, server.key("admin", workspace="capped"))


@pytest.fixture
def declare(capped: Api) -> Iterator[Callable[..., None]]:
    def put(*caps: dict[str, Any]) -> None:
        answer = capped.policy("frequency", caps=list(caps))
        assert answer.status_code == 200, answer.text

    yield put
    put()


def due(api: Api, sent: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(api("GET", f"/v1/messages/{sent['id']}").json()["next_attempt_at"])


def test_caps_hold_messages_across_requests(capped: Api, declare: Callable[..., None]) -> None:
    declare(MINUTE)
    sent = [capped.send(to="+447700900131", kind="support") for _ in range(3)]
    assert [one["status"] for one in sent] == ["queued", "scheduled", "scheduled"]
    second, third = due(capped, sent[1]), due(capped, sent[2])
    assert 59.9 <= (third - second).total_seconds() <= 60.1
    events = capped("GET", f"/v1/messages/{sent[1]['id']}/events").json()["data"]
    assert "message.scheduled" in [event["type"] for event in events]
    assert capped.send(to="+447700900132", kind="support")["status"] == "queued", "another person"
    assert capped.send(to="+447700900131", kind="transactional")["status"] == "queued", "another kind"


def test_several_windows_at_once(capped: Api, declare: Callable[..., None]) -> None:
    declare(MINUTE, DAY)
    sent = [capped.send(to="+447700900133", kind="support", valid_for="1d")["status"] for _ in range(3)]
    assert sent == ["queued", "scheduled", "scheduled"]
    answer = capped("POST", "/v1/messages", {"to": "+447700900133", "text": "No", "kind": "support"})
    assert (answer.status_code, answer.json()["code"]) == (422, "frequency_cap"), answer.text
    assert "three a day" in answer.json()["detail"] and "next_allowed_at: 2" in answer.json()["detail"]


def test_a_batch_tells_of_each_message(capped: Api, declare: Callable[..., None]) -> None:
    declare({**DAY, "max": 1})
    messages = [{"to": to, "text": "Hi", "kind": "support"} for to in ("+447700900134", "+447700900134")]
    data = capped("POST", "/v1/messages/batch", {"messages": messages}).json()["data"]
    assert [(one["status"], one.get("code")) for one in data] == [("queued", None), ("refused", "frequency_cap")]
    answer = capped("POST", "/v1/messages/batch", {"messages": messages, "all_or_none": True})
    assert (answer.status_code, answer.json()["code"]) == (422, "frequency_cap")


def test_topics_are_counted_apart(capped: Api, declare: Callable[..., None]) -> None:
    declare({**DAY, "max": 1, "tags": ["news"]})
    to = "+447700900135"
    assert capped.send(to=to, kind="support", tags=["news"])["status"] == "queued"
    assert capped.send(to=to, kind="support", tags=["other"])["status"] == "queued"
    body = {"to": to, "text": "Hi", "kind": "support", "tags": ["news", "other"]}
    assert capped("POST", "/v1/messages", body).json()["code"] == "frequency_cap"


def test_the_law_of_a_state_caps_promotions(capped: Api) -> None:
    always = {"name": "ours", "countries": ["*"], "hours": {"mon-sun": "00:00-24:00"}}
    assert capped.policy("quiet_hours", in_test=True, rules=[always]).status_code == 200
    try:
        florida = [capped.send(to="+13055550123", kind="promotional", valid_for="2d")["status"] for _ in range(4)]
        york = [capped.send(to="+12125550123", kind="promotional", valid_for="2d")["status"] for _ in range(4)]
    finally:
        capped.policy("quiet_hours")
    assert florida == ["queued", "queued", "queued", "scheduled"] and york == ["queued"] * 4


@pytest.mark.parametrize(
    ("cap", "code", "pointer"),
    [
        (MINUTE | {"per": "1w"}, "bad_span", "/caps/0/per"),
        (MINUTE | {"kinds": ["supports"]}, "unknown_kind", "/caps/0/kinds/0"),
        (MINUTE | {"kinds": []}, "bad_value", "/caps/0/kinds"),
        (MINUTE | {"max": 0}, "bad_value", "/caps/0/max"),
        (MINUTE | {"action": "drop"}, "bad_value", "/caps/0/action"),
    ],
)
def test_what_means_nothing_is_refused(capped: Api, cap: dict[str, Any], code: str, pointer: str) -> None:
    answer = capped.policy("frequency", caps=[cap])
    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
    assert answer.json()["errors"][0]["pointer"] == f"/document/policies/frequency{pointer}"
