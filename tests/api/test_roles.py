"""What each role may do: the table in the docs, and what the doors answer, are the same."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from heliograph.engine.users.roles import ROLES
from tests.api.browser import Browser, joined
from tests.process.server import Server

PAGE = Path(__file__).parents[2] / "docs/reference/roles.md"
PROBES = {("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/openapi.json")}
OPEN = {("POST", "/v1/session"), ("POST", "/v1/session/code"), *PROBES}
LEAVES = ("DELETE", "/v1/session")
WAITS = {"/v1/events": "?wait=0"}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One of its own: everything that there is will be asked of it."""
    with Server(tmp_path_factory.mktemp("roles")) as running:
        yield running


@pytest.fixture(scope="module")
def routes(gateway: Server) -> list[tuple[str, str]]:
    """All that a session can open; drop-in doors are for keys alone."""
    document = requests.get(f"{gateway.url}/openapi.json", timeout=5).json()
    operations = [
        (method.upper(), path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    ]
    return [(method, path) for method, path, operation in operations if not for_keys_alone(operation)]


def for_keys_alone(operation: dict[str, Any]) -> bool:
    ways = operation.get("security", [{"session": []}])
    return bool(ways) and {"session": []} not in ways


def table() -> dict[tuple[str, str], dict[str, bool]]:
    """The table as people read it."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.read_text().splitlines()]
    names = next(row for row in rows if row[0] == "route")[1:]
    found = {}
    for row in rows:
        if (route := re.fullmatch(r"`([A-Z]+) (/\S+)`", row[0])) is not None:
            found[route[1], route[2]] = {name: cell == "yes" for name, cell in zip(names, row[1:], strict=True)}
    return found


def is_let_through(browser: Browser, method: str, path: str, document: dict[str, Any]) -> bool:
    """Is it anything but the role that stands in the way? Bodies are empty, names lead nowhere: nothing is changed."""
    place = re.sub(r"\{\w+\}", "nowhere", path) + WAITS.get(path, "")
    has_body = "requestBody" in document["paths"][path][method.lower()]
    answer = browser(method, place, {} if has_body else None)
    is_problem = answer.headers["content-type"].startswith("application/problem+json")
    code = answer.json()["code"] if is_problem else None
    assert answer.status_code != 401, f"{method} {path}: {answer.text}"
    assert answer.status_code < 500, f"{method} {path}: {answer.text}"
    assert code not in ("bad_csrf_token", "cross_site", "foreign_workspace"), f"{method} {path}: {answer.text}"
    return code != "missing_scope"


def test_the_table_has_every_route_and_every_role(routes: list[tuple[str, str]]) -> None:
    assert table().keys() == set(routes) - OPEN
    assert all(row.keys() == ROLES.keys() for row in table().values())


@pytest.mark.parametrize("role", ROLES)
def test_a_role_opens_what_the_table_says_and_nothing_else(
    gateway: Server, routes: list[tuple[str, str]], role: str
) -> None:
    browser = joined(gateway, f"{role}@example.com", f"live:{role}")
    document = requests.get(f"{gateway.url}/openapi.json", timeout=5).json()
    asked = [route for route in routes if route not in OPEN | {LEAVES}] + [LEAVES]
    seen = {route: is_let_through(browser, *route, document) for route in asked}
    assert seen == {route: row[role] for route, row in table().items()}


def test_what_concerns_the_whole_workspace_takes_the_role_in_live_too(gateway: Server) -> None:
    browser = joined(gateway, "tester@example.com", "test:owner")
    view = browser("GET", "/v1/session").json()
    assert (view["environment"], view["mode"]) == ("test", "test")
    assert "messages:send" in view["scopes"]
    assert not {"admin", "routing:manage", "consent:manage"} & {*view["scopes"]}
    for method, path, body in (
        ("POST", "/v1/keys", {"name": "mine", "environment": "live"}),
        ("POST", "/v1/consents", {"to": "+447700900123", "action": "opt_out"}),
        ("POST", "/v1/apply", {"document": {}}),
        ("GET", "/v1/users", None),
    ):
        answer = browser(method, path, body)
        assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope"), path


def test_a_person_is_another_one_in_another_environment(gateway: Server) -> None:
    browser = joined(gateway, "both@example.com", "live:support", "test:developer")
    assert browser("GET", "/v1/endpoints").status_code == 200
    refused = browser("POST", "/v1/endpoints", {"name": "mine", "url": "https://example.com/"})
    assert refused.json()["code"] == "missing_scope" and "your role in live" in refused.json()["detail"]
    browser.look_at("test")
    assert browser("POST", "/v1/endpoints", {"name": "mine", "url": "https://example.com/"}).status_code == 201
    assert browser("PATCH", "/v1/session", {"environment": "staging"}).json()["code"] == "unknown_environment"
