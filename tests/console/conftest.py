"""A gateway for each file of console tests, an owner who is logged in, and a real browser that forgives nothing."""

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, sync_playwright

from tests.api.browser import PASSWORD, Browser, invited
from tests.process.server import Api, Server
from tests.process.sink import Sink

CONFIG = """
[webhooks]
allow_networks = ["127.0.0.0/8"]
retry_schedule_s = [1, 1, 1]
[connectors.telco]
kind = "sandbox"
answer_delay_ms = 5
receipt_delay_ms = 20
price_per_segment = "0.04"
currency = "EUR"
[[routes]]
name = "all"
via = ["telco"]
"""
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Console(Browser):
    """A browser without a script: follows links and sends forms as people do."""

    def page(self, path: str, status: int = 200) -> str:
        answer = self("GET", path)
        assert answer.status_code == status, f"{path}: {answer.status_code} {answer.text[:300]}"
        return answer.text

    def send(self, path: str, **fields: str) -> requests.Response:
        """A form with its proof; the answer may lead elsewhere."""
        body = {"csrf_token": str(self.session.headers["X-CSRF-Token"]), **fields}
        headers = {"Origin": self.server.url, "Sec-Fetch-Site": "same-origin"}
        return self.session.post(self.server.url + path, body, headers=headers, timeout=20, allow_redirects=False)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("console"), CONFIG) as running:
        yield running


@pytest.fixture(scope="module")
def api(server: Server) -> Api:
    return Api(server, server.key("messages:send", "messages:read"))


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as listening:
        yield listening


def joins(server: Server, email: str, *roles: str, environment: str = "test", workspace: str = "default") -> Console:
    """Somebody who is invited, sets a password, logs in and looks at an environment."""
    link = invited(server, email, *roles, workspace=workspace)
    assert requests.post(link, {"password": PASSWORD, "again": PASSWORD}, timeout=20).status_code == 200
    console = Console(server)
    console.log_in(email, workspace=workspace)
    console.look_at(environment)
    return console


@pytest.fixture(scope="module")
def owner(server: Server) -> Console:
    return joins(server, "owner@example.com", "live:owner", "test:owner")


# -- a real browser


@pytest.fixture(scope="module")  # its event loop runs as long as it does: no other test of this process may wait in one
def chromium() -> Iterator[Chromium]:
    if CHROMIUM is None:
        pytest.skip("NO BROWSER: chromium is missing, pages are not tried in one (apt install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def window(chromium: Chromium, server: Server) -> Iterator[Callable[..., Page]]:
    """Opens windows. Whatever a page complains of (an error, a broken policy, a failed request) fails the test."""
    complaints: list[str] = []
    contexts: list[Any] = []

    def opens(console: Console | None = None, *, dark: bool = False, width: int = 1280, scripts: bool = True) -> Page:
        context = chromium.new_context(
            base_url=server.url,
            color_scheme="dark" if dark else "light",
            viewport={"width": width, "height": 900},
            java_script_enabled=scripts,
        )
        contexts.append(context)
        if console is not None:
            context.add_cookies([{"name": "hg_session", "value": console.cookie, "url": server.url}])
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "response",
            lambda answer: complaints.append(f"{answer.status} {answer.url}") if answer.status >= 500 else None,
        )
        return page

    yield opens
    for context in contexts:
        context.close()
    assert complaints == []
