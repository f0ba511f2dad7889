"""Another text or time for a message that waits: over HTTP, on both engines."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.process.database import database
from tests.process.server import Api, Server

CONFIG = """
[connectors.quick]
kind = "sandbox"
price_per_segment = "0.02"
currency = "EUR"
answer_delay_ms = 5
receipt_delay_ms = 20
[[routes]]
name = "all"
via = ["quick"]
"""


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with ExitStack() as stack:
        config = CONFIG
        if request.param == "postgres":
            config += f'[store]\nurl = "{stack.enter_context(database())}"\n'
        yield stack.enter_context(Server(tmp_path_factory.mktemp("replacing"), config))


@pytest.fixture(scope="module")
def api(server: Server) -> Api:
    return Api(server, server.key("admin", environment="live"))


def later(**span: float) -> str:
    return (datetime.now(UTC) + timedelta(**span)).isoformat()


def scheduled(api: Api, **more: Any) -> dict[str, Any]:
    return api.send(send_at=later(days=1), **more)


def test_another_text_is_measured_priced_and_sent(api: Api) -> None:
    message = scheduled(api, text="Before")
    text = "Дольше, чем было. " * 10
    changed = api("PATCH", f"/v1/messages/{message['id']}", {"text": text, "send_at": later(seconds=1)})
    assert changed.status_code == 200, changed.text
    found = api.until(message["id"], "delivered")
    assert (found["text"], found["encoding"], found["segments"], found["price"]) == (text, "ucs2", 3, "0.06")
    events = api("GET", f"/v1/messages/{message['id']}/events").json()["data"]
    types = [event["type"] for event in events]
    assert types[:3] == ["message.accepted", "message.scheduled", "message.replaced"]


def test_a_new_text_may_be_written_so_that_it_takes_less(api: Api) -> None:
    message = scheduled(api, text="Before")
    change = {"text": "It’s “ready” – " + "now. " * 20, "smart_encoding": True, "max_segments": 1}
    changed = api("PATCH", f"/v1/messages/{message['id']}", change).json()
    assert (changed["encoding"], changed["segments"]) == ("gsm7", 1)
    assert changed["text"].startswith('It\'s "ready" - now.')


def test_what_is_not_named_stays(api: Api) -> None:
    before = scheduled(api, text="Before", kind="support", tags=["kept"], metadata={"a": "b"}, valid_for="2h")
    was = api("GET", f"/v1/messages/{before['id']}").json()
    assert api("PATCH", f"/v1/messages/{before['id']}", {"text": "After"}).status_code == 200
    now = api("GET", f"/v1/messages/{before['id']}").json()
    changed = {name for name in was if was[name] != now[name]}
    assert changed <= {"text", "updated_at"} and now["text"] == "After"


def test_validity_moves_with_the_time(api: Api) -> None:
    message = scheduled(api, valid_for="2h")
    at = datetime.now(UTC).replace(microsecond=0) + timedelta(days=3)
    moved = api("PATCH", f"/v1/messages/{message['id']}", {"send_at": at.isoformat()}).json()
    assert datetime.fromisoformat(moved["send_at"]) == at
    assert datetime.fromisoformat(moved["valid_until"]) == at + timedelta(hours=2)


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({}, "missing_field", "/text"),
        ({"text": ""}, "empty_text", "/text"),
        ({"text": "x" * 10_000}, "over_budget", "/text"),
        ({"text": "x" * 161, "max_segments": 1}, "over_budget", "/text"),
        ({"text": "Zażółć", "encoding": "gsm7"}, "not_gsm7", "/text"),
        ({"max_segments": 1}, "missing_field", "/text"),
        ({"send_at": "tomorrow"}, "bad_time", "/send_at"),
        ({"send_at": later(days=800)}, "too_far_ahead", "/send_at"),
        ({"valid_until": later(hours=1)}, "already_over", "/valid_until"),
    ],
)
def test_a_change_that_can_not_be_leaves_it_as_it_was(api: Api, change: Any, code: str, pointer: str) -> None:
    message = scheduled(api, text="As it was")
    answer = api("PATCH", f"/v1/messages/{message['id']}", change)
    assert answer.status_code == 422, answer.text
    assert [(error["code"], error["pointer"]) for error in answer.json()["errors"]] == [(code, pointer)]
    assert api("GET", f"/v1/messages/{message['id']}").json()["text"] == "As it was"


def test_what_a_carrier_was_given_stays(api: Api) -> None:
    message = api.until(api.send()["id"], "delivered")
    answer = api("PATCH", f"/v1/messages/{message['id']}", {"text": "Too late"})
    assert (answer.status_code, answer.json()["code"]) == (409, "too_late")
    canceled = scheduled(api)
    api("POST", f"/v1/messages/{canceled['id']}/cancel")
    assert api("PATCH", f"/v1/messages/{canceled['id']}", {"text": "Too late"}).status_code == 409


def test_what_is_queued_has_no_time_to_move_but_a_text(api: Api) -> None:
    tap = {"scope": "connector", "value": "quick"}
    assert api("PUT", "/v1/pauses", tap).status_code == 200
    message = api.send(text="Before")
    assert api("PATCH", f"/v1/messages/{message['id']}", {"send_at": later(days=1)}).status_code == 409
    assert api("PATCH", f"/v1/messages/{message['id']}", {"text": "After"}).json()["text"] == "After"
    assert api("DELETE", "/v1/pauses", params=tap).status_code == 200
    assert api.until(message["id"], "delivered")["text"] == "After"


def test_of_a_change_and_a_hand_over_only_one_comes_first(api: Api) -> None:
    """Whatever the answer to the change says is what was sent."""
    messages = [api.send(text="Before", send_at=later(seconds=1 + number / 100)) for number in range(40)]
    answers: dict[str, int] = {}
    open_ones = [message["id"] for message in messages]
    for number in range(1_000):
        if not open_ones:
            break
        public_id = open_ones[number % len(open_ones)]
        answer = api("PATCH", f"/v1/messages/{public_id}", {"text": f"Change {number}"})
        assert answer.status_code in (200, 409), answer.text
        if answer.status_code == 200:
            answers[public_id] = number
        else:
            open_ones.remove(public_id)
    for message in messages:
        found = api.until(message["id"], "delivered")
        number = answers.get(message["id"])
        assert found["text"] == ("Before" if number is None else f"Change {number}")
