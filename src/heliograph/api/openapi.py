"""The OpenAPI 3.1 document, made of the list of routes and their structs, so that it can't tell anything else."""

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from heliograph import __version__
from heliograph.api import answers, beside, told
from heliograph.api.batch import Defaults
from heliograph.api.bodies import Accepted, DryRun, Problem
from heliograph.api.dropin import SmsToAnswer, SmsToRequest
from heliograph.api.routes import Route
from heliograph.api.shape import FORM
from heliograph.core.request import MessageRequest
from heliograph.engine.clients import SCOPES
from heliograph.products.plans.rows import RunView


class BatchBody(msgspec.Struct):
    """Messages; `defaults` fills what an item leaves out. With `all_or_none` one bad item refuses all."""

    messages: list[MessageRequest]
    defaults: Defaults | None = None
    all_or_none: bool = False


class ItemOutcome(msgspec.Struct):
    """What became of one item of a batch: an accepted message, or why it was refused (status `refused`)."""

    status: str
    id: str | None = None
    to: str | None = None
    segments: int | None = None
    encoding: str | None = None
    country: str | None = None
    kind: str | None = None
    code: str | None = None
    detail: str | None = None
    pointer: str | None = None


class BatchOutcome(msgspec.Struct):
    """What became of a batch: an outcome for each item, in order, and when the last will probably be sent."""

    batch_id: str
    estimated_end: str
    data: list[ItemOutcome]


class DryRuns(msgspec.Struct):
    """What would happen to the messages of a batch, where `defaults` says `dry_run`."""

    data: list[DryRun]


HOT_ROUTES: Final = (
    Route(
        *("POST", "/v1/messages", None, "messages:send"),
        body=MessageRequest,
        answer=Accepted,
        or_answer=RunView,
        status=202,
        also={200: DryRun},
        is_idempotent=True,
        summary="Send a message, or begin a plan",
    ),
    Route(
        *("POST", "/v1/messages/batch", None, "messages:send"),
        body=BatchBody,
        answer=BatchOutcome,
        status=202,
        also={200: DryRuns},
        is_idempotent=True,
        summary="Send up to 10,000 messages",
    ),
    Route(
        *("POST", "/sms/send", None, "messages:send"),
        body=SmsToRequest,
        answer=SmsToAnswer,
        is_idempotent=True,
        summary="Send a message, in the shape of SMS.to",
    ),
)
_EXAMPLE: Final = {"to": "+447700900123", "text": "Hello from Heliograph"}
_IDEMPOTENCY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "description": "Makes repeating safe: the same key and body get the same answer for 24 hours.",
}


def document(routes: Sequence[Route]) -> dict[str, Any]:
    """The whole document."""
    types = [
        kind
        for route in routes
        for kind in (route.body, route.answer, route.or_answer, route.query)
        if kind is not None
    ]
    types += [kind for route in routes for kind in route.also.values()]
    types += [route.shape.problem for route in routes if route.shape is not None]
    unique = list(dict.fromkeys([*types, *beside.TYPES, Problem]))
    schemas, components = msgspec.json.schema_components(unique, ref_template="#/components/schemas/{name}")
    by_type = dict(zip(unique, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, by_type, components)
    paths |= beside.paths(by_type, by_type[Problem])
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Heliograph",
            "version": __version__,
            "description": "Say what to tell whom; Heliograph decides how, when and through which carrier.",
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": _security(), **answers.components()},
        "security": [{"key": []}, {"basic": []}, {"oauth": []}, {"session": []}],
    }


def _operation(route: Route, schemas: dict[Any, Any], components: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": _operation_id(route),
        "summary": route.summary,
        "tags": [route.steps[1] if route.steps[0] == "v1" else "drop-in"],
        "parameters": _parameters(route, schemas, components),
        "responses": answers.responses(route, schemas, components),
    }
    if codes := told.codes(route):
        operation["x-problem-codes"] = codes
    if route.scope is not None:
        scopes = [scope for scope in (route.scope, route.or_scope) if scope is not None]
        operation["description"] = f"Needs the scope {' or '.join(f'`{scope}`' for scope in scopes)}."
        oauth = [{"oauth": [scope]} for scope in scopes]
        operation["security"] = [{"key": []}, {"basic": []}, *oauth, {"session": []}]
    if route.is_open:
        operation["security"] = []
    if route.shape is not None:
        operation["security"] = [{"key": []}, {"basic": []}]
    if route.body is not None:
        content: dict[str, Any] = {"schema": schemas[route.body]}
        if route.body is MessageRequest:
            content["example"] = _EXAMPLE
        media_type = "application/json" if route.shape is None else FORM.decode()
        bodies: dict[str, Any] = {} if route.is_stream else {media_type: content}
        if route.is_stream:
            bodies.clear()
        if route.text is not None:
            bodies[route.text[0]] = {"schema": {"type": "string"}}
        operation["requestBody"] = {"required": True, "content": bodies}
    return operation


def _operation_id(route: Route) -> str:
    """`get_messages_id_events`: stable, and a good name for a method. Drop-in doors may have the paths of ours."""
    words = [re.sub(r"\W+", "_", step).strip("_") for step in route.steps if step != "v1"]
    return "_".join([route.method.lower(), *(("door",) if route.shape is not None else ()), *words])


def _parameters(route: Route, schemas: dict[Any, Any], components: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": step[1:].partition("}")[0], "in": "path", "required": True, "schema": {"type": "string"}}
        for step in route.steps
        if step.startswith("{")
    ]
    if route.query is not None:
        schema = components[schemas[route.query]["$ref"].rpartition("/")[2]]
        required = schema.get("required", [])
        found += [
            {"name": name, "in": "query", "required": name in required, "schema": kind}
            for name, kind in schema["properties"].items()
        ]
    if route.is_idempotent:
        found.append(_IDEMPOTENCY)
    return found


def _security() -> dict[str, Any]:
    flow = {"tokenUrl": "/oauth/token", "scopes": dict(SCOPES)}
    return {
        "key": {"type": "http", "scheme": "bearer", "description": "An API key, hg_live_… or hg_test_…"},
        "basic": {"type": "http", "scheme": "basic", "description": "The key as user name, or as password"},
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": "hg_session",
            "description": "Who is logged in; over HTTPS it is called __Host-hg_session. Changes need X-CSRF-Token too",
        },
        "oauth": {"type": "oauth2", "flows": {"clientCredentials": flow}},
    }
