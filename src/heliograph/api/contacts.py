"""Contacts: persons as a workspace knows them."""

from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from heliograph.api.routes import Request, Route, not_found, refuse
from heliograph.core.failures import Refusal
from heliograph.engine.people import contacts
from heliograph.engine.people.contacts import Contact, Given
from heliograph.engine.people.scopes import address_of

_Text = Annotated[str, Meta(min_length=1, max_length=200)]


class ContactRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be known of a person. Left out: as it was; null: forgotten."""

    external_id: Annotated[_Text | None | UnsetType, Meta(description="The id in your system of record.")] = UNSET
    name: _Text | None | UnsetType = UNSET
    locale: Annotated[
        Annotated[str, Meta(pattern="^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")] | None | UnsetType,
        Meta(description="As in pt-BR."),
    ] = UNSET
    time_zone: Annotated[_Text | None | UnsetType, Meta(description="As in Europe/Lisbon.")] = UNSET
    attributes: dict[str, str] | UnsetType = UNSET
    addresses: Annotated[
        list[str] | UnsetType, Meta(description="Numbers and e-mail addresses; those left out are taken away.")
    ] = UNSET


class ContactQuery(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Which contacts."""

    external_id: str | None = None
    address: str | None = None
    cursor: str | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class ContactPage(msgspec.Struct):
    """A page of contacts, the newest first."""

    data: list[Contact]
    next_cursor: str | None


def _given(request: Request) -> Given:
    """The request as the engine takes it; raises `Refused` with all that is wrong."""
    return contacts.checked(Given(**msgspec.structs.asdict(request.body)), request.client.default_country)


async def create(request: Request) -> Contact:
    return await contacts.create(
        request.context.ledger, request.client.workspace, _given(request), actor=request.actor, now=request.now
    )


async def change(request: Request) -> Contact:
    return await contacts.change(
        request.context.ledger,
        request.client.workspace,
        request.place["id"],
        _given(request),
        actor=request.actor,
        now=request.now,
    )


async def show(request: Request) -> Contact:
    found = await contacts.find(request.context.ledger, request.client.workspace, request.place["id"])
    if found is None:
        raise not_found("contact", request.place["id"])
    return found


async def search(request: Request) -> ContactPage:
    query: ContactQuery = request.query
    ledger, workspace = request.context.ledger, request.client.workspace
    if query.address is not None:
        address = address_of(query.address, request.client.default_country)
        if isinstance(address, Refusal):
            raise refuse(address.code, address.detail, "/address", 400)
        one = await contacts.of_address(ledger, workspace, address)
        return ContactPage([one] if one else [], None)
    data, following = await contacts.page(
        ledger, workspace, external_id=query.external_id, cursor=query.cursor, limit=query.limit
    )
    return ContactPage(data, following)


_MANAGE: Final = "consent:manage"
ROUTES: Final = (
    Route(
        *("POST", "/v1/contacts", create, _MANAGE),
        body=ContactRequest,
        answer=Contact,
        status=201,
        summary="Add a contact",
    ),
    Route("GET", "/v1/contacts", search, _MANAGE, query=ContactQuery, answer=ContactPage, summary="Find contacts"),
    Route("GET", "/v1/contacts/{id}", show, _MANAGE, answer=Contact, summary="Show a contact"),
    Route(
        *("PATCH", "/v1/contacts/{id}", change, _MANAGE),
        body=ContactRequest,
        answer=Contact,
        summary="Change a contact",
    ),
)
