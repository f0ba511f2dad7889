"""Sample events: made up, marked as such, told to whoever has subscribed. In environments for tests alone."""

from typing import Any, Final

import msgspec

from heliograph.api.routes import Request, Route, refuse
from heliograph.core.views import moment
from heliograph.engine.notify.subscriptions import wants
from heliograph.engine.suggest import did_you_mean
from heliograph.products import samples


class SampleRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Of which type."""

    type: str


class Sample(msgspec.Struct):
    """What is told, and to which endpoints."""

    type: str
    created_at: str
    data: dict[str, Any]
    endpoints: list[str]


class SampleTypes(msgspec.Struct):
    """Types of which there is a sample."""

    data: list[str]


async def types(request: Request) -> SampleTypes:
    return SampleTypes(list(samples.TYPES))


async def tell(request: Request) -> Sample:
    asked, client, now = request.body, request.client, request.now
    if client.mode != "test":
        detail = (
            f"{client.environment_name!r} is no environment for tests: nothing made up is told there; use a test key"
        )
        raise refuse("test_only", detail, status=403)
    if asked.type not in samples.TYPES:
        detail = f"there is no sample of {asked.type[:60]!r}.{did_you_mean(asked.type, samples.TYPES)}"
        raise refuse("unknown_event", detail, "/type")
    realm = request.context.snapshot().realms[client.environment]
    heard = [endpoint.name for endpoint in realm.endpoints if wants(endpoint.events, asked.type)]
    data = await samples.tell(
        *(request.context.ledger, client.workspace, client.environment, asked.type), actor=request.actor, now=now
    )
    return Sample(asked.type, moment(now), data, heard)


_AT: Final = "/v1/events/samples"
ROUTES: Final = (
    Route("GET", _AT, types, "webhooks:read", answer=SampleTypes, summary="List types of sample events"),
    Route(
        "POST",
        _AT,
        tell,
        "webhooks:manage",
        body=SampleRequest,
        answer=Sample,
        status=202,
        summary="Tell a sample event",
    ),
)
