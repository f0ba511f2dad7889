"""The request log: what keys asked, and what they were answered. It is read here, and noted where there is no door."""

from collections.abc import Sequence
from typing import Annotated, Final, NamedTuple

import msgspec
from msgspec import Meta

from heliograph.api.call import Heading, Scope
from heliograph.api.context import Context
from heliograph.api.reading import where
from heliograph.api.routes import Request, Route, refuse
from heliograph.core.failures import Refusal
from heliograph.core.request import read_time
from heliograph.engine.clients import TurnedAway
from heliograph.engine.requests import reading
from heliograph.engine.requests.log import Asked
from heliograph.engine.requests.reading import LoggedRequest, Narrowed
from heliograph.ports import Unavailable


class RequestQuery(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What the request log is narrowed to."""

    client: Annotated[str | None, Meta(description="A key, by id or name.")] = None
    status: Annotated[str | None, Meta(description="Such as 404, or a class such as 4xx.")] = None
    method: str | None = None
    path: Annotated[str | None, Meta(description="How the path or the route begins.")] = None
    code: Annotated[str | None, Meta(description="Of the problem.")] = None
    request_id: str | None = None
    since: str | None = None
    until: str | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    cursor: str | None = None


class RequestPage(msgspec.Struct):
    """Requests, the newest first."""

    data: list[LoggedRequest]
    next_cursor: str | None


async def read(request: Request) -> RequestPage:
    query: RequestQuery = request.query
    narrowed = Narrowed(
        client=query.client,
        statuses=None if query.status is None else reading.read_statuses(query.status),
        method=None if query.method is None else query.method.upper(),
        path=query.path,
        code=query.code,
        request_id=query.request_id,
        since=_time(query.since, "/since"),
        until=_time(query.until, "/until"),
    )
    its = where(request)
    page, more = await reading.entries(
        *(request.context.ledger, its.workspace, its.environment, narrowed), cursor=query.cursor, limit=query.limit
    )
    return RequestPage(page, more)


def _time(text: str | None, pointer: str) -> int | None:
    found = None if text is None else read_time(text, pointer)
    if isinstance(found, Refusal):
        raise refuse(found.code, found.detail, pointer, 400)
    return found


# -- where there is no door


class _Lost(NamedTuple):
    """A request that went nowhere."""

    asked: Asked
    now: int
    refusals: Sequence[Refusal]
    request_id: bytes
    user_agent: bytes | None
    key: bytes | None
    size: int


async def note_lost(context: Context, scope: Scope, heading: Heading, refusal: Refusal, request_id: str) -> None:
    """A wrong path or method is what one asks the log about first; so whose key came along is looked up."""
    address = scope["client"][0] if scope.get("client") else ""
    if heading.authorization is None or not context.serves_api:
        return
    client = context.clients.authenticate(heading.authorization, address)
    try:
        client = client or await context.clients.authenticate_slow(heading.authorization, address)
    except Unavailable:  # the answer does not depend on it
        return
    holder = client.client if isinstance(client, TurnedAway) else client
    if holder is not None and not isinstance(holder, Refusal):
        asked = Asked(scope["method"], "", scope["path"], scope.get("query_string", b""))
        now = context.clock.now_ms()
        lost = _Lost(asked, now, [refusal], request_id.encode("latin-1"), heading.user_agent, heading.key, 0)
        context.requests.note(holder, lost, refusal.status, None, 0)


ROUTES: Final = (
    Route(
        *("GET", "/v1/requests", read, "webhooks:read", "webhooks:manage"),
        query=RequestQuery,
        answer=RequestPage,
        summary="What keys asked, and what they were answered",
    ),
)
