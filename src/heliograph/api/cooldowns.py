"""Numbers that are left alone because a carrier said that they don't exist, and the way to end that by hand."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from heliograph.api.routes import Request, Route, not_found
from heliograph.core.numbers import BadNumber, parse
from heliograph.engine import cooldowns
from heliograph.engine.cooldowns import Cooldown


class CooldownQuery(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Where to read on."""

    cursor: str = ""
    limit: Annotated[int, Meta(ge=1, le=1_000)] = 100


class CooldownPage(msgspec.Struct):
    """Numbers that are left alone."""

    data: list[Cooldown]
    next_cursor: str | None


class Lifted(msgspec.Struct):
    """A number that may be texted again."""

    number: str


async def list_cooldowns(request: Request) -> CooldownPage:
    query: CooldownQuery = request.query
    client = request.client
    found = await cooldowns.listed(
        request.context.ledger, client.workspace, client.environment, query.cursor, query.limit + 1, request.now
    )
    page = found[: query.limit]
    return CooldownPage(page, page[-1].number if len(found) > query.limit else None)


async def lift(request: Request) -> Lifted:
    client, given = request.client, request.place["number"]
    number = parse(given, client.default_country)
    if isinstance(number, BadNumber) or not await cooldowns.lift(
        request.context.ledger,
        client.workspace,
        client.environment,
        number.e164,
        actor=request.actor,
        now=request.now,
    ):
        raise not_found("number left alone", given)
    return Lifted(number.e164)


_MANAGE: Final = "routing:manage"
ROUTES: Final = (
    Route(
        "GET",
        "/v1/cooldowns",
        list_cooldowns,
        _MANAGE,
        query=CooldownQuery,
        answer=CooldownPage,
        summary="Numbers left alone",
    ),
    Route("DELETE", "/v1/cooldowns/{number}", lift, _MANAGE, answer=Lifted, summary="Text a number again"),
)
