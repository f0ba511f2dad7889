"""Alarms in the console: seen on the overview, looked after, kept quiet, written up."""

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.console.accessibility import judged
from tests.console.conftest import Console, joins
from tests.process.server import Api, Server

RUNG = "Something expires soon"


@pytest.fixture(scope="module")
def operator(server: Server) -> Console:
    return joins(server, "ops@alarms.example.com", "live:owner", environment="live")


@pytest.fixture(scope="module")
def alarm(server: Server, operator: Console) -> str:
    """The place of an alarm that fires: a key of live ends in five days."""
    in_five_days = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 5 * 86_400))
    admin = Api(server, server.key("admin", environment="live"))
    assert admin("POST", "/v1/keys", {"name": "till soon", "expires_at": in_five_days}).status_code == 201
    end = time.monotonic() + 20
    while time.monotonic() < end:
        found = re.search(r'href="(/console/alarms/alm_\w+)"', operator.page("/console/alarms"))
        if found is not None:
            return found[1]
        time.sleep(0.2)
    raise AssertionError("no alarm rang")


def test_an_alarm_is_on_the_overview_and_can_be_looked_after(
    window: Callable[..., Page], operator: Console, alarm: str
) -> None:
    page = window(operator)
    page.goto("/console")
    page.get_by_label("Open alarms").get_by_role("link", name=RUNG).click()
    assert page.url.endswith(alarm)
    page.get_by_text("5 days left").first.wait_for()
    page.get_by_role("button", name="I look after it").click()
    page.get_by_text("It is yours").wait_for()
    page.get_by_text("Somebody looks after it").wait_for()
    assert not page.get_by_role("button", name="I look after it").is_visible()


def test_a_silence_says_why_or_is_none(window: Callable[..., Page], operator: Console, alarm: str) -> None:
    refused = operator.send(f"{alarm}/silence", why="", **{"for": "1h"})
    assert refused.status_code == 422 and "Say why" in refused.text
    assert operator.send(f"{alarm}/silence", why="planned", **{"for": "for ever"}).status_code == 422
    page = window(operator)
    page.goto(alarm)
    page.get_by_label("Why").fill("we know, the new key is ready")
    page.get_by_role("button", name="Silence").click()
    page.get_by_text("nobody is told").first.wait_for()
    page.goto("/console/alarms")
    page.get_by_text("we know, the new key is ready").wait_for()
    page.get_by_role("button", name="End the silence").click()
    page.get_by_text("Nothing is silent").wait_for()


def test_a_rule_can_be_kept_quiet_before_anything_rings(operator: Console, alarm: str) -> None:
    span = {"for": "4h"}
    said = operator.send("/console/alarms/silences", rule="queue_age_otp", why="the carrier works on it", **span)
    assert said.status_code == 303
    assert "the carrier works on it" in operator.page("/console/alarms")
    wrong = operator.send("/console/alarms/silences", rule="queue_age", why="x", **span)
    assert wrong.status_code == 422 and "is no rule" in wrong.text


def test_a_post_mortem_begins_with_what_is_known(operator: Console, alarm: str) -> None:
    answer = operator("GET", f"{alarm}/report.md")
    assert answer.headers["content-type"].startswith("text/markdown") and answer.text.startswith(f"# {RUNG}")
    assert "## What was changed meanwhile" in answer.text


def test_every_rule_stands_there_with_its_limit(operator: Console) -> None:
    page = operator.page("/console/alarms/rules")
    for shown in ("Fewer messages arrive", "A connector is down", "Nobody", "nobody", "[policies.alarms]"):
        assert shown in page


def test_alarms_can_be_used_by_everybody(window: Callable[..., Page], operator: Console, alarm: str) -> None:
    for dark, width in ((True, 1280), (False, 390)):
        page = window(operator, dark=dark, width=width)
        for place in (alarm, "/console/alarms", "/console/alarms/rules", "/console"):
            page.goto(place)
            assert judged(page) == [], place
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), place


def test_who_only_looks_changes_nothing_and_others_see_nothing(server: Server, operator: Console, alarm: str) -> None:
    analyst = joins(server, "analyst@alarms.example.com", "live:analyst", environment="live")
    assert "I look after it" not in analyst.page(alarm)
    assert analyst.send(f"{alarm}/acknowledge").status_code == 403
    assert analyst("GET", f"{alarm}/report.md").status_code == 403
    server.run("workspaces", "create", "elsewhere")
    others = joins(server, "o@elsewhere.example.com", "live:owner", environment="live", workspace="elsewhere")
    assert "There is no alarm" in others.page(alarm, 404)
    assert others.send(f"{alarm}/acknowledge").status_code == 404
    assert "alm_" not in others.page("/console/alarms")
