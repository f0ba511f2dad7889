"""Who hears of an event: endpoints by their filters, a message's own callback by what it asked for."""

from types import SimpleNamespace
from typing import Any

import pytest

from heliograph.engine.notify.subscriptions import Subscriptions
from heliograph.engine.specs import EndpointSpec
from tests.carriers.network import message

HOOK = "https://example.com/dlr?id=1"
CALLBACK = (None, "callback:7:https://example.com")


def snapshot(*filters: tuple[str, ...]) -> Any:
    """Of environment 7, with endpoints that ask for these events."""
    endpoints = [EndpointSpec(n, 1, 7, f"e{n}", "https://example.com", events, ()) for n, events in enumerate(filters)]
    return SimpleNamespace(realms={7: SimpleNamespace(endpoints=tuple(endpoints))})


@pytest.mark.parametrize(
    ("event", "url", "events", "heard_by"),
    [
        ("message.sent", None, None, [0, 1]),
        ("message.sent", HOOK, None, [0, 1, CALLBACK]),
        ("message.sent", HOOK, "message.delivered", [0, 1]),
        ("message.sent", HOOK, "message.read,message.sent", [0, 1, CALLBACK]),
        ("message.queued", HOOK, None, [0]),
        ("message.queued", HOOK, "message.queued", [0, CALLBACK]),
        ("message.queued", None, "message.queued", [0]),
        ("inbound.received", None, None, [0]),
    ],
)
def test_endpoints_and_callbacks_hear_what_they_asked_for(
    event: str, url: str | None, events: str | None, heard_by: list[Any]
) -> None:
    known = snapshot(("*",), ("message.sent",))
    subscriptions = Subscriptions(lambda: known)
    of = message(callback_url=url, callback_events=events)
    expected = tuple((one, f"endpoint:{one}") if isinstance(one, int) else one for one in heard_by)
    for _ in range(2):  # at first, and once it is remembered
        assert subscriptions(7, event, of) == expected
        assert subscriptions(7, event, None) == tuple(one for one in expected if one != CALLBACK)
        assert subscriptions(8, event, None) == ()


def test_what_was_declared_anew_holds_at_once() -> None:
    known = snapshot(("message.sent",))
    subscriptions = Subscriptions(lambda: known)
    assert subscriptions(7, "message.sent", None) == ((0, "endpoint:0"),)
    known = snapshot(("message.queued",), ("message.*",))
    assert subscriptions(7, "message.sent", None) == ((1, "endpoint:1"),)


def test_messages_may_ask_for_any_number_of_combinations() -> None:
    known = snapshot()
    subscriptions = Subscriptions(lambda: known)
    for n in range(3_000):
        asked = message(callback_url=f"https://host{n}.example.com/", callback_events=f"message.sent,message.x{n}")
        assert subscriptions(7, "message.sent", asked) == ((None, f"callback:7:https://host{n}.example.com"),)
