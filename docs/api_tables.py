"""The page of the API, out of the same OpenAPI document that the gateway serves: no call and no field is left out."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from heliograph.api import openapi, told
from heliograph.api.site import ROUTES

_HEAD: Final = """\
# The API

Every call, with the fields that it takes and answers. The running gateway shows the same at `/docs`, with examples, and
serves it to programs as `/openapi.json`. All calls take `Authorization: Bearer KEY`, or the key as the user's name of
HTTP Basic; times are RFC 3339 in UTC; lists have `data` and `next_cursor`. What is refused is answered with
[a problem](errors.md), by the status that its code has. Each call names the codes that are its own; beside them, and
beside `500` `internal_error`, a call may meet what stands here. Programs find all of it under `x-problem-codes`.

| of | codes |
|---|---|
"""
_COMMON: Final = {
    "all": "every call",
    "caller": "calls with a key or a session",
    "open": "calls without one",
    "query": "calls with a query",
    "body": "calls with a JSON body",
    "stream": "calls with a file as body",
}
_Schema = Mapping[str, Any]


def page() -> str:
    """The whole page."""
    document = msgspec.json.decode(msgspec.json.encode(openapi.document(ROUTES)))
    own = {f"{route.method} {route.path}": told.own(route) for route in ROUTES if route.shape is None}
    groups: dict[str, list[str]] = {}
    for path, calls in document["paths"].items():
        for method, call in calls.items():
            name = f"{method.upper()} {path}"
            lines_of = groups.setdefault(call["tags"][0], [])
            lines_of.extend(_call(name, call, document["components"]["schemas"]))
            if codes := _codes(own.get(name, {})):
                lines_of.append(f"Refuses with {codes}.\n")
    lines = [_HEAD + "".join(f"| {of} | {_codes(told.common(group))} |\n" for group, of in _COMMON.items())]
    for group, text in groups.items():
        lines += [f"## {group}\n", *text]
    return "\n".join(lines)


def _call(name: str, call: _Schema, schemas: Mapping[str, _Schema]) -> Iterator[str]:
    yield f"### {name}\n\n{call['summary']}. {call.get('description', '')}".rstrip() + "\n"
    rows = [
        _row(f"{one['name']} ({one['in']})", one["schema"] | one, one.get("required", False), schemas)
        for one in call.get("parameters", ())
        if one["in"] != "path"
    ]
    body = call.get("requestBody", {}).get("content", {})
    for media_type, content in body.items():
        form = _named(content.get("schema", {}), schemas)
        if form.get("properties"):
            rows += [
                _row(field, schema, field in form.get("required", ()), schemas)
                for field, schema in form["properties"].items()
            ]
        else:
            rows.append(f"| the body | `{media_type}` | |")
    if rows:
        yield from ("| takes | as | |", "|---|---|---|", *rows, "")
    for status, answer in call["responses"].items():
        if status.startswith("2"):
            yield f"Answers `{status}`{_answer(answer.get('content', {}), schemas)}.\n"


def _codes(codes: told.Codes) -> str:
    """By status; /docs/errors and errors.md say what to do about each."""
    return "; ".join(f"`{status}` {', '.join(f'`{code}`' for code in found)}" for status, found in codes.items())


def _row(name: str, schema: _Schema, is_needed: bool, schemas: Mapping[str, _Schema]) -> str:
    field, _, where = name.partition(" ")
    told = " ".join(filter(None, ["Needed." if is_needed else "", schema.get("description", "")]))
    shown = f"`{field}` {where}".strip()
    told = told.replace("\n", " ").replace("|", "&#124;")
    return f"| {shown} | {_type(schema, schemas)} | {told} |"


def _named(schema: _Schema, schemas: Mapping[str, _Schema]) -> _Schema:
    """What a reference refers to."""
    return schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def _type(schema: _Schema, schemas: Mapping[str, _Schema]) -> str:
    if "$ref" in schema:
        return _object(_named(schema, schemas), schema["$ref"])
    if options := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(dict.fromkeys(_type(one, schemas) for one in options if one.get("type") != "null"))
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}), schemas)}"
    return str(schema.get("type", "anything")) + _bounds(schema)


def _object(schema: _Schema, reference: str) -> str:
    if "properties" in schema:
        return f"{_short(reference)} ({_fields(schema['properties'])})"
    return _short(reference)


def _short(reference: str) -> str:
    return reference.rpartition("/")[2].rpartition(".")[2]


def _bounds(schema: _Schema) -> str:
    low = schema.get("minimum", schema.get("minLength", schema.get("minItems")))
    high = schema.get("maximum", schema.get("maxLength", schema.get("maxItems")))
    if low is None and high is None:
        return ""
    return f", {low if low is not None else '…'} to {high if high is not None else '…'}"


def _answer(content: Mapping[str, Any], schemas: Mapping[str, _Schema]) -> str:
    for media_type, one in content.items():
        form = _named(one.get("schema", {}), schemas)
        if "properties" in form:
            return f" with {_fields(form['properties'])}" + _inside(form["properties"], schemas)
        return f" with `{media_type}`"
    return ""


def _inside(properties: Mapping[str, _Schema], schemas: Mapping[str, _Schema]) -> str:
    """What the entries of a list look like."""
    items = properties.get("data", {}).get("items", {})
    form = _named(items, schemas)
    return f"; each of `data` has {_fields(form['properties'])}" if "properties" in form else ""


def _fields(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
