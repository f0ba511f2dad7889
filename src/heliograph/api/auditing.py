"""The audit log: read, exported and checked. A workspace sees its own entries, the operator also what concerns all."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from heliograph.api.routes import Request, Route, refuse
from heliograph.core.request import read_time
from heliograph.engine import auditing
from heliograph.engine.auditing import FORMATS, AuditEntry, Narrowed, Verification
from heliograph.engine.declared import OPERATOR

_MEDIA_TYPES: Final = {"jsonl": b"application/x-ndjson", "csv": b"text/csv; charset=utf-8"}


class AuditFilter(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Which entries; `action` may end with *, such as key.*"""

    actor: str | None = None
    action: str | None = None
    object: str | None = None
    since: str | None = None
    until: str | None = None


class AuditQuery(AuditFilter, kw_only=True, forbid_unknown_fields=True):
    """Which entries, and where to read on."""

    cursor: str | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class AuditExport(AuditFilter, kw_only=True, forbid_unknown_fields=True):
    """Which entries, and how they are written: jsonl or csv."""

    format: str = "jsonl"


class AuditCheck(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """An anchor that was noted earlier: NUMBER:HASH."""

    anchor: str | None = None


class AuditPage(msgspec.Struct):
    """Audit entries, the newest first."""

    data: list[AuditEntry]
    next_cursor: str | None


def _narrowed(request: Request, query: AuditFilter) -> Narrowed:
    return Narrowed(
        workspace=request.client.workspace,
        everyones=request.client.workspace_name == OPERATOR,
        actor=query.actor,
        action=query.action,
        object=query.object,
        since=_time(query.since, "/since"),
        until=_time(query.until, "/until"),
    )


def _time(text: str | None, pointer: str) -> int | None:
    if text is None:
        return None
    found = read_time(text, pointer)
    if not isinstance(found, int):
        raise refuse(found.code, found.detail, pointer, 400)
    return found


async def read(request: Request) -> AuditPage:
    query: AuditQuery = request.query
    page, more = await auditing.entries(
        request.context.ledger, _narrowed(request, query), cursor=query.cursor, limit=query.limit
    )
    return AuditPage(page, more)


async def export(request: Request) -> bytes:
    query: AuditExport = request.query
    if query.format not in FORMATS:
        raise refuse("bad_format", f"{query.format[:40]!r} is not a format: {', '.join(FORMATS)}", "/format", 400)
    body = await auditing.hand_out(
        request.context.ledger,
        _narrowed(request, query),
        query.format,
        {key: value for key, value in msgspec.structs.asdict(query).items() if value is not None},
        workspace=request.client.workspace,
        actor=request.actor,
        now=request.now,
    )
    headers = request.call.headers
    headers[0] = (b"content-type", _MEDIA_TYPES[query.format])
    headers.append((b"content-disposition", f'attachment; filename="audit.{query.format}"'.encode()))
    return body


async def verify(request: Request) -> Verification:
    """The chain runs through all workspaces: only the operator may have it walked."""
    if request.client.workspace_name != OPERATOR:
        raise refuse("foreign_workspace", f"only keys of the workspace {OPERATOR!r} may do that", status=403)
    query: AuditCheck = request.query
    anchors = [auditing.read_anchor(query.anchor)] if query.anchor is not None else []
    return await auditing.verify(request.context.ledger, anchors)


_READ: Final = "audit:read"
ROUTES: Final = (
    Route("GET", "/v1/audit", read, _READ, query=AuditQuery, answer=AuditPage, summary="Read the audit log"),
    Route(
        *("GET", "/v1/audit/export", export, "exports:read"),
        files=("application/x-ndjson", "text/csv"),
        query=AuditExport,
        summary="Export the audit log as JSON lines or CSV",
    ),
    Route(
        *("GET", "/v1/audit/verify", verify, _READ),
        query=AuditCheck,
        answer=Verification,
        summary="Check that nobody has meddled with the audit log",
    ),
)
