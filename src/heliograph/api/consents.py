"""Who has opted out, and the record that proves it."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from heliograph.api.routes import Request, Route, refuse
from heliograph.core.numbers import BadNumber, parse
from heliograph.engine import consents
from heliograph.engine.consents import OPT_IN, OPT_OUT, Consent, Suppressed


class ConsentRequest(msgspec.Struct, forbid_unknown_fields=True):
    """An opt-out or opt-in: whose, and how it came about."""

    number: str
    source: Annotated[str, Meta(min_length=1, max_length=64)] = "api"
    detail: dict[str, str] = {}


class History(msgspec.Struct):
    """All that was recorded of a number."""

    number: str
    is_suppressed: bool
    data: list[Consent]


class SuppressedQuery(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Where to read on."""

    cursor: str = ""
    limit: Annotated[int, Meta(ge=1, le=1_000)] = 100


class SuppressedPage(msgspec.Struct):
    """Numbers that have opted out."""

    data: list[Suppressed]
    next_cursor: str | None


def _e164(request: Request, number: str, pointer: str, status: int) -> str:
    found = parse(number, request.client.default_country)
    if isinstance(found, BadNumber):
        raise refuse(found.code, found.detail, pointer, status)
    return found.e164


async def _record(request: Request, action: str) -> History:
    asked: ConsentRequest = request.body
    number = _e164(request, asked.number, "/number", 422)
    await consents.record(
        request.context.ledger,
        request.client.workspace,
        request.client.environment,
        number,
        action,
        source=asked.source,
        detail=asked.detail,
        actor=request.actor,
        now=request.now,
    )
    return await _history(request, number)


async def opt_out(request: Request) -> History:
    return await _record(request, OPT_OUT)


async def opt_in(request: Request) -> History:
    return await _record(request, OPT_IN)


async def show(request: Request) -> History:
    return await _history(request, _e164(request, request.place["number"], "/number", 404))


async def _history(request: Request, number: str) -> History:
    data = await consents.history(request.context.ledger, request.client.workspace, number)
    return History(number, bool(data) and data[-1].action == OPT_OUT, data)


async def list_suppressed(request: Request) -> SuppressedPage:
    query: SuppressedQuery = request.query
    found = await consents.suppressed(request.context.ledger, request.client.workspace, query.cursor, query.limit + 1)
    page = found[: query.limit]
    return SuppressedPage(page, page[-1].number if len(found) > query.limit else None)


_MANAGE: Final = "consent:manage"
ROUTES: Final = (
    Route("POST", "/v1/opt-outs", opt_out, _MANAGE, body=ConsentRequest, answer=History, status=201, summary="Opt out"),
    Route("POST", "/v1/opt-ins", opt_in, _MANAGE, body=ConsentRequest, answer=History, status=201, summary="Opt in"),
    Route(
        "GET",
        "/v1/opt-outs",
        list_suppressed,
        _MANAGE,
        query=SuppressedQuery,
        answer=SuppressedPage,
        summary="Who opted out",
    ),
    Route("GET", "/v1/consents/{number}", show, _MANAGE, answer=History, summary="The record of a number"),
)
