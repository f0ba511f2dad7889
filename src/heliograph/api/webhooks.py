"""Endpoints of the caller's environment: declared, tested, their secrets turned over, events told again."""

import secrets
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from heliograph.api.reading import where
from heliograph.api.routes import Request, Route, not_found, refuse
from heliograph.core import ids
from heliograph.core.failures import Refused
from heliograph.core.message import Event
from heliograph.core.request import read_time
from heliograph.core.signing import secret_from
from heliograph.core.views import moment
from heliograph.engine import declare, endpoints
from heliograph.engine.specs import EndpointSpec
from heliograph.store import reads

_PAGE: Final = 1_000


class EndpointRequest(msgspec.Struct, forbid_unknown_fields=True):
    """An endpoint as it is to be."""

    name: Annotated[str, Meta(pattern=endpoints.NAME)]
    url: str
    events: list[str] = msgspec.field(default_factory=lambda: ["*"])
    secret: str | None = None
    format: str = "json"
    timeout_ms: Annotated[int, Meta(ge=100, le=30_000)] | None = None
    max_in_flight: Annotated[int, Meta(ge=1, le=200)] = 20
    batch: Annotated[int, Meta(ge=1, le=500)] = 1


class EndpointView(msgspec.Struct):
    """An endpoint as it stands. `secret` is shown once, when it was made here."""

    name: str
    url: str
    events: list[str]
    format: str
    is_disabled: bool
    failing_since: str | None
    reason: str | None
    secrets: int
    secret: str | None = None


class EndpointList(msgspec.Struct):
    """All endpoints of the environment."""

    data: list[EndpointView]


class ReplayRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What to tell again: a span of time, or messages."""

    since: str | None = None
    until: str | None = None
    messages: list[str] | None = None


class Done(msgspec.Struct):
    """What was set going."""

    deliveries: int


def find_endpoint(request: Request) -> EndpointSpec:
    name = request.place["name"]
    for endpoint in request.context.snapshot().realms[request.client.environment].endpoints:
        if endpoint.name == name:
            return endpoint
    raise not_found("endpoint", name)


async def _view(request: Request, endpoint: EndpointSpec, secret: str | None = None) -> EndpointView:
    health = await endpoints.health(request.context.ledger, endpoint.id)
    return EndpointView(
        endpoint.name,
        endpoint.url,
        list(endpoint.events),
        endpoint.format,
        health.disabled_at is not None,
        None if health.failing_since is None else moment(health.failing_since),
        health.reason,
        len(endpoint.secrets),
        secret,
    )


async def list_endpoints(request: Request) -> EndpointList:
    realm = request.context.snapshot().realms[request.client.environment]
    return EndpointList([await _view(request, endpoint) for endpoint in realm.endpoints])


async def show(request: Request) -> EndpointView:
    return await _view(request, find_endpoint(request))


async def put(request: Request) -> EndpointView:
    """Declare an endpoint, as `heliograph apply` would."""
    asked: EndpointRequest = request.body
    spec: dict[str, Any] = {k: v for k, v in msgspec.structs.asdict(asked).items() if v is not None and k != "name"}
    spec["environment"] = request.client.environment_name
    try:
        changes = await declare.apply(
            request.context.ledger,
            {"endpoints": {asked.name: spec}},
            request.context.tools,
            actor=request.actor,
            now=request.now,
            workspace=request.client.workspace_name,
        )
    except Refused as refused:
        place = f"/endpoints/{asked.name}"
        raise Refused(
            *(msgspec.structs.replace(r, pointer=r.pointer.removeprefix(place)) for r in refused.refusals)
        ) from None
    await request.context.reload()
    request.place = {"name": asked.name}
    return await _view(request, find_endpoint(request), changes[0].secret)


async def remove(request: Request) -> Done:
    endpoint = find_endpoint(request)
    await declare.remove(
        request.context.ledger, endpoint.workspace, "endpoint", endpoint.name, actor=request.actor, now=request.now
    )
    await request.context.reload()
    return Done(0)


async def enable(request: Request) -> EndpointView:
    endpoint = find_endpoint(request)
    await endpoints.enable(request.context.ledger, endpoint, actor=request.actor, now=request.now)
    await request.context.reload()
    return await _view(request, find_endpoint(request))


async def rotate(request: Request) -> EndpointView:
    endpoint, made = find_endpoint(request), secret_from(secrets.token_bytes(32))
    context = request.context
    await endpoints.rotate_secret(context.ledger, endpoint, made, context.seal, actor=request.actor, now=request.now)
    await context.reload()
    return await _view(request, find_endpoint(request), made)


async def retire(request: Request) -> EndpointView:
    await endpoints.retire_secret(request.context.ledger, find_endpoint(request), actor=request.actor, now=request.now)
    await request.context.reload()
    return await _view(request, find_endpoint(request))


async def test(request: Request) -> Done:
    await endpoints.send_test(request.context.ledger, find_endpoint(request), request.now)
    request.context.look()
    return Done(1)


async def replay(request: Request) -> Done:
    endpoint, asked = find_endpoint(request), request.body
    numbers = None
    if asked.messages is not None:
        numbers = [place[1] for public_id in asked.messages if (place := ids.parse("msg", public_id))]
        if len(numbers) < len(asked.messages) or not numbers:
            raise refuse("not_found", "messages holds what is no id of a message", "/messages", 404)
    elif asked.since is None:
        raise refuse("missing_field", "say what to tell again: since, or messages", "/since")
    since, until = _time(asked.since, "/since"), _time(asked.until, "/until")

    async def some(above: int) -> list[Event]:
        return await reads.events_to_replay(
            request.context.ledger,
            where(request),
            after_ms=since,
            before_ms=until,
            message_numbers=numbers,
            above_seq=above,
            limit=_PAGE,
        )

    told = await endpoints.replay_some(request.context.ledger, endpoint, some, request.now)
    request.context.look()
    return Done(told)


def _time(text: str | None, pointer: str) -> int | None:
    if text is None:
        return None
    found = read_time(text, pointer)
    if not isinstance(found, int):
        raise refuse(found.code, found.detail, pointer)
    return found


_READ, _MANAGE, _AT = "webhooks:read", "webhooks:manage", "/v1/endpoints/{name}"
ROUTES: Final = (
    Route("GET", "/v1/endpoints", list_endpoints, _READ, answer=EndpointList, summary="List endpoints"),
    Route(
        "POST", "/v1/endpoints", put, _MANAGE, body=EndpointRequest, answer=EndpointView, status=201, summary="Declare"
    ),
    Route("GET", _AT, show, _READ, answer=EndpointView, summary="Show an endpoint"),
    Route("DELETE", _AT, remove, _MANAGE, answer=Done, summary="Remove an endpoint"),
    Route("POST", f"{_AT}/enable", enable, _MANAGE, answer=EndpointView, summary="Let a disabled one hear again"),
    Route("POST", f"{_AT}/rotate", rotate, _MANAGE, answer=EndpointView, summary="A new secret beside the old one"),
    Route("POST", f"{_AT}/retire", retire, _MANAGE, answer=EndpointView, summary="End the old secret"),
    Route("POST", f"{_AT}/test", test, _MANAGE, answer=Done, status=202, summary="Send a test event"),
    Route("POST", f"{_AT}/replay", replay, _MANAGE, body=ReplayRequest, answer=Done, status=202, summary="Tell again"),
)
