"""Connectors, routes and senders over HTTP: the same way as `heliograph apply`, with the same checks."""

from typing import Any, Final

import msgspec

from heliograph.api.routes import Request, Route, not_found
from heliograph.core.failures import Refused
from heliograph.engine import declare
from heliograph.engine.declare import SECTIONS, Change
from heliograph.engine.form import SECRET_KEYS


class ApplyRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A document as in a file, its objects under `connectors`, `routes`, `senders`, `endpoints`."""

    document: dict[str, Any]
    prune: bool = False
    dry_run: bool = False


class Changes(msgspec.Struct):
    """What was done to each object."""

    data: list[Change]


class Declared(msgspec.Struct):
    """One declared object, without its secrets."""

    kind: str
    name: str
    spec: dict[str, Any]


class DeclaredList(msgspec.Struct):
    """All that the workspace has declared."""

    data: list[Declared]


async def apply(request: Request) -> Changes:
    asked: ApplyRequest = request.body
    try:
        changes = await declare.apply(
            request.context.ledger,
            asked.document,
            request.context.tools,
            actor=request.actor,
            now=request.now,
            workspace=request.client.workspace_name,
            prune=asked.prune,
            dry_run=asked.dry_run,
        )
    except Refused as refused:
        raise Refused(
            *(msgspec.structs.replace(r, pointer=f"/document{r.pointer}") for r in refused.refusals)
        ) from None
    await request.context.reload()
    return Changes(changes)


async def list_declared(request: Request) -> DeclaredList:
    rows = await request.context.ledger.fetch(
        "SELECT kind, name, spec FROM declared WHERE workspace = $1 ORDER BY kind, position, name",
        request.client.workspace,
    )
    return DeclaredList([Declared(kind, name, _shown(msgspec.json.decode(spec))) for kind, name, spec in rows])


def _shown(spec: dict[str, Any]) -> dict[str, Any]:
    return {key: "…" if key in (*SECRET_KEYS, "secrets") else value for key, value in spec.items()}


async def remove(request: Request) -> Changes:
    kind, name = request.place["kind"], request.place["name"]
    if kind not in SECTIONS.values() or not await declare.remove(
        request.context.ledger, request.client.workspace, kind, name, actor=request.actor, now=request.now
    ):
        raise not_found(kind[:40], name)
    await request.context.reload()
    return Changes([Change(kind, name, request.client.workspace_name, "removed")])


_MANAGE: Final = "routing:manage"
ROUTES: Final = (
    Route("POST", "/v1/apply", apply, _MANAGE, body=ApplyRequest, answer=Changes, summary="Declare objects"),
    Route("GET", "/v1/declared", list_declared, _MANAGE, answer=DeclaredList, summary="List what is declared"),
    Route("DELETE", "/v1/declared/{kind}/{name}", remove, _MANAGE, answer=Changes, summary="Remove an object"),
)
