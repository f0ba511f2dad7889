"""The OpenAPI document: complete, valid, and true: what the doors answer is what it says."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from jsonschema_rs import meta
from schemathesis import checks

from heliograph.api.site import ROUTES
from tests.process.server import Server

CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
LONG = {"/v1/events"}  # waits for what comes


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A gateway of its own: it will be paused, and worse."""
    with Server(tmp_path_factory.mktemp("openapi")) as running:
        yield running


@pytest.fixture(scope="module")
def document(other: Server) -> dict[str, Any]:
    found: dict[str, Any] = requests.get(f"{other.url}/openapi.json", timeout=5).json()
    return found


def test_every_route_is_in_the_document(document: dict[str, Any]) -> None:
    said = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    assert {(route.method, route.path) for route in ROUTES} <= said


def test_every_operation_says_what_it_does_and_what_goes_wrong(document: dict[str, Any]) -> None:
    ids = []
    for item in document["paths"].values():
        for operation in item.values():
            ids.append(operation["operationId"])
            assert operation["summary"] and any(status.startswith("4") for status in operation["responses"])
    assert len(ids) == len(set(ids))


def test_every_schema_is_a_schema(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    for schema in document["components"]["schemas"].values():
        meta.validate(schema)


@pytest.fixture(scope="module")
def schema(other: Server) -> Any:
    return schemathesis.openapi.from_url(f"{other.url}/openapi.json")


@pytest.fixture(scope="module")
def bearer(other: Server) -> dict[str, str]:
    return {"Authorization": f"Bearer {other.key('admin')}"}


DOORS = [(route.method, route.path) for route in ROUTES if route.path not in LONG]


@pytest.mark.parametrize(("method", "path"), DOORS, ids=[" ".join(door) for door in DOORS])
def test_a_door_answers_as_the_document_says(schema: Any, bearer: dict[str, str], method: str, path: str) -> None:
    @given(case=schema[path][method].as_strategy())
    @settings(max_examples=15, suppress_health_check=list(HealthCheck), database=None)
    def ask(case: Any) -> None:
        case.call_and_validate(headers=bearer, checks=CHECKS)

    ask()
