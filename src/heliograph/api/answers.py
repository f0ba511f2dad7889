"""What answers look like, for the OpenAPI document: statuses, headers, an example of each, and the problems."""

from collections.abc import Mapping
from typing import Any, Final

from heliograph.api import told
from heliograph.api.bodies import Problem
from heliograph.api.catalogue import CATALOGUE
from heliograph.api.routes import Route

_JSON: Final = "application/json"
_PROBLEM: Final = "application/problem+json"
_MOMENT: Final = "2026-11-20T09:30:00.000Z"
_DEEPEST: Final = 6
# Status → what it says, and one code of it with its detail, for the example.
_PROBLEMS: Final[dict[str, tuple[str, str, str]]] = {
    "400": ("The request can't be read", "bad_json", "the body is not JSON: it ends too early"),
    "401": ("Nobody knows who asks", "missing_credentials", "there is no key; send Authorization: Bearer hg_…"),
    "403": ("The caller may not do that", "missing_scope", "this key may not do that; it needs another scope"),
    "404": ("There is no such thing", "not_found", "there is no such thing"),
    "409": ("It is not possible as things stand", "idempotency_conflict", "this Idempotency-Key was used already"),
    "413": ("It is too large", "body_too_large", "the body may take 10000000 bytes"),
    "415": ("It has the wrong media type", "unsupported_media_type", "'text/plain' is not read here"),
    "422": ("Something in it is wrong; `errors` names each field", "missing_field", "text is missing"),
    "429": ("Too much, or too soon; Retry-After says when", "rate_limited", "too many messages a second"),
    "503": ("The gateway can't keep anything at the moment", "ledger_unavailable", "the ledger can't be reached"),
}
_HEADERS: Final[dict[str, dict[str, Any]]] = {
    "X-Request-Id": {
        "description": "Yours, or one made here: under it the gateway's log has the request.",
        "schema": {"type": "string"},
    },
    "Retry-After": {"description": "When to try again, in seconds.", "schema": {"type": "integer"}},
    "WWW-Authenticate": {"description": "How to say who one is.", "schema": {"type": "string"}},
    "Idempotent-Replayed": {
        "description": "`true`: the answer of the first request with this Idempotency-Key.",
        "schema": {"type": "string"},
    },
}
_LATER: Final = frozenset({"429", "503"})


def components() -> dict[str, Any]:
    """What routes refer to: the headers, the problems, and what each code of a problem means."""
    schema = {"$ref": f"#/components/schemas/{Problem.__name__}"}
    return {
        "headers": _HEADERS,
        "responses": {
            _name(status): {
                "description": f"{says}. See `/docs/errors`.",
                "headers": _refer(
                    *("X-Request-Id",),
                    *(("Retry-After",) if status in _LATER else ()),
                    *(("WWW-Authenticate",) if status == "401" else ()),
                ),
                "content": {_PROBLEM: {"schema": schema, "example": _problem(status, code, detail)}},
            }
            for status, (says, code, detail) in _PROBLEMS.items()
        },
        "x-problem-codes": {code: entry._asdict() for code, entry in CATALOGUE.items()},
    }


def responses(route: Route, schemas: Mapping[Any, Any], types: Mapping[str, Any]) -> dict[str, Any]:
    """All that a route may answer, by status."""
    if route.shape is not None:
        return _shaped(route, schemas, types)
    found = {str(route.status): _good(route, route.answer, schemas, types)}
    for status, answer in route.also.items():
        found[str(status)] = _good(route, answer, schemas, types)
    return found | {status: {"$ref": f"#/components/responses/{_name(status)}"} for status in told.codes(route)}


def _good(route: Route, answer: Any, schemas: Mapping[Any, Any], types: Mapping[str, Any]) -> dict[str, Any]:
    heads = ("X-Request-Id", "Idempotent-Replayed") if route.is_idempotent else ("X-Request-Id",)
    found: dict[str, Any] = {"description": route.summary or "Done", "headers": _refer(*heads), "content": {}}
    if answer is not None:
        schema = schemas[answer]
        shown = example(schema, types)
        if answer is route.answer and route.or_answer is not None:
            schema = {"anyOf": [schema, schemas[route.or_answer]]}
        found["content"][_JSON] = {"schema": schema, "example": shown}
    for media_type in route.files:
        found["content"][media_type] = {"schema": {"type": "string"}}
    if not found["content"]:
        del found["content"]
    return found


def _shaped(route: Route, schemas: Mapping[Any, Any], types: Mapping[str, Any]) -> dict[str, Any]:
    """Of a drop-in door, which has words of its own for everything."""
    assert route.shape is not None
    media_type = route.shape.media_type.decode().partition(";")[0]
    good: dict[str, Any] = {"description": route.summary or "Done"}
    if route.answer is not None:
        schema = schemas[route.answer]
        good["content"] = {media_type: {"schema": schema}}
    wrong = {"description": "What is wrong", "content": {media_type: {"schema": schemas[route.shape.problem]}}}
    return {str(route.status): good, **dict.fromkeys(route.shape.statuses, wrong)}


def _refer(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _name(status: str) -> str:
    return f"Problem{status}"


def _problem(status: str, code: str, detail: str) -> dict[str, Any]:
    body = {"type": f"/docs/errors#{code}", "title": _PROBLEMS[status][0], "status": int(status), "detail": detail}
    return {**body, "code": code, "request_id": "req_5030d4afa116000001", "errors": []}


# -- examples

_SAMPLES: Final[dict[str, Any]] = {
    "id": "msg_01m7zh2srye00bp55rfwv4x3ea",
    "to": "+447700900123",
    "from": "+447700900123",
    "number": "+447700900123",
    "address": "+447700900123",
    "e164": "+447700900123",
    "country": "GB",
    "kind": "transactional",
    "status": "delivered",
    "sender": "Acme",
    "text": "Your order 1742 is on its way.",
    "encoding": "gsm7",
    "segments": 1,
    "currency": "EUR",
    "price": "0.0650",
    "connector": "telco",
    "type": "message.delivered",
    "error": None,
    "next_cursor": None,
    "name": "orders",
    "url": "https://app.example.com/hooks",
    "environment": "live",
    "workspace": "default",
    "code": None,
    "carrier_code": None,
    "failure": None,
    "field": "name",
}


def example(schema: Any, types: Mapping[str, Any], name: str = "", depth: int = 0) -> Any:
    """A value of a schema, of the kind that one meets. Names say what a value is about."""
    schema = _resolved(schema, types)
    choices = [_resolved(one, types) for one in schema.get("anyOf", [schema])]
    if name in _SAMPLES and any(_fits(_SAMPLES[name], one) for one in choices):
        return _SAMPLES[name]
    if depth > _DEEPEST and any(one.get("type") == "null" for one in choices):
        return None
    first = next((one for one in choices if "pattern" not in one), choices[0])
    if "enum" in first:
        return first["enum"][0]
    if "properties" in first:
        return {field: example(kind, types, field, depth + 1) for field, kind in first["properties"].items()}
    if first.get("type") == "array":
        if "prefixItems" in first:
            return [example(one, types, "", depth + 1) for one in first["prefixItems"]]
        return [] if depth > _DEEPEST else [example(first.get("items", {}), types, "", depth + 1)]
    if first.get("minProperties"):
        return {"name": example(first.get("additionalProperties", {}), types, "", depth + 1)}
    return _scalar(first, name)


def _scalar(schema: Mapping[str, Any], name: str) -> Any:
    kind = schema.get("type")
    if kind == "string":
        is_moment = name in ("at", "since", "until", "estimated_end") or name.endswith(("_at", "_until", "_since"))
        return _MOMENT if is_moment else name or "text"
    return {"integer": schema.get("minimum", 1), "number": 0.5, "boolean": False, "object": {}}.get(str(kind))


def _fits(value: Any, schema: Mapping[str, Any]) -> bool:
    kinds = {str: "string", int: "integer", type(None): "null"}
    return schema.get("type") == kinds[type(value)] and value in schema.get("enum", [value])


def _resolved(schema: Any, types: Mapping[str, Any]) -> Mapping[str, Any]:
    while isinstance(schema, dict) and "$ref" in schema:
        schema = types[schema["$ref"].rpartition("/")[2]]
    return schema if isinstance(schema, dict) else {}
