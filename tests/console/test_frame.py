"""What all pages have in common: who gets in, who sees what, what a form proves, what a browser is sent."""

import re
from collections.abc import Callable

import pytest
import requests
from playwright.sync_api import Page

from heliograph.console import assets, site
from tests.api.browser import Browser
from tests.console.conftest import Console, joins
from tests.process.server import Api, Server

LISTED = sorted({page.path for page in site.PAGES if page.entry is not None})


@pytest.mark.parametrize("path", ["/", "/console", "/console/messages", "/console/nowhere"])
def test_who_is_not_logged_in_is_sent_to_the_login(server: Server, path: str) -> None:
    answer = requests.get(server.url + path, timeout=5, allow_redirects=False)
    assert answer.status_code == 303 and answer.headers["location"].startswith("/login")


def test_the_login_leads_to_the_page_that_was_wanted_and_never_elsewhere(server: Server, owner: Console) -> None:
    form = {"email": "owner@example.com", "password": "seven lamps of brass", "workspace": "default"}
    for wanted, there in (
        ("/console/messages?state=failed", "/console/messages?state=failed"),
        ("https://evil.example", "/console"),
        ("//evil.example", "/console"),
        ("/console/../v1/messages\\", "/console"),
        ("/docs", "/console"),
    ):
        answer = requests.post(f"{server.url}/login", {**form, "next": wanted}, timeout=20, allow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, there)


@pytest.mark.parametrize("path", LISTED)
def test_a_page_is_whole_and_lets_nothing_in(server: Server, owner: Console, path: str) -> None:
    answer = owner("GET", path)
    assert answer.status_code == 200 and answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    policy = dict(part.strip().partition(" ")[::2] for part in answer.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'" and policy["script-src"] == "'self'" and policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'" and policy["form-action"] == "'self'"
    assert not re.search(r"<script(?![^>]*src=)|\son\w+=|<style|\sstyle=", answer.text), "inline"
    assert "http://" not in re.sub(r"http://127\.0\.0\.1:\d+|http://www\.w3\.org\S*", "", answer.text)
    assert len(answer.content) < 250_000


def test_files_of_pages_are_kept_for_good_and_packed(server: Server) -> None:
    for name in ("console.css", "console.js", "mark.svg", "entry.css"):
        place = assets.address(name)
        packed = requests.get(server.url + place, headers={"Accept-Encoding": "gzip"}, timeout=5)
        plain = requests.get(server.url + place, headers={"Accept-Encoding": "identity"}, timeout=5)
        assert packed.headers["content-encoding"] == "gzip" and "content-encoding" not in plain.headers
        assert packed.content == plain.content
        assert "immutable" in plain.headers["cache-control"] and plain.headers["x-content-type-options"] == "nosniff"
    assert requests.get(f"{server.url}/console/static/console.css", timeout=5, allow_redirects=False).status_code == 303


@pytest.mark.parametrize("role", ["support", "marketing", "analyst"])
def test_the_navigation_shows_what_one_may_open_and_all_of_it_opens(server: Server, role: str) -> None:
    console = joins(server, f"{role}@nav.example.com", f"live:{role}", environment="live")
    start = console("GET", "/console")
    if start.status_code == 303:
        start = console("GET", start.headers["location"])
    assert start.status_code == 200
    shown = set(re.findall(r'<li><a href="(/console[^"]*)"', start.text))
    for path in LISTED:
        answer = console("GET", path)
        assert answer.status_code == (200 if path in shown else 303 if path == "/console" else 403), path
        assert path in shown or path == "/console" or "Your role" in answer.text


def test_a_place_that_is_none_says_so(owner: Console) -> None:
    assert "There is no page /console/nowhere" in owner.page("/console/nowhere", 404)
    assert owner("POST", "/console/messages").status_code in (403, 405)


def test_a_form_without_its_proof_changes_nothing(server: Server, owner: Console) -> None:
    place, fields = server.url + "/console/environment", {"environment": "live"}
    token = str(owner.session.headers["X-CSRF-Token"])
    bare = requests.Session()
    bare.cookies.update(owner.session.cookies)
    for body, headers in (
        (fields, {}),
        ({**fields, "csrf_token": "x" * len(token)}, {}),
        ({**fields, "csrf_token": token}, {"Origin": "https://evil.example"}),
        ({**fields, "csrf_token": token}, {"Sec-Fetch-Site": "cross-site"}),
    ):
        answer = bare.post(place, body, headers=headers, timeout=5, allow_redirects=False)
        assert answer.status_code == 403
    assert owner("GET", "/v1/session").json()["environment"] == "test"


def test_the_other_environment_is_one_button_away_and_always_named(server: Server) -> None:
    console = joins(server, "two@example.com", "live:owner", "test:owner")
    assert '<body class="mode-test">' in console.page("/console")
    answer = console.send("/console/environment", environment="live", back="/console/messages")
    assert answer.status_code == 303 and answer.headers["location"].startswith("/console/messages?said=")
    page = console.page(answer.headers["location"])
    assert '<body class="mode-live">' in page and "You are looking at live now." in page
    answer = console.send("/console/environment", environment="test")
    assert answer.status_code == 403, "the proof was of the other environment"
    console.take_token()
    assert console.send("/console/environment", environment="nowhere").status_code == 422


def test_nobody_can_make_a_link_that_speaks_in_our_name(owner: Console) -> None:
    assert "Call 0900" not in owner.page("/console?said=Call+0900&sign=AAAA")


def test_the_way_back_leads_nowhere_else(owner: Console) -> None:
    answer = owner.send("/console/theme", theme="dark", back="https://evil.example/console/")
    assert answer.headers["location"] == "/console"
    assert 'data-theme="dark"' in owner.page("/console")
    owner.send("/console/theme", theme="")
    assert "data-theme" not in owner.page("/console")


def test_no_workspace_sees_another(server: Server, owner: Console, api: Api) -> None:
    server.run("workspaces", "create", "acme")
    theirs = Api(server, server.key("messages:send", workspace="acme")).send(text="a secret of acme")
    page = owner.page("/console/messages")
    assert "a secret of acme" not in page and theirs["id"] not in page


def test_the_demo_link_lets_in_once_and_only_here(server: Server, tmp_path_factory: pytest.TempPathFactory) -> None:
    demo = Server(tmp_path_factory.mktemp("demo"))
    demo.start("--demo")
    try:
        found = re.search(r"Console +(http\S+/console/enter/\S+)", demo.log())
        assert found is not None
        link = found[1]
        far = requests.get(link, headers={"X-Forwarded-For": "203.0.113.7"}, timeout=5, allow_redirects=False)
        assert far.headers["location"].startswith("/login") and not far.cookies
        guessed = requests.get(link[:-3] + "xyz", timeout=5, allow_redirects=False)
        assert guessed.headers["location"].startswith("/login") and not guessed.cookies
        browser = Browser(demo)
        assert browser("GET", link.removeprefix(demo.url)).headers["location"] == "/console"
        view = browser("GET", "/v1/session").json()
        assert view["environment"] == "test" and "admin" in view["scopes"]
        again = requests.get(link, timeout=5, allow_redirects=False)
        assert again.headers["location"].startswith("/login") and not again.cookies
        assert "This link has ended" in requests.get(demo.url + again.headers["location"], timeout=5).text
    finally:
        demo.stop()
    assert requests.get(f"{server.url}/console/enter/x", timeout=5, allow_redirects=False).status_code == 303


@pytest.mark.parametrize("path", LISTED)
@pytest.mark.parametrize("width", [1280, 390])
def test_a_page_needs_no_scrolling_sideways(window: Callable[..., Page], owner: Console, path: str, width: int) -> None:
    page = window(owner, width=width)
    page.goto(path)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_menu_opens_on_a_phone_without_a_script(window: Callable[..., Page], owner: Console) -> None:
    page = window(owner, width=390, scripts=False)
    page.goto("/console")
    assert not page.get_by_role("link", name="Messages", exact=True).is_visible()
    page.get_by_role("link", name="Menu", exact=True).click()
    page.get_by_role("link", name="Messages", exact=True).click()
    assert page.url.endswith("/console/messages")


def test_a_page_stays_fresh_by_itself(window: Callable[..., Page], owner: Console, api: Api) -> None:
    page = window(owner)
    page.goto("/console/messages")
    api.send(text="it came while one looked")
    page.get_by_text("it came while one looked").wait_for(timeout=8_000)
