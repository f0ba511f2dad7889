"""Campaigns: made, checked, approved, started, paused, stopped, and how they stand."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from heliograph.api.routes import Request, Route, not_found
from heliograph.core.campaigns import CampaignSpec
from heliograph.core.failures import Refusal, Refused
from heliograph.core.request import read_time
from heliograph.engine.policies import CampaignPolicy
from heliograph.products.campaigns import register, sampling, starting
from heliograph.products.campaigns.progress import CampaignView, Progress, progress, view
from heliograph.products.campaigns.register import Campaign
from heliograph.products.campaigns.sampling import Tested

_MANAGE: Final = "campaigns:manage"
_APPROVE: Final = "campaigns:approve"


class StartRequest(msgspec.Struct, forbid_unknown_fields=True):
    """When it begins; left out: now."""

    at: Annotated[str | None, Meta(description="RFC 3339 with an offset.")] = None


class TestRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Who gets every variant, and the values of its variables."""

    to: Annotated[list[str], Meta(min_length=1, max_length=20)]
    variables: dict[str, str] = {}


class TestAnswer(msgspec.Struct):
    """What became of a test."""

    data: list[Tested]


class PageQuery(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Where to read on."""

    cursor: Annotated[int, Meta(ge=0, le=1 << 62)] = 1 << 62
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class CampaignPage(msgspec.Struct):
    """A page of campaigns, the newest first."""

    data: list[CampaignView]
    next_cursor: str | None


async def create(request: Request) -> CampaignView:
    client = request.client
    where = (request.context.ledger, client.workspace, client.environment, client.id)
    made = await register.create(*where, request.body, actor=request.actor, now=request.now)
    return _changed(request, made)


def _changed(request: Request, campaign: Campaign) -> CampaignView:
    request.context.campaigns_changed()
    return view(campaign)


async def find(request: Request) -> Campaign:
    """The campaign that the path names; raises `Refused`."""
    found = await register.find(request.context.ledger, request.client.environment, request.place["name"])
    if found is None:
        raise not_found("campaign", request.place["name"])
    return found


async def show(request: Request) -> CampaignView:
    return view(await find(request))


async def list_all(request: Request) -> CampaignPage:
    query: PageQuery = request.query
    where = (request.context.ledger, request.client.environment)
    found, following = await register.page(*where, query.cursor, query.limit)
    return CampaignPage([view(one) for one in found], None if following is None else str(following))


async def show_progress(request: Request) -> Progress:
    campaign = await find(request)
    return await progress(request.context.ledger, campaign, request.context.link, request.context.clock.now_ms())


async def approve(request: Request) -> CampaignView:
    campaign = await find(request)
    four_eyes = _policy(request).approval == "four_eyes"
    where = (request.context.ledger, campaign)
    return view(await register.approve(*where, four_eyes=four_eyes, actor=request.actor, now=request.now))


async def start(request: Request) -> CampaignView:
    asked: StartRequest = request.body
    campaign = await find(request)
    at = request.now if asked.at is None else read_time(asked.at, "/at")
    if isinstance(at, Refusal):
        raise Refused(at)
    where = (request.context.ledger, campaign, _policy(request), at)
    return _changed(request, await starting.start(*where, actor=request.actor, now=request.now))


def _policy(request: Request) -> CampaignPolicy:
    return request.context.snapshot().realms[request.client.environment].policies.campaigns


async def pause(request: Request) -> CampaignView:
    found = await register.pause(request.context.ledger, await find(request), actor=request.actor, now=request.now)
    return _changed(request, found)


async def resume(request: Request) -> CampaignView:
    found = await register.resume(request.context.ledger, await find(request), actor=request.actor, now=request.now)
    return _changed(request, found)


async def stop(request: Request) -> CampaignView:
    found = await register.stop(request.context.ledger, await find(request), actor=request.actor, now=request.now)
    return _changed(request, found)


async def delete(request: Request) -> CampaignView:
    campaign = await find(request)
    await register.delete(request.context.ledger, campaign, actor=request.actor, now=request.now)
    return view(campaign)


async def test(request: Request) -> TestAnswer:
    """Every variant to each number, now; not part of the campaign's progress."""
    asked: TestRequest = request.body
    campaign = await find(request)
    context = request.context
    found = await sampling.test(
        *(context.ledger, context.intake, lambda: context.snapshot().version, campaign),
        *(asked.to, asked.variables, request.client.default_country, request.now),
    )
    return TestAnswer(found)


ROUTES: Final = (
    Route("GET", "/v1/campaigns", list_all, _MANAGE, _APPROVE, query=PageQuery, answer=CampaignPage, summary="List"),
    Route(
        *("POST", "/v1/campaigns", create, _MANAGE),
        body=CampaignSpec,
        answer=CampaignView,
        status=201,
        summary="Make a campaign; all its rows are checked",
    ),
    Route("GET", "/v1/campaigns/{name}", show, _MANAGE, _APPROVE, answer=CampaignView, summary="Show a campaign"),
    Route("DELETE", "/v1/campaigns/{name}", delete, _MANAGE, answer=CampaignView, summary="Forget a campaign"),
    Route(
        *("GET", "/v1/campaigns/{name}/progress", show_progress, _MANAGE, _APPROVE),
        answer=Progress,
        summary="How it stands",
    ),
    Route(
        *("POST", "/v1/campaigns/{name}/test", test, _MANAGE),
        body=TestRequest,
        answer=TestAnswer,
        summary="Send every variant to some numbers",
    ),
    Route("POST", "/v1/campaigns/{name}/approve", approve, _APPROVE, answer=CampaignView, summary="Approve it"),
    Route(
        *("POST", "/v1/campaigns/{name}/start", start, _MANAGE),
        body=StartRequest,
        answer=CampaignView,
        summary="Start it, now or later",
    ),
    Route("POST", "/v1/campaigns/{name}/pause", pause, _MANAGE, answer=CampaignView, summary="Hold all of it"),
    Route("POST", "/v1/campaigns/{name}/resume", resume, _MANAGE, answer=CampaignView, summary="Let it go on"),
    Route("POST", "/v1/campaigns/{name}/stop", stop, _MANAGE, answer=CampaignView, summary="Stop it for good"),
)
