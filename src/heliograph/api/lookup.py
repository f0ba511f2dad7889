"""What is known of a number: by public metadata alone or, on request, by a provider that is asked."""

from typing import Final

import msgspec

from heliograph.api.routes import Request, Route, refuse
from heliograph.core.failures import Refused
from heliograph.core.numbers import BadNumber, parse
from heliograph.core.numbers.lookup import Known, hinted, look_up
from heliograph.core.views import moment


class Asked(msgspec.Struct):
    """What a provider said, and when; `note` says why that is nothing."""

    provider: str
    at: str
    valid: bool | None
    type: str | None
    carrier: str | None
    mccmnc: str | None
    can_receive: bool | None
    price: str | None  # of the question; an answer that was kept costs nothing again
    currency: str | None
    note: str | None


class LookupView(Known, frozen=True):
    """A number, what public metadata say of it, and what a provider said."""

    asked: Asked | None = None


class LookupQuery(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Whom to ask."""

    provider: str | None = None  # the name of a connector


async def show(request: Request) -> LookupView:
    text, country = request.place["number"], request.client.default_country
    found = look_up(text, country)
    if isinstance(found, BadNumber):
        raise refuse(found.code, hinted(found), "/number")
    provider = request.query.provider
    asked = None if provider is None else await _ask(request, provider, found.e164)
    return LookupView(**msgspec.structs.asdict(found), asked=asked)


async def _ask(request: Request, provider: str, e164: str) -> Asked:
    """It costs money: for those who may send, within their rate."""
    call, context = request.call, request.context
    if refusal := call.lacks("messages:send") or call.over_rate(1):
        raise Refused(refusal)
    realm = context.snapshot().realms[request.client.environment]
    if provider not in realm.rules.connectors:
        raise refuse("unknown_connector", f"there is no connector {provider[:40]!r}", "/provider", 404)
    number = parse(e164, None)
    assert not isinstance(number, BadNumber)
    answer = await context.intake.lookups.ask(realm, number, provider, request.now)
    said = answer.looked
    return Asked(
        provider=provider,
        at=moment(answer.at),
        valid=said.valid if said else None,
        type=said.type if said else None,
        carrier=said.carrier if said else None,
        mccmnc=said.mccmnc if said else None,
        can_receive=said.can_receive if said else None,
        price=answer.price,
        currency=answer.currency,
        note=answer.note,
    )


ROUTES: Final = (
    Route(
        *("GET", "/v1/lookup/{number}", show, "messages:send"),
        or_scope="messages:read",
        query=LookupQuery,
        answer=LookupView,
        summary="What is known of a number",
    ),
)
