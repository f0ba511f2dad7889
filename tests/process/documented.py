"""Holds each problem that tests meet against what the API documents of the call: its codes, by status."""

from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import requests

from heliograph.api import told
from heliograph.api.site import ROUTES

# No call's own: ours is broken, or nothing is there.
_ANYWHERE = {("500", "internal_error"), ("405", "method_not_allowed")}


def hold(answer: requests.Response, *_: Any, **__: Any) -> None:
    """For the hooks of a session."""
    if answer.headers.get("content-type") == "application/problem+json":
        hold_problem(answer.request.method or "", urlsplit(answer.request.url or "").path, answer.json())


def hold_problem(method: str, path: str, problem: Mapping[str, Any]) -> None:
    codes = _codes(method, path)
    status, code = str(problem["status"]), problem["code"]
    if codes is not None and (status, code) not in _ANYWHERE:
        assert code in codes.get(status, ()), f"{method} {path} answers {status} {code}, which is not documented"
        surplus = {one["code"] for one in problem.get("errors", ())}.difference(*codes.values())
        assert not surplus, f"{method} {path} names {sorted(surplus)} for fields, which is not documented"


@cache
def _codes(method: str, path: str) -> told.Codes | None:
    """Of the first route there, as the gateway finds it; None: there is none, or it has words of its own."""
    steps = path.strip("/").split("/")
    for route in ROUTES:
        is_there = len(route.steps) == len(steps) and all(
            want == step or want.startswith("{") for want, step in zip(route.steps, steps, strict=True)
        )
        if is_there and route.method == method:
            return told.codes(route) or None
    return None
