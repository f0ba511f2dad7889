"""Contacts: found by number, address, name or your own id; added and changed."""

from typing import Any, Final

from heliograph.console.page import Entry, Page
from heliograph.console.visit import Answer, Visit, not_found
from heliograph.core import ids
from heliograph.core.failures import Refusal, Refused
from heliograph.engine.people import contacts
from heliograph.engine.people.contacts import Contact, Given
from heliograph.engine.people.scopes import address_of

PLACE: Final = "/console/contacts"
_PAGE: Final = 50
_SHELVES: Final = (
    (PLACE, "Contacts"),
    (f"{PLACE}/suppressed", "Suppression list"),
    (f"{PLACE}/reviews", "To review"),
    (f"{PLACE}/import", "Import"),
)


def shelves(visit: Visit) -> list[tuple[str, str, bool]]:
    """The tabs over all lists of people."""
    return [(word, place, place == visit.path) for place, word in _SHELVES]


async def show(visit: Visit) -> Answer:
    text, ledger, workspace = visit.query.get("q"), visit.means.ledger, visit.client.workspace
    if not text:
        cursor = visit.query.get("cursor") or None
        data, following = await contacts.page(ledger, workspace, external_id=None, cursor=cursor, limit=_PAGE)
        return visit.show("contacts.html", tabs=shelves(visit), found=data, next=following, text="", address=None)
    if ids.parse("cnt", text) is not None:
        return visit.go(f"{PLACE}/{text}")
    as_dialled = f"+{text[2:]}" if text.startswith("00") else text
    address = address_of(as_dialled, visit.client.default_country)
    if isinstance(address, str) and await contacts.of_address(ledger, workspace, address) is not None:
        return visit.go(place_of(address))
    data, _ = await contacts.page(ledger, workspace, external_id=text, cursor=None, limit=1)
    if not data:
        data = await contacts.by_name(ledger, workspace, text, _PAGE)
    known = address if isinstance(address, str) else None
    return visit.show("contacts.html", tabs=shelves(visit), found=data, next=None, text=text, address=known)


def place_of(address: str) -> str:
    """The page of whoever has an address."""
    return f"{PLACE}/of/{address}"


async def begin(visit: Visit) -> Answer:
    values = {"addresses": visit.query.get("address")}
    return visit.show("contact_edit.html", contact=None, values=_filled(values))


async def create(visit: Visit) -> Answer:
    try:
        made = await contacts.create(
            *(visit.means.ledger, visit.client.workspace, _given(visit)), actor=visit.actor, now=visit.now
        )
    except Refused as refused:
        return _wrong(visit, refused, None)
    return visit.go(f"{PLACE}/{made.id}", "Added.")


async def edit(visit: Visit) -> Answer:
    found = await find(visit)
    values: dict[str, Any] = {
        "name": found.name,
        "external_id": found.external_id,
        "locale": found.locale,
        "time_zone": found.time_zone,
        "addresses": "\n".join(one.address for one in found.addresses if one.until is None),
        "attributes": "\n".join(f"{name}: {value}" for name, value in found.attributes.items()),
    }
    return visit.show("contact_edit.html", contact=found, values=_filled(values))


async def change(visit: Visit) -> Answer:
    found = await find(visit)
    try:
        await contacts.change(
            *(visit.means.ledger, visit.client.workspace, found.id, _given(visit)), actor=visit.actor, now=visit.now
        )
    except Refused as refused:
        return _wrong(visit, refused, found)
    return visit.go(f"{PLACE}/{found.id}", "Changed.")


async def find(visit: Visit) -> Contact:
    """The contact of the address. Raises `Refused`."""
    found = await contacts.find(visit.means.ledger, visit.client.workspace, visit.place["id"])
    if found is None or found.id != visit.place["id"]:
        raise not_found("contact", visit.place["id"])
    return found


_FIELDS: Final = ("name", "external_id", "locale", "time_zone")


def _given(visit: Visit) -> Given:
    """The form as the engine takes it; an empty field is nothing known. Raises `Refused`."""
    form = visit.form
    attributes: dict[str, str] = {}
    for line in form.get("attributes").splitlines():
        name, colon, value = line.partition(":")
        if not line.strip():
            continue
        if not colon or not name.strip():
            detail = f"{line[:60]!r} is not an attribute; write one in each line, such as city: Leeds"
            raise Refused(Refusal("bad_value", detail, "/attributes"))
        attributes[name.strip()] = value.strip()
    given = Given(
        **{name: form.get(name) or None for name in _FIELDS},
        attributes=attributes,
        addresses=[line.strip() for line in form.get("addresses").splitlines() if line.strip()],
    )
    return contacts.checked(given, visit.client.default_country)


def _wrong(visit: Visit, refused: Refused, contact: Contact | None) -> Answer:
    refusals = [
        Refusal(one.code, one.detail, f"/{one.pointer.strip('/').partition('/')[0]}", one.status)
        for one in refused.refusals
    ]
    values = {name: visit.form.get(name) for name in (*_FIELDS, "addresses", "attributes")}
    return visit.wrong("contact_edit.html", refusals, contact=contact, values=_filled(values))


def _filled(values: dict[str, Any]) -> dict[str, str]:
    return {name: values.get(name) or "" for name in (*_FIELDS, "addresses", "attributes")}


_MANAGE: Final = "consent:manage"
PAGES: Final[tuple[Page, ...]] = (
    Page("GET", PLACE, show, _MANAGE, entry=Entry("Contacts", "people", "Talk")),
    Page("POST", PLACE, create, _MANAGE),
    Page("GET", f"{PLACE}/new", begin, _MANAGE),
    Page("GET", f"{PLACE}/{{id}}/edit", edit, _MANAGE),
    Page("POST", f"{PLACE}/{{id}}/edit", change, _MANAGE),
)
