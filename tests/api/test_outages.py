"""Outages and drills with a real gateway: each kind's plan is kept, live traffic feels nothing, nothing stays out."""

import json
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.process.server import Api, Server
from tests.process.sink import Sink

CONFIG = """
[webhooks]
allow_networks = ["127.0.0.0/8"]
[connectors.first]
kind = "sandbox"
receipt_delay_ms = 20
[connectors.second]
kind = "sandbox"
receipt_delay_ms = 20
[connectors.other]
kind = "sandbox"
receipt_delay_ms = 20
[connectors.for-live]
kind = "sandbox"
receipt_delay_ms = 20
[[routes]]
name = "drill"
match = {tag = "drill", channel = "sms"}
via = ["first", "second"]
[[routes]]
name = "all"
via = ["for-live"]
[[routes]]
name = "spare"
match = {channel = "whatsapp"}
via = ["other"]
"""
TEMPLATE = {"name": "notice", "language": "en", "variables": ["{{text}}"]}
PLAN = {
    "begins_after_s": 2,
    "ends_after_s": 2,
    "kinds": {
        "otp": {"then": "fail"},
        "transactional": {"wait_s": 2, "channel": "whatsapp", "content": {"template": TEMPLATE}},
        "promotional": {"then": "pause"},
    },
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("outages"), CONFIG) as running:
        yield running


@pytest.fixture(scope="module")
def admin(server: Server) -> Api:
    return Api(server, server.key("admin"))


@pytest.fixture(scope="module")
def live(server: Server) -> Api:
    return Api(server, server.key("admin", environment="live"))


def ended(admin: Api, drill: str, within_s: float = 60.0) -> dict[str, Any]:
    end = time.monotonic() + within_s
    while (found := admin("GET", f"/v1/drills/{drill}").json())["status"] == "running":
        assert time.monotonic() < end, found
        time.sleep(0.2)
    answer: dict[str, Any] = found
    return answer


def test_a_drill_needs_a_plan_to_try(admin: Api) -> None:
    answer = admin("POST", "/v1/drills", {"route": "drill"})
    assert (answer.status_code, answer.json()["code"]) == (409, "no_outage_policy")


@pytest.fixture(scope="module")
def drill(admin: Api, live: Api) -> dict[str, Any]:
    """One that is done, while live messages went on; `live` are those."""
    assert admin.policy("outage", **PLAN).status_code == 200
    with Sink() as sink:
        declared = {"endpoints": {"ops": {"url": sink.url, "events": ["outage.*"], "environment": "test"}}}
        answer = admin("POST", "/v1/apply", {"document": declared})
        assert answer.status_code == 200, answer.text
        started = admin("POST", "/v1/drills", {"route": "drill", "seconds": 9})
        assert started.status_code == 202, started.text
        again = admin("POST", "/v1/drills", {"route": "drill", "seconds": 9})
        live_ones = []
        while admin("GET", f"/v1/drills/{started.json()['id']}").json()["status"] == "running":
            live_ones.append(live.until(live.send()["id"], "delivered", within_s=3)["status"])
            time.sleep(0.5)
        done = ended(admin, started.json()["id"])
        told = [json.loads(one.body)["type"] for one in sink.until(lambda heard: len(heard) >= 2)]
    return done | {"again": again, "live": live_ones, "told": told}


def of(drill: dict[str, Any], kind: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in drill["report"]["kinds"] if one["kind"] == kind)
    return found


def _not_as_planned(report: dict[str, Any]) -> Any:
    """What one would want to know of a drill that failed."""
    times = {name: value for name, value in report.items() if name != "kinds"}
    return times, [(kind["kind"], one) for kind in report["kinds"] for one in kind["probes"] if one["why"]]


def test_a_drill_finds_that_every_plan_was_kept(drill: dict[str, Any]) -> None:
    report = drill["report"]
    assert report["passed"], _not_as_planned(report)
    assert (report["lost"], report["doubled"], report["left_out"]) == (0, 0, {})
    assert report["detected_after_ms"] >= 2_000
    assert report["over_after_ms"] >= 2_000
    assert report["recovered_after_ms"] is not None


def test_codes_fail_at_once_and_say_why(drill: dict[str, Any]) -> None:
    failed = [one for one in of(drill, "otp")["probes"] if one["status"] == "failed"]
    assert failed
    assert {one["code"] for one in failed} == {"provider_outage"}


def test_notices_take_another_channel(drill: dict[str, Any], admin: Api) -> None:
    kind = of(drill, "transactional")
    assert kind["other_channel"] >= 3
    taken = next(one for one in kind["probes"] if one["channel"] == "whatsapp")
    assert (taken["status"], taken["connector"]) == ("delivered", "other")
    shown = admin("GET", f"/v1/messages/{taken['id']}").json()
    assert shown["channel"] == "whatsapp"
    assert shown["content"]["template"]["variables"][0].startswith("Drill")


def test_advertising_is_held_until_it_is_over(drill: dict[str, Any]) -> None:
    kind = of(drill, "promotional")
    assert kind["held"] >= 3
    assert {one["status"] for one in kind["probes"]} == {"delivered"}


def test_what_has_no_plan_waits(drill: dict[str, Any]) -> None:
    assert {one["status"] for one in of(drill, "support")["probes"]} == {"delivered"}


def test_an_outage_is_told_and_listed(drill: dict[str, Any], admin: Api, live: Api) -> None:
    assert drill["told"] == ["outage.began", "outage.ended"]
    outage = admin("GET", "/v1/outages").json()["data"][0]
    assert (outage["status"], outage["connectors"]) == ("ended", ["first", "second"])
    assert outage["moved"] >= 3
    assert outage["failed"] >= 3
    assert outage["held"] >= 3
    assert live("GET", "/v1/outages").json()["data"] == []


def test_two_drills_at_once_are_refused(drill: dict[str, Any]) -> None:
    assert (drill["again"].status_code, drill["again"].json()["code"]) == (409, "drill_running")


def test_live_traffic_feels_nothing_of_a_drill(drill: dict[str, Any]) -> None:
    assert len(drill["live"]) >= 10
    assert set(drill["live"]) == {"delivered"}


REFUSED = [
    ({"connectors": ["for-live"]}, 409, "drill_live_traffic"),
    ({"route": "all"}, 409, "drill_live_traffic"),
    ({"route": "none"}, 422, "unknown_route"),
    ({"connectors": ["none"]}, 422, "unknown_connector"),
    ({}, 422, "missing_field"),
    ({"route": "drill", "to": "+33612345678"}, 422, "drill_number"),
]


@pytest.mark.parametrize(("body", "status", "code"), REFUSED)
def test_what_a_drill_may_not_touch(
    drill: dict[str, Any], admin: Api, body: dict[str, Any], status: int, code: str
) -> None:
    answer = admin("POST", "/v1/drills", body)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


def test_drills_are_for_test_keys(drill: dict[str, Any], live: Api) -> None:
    answer = live("POST", "/v1/drills", {"route": "drill"})
    assert (answer.status_code, answer.json()["code"]) == (403, "drill_not_here")


def test_a_provider_that_refuses_everything_is_out_too(drill: dict[str, Any], admin: Api) -> None:
    """A minute: ten failures of each connector, and the growing pauses of those that look whether it is over."""
    started = admin("POST", "/v1/drills", {"route": "drill", "seconds": 12, "how": "failing"}).json()
    report = ended(admin, started["id"], 120)["report"]
    assert report["passed"], _not_as_planned(report)
    assert (report["lost"], report["doubled"]) == (0, 0)
    outage = admin("GET", "/v1/outages").json()["data"][0]
    assert (outage["country"], outage["status"]) == ("GB", "ended")


def test_a_plan_that_is_not_kept_fails_the_command(drill: dict[str, Any], admin: Api, server: Server) -> None:
    """The length is too short for anybody to notice."""
    key = admin.session.headers["Authorization"].removeprefix("Bearer ")  # type: ignore[union-attr]
    words = ["drill", "drill", "--for", "5s", "--key", key, "--url", server.url]
    patient = {"begins_after_s": 60, "ends_after_s": 2, "kinds": PLAN["kinds"]}
    assert admin.policy("outage", **patient).status_code == 200
    done = subprocess.run([server.program, *words], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1, done.stderr
    assert "a plan was NOT kept" in done.stdout
    assert "the outage was not noticed" in done.stdout


def test_a_gateway_that_is_killed_in_a_drill_leaves_nothing_out(
    drill: dict[str, Any], admin: Api, server: Server
) -> None:
    started = admin("POST", "/v1/drills", {"route": "drill", "seconds": 600}).json()
    end = time.monotonic() + 20
    while admin("GET", f"/v1/drills/{started['id']}").json()["out_from"] is None:
        assert time.monotonic() < end
        time.sleep(0.1)
    server.kill()
    server.start()
    assert ended(admin, started["id"], 10)["status"] == "broken_off"
    sent = admin.send(tags=["drill"])
    assert admin.until(sent["id"], "delivered")["connector"] == "first"
