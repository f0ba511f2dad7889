"""Connectors, how they are, and what their flight recorders hold. For keys of the operator's workspace."""

from typing import Final, Literal

import msgspec

from heliograph.api.routes import Request, Route, not_found, operator_only, refuse
from heliograph.engine import recordings
from heliograph.engine.clients import ADMIN
from heliograph.engine.recordings import MEDIA_TYPES, recorder_of


class ConnectorView(msgspec.Struct):
    """A connector; `up`, `in_flight` and `records` are null where another process runs it."""

    name: str
    kind: str
    up: bool | None = None
    reason: str = ""  # why it is not up
    in_flight: int | None = None
    records: bool | None = None
    is_paused: bool = False  # by hand: nothing is handed over to it


class Balance(msgspec.Struct):
    """What is left in an account."""

    connector: str
    amount: str
    currency: str


class ConnectorList(msgspec.Struct):
    """The connectors of this gateway, by name."""

    data: list[ConnectorView]


class RecordingQuery(msgspec.Struct, forbid_unknown_fields=True):
    """As what to export; `texts`: with texts and whole numbers, for keys with the scope admin."""

    format: Literal["jsonl", "pcap", "scenario"] = "jsonl"
    texts: bool = False


async def all_connectors(request: Request) -> ConnectorList:
    operator_only(request)
    specs = request.context.snapshot().connectors
    return ConnectorList([_view(request, name, specs[name].kind) for name in sorted(specs)])


def _view(request: Request, name: str, kind: str) -> ConnectorView:
    carrier, link = request.context.carrier(name), request.context.link(name)
    paused = request.context.snapshot().paused
    view = ConnectorView(name, kind, is_paused=paused.everything or name in paused.connectors)
    if carrier is not None:
        view.records = recorder_of(carrier) is not None
    if link is not None:
        view.up, view.reason, view.in_flight = link.up, link.reason, link.in_flight
    return view


async def balance(request: Request) -> Balance:
    """As the provider says it now."""
    name = request.place["name"]
    if not request.client.is_operator or name not in request.context.snapshot().connectors:
        raise not_found("connector", name)
    asked = getattr(request.context.carrier(name), "balance", None)
    found = await asked() if asked is not None else None
    if found is None:
        detail = f"{name[:60]!r} offers no balance, did not answer, or does not run in this process"
        raise refuse("no_balance", detail, status=409)
    return Balance(name, *found)


async def recording(request: Request) -> bytes:
    query: RecordingQuery = request.query
    name = request.place["name"]
    if not request.client.is_operator or name not in request.context.snapshot().connectors:
        raise not_found("connector", name)
    if query.texts and ADMIN not in request.client.scopes:
        raise refuse("missing_scope", f"texts need the scope {ADMIN}", "/texts", 403)
    recorder = recorder_of(request.context.carrier(name))
    if recorder is None:
        raise refuse("not_found", f"the connector {name[:60]!r} does not record, or not in this process", status=404)
    body = await recordings.export(
        request.context.ledger,
        recorder,
        name,
        query.format,
        texts=query.texts,
        workspace=request.client.workspace,
        actor=request.actor,
        now=request.now,
    )
    headers = request.call.headers
    headers[0] = (b"content-type", MEDIA_TYPES[query.format].encode())
    filename = recordings.file_name(name, query.format)
    headers.append((b"content-disposition", f'attachment; filename="{filename}"'.encode()))
    return body


ROUTES: Final = (
    Route(
        *("GET", "/v1/connectors", all_connectors, "routing:manage"),
        answer=ConnectorList,
        summary="List connectors, and how they are",
    ),
    Route(
        *("GET", "/v1/connectors/{name}/recording", recording, "routing:manage"),
        files=tuple(MEDIA_TYPES.values()),
        query=RecordingQuery,
        summary="Export what a connector has recorded",
    ),
    Route(
        *("GET", "/v1/connectors/{name}/balance", balance, "routing:manage"),
        answer=Balance,
        summary="What is left in a provider's account",
    ),
)
