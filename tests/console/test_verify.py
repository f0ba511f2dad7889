"""Verifications and short links in the console: the funnel, the fraud guard, each for itself; who followed what."""

import re
from collections.abc import Callable

import pytest
import requests
from playwright.sync_api import Page

from tests.console.accessibility import judged
from tests.console.conftest import Console, joins
from tests.process.server import Api, Server

PLACE = "/console/verify"


@pytest.fixture(scope="module")
def asked(server: Server) -> dict[str, str]:
    """Three that are checked, one that is open, one with a wrong code, and what the guard keeps back."""
    verify = Api(server, server.key("verify"))
    ids = {}
    for number, what in enumerate(("approved", "approved", "approved", "open", "wrong")):
        to = f"+44770090{number}{number}55"
        started = verify("POST", "/v1/verifications", {"to": to, "purpose": "login"}).json()
        ids[what] = started["id"]
        code = {"approved": started["test_code"], "wrong": "000000"}.get(what)
        if code is not None:
            verify("POST", f"/v1/verifications/{started['id']}/check", {"code": code})
    for _ in range(6):
        refused = verify("POST", "/v1/verifications", {"to": "+447700903999"})
        verify("POST", f"/v1/verifications/{refused.json().get('id')}/cancel")
    assert refused.status_code in (403, 429), refused.text
    return ids


def test_the_funnel_says_how_many_are_left_at_each_step(
    window: Callable[..., Page], owner: Console, server: Server, asked: dict[str, str]
) -> None:
    page = window(owner)
    page.goto(PLACE)
    funnel = page.locator("#funnel")
    steps = dict(re.findall(r"(Asked for|Sent|Delivered|Checked)\s+([\d,]+)", funnel.inner_text()))
    figures = Api(server, server.key("analytics:read"))
    counts = figures("GET", "/v1/verify/statistics").json()["total"]
    assert int(steps["Asked for"]) == counts["started"] and int(steps["Sent"]) == counts["sent"]
    assert int(steps["Checked"]) == counts["approved"] == 3
    page.get_by_role("region", name="Conversion by Country").get_by_text("GB").wait_for()
    page.get_by_role("region", name="Conversion by Prefix").get_by_text("+44770090").first.wait_for()
    assert judged(page) == []


def test_the_guard_says_why_and_what_it_saved(
    window: Callable[..., Page], owner: Console, asked: dict[str, str]
) -> None:
    page = window(owner)
    page.goto(f"{PLACE}/guard")
    page.get_by_text("too many codes for this phone").first.wait_for()
    page.get_by_text("0.04 EUR").first.wait_for()
    assert judged(page) == []


def test_one_is_found_explained_and_taken_back(
    window: Callable[..., Page], owner: Console, asked: dict[str, str]
) -> None:
    page = window(owner)
    page.goto(f"{PLACE}/list")
    assert judged(page) == []
    page.get_by_label("Find by").fill(asked["open"])
    page.keyboard.press("Enter")
    page.get_by_text("How it stands").wait_for()
    assert judged(page) == []
    page.locator("#actions summary", has_text="Take back").click()
    page.locator("#actions").get_by_role("button", name="Take back").click()
    page.get_by_text("It is taken back").wait_for()
    page.locator("#state").get_by_text("canceled").wait_for()
    wrong = owner.page(f"{PLACE}/list/{asked['wrong']}")
    assert "1 of at most 5" in wrong and "000000" not in wrong and "delivered" in wrong
    assert asked["open"] in owner.page(f"{PLACE}/list?q=%2B447700903355")
    assert asked["open"] not in owner.page(f"{PLACE}/list?state=approved")
    owner.page(f"{PLACE}/list?q=nonsense", 422)


def test_who_may_not_verify_sees_figures_alone_and_others_nothing(
    server: Server, owner: Console, asked: dict[str, str]
) -> None:
    marketing = joins(server, "figures@example.com", "test:marketing")
    assert "Funnel" in marketing.page(PLACE) and f"{PLACE}/list" not in marketing.page(PLACE)
    assert asked["wrong"] not in marketing.page(f"{PLACE}/guard")
    marketing.page(f"{PLACE}/list", 403)
    assert marketing.send(f"{PLACE}/list/{asked['wrong']}/cancel").status_code == 403
    server.run("workspaces", "create", "others")
    theirs = joins(server, "others@example.com", "test:owner", "live:owner", workspace="others")
    assert "No verification in this time" in theirs.page(PLACE)
    assert "Nothing was kept back" in theirs.page(f"{PLACE}/guard")
    theirs.page(f"{PLACE}/list/{asked['wrong']}", 404)
    assert theirs.send(f"{PLACE}/list/{asked['wrong']}/cancel").status_code == 404


def test_clicks_are_counted_and_their_links_listed(
    window: Callable[..., Page], owner: Console, api: Api, server: Server
) -> None:
    assert "No domain for links yet" in owner.page("/console/links")
    admin = Api(server, server.key("admin"))
    policy = {"policies": {"links": {"domain": "https://go.example.com", "kinds": ["support"]}}}
    assert admin("POST", "/v1/apply", {"document": policy}).status_code == 200
    message = api.send(text="See https://shop.example/spring?c=<b>", kind="support")
    api.until(message["id"], "delivered")
    (link,) = api("GET", f"/v1/messages/{message['id']}/links").json()["data"]
    phone = {"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Mobile/15E148 Safari/604.1"}
    requests.get(f"{server.url}/l/{link['token']}", headers=phone, timeout=5, allow_redirects=False)
    page = window(owner)
    page.goto("/console/links")
    page.get_by_role("rowheader", name="https://shop.example/spring?c=").wait_for()
    row = page.get_by_role("row", name=re.compile("shop.example"))
    row.get_by_role("cell", name="1", exact=True).wait_for(timeout=15_000)
    assert judged(page) == []
    page.get_by_role("link", name="Only those that were followed").click()
    page.get_by_role("rowheader", name="https://shop.example/spring?c=").wait_for()
    theirs = joins(server, "nolinks@example.com", "live:owner", "test:owner", environment="live")
    assert "shop.example" not in theirs.page("/console/links"), "test and live are apart"
