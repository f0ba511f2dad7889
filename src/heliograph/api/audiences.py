"""Audiences: uploaded as CSV, or taken from the contacts; with a report of every line that could not be used."""

from collections.abc import AsyncIterator
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from heliograph.api.routes import Request, Route, not_found
from heliograph.core.audiences import Filter
from heliograph.products.campaigns import audiences, filling
from heliograph.products.campaigns.audiences import Audience, AudienceView, FaultView, view

MANAGE: Final = "campaigns:manage"
_Country = Annotated[str, Meta(pattern="^[A-Z]{2}$")]


class UploadQuery(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How to read the file."""

    name: audiences.Name
    variables: Annotated[
        str | None, Meta(description="Columns that every line must have, parted by commas; others are refused.")
    ] = None
    default_country: Annotated[_Country | None, Meta(description="Reads national numbers as of this country: GB.")] = (
        None
    )


class Upload(msgspec.Struct):
    """A file as CSV: its first line names the columns, one of them `to`."""

    csv: str


class SegmentRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Contacts that fit all filters, as they are now."""

    name: audiences.Name
    filters: Annotated[list[Filter], Meta(max_length=20)]


class PageQuery(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Where to read on."""

    cursor: str = ""
    limit: Annotated[int, Meta(ge=1, le=1_000)] = 100


class FaultQuery(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Where to read on."""

    cursor: Annotated[int, Meta(ge=0, le=1 << 62)] = 0
    limit: Annotated[int, Meta(ge=1, le=10_000)] = 1_000


class AudiencePage(msgspec.Struct):
    """A page of audiences, by name."""

    data: list[AudienceView]
    next_cursor: str | None


class FaultPage(msgspec.Struct):
    """A page of faults, by line."""

    data: list[FaultView]
    next_cursor: str | None


async def upload(request: Request) -> AudienceView:
    query: UploadQuery = request.query
    pieces: AsyncIterator[bytes] = request.body
    ledger, client = request.context.ledger, request.client
    where = (client.workspace, client.environment, query.name)
    names = None if query.variables is None else [name.strip() for name in query.variables.split(",") if name.strip()]
    audience = await audiences.begin(ledger, *where, filters=None, actor=request.actor, now=request.now)
    country = query.default_country or client.default_country
    done = await filling.from_csv(
        *(ledger, audience, pieces), variables=names, default_country=country, actor=request.actor, now=request.now
    )
    return view(done)


async def take(request: Request) -> AudienceView:
    asked: SegmentRequest = request.body
    ledger, client = request.context.ledger, request.client
    where = (client.workspace, client.environment, asked.name)
    audience = await audiences.begin(ledger, *where, filters=asked.filters, actor=request.actor, now=request.now)
    rules = request.context.snapshot().consent
    return view(
        await filling.from_contacts(ledger, audience, asked.filters, rules, actor=request.actor, now=request.now)
    )


async def find(request: Request) -> Audience:
    """The audience that the path names; raises `Refused`."""
    found = await audiences.find(request.context.ledger, request.client.environment, request.place["name"])
    if found is None:
        raise not_found("audience", request.place["name"])
    return found


async def show(request: Request) -> AudienceView:
    return view(await find(request))


async def list_all(request: Request) -> AudiencePage:
    query: PageQuery = request.query
    where = (request.context.ledger, request.client.environment)
    found, following = await audiences.page(*where, query.cursor, query.limit)
    return AudiencePage([view(one) for one in found], following)


async def faults(request: Request) -> FaultPage:
    query: FaultQuery = request.query
    audience = await find(request)
    found, following = await audiences.faults(request.context.ledger, audience.id, query.cursor, query.limit)
    return FaultPage(found, None if following is None else str(following))


async def delete(request: Request) -> AudienceView:
    audience = await find(request)
    await audiences.delete(request.context.ledger, audience, actor=request.actor, now=request.now)
    return view(audience)


ROUTES: Final = (
    Route("GET", "/v1/audiences", list_all, MANAGE, query=PageQuery, answer=AudiencePage, summary="List audiences"),
    Route(
        *("POST", "/v1/audiences", take, MANAGE),
        body=SegmentRequest,
        answer=AudienceView,
        status=201,
        summary="Take an audience from the contacts",
    ),
    Route(
        *("POST", "/v1/audiences/upload", upload, MANAGE),
        body=Upload,
        text=("text/csv", "csv"),
        query=UploadQuery,
        answer=AudienceView,
        status=201,
        summary="Upload an audience as CSV, of any length",
        is_stream=True,
    ),
    Route("GET", "/v1/audiences/{name}", show, MANAGE, answer=AudienceView, summary="Show an audience"),
    Route("DELETE", "/v1/audiences/{name}", delete, MANAGE, answer=AudienceView, summary="Delete an audience"),
    Route(
        *("GET", "/v1/audiences/{name}/faults", faults, MANAGE),
        query=FaultQuery,
        answer=FaultPage,
        summary="Every line that could not be used, and why",
    ),
)
