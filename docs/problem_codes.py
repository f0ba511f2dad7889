"""Which problem codes each route can tell, by status: read from the code by `code_reader`.

python -m docs.generate     # writes src/heliograph/api/problem_codes.json, which the OpenAPI document shows
"""

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

from docs.code_reader import SEVERAL, Reader, Told
from heliograph.api.site import HOT, ROUTES

FILE: Final = Path(__file__).parents[1] / "src" / "heliograph" / "api" / "problem_codes.json"
_SEVERAL_AT: Final = frozenset({400, 403, 404, 409, 422, 429})
# What any request meets before its handler, by what the route is like; `api/told.py` puts them together.
GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "all": ("heliograph.api.call:body_too_large",),
    "caller": ("heliograph.api.asgi:_caller", "heliograph.api.call:Call.lacks"),
    "open": ("heliograph.api.visits:CROSS_SITE",),
    "body": ("heliograph.api.call:Call.unreadable", "heliograph.api.routes:_body"),
    "query": ("heliograph.api.routes:_query",),
    "stream": ("heliograph.api.call:Call.unreadable", "heliograph.api.asgi:pieces"),
}


@cache
def table() -> dict[str, dict[str, list[str]]]:
    """Codes by status of each group and each route."""
    told = Reader().told()
    found = {name: Told().union(*(told[root] for root in roots)) for name, roots in GROUPS.items()}
    found["all"] |= {(400, "unknown_parameter"), (503, "ledger_unavailable")}  # as routes._serve and ._query tell
    for route in ROUTES:
        if route.shape is None:
            handler: Any = route.handler or HOT[route.path]
            found[f"{route.method} {route.path}"] = told[f"{handler.__module__}:{handler.__qualname__}"]
    return {name: _by_status(codes) for name, codes in found.items()}


def text() -> str:
    """The file: a line for each status, so that changes are easily read."""
    parts = []
    for name, codes in table().items():
        lines = ",\n".join(f"  {json.dumps(status)}: {json.dumps(found)}" for status, found in codes.items())
        parts.append(f"{json.dumps(name)}: {{\n{lines}\n}}" if lines else f"{json.dumps(name)}: {{}}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _by_status(told: Told) -> dict[str, list[str]]:
    if any(code == SEVERAL for _, code in told):  # the first of several refusals says the status
        told |= {(status, SEVERAL) for status, _ in told if status in _SEVERAL_AT}
    found: dict[str, list[str]] = {}
    for status, code in sorted(told):
        if status != 500:  # ours, and possible everywhere
            found.setdefault(str(status), []).append(code)
    return found
