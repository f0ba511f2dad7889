"""What stands beside the list of routes, for the OpenAPI document: tokens, probes, metrics, the document itself."""

from typing import Any, Final

import msgspec

from heliograph.engine.clients.tokens import Token

_JSON: Final = "application/json"
_PROBLEM: Final = "application/problem+json"


class TokenProblem(msgspec.Struct):
    """Why there is no token, in the words of RFC 6749."""

    error: str
    error_description: str


TYPES: Final = (Token, TokenProblem)
_FORM: Final = {
    "type": "object",
    "properties": {
        "grant_type": {"type": "string", "enum": ["client_credentials"]},
        "client_id": {"type": "string", "description": "The key's id, where it does not stand in a Basic header."},
        "client_secret": {"type": "string", "description": "The key."},
        "scope": {"type": "string", "description": "Some of the key's scopes; left out: all of them."},
    },
    "required": ["grant_type"],
}


def paths(schemas: dict[Any, Any], problem: Any) -> dict[str, Any]:
    """Their part of the document."""
    wrong = {"description": "Why not", "content": {_JSON: {"schema": schemas[TokenProblem]}}}
    token = {
        "requestBody": {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": _FORM}}},
        "responses": {
            "200": {"description": "A token", "content": {_JSON: {"schema": schemas[Token]}}},
            **dict.fromkeys(("400", "401", "403", "429", "503"), wrong),
        },
    }
    found = {
        "/healthz": _probe("healthz", "Is the process alive?", {"200": "It is"}),
        "/readyz": _probe("readyz", "Would it take messages?", {"200": "It would", "503": "Not now; `why` says it"}),
        "/openapi.json": _probe("openapi", "This document", {"200": "The document"}),
    }
    told = {
        "description": "Only near networks, and keys with the scope admin",
        "content": {_PROBLEM: {"schema": problem}},
    }
    text = {"description": "In the text form of Prometheus", "content": {"text/plain": {"schema": {"type": "string"}}}}
    metrics = {"responses": {"200": text, "403": told}}
    found["/metrics"] = {"get": _operation("get_metrics", "Metrics", metrics, [{}, {"key": []}, {"basic": []}])}
    found["/oauth/token"] = {"post": _operation("post_oauth_token", "Get a token", token, [{}, {"basic": []}])}
    return found


def _probe(name: str, summary: str, answers: dict[str, str]) -> dict[str, Any]:
    content = {_JSON: {"schema": {"type": "object"}}}
    responses = {status: {"description": says, "content": content} for status, says in answers.items()}
    return {"get": _operation(f"get_{name}", summary, {"responses": responses}, [])}


def _operation(name: str, summary: str, more: dict[str, Any], security: list[Any]) -> dict[str, Any]:
    return {
        "operationId": name,
        "summary": summary,
        "tags": ["gateway"],
        "parameters": [],
        "security": security,
        **more,
    }
