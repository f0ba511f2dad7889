"""How well connectors do, and what applications tell of it: what followed of their messages."""

from typing import Final, Literal

import msgspec

from heliograph.api.reading import find
from heliograph.api.routes import Request, Route
from heliograph.core.failures import Refusal, Refused
from heliograph.core.request import read_time
from heliograph.core.views import message_id, moment
from heliograph.engine import conversions
from heliograph.engine.declared import OPERATOR
from heliograph.engine.standings import Standings, standings


class ConversionRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What followed of a message, and when; without a time, now."""

    kind: Literal["verified", "clicked", "replied", "other"]
    at: str | None = None


class Conversion(msgspec.Struct):
    """What was kept: told twice, the first time counts."""

    id: str
    kind: str
    at: str


async def convert(request: Request) -> Conversion:
    asked: ConversionRequest = request.body
    message = await find(request, request.place["id"])
    at = request.now if asked.at is None else read_time(asked.at, "/at")
    if isinstance(at, Refusal):
        raise Refused(at)
    kept = await conversions.note(request.context.ledger, message, asked.kind, at, request.now)
    return Conversion(message_id(message), asked.kind, moment(kept))


async def show(request: Request) -> Standings:
    client = request.client
    return await standings(
        request.context.ledger,
        request.now,
        workspace=client.workspace,
        everyones=client.workspace_name == OPERATOR,
    )


ROUTES: Final = (
    Route(
        *("POST", "/v1/messages/{id}/conversion", convert, "messages:send"),
        body=ConversionRequest,
        answer=Conversion,
        summary="Tell what followed of it",
    ),
    Route("GET", "/v1/quality", show, "analytics:read", answer=Standings, summary="How well connectors do"),
)
