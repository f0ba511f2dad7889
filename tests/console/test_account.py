"""One's own account in the console."""

import re
from collections.abc import Callable

import requests
from playwright.sync_api import Page

from tests.api.browser import PASSWORD, Browser, code_now
from tests.console.accessibility import judged
from tests.console.conftest import joins
from tests.process.server import Server

NEW = "eight lamps of copper"


def test_a_password_is_changed_and_all_other_sessions_end(server: Server) -> None:
    console = joins(server, "ann@example.com", "test:support")
    elsewhere = Browser(server)
    elsewhere.log_in("ann@example.com")
    wrong = console.send("/console/account/password", old="not this", password=NEW, again=NEW)
    assert wrong.status_code == 403 and 'id="p-old"' in wrong.text and "not this one" not in wrong.text
    differs = console.send("/console/account/password", old=PASSWORD, password=NEW, again="another")
    assert differs.status_code == 422 and 'id="p-again"' in differs.text and NEW not in differs.text
    weak = console.send("/console/account/password", old=PASSWORD, password="password1234", again="password1234")
    assert weak.status_code == 422 and 'id="p-password"' in weak.text
    done = console.send("/console/account/password", old=PASSWORD, password=NEW, again=NEW)
    assert "Your password is changed." in console.page(done.headers["location"])
    assert elsewhere("GET", "/v1/session").status_code == 401
    form = {"email": "ann@example.com", "password": NEW, "workspace": "default"}
    answer = requests.post(f"{server.url}/login", form, timeout=20, allow_redirects=False)
    assert answer.headers["location"] == "/console"


def test_the_second_factor_is_set_up_used_and_ended(window: Callable[..., Page], server: Server) -> None:
    console = joins(server, "bea@example.com", "test:support")
    page = window(console)
    page.goto("/console/account")
    assert judged(page) == []
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Set it up").click()
    secret = page.locator("#secret").inner_text().replace(" ", "").strip()
    page.get_by_label("Code").fill(code_now(secret))
    page.get_by_role("button", name="Turn it on").click()
    codes = page.locator("#codes").inner_text().split()
    assert len(codes) == 10 and judged(page) == []
    page.get_by_role("link", name="I have kept them").click()
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Turn it off").click()
    page.get_by_text("without a second factor from now on").wait_for()


def test_a_session_elsewhere_is_ended(server: Server) -> None:
    console = joins(server, "cat@example.com", "test:support")
    elsewhere = Browser(server)
    elsewhere.log_in("cat@example.com")
    page = console.page("/console/account")
    (other,) = re.findall(r'name="session" value="(ses_\w+)"', page)
    assert console.send("/console/account/sessions", session=other).status_code == 303
    assert elsewhere("GET", "/v1/session").status_code == 401
    assert console.send("/console/account/sessions", session="ses_nonsense").status_code == 404


def test_nobody_ends_a_session_of_somebody_else(server: Server) -> None:
    mine, theirs = joins(server, "dan@example.com", "test:owner"), joins(server, "eve@example.com", "test:support")
    (session,) = [one["id"] for one in theirs("GET", "/v1/sessions").json()["data"]][:1]
    assert mine.send("/console/account/sessions", session=session).status_code == 404
    assert theirs("GET", "/v1/session").status_code == 200
