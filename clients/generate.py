"""Writes the generated part of the TypeScript client from the OpenAPI document: its types, and a method for each
operation. What does not depend on the document (retries, errors, webhooks) is written by hand, beside it.

    python -m clients.generate
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from heliograph.api import openapi
from heliograph.api.site import ROUTES

FILE: Final = Path(__file__).parent / "typescript" / "src" / "api.ts"
_JSON: Final = "application/json"
_HEAD: Final = """\
// Made by `python -m clients.generate` from the OpenAPI document; change the gateway instead.

import { Client, type Options } from "./client.js";

/** A value of any form. */
export type Any = any;
"""
_CODES: Final = "The codes of problems; docs/reference/errors.md says what to do about each."
# For browsers, which have a cookie and no key.
_NOT_OURS: Final = ("/v1/session",)


def typescript() -> str:
    """The whole file."""
    document = openapi.document(ROUTES)
    schemas: dict[str, Any] = document["components"]["schemas"]
    operations = [
        (method.upper(), path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if path.startswith("/v1/") and not path.startswith(_NOT_OURS)
    ]
    needed: dict[str, None] = {}
    for _, _, operation in operations:
        _follow({"requestBody": operation.get("requestBody"), "responses": operation["responses"]}, schemas, needed)
    parts = [_HEAD]
    codes = sorted(document["components"]["x-problem-codes"])
    parts += ["\n".join([*_comment(_CODES, ""), f"export type ProblemCode = {_words(codes)};", ""])]
    parts += ["\n".join(_interface(name, schemas[name])) for name in sorted(needed, key=_name)]
    parts += ["\n".join(_class(operations))]
    return "\n".join(parts)


def main() -> None:
    FILE.write_text(typescript(), "utf-8")
    sys.stdout.write(f"clients/typescript/src/{FILE.name}\n")


def _follow(node: Any, schemas: dict[str, Any], needed: dict[str, None]) -> None:
    """All types that something leads to."""
    if isinstance(node, list):
        for one in node:
            _follow(one, schemas, needed)
    elif isinstance(node, dict):
        reference = node.get("$ref", "")
        name = reference.rpartition("/")[2]
        if reference.startswith("#/components/schemas/") and name not in needed:
            needed[name] = None
            _follow(schemas[name], schemas, needed)
        for key, one in node.items():
            if key not in ("default", "example"):
                _follow(one, schemas, needed)


# -- types


def _name(schema: str) -> str:
    """`TimelineEntry` for what is only unique with its module's name."""
    return "".join(word[:1].upper() + word[1:] for word in schema.split(".")[-2:])


def _interface(name: str, schema: dict[str, Any]) -> Iterator[str]:
    yield from _comment(schema.get("description", ""), "")
    if "properties" not in schema:
        yield f"export type {_name(name)} = {_type(schema)};"
    else:
        yield f"export interface {_name(name)} {{"
        yield from _properties(schema["properties"], set(schema.get("required", [])), "  ")
        yield "}"
    yield ""


def _properties(properties: dict[str, Any], required: set[str], indent: str) -> Iterator[str]:
    for field, kind in properties.items():
        yield from _comment(kind.get("description", "") if isinstance(kind, dict) else "", indent)
        yield f"{indent}{field}{'' if field in required else '?'}: {_type(kind)};"


def _type(schema: Any) -> str:
    if not isinstance(schema, dict) or not schema:
        return "Any"
    if "$ref" in schema:
        return _name(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        found = list(dict.fromkeys(_type(one) for one in schema["anyOf"]))
        return "Any" if "Any" in found else " | ".join(found)
    if "enum" in schema:
        return _words(schema["enum"])
    kind = schema.get("type")
    if kind == "array":
        if "prefixItems" in schema:
            return f"[{', '.join(map(_type, schema['prefixItems']))}]"
        inner = _type(schema.get("items"))
        return f"({inner})[]" if " " in inner else f"{inner}[]"
    if kind == "object":
        return f"Record<string, {_type(schema.get('additionalProperties'))}>"
    return {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}.get(
        str(kind), "Any"
    )


def _words(values: list[str]) -> str:
    """The words that there are; a string, so that a word of tomorrow is no error."""
    return f"{' | '.join(map(_quoted, values))} | (string & {{}})"


def _quoted(value: str) -> str:
    return '"' + value.replace('"', '\\"') + '"'


def _comment(text: str, indent: str) -> Iterator[str]:
    words = " ".join(text.split()).replace("*/", "* /")
    if words:
        yield f"{indent}/** {words} */"


# -- operations


def _class(operations: list[tuple[str, str, dict[str, Any]]]) -> Iterator[str]:
    yield "/** All that a gateway can be asked, a method for each operation. */"
    yield "export class Api extends Client {"
    for method, path, operation in operations:
        yield from _method(method, path, operation)
    yield "}"
    yield ""


def _method(method: str, path: str, operation: dict[str, Any]) -> Iterator[str]:
    steps = re.findall(r"\{(\w+)\}", path)
    takes = [f"{step}: string" for step in steps]
    asked = []
    content = operation.get("requestBody", {}).get("content", {})
    if _JSON in content:
        takes.append(f"body: {_type(content[_JSON]['schema'])}")
        asked.append("body")
    elif content:
        takes.append("body: string | Uint8Array")
        asked += ["body", f"mediaType: {_quoted(next(iter(content)))}"]
    query = [one for one in operation["parameters"] if one["in"] == "query"]
    if query:
        fields = "; ".join(
            f"{_field(one['name'])}{'' if one['required'] else '?'}: {_type(one['schema'])}" for one in query
        )
        takes.append(f"query: {{ {fields} }}" + ("" if any(one["required"] for one in query) else " = {}"))
        asked.append("query")
    if any(one["in"] == "header" for one in operation["parameters"]):
        asked.append("isIdempotent: true")
    answer = _answer(operation["responses"])
    if answer is None:
        asked.append("isText: true")
    takes.append("options: Options = {}")
    written = re.sub(r"\{(\w+)\}", r"${encodeURIComponent(\1)}", path)
    yield from _comment(f"{operation['summary']}. {operation.get('description', '')}", "  ")
    yield f"  {_camel(operation['operationId'])}({', '.join(takes)}): Promise<{answer or 'string'}> {{"
    yield f"    return this.ask({_quoted(method)}, `{written}`, {{ {', '.join([*asked, '...options'])} }});"
    yield "  }"
    yield ""


def _answer(responses: dict[str, Any]) -> str | None:
    """The type of its usual answer; None: a file."""
    good = next(answer for status, answer in responses.items() if status.startswith("2"))
    content = good.get("content", {})
    return _type(content[_JSON]["schema"]) if _JSON in content else None


def _field(name: str) -> str:
    return name if name.isidentifier() else _quoted(name)


def _camel(operation_id: str) -> str:
    first, *rest = operation_id.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)


if __name__ == "__main__":
    main()
