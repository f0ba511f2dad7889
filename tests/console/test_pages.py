"""Every page in a real browser: without a complaint, and as everybody can use it, light and dark."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from heliograph.console import site
from tests.console.accessibility import judged
from tests.console.conftest import Console
from tests.process.server import Api

LISTED = sorted({page.path for page in site.PAGES if page.entry is not None})


@pytest.fixture(scope="module")
def something(api: Api) -> str:
    """Traffic, so that pages have something to show; the place of a message that failed."""
    sent = [
        api.send(to, "Hello, it’s us", tags=["hello"]) for to in ("+447700900123", "+447700900001", "+447700900004")
    ]
    for one in sent:
        api.until(one["id"], "delivered", "undelivered", "failed")
    return f"/console/messages/{sent[1]['id']}"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("path", [*LISTED, "one message", "/console/messages?q=nowhere"])
def test_a_page_can_be_used_by_everybody(
    window: Callable[..., Page], owner: Console, something: str, path: str, dark: bool
) -> None:
    page = window(owner, dark=dark)
    page.goto(something if path == "one message" else path)
    assert judged(page) == []


def test_a_page_can_be_used_by_everybody_on_a_phone(
    window: Callable[..., Page], owner: Console, something: str
) -> None:
    page = window(owner, width=390)
    for path in (*LISTED, something):
        page.goto(path)
        assert judged(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_the_entrance_can_be_used_by_everybody(window: Callable[..., Page]) -> None:
    page = window()
    page.goto("/login")
    assert judged(page) == []
