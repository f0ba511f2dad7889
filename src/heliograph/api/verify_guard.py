"""What the fraud guard of verifications sees and does, and what another policy would; authenticator apps."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from heliograph.api.routes import Request, Route, refuse
from heliograph.api.verifications import CheckRequest, Page, below_of, page, place
from heliograph.core.request import read_time
from heliograph.core.verify.policy import VerifyPolicy
from heliograph.products.verify import statistics
from heliograph.products.verify.authenticators import Authenticator, Enrolled
from heliograph.products.verify.statistics import Statistics, Trial

_SCOPE: Final = "verify"
_FIGURES: Final = "analytics:read"
_DAY_MS: Final = 86_400_000


class SinceQuery(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """From when on; left out: of the last day."""

    since: str | None = None


class FeedQuery(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Where to read on."""

    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    cursor: str | None = None


class TrialRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A policy to try out, and from when on; left out: on the last day."""

    policy: VerifyPolicy = VerifyPolicy()
    since: str | None = None


class EnrollRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What the person's app is to show. Neither is kept."""

    account: Annotated[str, Meta(min_length=1, max_length=100, description="Such as their name with you.")]
    issuer: Annotated[str, Meta(min_length=1, max_length=40, description="Your name.")]


class AppChecked(msgspec.Struct):
    """Was it the app's code?"""

    id: str
    is_approved: bool


class Removed(msgspec.Struct):
    """Done."""

    id: str


def _since(request: Request, text: str | None) -> int:
    if text is None:
        return request.now - _DAY_MS
    found = read_time(text, "/since")
    if not isinstance(found, int):
        raise refuse(found.code, found.detail, "/since", 400)
    return found


async def show_statistics(request: Request) -> Statistics:
    return await statistics.statistics(request.context.ledger, place(request), _since(request, request.query.since))


async def feed(request: Request) -> Page:
    query: FeedQuery = request.query
    below = below_of(query.cursor)
    rows = await statistics.kept_back(request.context.ledger, place(request), below, query.limit + 1)
    return page(request, rows, query.limit)


async def try_out(request: Request) -> Trial:
    asked: TrialRequest = request.body
    refusals = asked.policy.wrong()
    if refusals:
        raise refuse(refusals[0].code, refusals[0].detail, f"/policy{refusals[0].pointer}")
    home, since = request.client.default_country, _since(request, asked.since)
    return await statistics.attempt(request.context.ledger, place(request), asked.policy, home, since)


async def enroll(request: Request) -> Enrolled:
    asked: EnrollRequest = request.body
    return await request.context.authenticators.enroll(
        place(request), asked.account, asked.issuer, actor=request.actor, now=request.now
    )


async def show(request: Request) -> Authenticator:
    return await request.context.authenticators.show(place(request), request.place["id"])


async def check(request: Request) -> AppChecked:
    public_id, code = request.place["id"], request.body.code
    found = await request.context.authenticators.check(place(request), public_id, code, request.now)
    return AppChecked(public_id, found)


async def remove(request: Request) -> Removed:
    public_id = request.place["id"]
    await request.context.authenticators.remove(place(request), public_id, actor=request.actor, now=request.now)
    return Removed(public_id)


ROUTES: Final = (
    Route(
        *("GET", "/v1/verify/statistics", show_statistics, _SCOPE, _FIGURES),
        query=SinceQuery,
        answer=Statistics,
        summary="How verifications convert",
    ),
    Route(
        *("GET", "/v1/verify/kept-back", feed, _SCOPE, _FIGURES),
        query=FeedQuery,
        answer=Page,
        summary="What the fraud guard kept back",
    ),
    Route(
        *("POST", "/v1/verify/trial", try_out, _SCOPE),
        body=TrialRequest,
        answer=Trial,
        summary="Try a policy on past requests",
    ),
    Route(
        *("POST", "/v1/authenticators", enroll, _SCOPE),
        body=EnrollRequest,
        answer=Enrolled,
        status=201,
        summary="Enrol an authenticator app",
    ),
    Route("GET", "/v1/authenticators/{id}", show, _SCOPE, answer=Authenticator, summary="Show an authenticator app"),
    Route(
        *("POST", "/v1/authenticators/{id}/check", check, _SCOPE),
        body=CheckRequest,
        answer=AppChecked,
        summary="Check an app's code",
    ),
    Route("DELETE", "/v1/authenticators/{id}", remove, _SCOPE, answer=Removed, summary="Remove an authenticator app"),
)
