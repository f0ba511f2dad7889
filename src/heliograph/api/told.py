"""Which problem codes a route may tell, by status, for the OpenAPI document and the reference page.

`problem_codes.json` beside it is read from the code by `python -m docs.generate`; tests hold every answer against it.
"""

from functools import cache
from importlib import resources

import msgspec

from heliograph.api.routes import Route

Codes = dict[str, list[str]]  # by status


def codes(route: Route) -> Codes:
    """All that it may tell. A drop-in door has words of its own: none of these."""
    if route.shape is not None:
        return {}
    found: dict[str, set[str]] = {}
    for part in (*(_table()[group] for group in _groups(route)), own(route)):
        for status, told in part.items():
            found.setdefault(status, set()).update(told)
    return {status: sorted(found[status]) for status in sorted(found)}


def own(route: Route) -> Codes:
    """What its handler tells, apart from what any request may meet before."""
    return _table().get(f"{route.method} {route.path}", {}) if route.shape is None else {}


def common(group: str) -> Codes:
    """What requests of a kind may meet before any handler."""
    return _table()[group]


def _groups(route: Route) -> list[str]:
    found = ["all", "open" if route.is_open else "caller"]
    found += ["body"] if route.body is not None else []
    found += ["query"] if route.query is not None else []
    return found + (["stream"] if route.is_stream else [])


@cache
def _table() -> dict[str, Codes]:
    file = resources.files("heliograph.api") / "problem_codes.json"
    found: dict[str, Codes] = msgspec.json.decode(file.read_bytes(), type=dict[str, Codes])
    return found
