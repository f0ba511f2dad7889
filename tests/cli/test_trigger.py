"""Sample events: of every type, marked, in the shape of the real ones, and never told in a live environment."""

from typing import Any

from tests.cli.conftest import Run
from tests.process.server import Api, Server
from tests.process.sink import Sink

NUMBER = "+447700900961"


def test_every_type_is_told_to_whoever_has_subscribed(ask: Run, server: Server, admin_key: str) -> None:
    types = ask("trigger", "--json").data["data"]
    api = Api(server, admin_key)
    with Sink() as sink:
        api("POST", "/v1/endpoints", {"name": "samples", "url": sink.url})
        for event in types:
            assert "samples" in ask("trigger", event).out
        sink.until(lambda heard: {one.event["type"] for one in heard if "sample" in one.event["data"]} == set(types))
        api("DELETE", "/v1/endpoints/samples")


def test_a_sample_has_the_shape_of_the_real_event(ask: Run, server: Server, admin_key: str) -> None:
    api = Api(server, admin_key)
    with Sink() as sink:
        api("POST", "/v1/endpoints", {"name": "real", "url": sink.url})
        api.send(tags=["a"], metadata={"b": "c"})
        started = api("POST", "/v1/verifications", {"to": NUMBER}).json()
        api("POST", f"/v1/verifications/{started['id']}/check", {"code": started["test_code"]})
        api("POST", "/v1/sandbox/inbound", {"from": NUMBER, "to": "60606", "text": "Where is my order?"})
        api("POST", "/v1/consents", {"to": NUMBER, "action": "opt_out", "source": "sms"})
        wanted = {
            *(f"message.{state}" for state in ("accepted", "queued", "sent", "delivered")),
            *("verification.started", "verification.approved", "inbound.received", "conversation.opened"),
            "contact.opted_out",
        }
        heard = sink.until(lambda heard: wanted <= {one.event["type"] for one in heard})
        api("DELETE", "/v1/endpoints/real")
    real = {one.event["type"]: one.event["data"] for one in heard if one.event["type"] in wanted}
    differ = {}
    for event, data in real.items():
        made = api("POST", "/v1/events/samples", {"type": event}).json()["data"]
        if shape(made) - {"sample"} != shape(data):
            differ[event] = shape(made) ^ shape(data) ^ {"sample"}
    assert differ == {}


def shape(data: dict[str, Any]) -> set[str]:
    return set(data) - {"channel"}  # of a contact: only where somebody said it over one


def test_live_environments_hear_nothing_made_up(ask: Run, server: Server) -> None:
    live = server.key("admin", environment="live")
    done = ask("trigger", "message.delivered", "--key", live)
    assert (done.code, "is no environment for tests" in done.err, "[test_only]" in done.err) == (1, True, True)


def test_an_unknown_type_is_refused_with_a_hint(ask: Run) -> None:
    done = ask("trigger", "message.deliverd")
    assert (done.code, "message.delivered" in done.err) == (1, True)
