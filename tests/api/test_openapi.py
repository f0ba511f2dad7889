"""The OpenAPI document: complete, valid, and true: what the doors answer is what it says."""

import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from jsonschema_rs import meta
from schemathesis import checks

from heliograph.api import answers, openapi
from heliograph.api.site import ROUTES
from tests.process import documented
from tests.process.server import Server

CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]


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
            told = [status for status in operation["responses"] if status >= "4"]
            ways = operation.get("security", [{"session": []}])  # a drop-in door, for keys alone, may say 200 to all
            assert operation["summary"] and (told or {"session": []} not in ways)
    assert len(ids) == len(set(ids))


def test_every_call_names_the_codes_of_each_problem_that_it_may_answer(document: dict[str, Any]) -> None:
    titles = document["components"]["x-problem-codes"]
    for item in document["paths"].values():
        for operation in item.values():
            codes = operation.get("x-problem-codes", {})
            problems = {s for s, answer in operation["responses"].items() if "/Problem" in answer.get("$ref", "")}
            assert problems == set(codes)
            assert all(titles[code]["title"] and titles[code]["remedy"] for told in codes.values() for code in told)


def test_an_answer_with_a_code_that_is_not_documented_is_caught() -> None:
    documented.hold_problem("GET", "/v1/messages/msg_1", {"code": "not_found", "status": 404})
    for wrong in ({"code": "bad_pool", "status": 404}, {"code": "not_found", "status": 422}):
        with pytest.raises(AssertionError, match="is not documented"):
            documented.hold_problem("GET", "/v1/messages/msg_1", wrong)


def test_every_schema_is_a_schema(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    for schema in document["components"]["schemas"].values():
        meta.validate(schema)


def test_every_example_is_an_answer_of_its_kind(document: dict[str, Any]) -> None:
    examples = [
        (f"{method} {path} {status}", content["schema"], content["example"])
        for path, item in document["paths"].items()
        for method, operation in item.items()
        for status, answer in operation["responses"].items()
        for content in answer.get("content", {}).values()
        if "example" in content
    ]
    assert len(examples) > 100
    components, wrong = {"components": document["components"]}, []
    for place, schema, example in examples:
        validator = jsonschema_rs.validator_for({**schema, **components})
        wrong += [f"{place}: {error}" for error in validator.iter_errors(example)]
    assert wrong == []


@pytest.fixture(scope="module")
def schema(other: Server) -> Any:
    return schemathesis.openapi.from_url(f"{other.url}/openapi.json")


@pytest.fixture(scope="module")
def bearer(other: Server) -> dict[str, str]:
    return {"Authorization": f"Bearer {other.key('admin')}"}


BESIDE = {"/healthz", "/readyz", "/openapi.json", "/metrics", "/oauth/token"}  # no routes: they have no request id
DOORS = [(method.upper(), path) for path, item in openapi.document(ROUTES)["paths"].items() for method in sorted(item)]


@pytest.mark.parametrize(("method", "path"), DOORS, ids=[" ".join(door) for door in DOORS])
def test_a_door_answers_as_the_document_says(schema: Any, bearer: dict[str, str], method: str, path: str) -> None:
    @given(case=schema[path][method].as_strategy())
    @settings(max_examples=15, suppress_health_check=list(HealthCheck), database=None)
    def ask(case: Any) -> None:
        answer = case.call_and_validate(headers=bearer, checks=CHECKS)
        assert answer.headers.get("x-request-id") or path in BESIDE
        if answer.headers.get("content-type") == ["application/problem+json"]:
            documented.hold_problem(method, path, answer.json())

    ask()


TOO_LARGE = (2**63, 10**30, -(2**63) - 1)


def numbers(kind: Any, components: dict[str, Any], place: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Where whole numbers stand in a body."""
    if "$ref" in kind:
        kind = components[kind["$ref"].rpartition("/")[2]]
    for one in kind.get("anyOf", ()):
        yield from numbers(one, components, place)
    if kind.get("type") == "integer":
        yield place
    for name, inner in kind.get("properties", {}).items():
        if isinstance(inner, dict) and len(place) < 3:
            yield from numbers(inner, components, (*place, name))


def placed(body: Any, place: tuple[str, ...], value: int) -> Any:
    """The body with the value at a place."""
    if not place:
        return value
    inner = body if isinstance(body, dict) else {}
    return {**inner, place[0]: placed(inner.get(place[0]), place[1:], value)}


def test_no_number_is_too_large_for_a_door(other: Server, document: dict[str, Any], bearer: dict[str, str]) -> None:
    components, broken, tried = document["components"]["schemas"], [], 0
    session = requests.Session()
    session.headers.update(bearer)
    for path, item in document["paths"].items():
        for method, operation in item.items():
            url = other.url + re.sub(r"\{\w+\}", "x", path)
            calls: list[dict[str, Any]] = [
                {"params": {parameter["name"]: value}}
                for parameter in operation["parameters"]
                if parameter["in"] == "query" and set(numbers(parameter["schema"], components))
                for value in TOO_LARGE
            ]
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if content is not None:
                body = answers.example(content["schema"], components)
                places = set(numbers(content["schema"], components))
                calls += [{"json": placed(body, place, value)} for place in places for value in TOO_LARGE]
            tried += len(calls)
            statuses = {session.request(method, url, timeout=20, **call).status_code for call in calls}
            broken += [f"{method} {path}" for status in statuses if status >= 500]
    assert broken == [] and tried > 100
