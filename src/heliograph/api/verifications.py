"""One-time codes: start, check, send again, take back, look."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from heliograph.api.routes import Request, Route, refuse
from heliograph.core import ids
from heliograph.core.failures import Refused
from heliograph.core.numbers import BadNumber, parse
from heliograph.products.verify import statistics
from heliograph.products.verify.asking import VerificationRequest, unknown_channel
from heliograph.products.verify.row import PREFIX, STATES, Verification, VerificationView, view
from heliograph.products.verify.ways import AVAILABLE

_SCOPE: Final = "verify"


class Started(VerificationView, kw_only=True):
    """A verification that has begun. `test_code`: with test keys alone, whose messages reach no phone."""

    test_code: str | None = None


class CheckRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What the person typed."""

    code: Annotated[str, Meta(min_length=1, max_length=64)]


class Checked(msgspec.Struct):
    """Was it the code? Wrong, expired, used before, unknown: that is all the same here."""

    id: str
    is_approved: bool


class ResendRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Over which channel; left out: the next one of the plan."""

    channel: str | None = None


class PageQuery(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What a list is narrowed to."""

    to: str | None = None
    status: str | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    cursor: str | None = None


class Page(msgspec.Struct):
    """Verifications, the newest first."""

    data: list[VerificationView]
    next_cursor: str | None


def place(request: Request) -> tuple[int, int]:
    return request.client.workspace, request.client.environment


def _shown(request: Request, row: Verification) -> VerificationView:
    return view(row, request.context.verify.realm(row.environment).policies.verify, request.now)


def _started(request: Request, row: Verification, code: str) -> Started:
    is_test = request.client.mode == "test"
    fields = msgspec.structs.asdict(_shown(request, row))
    return Started(**fields, test_code=code if is_test and code else None)


def _within_rate(request: Request) -> None:
    if refusal := request.call.over_rate(1):
        raise Refused(refusal)


async def start(request: Request) -> Started:
    _within_rate(request)
    asked: VerificationRequest = request.body
    row, code = await request.context.verify.start(request.call.caller, asked, request.now)
    return _started(request, row, code)


async def check(request: Request) -> Checked:
    _within_rate(request)
    public_id, asked = request.place["id"], request.body
    return Checked(public_id, await request.context.verify.check(place(request), public_id, asked.code, request.now))


async def resend(request: Request) -> Started:
    _within_rate(request)
    asked: ResendRequest = request.body
    if asked.channel is not None and asked.channel not in AVAILABLE:
        raise Refused(unknown_channel(asked.channel, "/channel"))
    row, code = await request.context.verify.resend(
        request.call.caller, request.place["id"], request.now, asked.channel
    )
    return _started(request, row, code)


async def cancel(request: Request) -> VerificationView:
    return _shown(request, await request.context.verify.cancel(place(request), request.place["id"], request.now))


async def show(request: Request) -> VerificationView:
    return _shown(request, await request.context.verify.find(place(request), request.place["id"]))


async def list_verifications(request: Request) -> Page:
    query: PageQuery = request.query
    if query.status is not None and query.status not in STATES:
        detail = f"{query.status[:40]!r} is no state; there are {', '.join(STATES)}"
        raise refuse("unknown_state", detail, "/status", 400)
    to = None if query.to is None else parse(query.to, request.client.default_country)
    if isinstance(to, BadNumber):
        raise refuse(to.code, to.detail, "/to", 400)
    number, below = None if to is None else to.e164, below_of(query.cursor)
    narrowed = (number, query.status, below, query.limit + 1, request.now)
    return page(request, await statistics.listed(request.context.ledger, place(request), *narrowed), query.limit)


def below_of(cursor: str | None) -> int | None:
    """The row that a cursor stands for."""
    if cursor is None:
        return None
    found = ids.parse(PREFIX, cursor)
    if found is None:
        raise refuse("bad_cursor", "give next_cursor of the page before, unchanged", "/cursor", 400)
    return found[1]


def page(request: Request, rows: list[Verification], limit: int) -> Page:
    more = rows[limit - 1].public_id if len(rows) > limit else None
    return Page([_shown(request, row) for row in rows[:limit]], more)


ROUTES: Final = (
    Route(
        *("POST", "/v1/verifications", start, _SCOPE),
        body=VerificationRequest,
        answer=Started,
        status=201,
        summary="Send a one-time code",
    ),
    Route(
        *("GET", "/v1/verifications", list_verifications, _SCOPE),
        query=PageQuery,
        answer=Page,
        summary="List verifications",
    ),
    Route("GET", "/v1/verifications/{id}", show, _SCOPE, answer=VerificationView, summary="Show a verification"),
    Route(
        *("POST", "/v1/verifications/{id}/check", check, _SCOPE),
        body=CheckRequest,
        answer=Checked,
        summary="Check a code",
    ),
    Route(
        *("POST", "/v1/verifications/{id}/resend", resend, _SCOPE),
        body=ResendRequest,
        answer=Started,
        summary="Send the code again, another way",
    ),
    Route(
        *("POST", "/v1/verifications/{id}/cancel", cancel, _SCOPE),
        answer=VerificationView,
        summary="Take a verification back",
    ),
)
