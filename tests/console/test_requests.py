"""The request log in the console: what an application did wrong is found, read and understood."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.console.accessibility import judged
from tests.console.conftest import Console, joins
from tests.process.server import Api, Server

NUMBER, TEXT = "+447700900555", "Your parcel waits"


@pytest.fixture(scope="module")
def shop(server: Server) -> Api:
    return Api(server, server.key("messages:send", "messages:read", name="shop"))


def test_a_mistake_is_seen_as_it_happens_and_explained(
    window: Callable[..., Page], owner: Console, shop: Api, api: Api
) -> None:
    page = window(owner)
    page.goto("/console/requests")
    page.get_by_text("No request yet").wait_for()
    shop("POST", "/v1/messages", {"to": NUMBER, "txt": TEXT}, headers={"X-Request-Id": "checkout-17"})
    row = page.locator("tr", has_text="unknown_field")
    row.wait_for(timeout=10_000)  # by itself
    assert "/txt" in row.inner_text() and "422" in row.inner_text()
    row.get_by_text("more").click()
    assert "checkout-17" in row.inner_text() and judged(page) == []
    for number in range(8):
        shop("GET", f"/v1/messages/nothing-{number % 3}")
    api.send(NUMBER, TEXT)
    page.get_by_label("Find by").fill("checkout-17")
    page.get_by_role("button", name="Search").click()
    assert page.locator("tr[data-row]").count() == 1
    page.goto("/console/requests?q=/v1/messages")
    page.get_by_label("Key").select_option(label="shop")
    page.wait_for_url("**client=**")
    page.goto("/console/requests?q=nowhere-to-be-found")
    page.get_by_text("Nothing found").wait_for()
    assert judged(page) == []
    page.goto("/console/requests?q=unknown_field")
    page.get_by_role("link", name="unknown_field").first.click()
    page.wait_for_url("**/docs/errors#unknown_field")
    assert "Remove the field" in page.locator("#unknown_field").inner_text() and judged(page) == []


@pytest.mark.parametrize(
    ("query", "found", "missing"),
    [
        ("q=422", "unknown_field", "not_found"),
        ("q=4xx", "unknown_field", "</svg>202"),
        ("status=2xx", "</svg>202", "unknown_field"),
        ("method=GET", "not_found", "unknown_field"),
        ("since=1h", "unknown_field", "Nothing found"),
        ("q=/v1/messages/nothing", "not_found", "unknown_field"),
    ],
)
def test_the_log_is_narrowed(owner: Console, query: str, found: str, missing: str) -> None:
    page = re.sub(r"<form class=\"filters.*?</form>", "", owner.page(f"/console/requests?{query}"), flags=re.DOTALL)
    assert found in page and missing not in page


def test_no_number_and_no_text_is_on_the_page(owner: Console) -> None:
    page = owner.page("/console/requests")
    assert NUMBER not in page and NUMBER[1:] not in page and TEXT not in page


def test_roles_and_walls_of_the_log(server: Server, owner: Console) -> None:
    assert "unknown_field" in joins(server, "dev@example.com", "test:developer").page("/console/requests")
    marketer = joins(server, "market@example.com", "test:marketing")
    assert marketer("GET", "/console/requests").status_code == 403
    server.run("workspaces", "create", "apart")
    others = joins(server, "o@apart.example.com", "live:owner", "test:owner", workspace="apart")
    assert "No request yet" in others.page("/console/requests")
    live = joins(server, "l@example.com", "live:owner", environment="live")
    assert "No request yet" in live.page("/console/requests")
    assert owner("GET", "/console/requests?cursor=nonsense").status_code == 400
