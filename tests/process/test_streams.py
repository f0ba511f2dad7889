"""Streams of events against real servers: all arrive at least once, those of a message in their order, through an
outage of the server and a kill of ours."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.process.brokers import BATCH_SECRET, BROKERS, Broker, Got
from tests.process.server import Api, Server

CONFIG = """
[webhooks]
allow_networks = ["127.0.0.0/8"]
[connectors.quick]
kind = "sandbox"
answer_delay_ms = 5
receipt_delay_ms = 20
[[routes]]
name = "all"
via = ["quick"]
"""
ENVIRON = {"NATS_TOKEN": "secret", "BATCH_SECRET": BATCH_SECRET}


@pytest.fixture(params=BROKERS)
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Broker]:
    kind = BROKERS[request.param]
    if kind.missing:
        pytest.skip(kind.missing)
    made = kind(tmp_path)
    made.start()
    yield made
    made.stop()


def declare(admin: Api, **spec: Any) -> None:
    answer = admin("POST", "/v1/apply", {"document": {"streams": {"out": {"environment": "test", **spec}}}})
    assert answer.status_code == 200, answer.text


def state(admin: Api) -> dict[str, Any]:
    found: dict[str, Any] = admin("GET", "/v1/streams").json()["data"][0]
    return found


def delivered(api: Api, count: int) -> set[str]:
    """Send, and wait for the end; all events of these messages, as the API tells them."""
    made = [api.send(text=f"Number {number}") for number in range(count)]
    ids: set[str] = set()
    for one in made:
        api.until(one["id"], "delivered")
        ids |= {event["id"] for event in told(api, one["id"])}
    return ids


def told(api: Api, message: str) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = api("GET", f"/v1/messages/{message}/events").json()["data"]
    return [event for event in events if not event["type"].startswith(("attempt.", "receipt."))]


def in_order(api: Api, got: list[Got]) -> None:
    """The first arrival of each event, message by message, as the API tells them."""
    messages = {one.key for one in got if one.key.startswith("msg_")}
    for message in messages:
        came = list(dict.fromkeys(one.id for one in got if one.key == message))
        assert came == [event["id"] for event in told(api, message)]


def until_failing(admin: Api) -> dict[str, Any]:
    end = time.monotonic() + 30
    while (found := state(admin))["error"] is None:
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


def test_everything_arrives_in_order_whatever_breaks(broker: Broker, tmp_path: Path) -> None:
    with Server(tmp_path, CONFIG, environ=ENVIRON) as server:
        admin, api = Api(server, server.key("admin")), Api(server, server.key("messages:send", "messages:read"))
        ids = delivered(api, 5)
        if not broker.can_stop:  # then it is at first somewhere else, where nobody answers
            declare(admin, **{**broker.spec, "servers": ["127.0.0.1:9"]}, events=["message.*"], begin="oldest")
            until_failing(admin)
        declare(admin, **broker.spec, events=["message.*"], begin="oldest")
        got = broker.until(ids)
        assert {one.id for one in got} == ids
        sample = next(one for one in got if one.type == "message.delivered")
        assert (sample.body["id"], sample.body["data"]["id"]) == (sample.id, sample.key)
        assert "text" not in sample.body["data"]
        if broker.can_stop:
            broker.stop()
            ids |= delivered(api, 3)
            assert until_failing(admin)["failing_since"] is not None
            lag = next(line for line in admin("GET", "/metrics").text.splitlines() if "stream_lag_seconds{" in line)
            assert (
                lag.startswith('heliograph_stream_lag_seconds{stream="out",workspace="default"} ')
                and float(lag.split()[1]) > 0
            )
            broker.start()
            broker.until(ids)
        server.kill()
        server.start()
        ids |= delivered(api, 3)
        got = broker.until(ids)
        assert {one.id for one in got} == ids
        in_order(api, got)
        end = time.monotonic() + 10
        while (now := state(admin))["error"] is not None or now["sent"] < len(ids):
            assert time.monotonic() < end, now
            time.sleep(0.05)


WRONG = [
    ({"kind": "kafka", "servers": ["127.0.0.1:9092"]}, "missing_field", "topic"),
    ({"kind": "kafka", "servers": ["nowhere"], "topic": "t"}, "bad_value", "servers"),
    ({"kind": "kafka", "servers": ["a:1"], "topic": "t", "username": "u"}, "missing_field", "username"),
    ({"kind": "nats", "servers": ["a:1"], "subject": "sms", "topic": "t"}, "unknown_field", "topic"),
    ({"kind": "nats", "servers": ["a:1"], "subject": "sms.>"}, "bad_value", "subject"),
    ({"kind": "webhook_batch", "url": "http://10.0.0.1/", "secret": BATCH_SECRET}, "bad_url", "url"),
    ({"kind": "webhook_batch", "url": "http://127.0.0.1/", "secret": "short"}, "bad_secret", "secret"),
    ({"kind": "rabbitmq", "servers": ["a:1"], "exchange": "e", "events": ["message.gone"]}, "unknown_event", "events"),
    ({"kind": "pulsar"}, "bad_value", "kind"),
]


def test_a_stream_that_cannot_work_is_refused(tmp_path: Path) -> None:
    with Server(tmp_path, CONFIG) as server:
        admin = Api(server, server.key("admin"))
        for spec, code, key in WRONG:
            answer = admin("POST", "/v1/apply", {"document": {"streams": {"out": spec}}})
            errors = [(error["code"], error["pointer"]) for error in answer.json()["errors"]]
            assert any(
                (found, f"/document/streams/out/{key}") == (code, pointer[: len(f"/document/streams/out/{key}")])
                for found, pointer in errors
            ), (spec, errors)
        declare(admin, kind="nats", servers=["127.0.0.1:9"], subject="sms", token="top-secret")
        shown = admin("GET", "/v1/declared").text + admin("GET", "/v1/audit").text + admin("GET", "/v1/streams").text
        assert "top-secret" not in shown
        assert msgspec.json.decode(admin("GET", "/v1/streams").content)["data"][0]["kind"] == "nats"
