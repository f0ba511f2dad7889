"""A person's data: everything that is known of a number or an e-mail address, and its erasure."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from heliograph.api.routes import Request, Route, refuse
from heliograph.core.failures import Refusal
from heliograph.engine import disclosing, erasing
from heliograph.engine.disclosing import Known
from heliograph.engine.erasing import Entry, Erased
from heliograph.engine.people.scopes import address_of


class ErasureRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Who is to be erased, and why; the reason is kept."""

    number: str
    reason: Annotated[str, Meta(min_length=1, max_length=200)] = "request of the person"


class Journal(msgspec.Struct):
    """Erasures, the oldest first. They name nobody: the hashes are keyed."""

    data: list[Entry]


def _address(request: Request, number: str, pointer: str, status: int) -> str:
    found = address_of(number, request.client.default_country)
    if isinstance(found, Refusal):
        raise refuse(found.code, found.detail, pointer, status)
    return found


async def erase(request: Request) -> Erased:
    asked: ErasureRequest = request.body
    number, context = _address(request, asked.number, "/number", 422), request.context
    return await erasing.erase(
        context.ledger,
        request.client.workspace,
        number,
        reason=asked.reason,
        actor=request.actor,
        now=request.now,
        carriers=[context.carrier(name) for name in context.snapshot().connectors],
    )


async def export(request: Request) -> Known:
    number = _address(request, request.place["number"], "/number", 404)
    return await disclosing.disclose(
        request.context.ledger, request.client.workspace, number, actor=request.actor, now=request.now
    )


async def erasures(request: Request) -> Journal:
    return Journal(await erasing.journal(request.context.ledger, request.client.workspace_name))


ROUTES: Final = (
    Route(
        *("POST", "/v1/people/erase", erase, "consent:manage"),
        body=ErasureRequest,
        answer=Erased,
        summary="Erase a person; what is left is a keyed hash that says no if the person did",
    ),
    Route(
        *("GET", "/v1/people/erasures", erasures, "consent:manage"),
        answer=Journal,
        summary="The journal of erasures, to be done again after a backup was restored",
    ),
    Route(
        *("GET", "/v1/people/{number}/export", export, "exports:read"),
        answer=Known,
        summary="All that is known of a person",
    ),
)
