"""The bodies of answers: to a message, and to what was refused (RFC 9457)."""

from typing import Any

import msgspec


class Accepted(msgspec.Struct, gc=False):
    """The answer to an accepted message."""

    id: str
    status: str
    to: str
    segments: int
    encoding: str
    country: str
    kind: str


class DryRun(msgspec.Struct, gc=False):
    """What would happen to a message: how it would look, which way it would go, and why. Nothing was kept."""

    dry_run: bool
    channel: str
    to: str
    country: str
    kind: str
    sender: str | None
    text: str | None
    template: str | None
    encoding: str
    segments: int
    price: str | None
    currency: str | None
    route: list[str]
    decision: Any


class FieldProblem(msgspec.Struct, frozen=True):
    """One thing that is wrong: a JSON pointer into the request, what is wrong there, and its code."""

    pointer: str
    detail: str
    code: str


class Problem(msgspec.Struct, frozen=True):
    """A problem as RFC 9457 shapes it. `code` is stable; `type` leads to its documentation."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: list[FieldProblem] = []
