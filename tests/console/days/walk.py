"""Somebody at work in a real browser, page by page. What a page must be for them is asked of each: no error, nothing
that its policy forbids, usable by everybody, light to fetch, and never wider than the window.

`DAYS_PICTURES=FOLDER` keeps a picture of every step, light, dark and as on a phone, for people to look at.
"""

import os
import re
from pathlib import Path
from typing import Final

import requests
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Locator, Request

from tests.api.browser import PASSWORD, invited
from tests.console.accessibility import judged
from tests.process.server import Server

MOST_BYTES: Final = 250_000  # of a page with all that it shows, as they cross the network
_PICTURES: Final = os.environ.get("DAYS_PICTURES")
_CUT_OFF: Final = """() => [...document.querySelectorAll("details[open] > .panel")]
    .map((panel) => panel.getBoundingClientRect())
    .filter((box) => box.left < 0 || box.right > innerWidth).map((box) => [box.left, box.right])"""
_SPILLED: Final = """() => [...document.querySelectorAll(".card, .panel, .notice")]
    .filter((box) => box.checkVisibility() && box.scrollWidth > box.clientWidth + 1)
    .map((box) => box.innerText.slice(0, 80))"""
_PHONE: Final = {"width": 390, "height": 844}
_DESK: Final = {"width": 1280, "height": 900}


class Walk:
    """One person's window. `look` judges the page that is open."""

    def __init__(self, chromium: Chromium, server: Server, who: str) -> None:
        self.who = who
        self._context = chromium.new_context(base_url=server.url, viewport=_DESK, color_scheme="light")  # type: ignore[arg-type]
        self.page = self._context.new_page()
        self._complaints: list[str] = []
        self._requests: list[Request] = []
        self._weights: dict[str, int] = {}  # what was fetched once comes from the cache later, and still counts
        self._steps = 0
        self.page.on("console", lambda said: self._complain(said.text) if said.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self._complain(str(error)))
        self.page.on("requestfinished", self._fetched)

    def _complain(self, text: str) -> None:
        self._complaints.append(f"{self.page.url}: {text}")

    def _fetched(self, request: Request) -> None:
        if request.is_navigation_request() and request.redirected_from is None:
            self._requests = []
        self._requests.append(request)

    # -- what one does

    def log_in(self, email: str) -> None:
        """By the form, with the password that the link of the invitation let them set."""
        self.page.goto("/login")
        self.page.get_by_label("E-mail address").fill(email)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Log in").click()
        self.page.wait_for_url("**/console**")

    def environment(self, name: str) -> None:
        """Look at another one."""
        self.page.locator(".environments").get_by_role("button", name=name, exact=True).click()
        self.page.locator(f".environments button[aria-current=true]:text-is('{name}')").wait_for()

    def go(self, title: str) -> None:
        """By the navigation, as it is written there."""
        self.page.get_by_role("navigation", name="Console").get_by_role("link", name=title, exact=True).click()
        self.page.get_by_role("heading", level=1).wait_for()

    def see(self, text: str, within: str = "main", seconds: float = 10.0) -> Locator:
        found = self.page.locator(within).get_by_text(text).first
        found.wait_for(timeout=seconds * 1000)
        return found

    def press(self, name: str, within: str = "main") -> None:
        self.page.locator(within).get_by_role("button", name=name, exact=True).click()

    def follow(self, name: str | re.Pattern[str], within: str = "main") -> None:
        self.page.locator(within).get_by_role("link", name=name).first.click()

    def sees_no(self, *names: str) -> None:
        """No button, and nothing that opens one, which their role could not press."""
        for name in names:
            there = self.page.get_by_role("button", name=name).or_(self.page.locator("summary", has_text=name))
            assert there.count() == 0, f"{self.who} sees {name!r} on {self.page.url}"

    # -- what one sees

    def look(self, step: str) -> None:
        """Judge the page as it stands: what it fetched, whom it suits, how wide it is."""
        where = f"{self.who}, {step} ({self.page.url})"
        self.page.wait_for_load_state("load")
        for request in self._requests:
            sizes = request.sizes()
            weight = sizes["responseBodySize"] + sizes["responseHeadersSize"]
            self._weights[request.url] = max(weight, self._weights.get(request.url, 0))
        weight = sum(self._weights[url] for url in {request.url for request in self._requests})
        assert weight <= MOST_BYTES, f"{where} takes {weight} bytes"
        self._picture(step)
        assert judged(self.page) == [], where
        self.page.set_viewport_size(_PHONE)  # type: ignore[arg-type]
        assert self.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{where} is too wide"
        assert self.page.evaluate(_CUT_OFF) == [], f"{where}: what is open is cut off"
        spilled = self.page.evaluate(_SPILLED)
        assert spilled == [], f"{where}: more than its card holds: {spilled}"
        self._picture(step, "phone")
        self.page.set_viewport_size(_DESK)  # type: ignore[arg-type]
        assert self._complaints == [], f"{where}: {self._complaints}"

    def _picture(self, step: str, how: str = "light") -> None:
        if _PICTURES is None:
            return
        if how == "light":
            self._steps += 1
        name = f"{self.who}-{self._steps:02}-{step.replace(' ', '-')}"
        self.page.screenshot(path=Path(_PICTURES) / f"{name}-{how}.png", full_page=True)
        if how == "light":
            self.page.emulate_media(color_scheme="dark")
            self.page.screenshot(path=Path(_PICTURES) / f"{name}-dark.png", full_page=True)
            self.page.emulate_media(color_scheme="light")

    def close(self) -> None:
        self._context.close()


def hired(server: Server, email: str, *roles: str) -> str:
    """A user with these roles, who has set a password."""
    link = invited(server, email, *roles)
    assert requests.post(link, {"password": PASSWORD, "again": PASSWORD}, timeout=20).status_code == 200
    return email
