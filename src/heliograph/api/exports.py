"""Exports over HTTP: what there is, rows as a file that is never held as a whole, and how scheduled ones stand."""

from collections.abc import AsyncIterator
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from heliograph.api.routes import Request, Route, not_found, refuse
from heliograph.core.request import read_time
from heliograph.engine.exports.exporting import Asked, check, export, note
from heliograph.engine.exports.formats import MEDIA_TYPES
from heliograph.engine.exports.schedule import Scheduled, scheduled
from heliograph.engine.exports.tables import What, listed

_READ: Final = "exports:read"


class ExportQuery(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A range, and what rows must be like; each kind of row has some of these filters."""

    since: Annotated[str | None, Meta(description="From then on, RFC 3339.")] = None
    until: Annotated[str | None, Meta(description="Before then; left out: now.")] = None
    texts: Annotated[bool, Meta(description="The texts of messages too.")] = False
    status: str | None = None
    kind: str | None = None
    country: str | None = None
    sender: str | None = None
    connector: str | None = None
    correlation_id: str | None = None
    template: str | None = None
    to: str | None = None
    from_: str | None = msgspec.field(default=None, name="from")
    type: str | None = None
    action: str | None = None
    scope: str | None = None
    source: str | None = None
    endpoint: str | None = None


class Exports(msgspec.Struct):
    """What can be exported, in which formats; and the exports that are made again and again."""

    data: list[What]
    formats: list[str]
    scheduled: list[Scheduled]


async def overview(request: Request) -> Exports:
    """What there is."""
    found = await scheduled(request.context.ledger, request.client.workspace)
    return Exports(listed(), list(MEDIA_TYPES), found)


async def read(request: Request) -> AsyncIterator[bytes]:
    """One export. That it was asked for is an entry of the audit log, written first: whoever has the file is known."""
    what, _, form = request.place["file"].rpartition(".")
    if not what:
        raise not_found("export", request.place["file"])
    query: ExportQuery = request.query
    given = msgspec.to_builtins(query)
    since, until = _time(query.since, "/since"), _time(query.until, "/until")
    asked = Asked(
        workspace=request.client.workspace,
        environment=request.client.environment,
        what=what,
        format=form,
        since=since,
        until=request.now + 1 if until is None else until,
        filters={k: v for k, v in given.items() if v is not None and k not in ("since", "until", "texts")},
        texts=query.texts,
    )
    check(asked)
    await note(request.context.ledger, asked, request.actor, request.now)
    headers = request.call.headers
    headers[0] = (b"content-type", MEDIA_TYPES[form].encode())
    headers.append((b"content-disposition", f'attachment; filename="{what}.{form}"'.encode()))
    return export(request.context.ledger, asked)


def _time(text: str | None, pointer: str) -> int | None:
    if text is None:
        return None
    found = read_time(text, pointer)
    if not isinstance(found, int):
        raise refuse(found.code, found.detail, pointer, 400)
    return found


ROUTES: Final = (
    Route("GET", "/v1/exports", overview, _READ, answer=Exports, summary="What can be exported, and what is"),
    Route(
        *("GET", "/v1/exports/{file}", read, _READ),
        query=ExportQuery,
        summary="Export rows: messages.csv, events.jsonl, consents.parquet",
    ),
)
