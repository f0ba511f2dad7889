"""Endpoints by API: declared, tried, their secrets turned over, their deliveries seen and told again."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import pytest
from standardwebhooks import Webhook

from tests.process.server import Api, Server
from tests.process.sink import Heard, Sink


@pytest.fixture
def declare(admin: Api) -> Iterator[Callable[..., dict[str, Any]]]:
    """Declares endpoints, and removes them after the test."""
    made: list[str] = []

    def put(url: str, **more: Any) -> dict[str, Any]:
        name = f"told-{len(made)}"
        answer = admin("POST", "/v1/endpoints", {"name": name, "url": url, **more})
        assert answer.status_code == 201, answer.text
        made.append(name)
        found: dict[str, Any] = answer.json()
        return found

    yield put
    for name in made:
        admin("DELETE", f"/v1/endpoints/{name}")


def about(heard: list[Heard], message_id: str, event_type: str = "message.delivered") -> list[Heard]:
    return [one for one in heard if one.event["type"] == event_type and one.event["data"].get("id") == message_id]


def signed_with(heard: Heard, secret: str) -> bool:
    """By the reference library."""
    try:
        Webhook(secret).verify(heard.body, heard.headers)
    except Exception:
        return False
    return True


def test_an_endpoint_is_declared_shown_changed_and_removed(admin: Api, sink: Sink) -> None:
    made = admin("POST", "/v1/endpoints", {"name": "shop", "url": sink.url}).json()
    assert made["secret"].startswith("whsec_") and made["events"] == ["*"]
    shown = admin("GET", "/v1/endpoints/shop")
    assert shown.json()["secret"] is None and made["secret"] not in shown.text
    changed = admin("POST", "/v1/endpoints", {"name": "shop", "url": sink.url, "events": ["message.delivered"]}).json()
    assert changed["events"] == ["message.delivered"] and changed["secret"] is None, "a change keeps the secret"
    assert "shop" in [each["name"] for each in admin("GET", "/v1/endpoints").json()["data"]]
    assert admin("DELETE", "/v1/endpoints/shop").status_code == 200
    assert admin("GET", "/v1/endpoints/shop").status_code == 404


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"url": "http://10.0.0.1/"}, "/url"),
        ({"url": "http://169.254.169.254/latest"}, "/url"),
        ({"url": "http://[::1]/"}, "/url"),
        ({"url": "ftp://example.com/"}, "/url"),
        ({"url": "example.com"}, "/url"),
        ({"url": "http://127.0.0.1/", "events": ["message.deliverd"]}, "/events/0"),
        ({"url": "http://127.0.0.1/", "secret": "hunter2"}, "/secret"),
        ({"url": "http://127.0.0.1/", "format": "xml"}, "/format"),
        ({"url": "http://127.0.0.1/", "max_in_flight": 0}, "/max_in_flight"),
        ({"url": "http://127.0.0.1/", "colour": "red"}, "/colour"),
    ],
    ids=str,
)
def test_a_wrong_endpoint_is_refused_and_its_field_named(admin: Api, body: dict[str, Any], pointer: str) -> None:
    answer = admin("POST", "/v1/endpoints", {"name": "wrong", **body})
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert f'"pointer":"{pointer}"' in answer.text
    assert admin("GET", "/v1/endpoints/wrong").status_code == 404


def test_a_filter_lets_through_what_it_names(declare: Any, api: Api, sink: Sink) -> None:
    declare(sink.url, events=["message.sent", "message.delivered"])
    sent = api.send()
    both = "message.sent", "message.delivered"
    heard = sink.until(lambda heard: all(about(heard, sent["id"], name) for name in both))
    assert {one.event["type"] for one in heard} == {*both}


def test_a_secret_turns_over_without_a_moment_unsigned(declare: Any, admin: Api, sink: Sink) -> None:
    old = declare(sink.url)["secret"]

    def hear() -> Heard:
        before = len(sink.heard)
        assert admin("POST", "/v1/endpoints/told-0/test").status_code == 202
        return sink.until(lambda heard: len(heard) > before)[-1]

    assert signed_with(hear(), old)
    rotated = admin("POST", "/v1/endpoints/told-0/rotate").json()
    new = rotated["secret"]
    assert rotated["secrets"] == 2 and new != old
    both = hear()
    assert signed_with(both, old) and signed_with(both, new)
    assert admin("POST", "/v1/endpoints/told-0/retire").json()["secrets"] == 1
    last = hear()
    assert signed_with(last, new) and not signed_with(last, old)


def test_the_log_shows_what_was_sent_and_how_each_try_was_answered(declare: Any, admin: Api, api: Api) -> None:
    answers = iter([503, 404])
    with Sink(lambda heard: next(answers, 200)) as sink:
        declare(sink.url, events=["message.delivered"])
        sent = api.send()
        sink.until(lambda heard: len(heard) == 3)
        delivery = _settled(admin, sent["id"])
    assert (delivery["status"], delivery["tries"], delivery["http_status"]) == ("done", 3, 200)
    assert [each["http_status"] for each in delivery["failed_tries"]] == [503, 404]
    assert all(each["latency_ms"] >= 0 and each["at"] for each in delivery["failed_tries"])
    assert delivery["url"] == sink.url
    assert delivery["event"] == sink.heard[0].event, "shown as it was sent"
    assert delivery["event_id"] == sink.heard[0].headers["webhook-id"]


def _settled(admin: Api, message_id: str) -> dict[str, Any]:
    end = time.monotonic() + 10
    while True:
        found = admin("GET", f"/v1/deliveries?message_id={message_id}").json()["data"]
        if found and found[0]["status"] != "pending":
            detail: dict[str, Any] = admin("GET", f"/v1/deliveries/{found[0]['id']}").json()
            return detail
        assert time.monotonic() < end, found
        time.sleep(0.05)


def test_one_delivery_is_told_again_with_its_id_and_a_mark(declare: Any, admin: Api, api: Api, sink: Sink) -> None:
    declare(sink.url, events=["message.delivered"])
    sent = api.send()
    sink.until(lambda heard: len(heard) == 1)
    delivery = _settled(admin, sent["id"])
    assert admin("POST", f"/v1/deliveries/{delivery['id']}/replay").json() == {"deliveries": 1}
    first, again = sink.until(lambda heard: len(heard) == 2)
    assert again.body == first.body and again.headers["webhook-id"] == first.headers["webhook-id"]
    assert again.headers["webhook-replay"] == "true" and "webhook-replay" not in first.headers


def test_a_callback_is_told_again_too(admin: Api, api: Api, sink: Sink) -> None:
    sent = api.send(callback_url=sink.url, callback_events=["message.delivered"])
    sink.until(lambda heard: len(heard) == 1)
    admin("POST", f"/v1/deliveries/{_settled(admin, sent['id'])['id']}/replay")
    first, again = sink.until(lambda heard: len(heard) == 2)
    assert again.body == first.body


def test_who_helps_people_tells_of_one_message_again_and_nothing_else(
    declare: Any, server: Server, admin: Api, api: Api, sink: Sink
) -> None:
    helper = Api(server, server.key("messages:read", "webhooks:read", "webhooks:replay"))
    declare(sink.url, events=["message.delivered"])
    delivery = _settled(admin, api.send()["id"])
    assert helper("POST", f"/v1/deliveries/{delivery['id']}/replay").json() == {"deliveries": 1}
    sink.until(lambda heard: len(heard) == 2)
    (entry,) = admin("GET", "/v1/audit?action=delivery.replayed&limit=1").json()["data"]
    assert (entry["object"], entry["detail"]) == (delivery["event"]["data"]["id"], {"deliveries": 1})
    admin("POST", "/v1/endpoints/told-0/test")
    sink.until(lambda heard: len(heard) == 3)
    (test,) = admin("GET", "/v1/endpoints/told-0/deliveries?limit=1").json()["data"]
    for path, body in (
        (f"/v1/deliveries/{test['id']}/replay", None),
        ("/v1/endpoints/told-0/replay", {"since": "2026-01-01T00:00:00Z"}),
        ("/v1/endpoints/told-0/test", None),
        ("/v1/endpoints/told-0/rotate", None),
        ("/v1/endpoints", {"name": "mine", "url": sink.url}),
    ):
        refused = helper("POST", path, body)
        assert (refused.status_code, refused.json()["code"]) == (403, "missing_scope"), path


def test_what_went_to_an_endpoint_that_is_gone_is_told_nobody_else(
    declare: Any, admin: Api, api: Api, sink: Sink
) -> None:
    declare(f"{sink.url}/gone", events=["message.delivered"])
    sent = api.send(callback_url=f"{sink.url}/callback", callback_events=["message.sent"])
    sink.until(lambda heard: len(heard) == 2)
    delivery = _settled(admin, sent["id"])
    assert delivery["url"] == f"{sink.url}/gone"
    assert admin("DELETE", "/v1/endpoints/told-0").status_code < 300
    assert admin("GET", f"/v1/deliveries/{delivery['id']}").json()["url"] is None
    assert admin("POST", f"/v1/deliveries/{delivery['id']}/replay").status_code == 404
    assert len(sink.heard) == 2


def test_a_span_of_time_or_some_messages_are_told_again(declare: Any, admin: Api, api: Api, sink: Sink) -> None:
    since = datetime.now(UTC).isoformat()
    sent = [api.send()["id"] for _ in range(3)]
    for each in sent:
        api.until(each, "delivered")
    declare(sink.url, events=["message.delivered"])
    told = admin("POST", "/v1/endpoints/told-0/replay", {"since": since}).json()["deliveries"]
    assert told >= 3
    sink.until(lambda heard: all(about(heard, each) for each in sent))
    told = admin("POST", "/v1/endpoints/told-0/replay", {"messages": sent[:2]}).json()["deliveries"]
    assert told == 2
    sink.until(lambda heard: [len(about(heard, each)) for each in sent] == [2, 2, 1])


def test_several_events_may_share_a_post(declare: Any, api: Api, sink: Sink) -> None:
    secret = declare(sink.url, events=["message.delivered"], batch=50, max_in_flight=1)["secret"]
    batch = [{"to": "+447700900123", "text": f"Number {number}"} for number in range(100)]
    answer = api("POST", "/v1/messages/batch", {"messages": batch}).json()
    wanted = {item["id"] for item in answer["data"]}

    def told(heard: list[Heard]) -> bool:
        return wanted <= {event["data"]["id"] for one in heard for event in one.event.get("events", [one.event])}

    heard = sink.until(told)
    assert len(heard) < 50, "several went together"
    assert all(signed_with(one, secret) for one in heard)


def test_a_form_has_the_fields_of_the_shape(declare: Any, api: Api, sink: Sink) -> None:
    declare(sink.url, events=["message.delivered"], format="form")
    sent = api.send(text="Hello")
    (heard,) = sink.until(lambda heard: len(heard) == 1)
    fields = {name: value for name, (value,) in parse_qs(heard.body.decode()).items()}
    assert heard.headers["content-type"] == "application/x-www-form-urlencoded"
    assert (fields["messageId"], fields["status"], fields["parts"]) == (sent["id"], "DELIVERED", "1")


def test_a_foreign_delivery_is_nowhere(admin: Api) -> None:
    for method, path in (("GET", "/v1/deliveries/dlv_x"), ("POST", "/v1/deliveries/dlv_x/replay")):
        assert admin(method, path).status_code == 404
