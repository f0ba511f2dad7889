"""Outages: what is out and what was; and drills, which try their plans in the test environment."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from heliograph.api.reading import where
from heliograph.api.routes import Request, Route, refuse
from heliograph.core import ids, numbers
from heliograph.engine.outages import register
from heliograph.engine.outages.register import OutageView
from heliograph.products.drills import rows
from heliograph.products.drills.rows import DrillView

_NOBODY: Final = "+447700900123"  # a number that is nobody's


class PageQuery(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Which page."""

    cursor: str | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class OutagePage(msgspec.Struct):
    """A page of outages, the newest first."""

    data: list[OutageView]
    next_cursor: str | None


class DrillPage(msgspec.Struct):
    """A page of drills, the newest first."""

    data: list[DrillView]
    next_cursor: str | None


class DrillRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What goes out: all connectors of a route, or these; for how long; and whom the probes go to."""

    route: str | None = None
    connectors: Annotated[list[str], Meta(max_length=20)] = []
    how: Annotated[
        Literal["down", "failing"], Meta(description="The link goes down, or it stays and everything is refused.")
    ] = "down"
    seconds: Annotated[int, Meta(ge=5, le=900)] = 60
    to: str = _NOBODY


def _below(prefix: str, cursor: str | None) -> int | None:
    if cursor is None:
        return None
    place = ids.parse(prefix, cursor)
    if place is None:
        raise refuse("bad_cursor", "the cursor is not one of ours; use next_cursor as it is", "/cursor", 400)
    return place[1]


def _place(request: Request) -> tuple[int, int]:
    its = where(request)
    return its.workspace, its.environment


async def list_outages(request: Request) -> OutagePage:
    query: PageQuery = request.query
    below = _below(register.PREFIX, query.cursor)
    found = await register.listed(request.context.ledger, *_place(request), below, query.limit)
    shown = [register.view(one) for one in found]
    return OutagePage(shown, shown[-1].id if len(shown) == query.limit else None)


async def start(request: Request) -> DrillView:
    asked: DrillRequest = request.body
    snapshot = request.context.snapshot()
    realm = snapshot.realms[request.client.environment]
    names = rows.names_of(snapshot, realm, asked.route, asked.connectors)
    number = numbers.parse(asked.to, None)
    if not isinstance(number, numbers.Number):
        raise refuse(number.code, number.detail, "/to")
    if not numbers.is_test_number(number.e164):
        raise refuse("drill_number", "give a number that is nobody's, such as +447700900123", "/to")
    drill = await rows.start(
        *(
            request.context.ledger,
            realm,
            names,
            asked.how,
            number.e164,
            asked.seconds * 1_000,
            request.actor,
            request.now,
        )
    )
    return rows.view(drill)


async def list_drills(request: Request) -> DrillPage:
    query: PageQuery = request.query
    below = _below(rows.PREFIX, query.cursor)
    found = await rows.listed(request.context.ledger, *_place(request), below, query.limit)
    shown = [rows.view(one) for one in found]
    return DrillPage(shown, shown[-1].id if len(shown) == query.limit else None)


async def show(request: Request) -> DrillView:
    return rows.view(await rows.find(request.context.ledger, *_place(request), request.place["id"]))


_LOOK: Final = ("analytics:read", "routing:manage")
ROUTES: Final = (
    Route(*("GET", "/v1/outages", list_outages, *_LOOK), query=PageQuery, answer=OutagePage, summary="List outages"),
    Route(
        *("POST", "/v1/drills", start, "routing:manage"),
        body=DrillRequest,
        answer=DrillView,
        status=202,
        summary="Try what the plan for outages does",
    ),
    Route(*("GET", "/v1/drills", list_drills, *_LOOK), query=PageQuery, answer=DrillPage, summary="List drills"),
    Route(*("GET", "/v1/drills/{id}", show, *_LOOK), answer=DrillView, summary="Show a drill with its report"),
)
