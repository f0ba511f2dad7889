"""Messages from phones: one, and many."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from heliograph.api.routes import Request, Route, not_found, refuse
from heliograph.core import ids
from heliograph.core.failures import Refusal, Refused
from heliograph.core.numbers import BadNumber, parse
from heliograph.core.request import read_time
from heliograph.core.senders import type_of
from heliograph.engine.conversations import received
from heliograph.engine.conversations.received import InboundView, Narrowed


class InboundQuery(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """What a list is narrowed to."""

    from_: str | None = None
    to: str | None = None
    received_after: str | None = None
    received_before: str | None = None
    cursor: str | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class InboundPage(msgspec.Struct):
    """Messages from phones, the newest first."""

    data: list[InboundView]
    next_cursor: str | None


async def search(request: Request) -> InboundPage:
    query: InboundQuery = request.query
    below = None
    if query.cursor is not None:
        place = ids.parse("inb", query.cursor)
        if place is None:
            raise refuse("bad_cursor", "give next_cursor of the page before, unchanged", "/cursor", 400)
        below = place[1]
    narrowed = Narrowed(
        from_number=number_of(request, query.from_, "/from"),
        to_number=query.to,
        after=_time(query.received_after, "/received_after"),
        before=_time(query.received_before, "/received_before"),
    )
    client = request.client
    return InboundPage(
        *await received.page(request.context.ledger, client.workspace, client.environment, narrowed, below, query.limit)
    )


def number_of(request: Request, text: str | None, pointer: str) -> str | None:
    """A person's number as it is kept; short codes and names, which write too, as they are."""
    if text is None or type_of(text) in ("short_code", "alphanumeric"):
        return text
    number = parse(text, request.client.default_country)
    if isinstance(number, BadNumber):
        raise refuse(number.code, number.detail, pointer, 400)
    return number.e164


def _time(text: str | None, pointer: str) -> int | None:
    found = None if text is None else read_time(text, pointer)
    if isinstance(found, Refusal):
        raise Refused(msgspec.structs.replace(found, status=400))
    return found


async def show(request: Request) -> InboundView:
    client, public = request.client, request.place["id"]
    found = await received.find(request.context.ledger, client.workspace, client.environment, public)
    if found is None:
        raise not_found("inbound message", public)
    return found


_READ: Final = "messages:read"
ROUTES: Final = (
    Route(
        *("GET", "/v1/inbound", search, _READ),
        query=InboundQuery,
        answer=InboundPage,
        summary="List messages from phones",
    ),
    Route("GET", "/v1/inbound/{id}", show, _READ, answer=InboundView, summary="Show a message from a phone"),
)
