"""The operator's hand on the tap: pauses, outages, schedules and expiry, as the carrier's own journal saw them."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from heliograph.core import ids
from tests.process.server import Api, Server
from tests.process.sink import Sink

CONFIG = """
[webhooks]
allow_networks = ["127.0.0.0/8"]
[connectors.first]
kind = "sandbox"
answer_delay_ms = 5
receipt_delay_ms = 10
journal = "{journal}"
[connectors.second]
kind = "sandbox"
answer_delay_ms = 5
receipt_delay_ms = 10
journal = "{journal}"
[[routes]]
name = "germany"
via = ["second"]
match = {{ country = ["DE"] }}
[[routes]]
name = "others"
via = ["first"]
[policies.consent]
promotional = "no_opt_out"
[policies.quiet_hours]
kinds = []
"""
GERMAN = "+4915112345678"
BRITISH = "+447911123456"


class Tap:
    """A running gateway, its API, and what its carriers wrote down."""

    def __init__(self, server: Server, journal: Path) -> None:
        self.server = server
        self.api = Api(server, server.key("admin", environment="live"))
        self._journal = journal

    def reached_carrier(self, sent: dict[str, Any]) -> bool:
        place = ids.parse("msg", sent["id"])
        assert place is not None
        lines = self._journal.read_text().splitlines() if self._journal.exists() else []
        return any(line.split()[0] == str(place[1]) for line in lines)

    def pause(self, scope: str, value: str = "") -> None:
        answer = self.api("PUT", "/v1/pauses", {"scope": scope, "value": value})
        assert answer.status_code == 200, answer.text

    def resume(self, scope: str, value: str = "") -> None:
        answer = self.api("DELETE", f"/v1/pauses?scope={scope}&value={value}")
        assert answer.status_code == 200, answer.text


@pytest.fixture(scope="module")
def tap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tap]:
    folder = tmp_path_factory.mktemp("tap")
    journal = folder / "journal"
    with Server(folder, CONFIG.format(journal=journal)) as server:
        yield Tap(server, journal)


PAUSES = [
    ("all", "", {"to": BRITISH}, None),
    ("workspace", "default", {"to": BRITISH}, None),
    ("connector", "first", {"to": BRITISH}, {"to": GERMAN}),
    ("kind", "promotional", {"to": BRITISH, "kind": "promotional"}, {"to": BRITISH, "kind": "otp"}),
]


@pytest.mark.parametrize(("scope", "value", "held", "free"), PAUSES, ids=[scope for scope, *_ in PAUSES])
def test_a_pause_holds_what_it_names_and_nothing_else(
    tap: Tap, scope: str, value: str, held: dict[str, Any], free: dict[str, Any] | None
) -> None:
    tap.pause(scope, value)
    waiting = tap.api.send(**held)
    if free is not None:
        tap.api.until(tap.api.send(**free)["id"], "delivered")
    time.sleep(1.5)  # longer than the engine needs to look again
    assert not tap.reached_carrier(waiting)
    assert tap.api("GET", f"/v1/messages/{waiting['id']}").json()["status"] == "queued"
    assert [(each["scope"], each["value"]) for each in tap.api("GET", "/v1/pauses").json()["data"]] == [(scope, value)]
    tap.resume(scope, value)
    tap.api.until(waiting["id"], "delivered")
    assert tap.reached_carrier(waiting)


def test_a_pause_outlives_the_process(tap: Tap) -> None:
    tap.pause("all")
    waiting = tap.api.send(BRITISH)
    tap.server.stop()
    tap.server.start()
    time.sleep(1.5)
    assert not tap.reached_carrier(waiting)
    tap.resume("all")
    tap.api.until(waiting["id"], "delivered")


def test_what_ends_while_it_is_paused_expires_and_is_told(tap: Tap) -> None:
    with Sink() as sink:
        tap.pause("connector", "first")
        waiting = tap.api.send(BRITISH, valid_for="2s", callback_url=sink.url)
        tap.api.until(waiting["id"], "expired")
        tap.resume("connector", "first")
        sink.until(lambda heard: any(one.event["type"] == "message.expired" for one in heard))
    assert not tap.reached_carrier(waiting)


def test_a_scheduled_message_goes_at_its_time_and_not_before(tap: Tap) -> None:
    due = datetime.now(UTC) + timedelta(seconds=2)
    waiting = tap.api.send(BRITISH, send_at=due.isoformat())
    assert waiting["status"] == "scheduled"
    while datetime.now(UTC) < due - timedelta(milliseconds=100):
        assert not tap.reached_carrier(waiting)
        time.sleep(0.1)
    tap.api.until(waiting["id"], "delivered")


def test_an_outage_holds_messages_until_it_is_over(tap: Tap) -> None:
    switch = "/v1/sandbox/outage"
    assert tap.api("POST", switch, {"connector": "first", "is_out": True}).status_code == 200
    waiting = tap.api.send(BRITISH)
    time.sleep(1.5)
    assert tap.api("GET", f"/v1/messages/{waiting['id']}").json()["status"] == "queued"
    assert not tap.reached_carrier(waiting)
    assert tap.api("POST", switch, {"connector": "first", "is_out": False}).status_code == 200
    tap.api.until(waiting["id"], "delivered")


def test_what_waits_can_be_canceled_and_never_leaves(tap: Tap) -> None:
    tap.pause("all")
    sent = [tap.api.send(BRITISH) for _ in range(3)]
    for each in sent:
        assert tap.api("POST", f"/v1/messages/{each['id']}/cancel").json()["status"] == "canceled"
    tap.resume("all")
    last = tap.api.send(BRITISH)
    tap.api.until(last["id"], "delivered")
    assert not any(map(tap.reached_carrier, sent))
    too_late = tap.api("POST", f"/v1/messages/{last['id']}/cancel")
    assert (too_late.status_code, too_late.json()["code"]) == (409, "too_late")
