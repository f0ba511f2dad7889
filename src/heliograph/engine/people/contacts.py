"""Contacts: persons as a workspace knows them, with their addresses.

An address belongs to one person at a time. Whoever is given one takes it over; the stay before keeps its time, so that
it can be told years later whose number it was when something was said.
"""

import re
from collections.abc import Sequence
from typing import Any, Final
from zoneinfo import available_timezones

import msgspec

from heliograph.core import ids
from heliograph.core.failures import Refusal, Refused
from heliograph.core.views import moment
from heliograph.engine import audit
from heliograph.engine.people import record
from heliograph.engine.people.names import named
from heliograph.engine.people.scopes import address_of
from heliograph.store.port import Ledger, Row, Transaction

ADDRESSES_AT_MOST: Final = 20
_LONGEST: Final = 200
_LOCALE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_NAMES_LOOKED_AT: Final = 20_000
_FIELDS: Final = ("external_id", "name", "locale", "time_zone", "attributes")
_COLUMNS: Final = f"id, created_at, updated_at, {', '.join(_FIELDS)}"


class Address(msgspec.Struct, frozen=True):
    """A number or e-mail address of a contact, and since when."""

    address: str
    since: str
    until: str | None


class Contact(msgspec.Struct, frozen=True):
    """A person as the public API shows them."""

    id: str
    external_id: str | None
    name: str | None
    locale: str | None
    time_zone: str | None
    attributes: dict[str, str]
    addresses: list[Address]
    created_at: str
    updated_at: str


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be known of a contact. UNSET: as it was."""

    external_id: str | None | msgspec.UnsetType = msgspec.UNSET
    name: str | None | msgspec.UnsetType = msgspec.UNSET
    locale: str | None | msgspec.UnsetType = msgspec.UNSET
    time_zone: str | None | msgspec.UnsetType = msgspec.UNSET
    attributes: dict[str, str] | msgspec.UnsetType = msgspec.UNSET
    addresses: Sequence[str] | msgspec.UnsetType = msgspec.UNSET


def checked(given: Given, default_country: str | None) -> Given:
    """As it is kept: addresses in one form. Raises `Refused` with all that is wrong."""
    refusals: list[Refusal] = []
    for field in ("external_id", "name"):
        value = getattr(given, field)
        if isinstance(value, str) and not 0 < len(value) <= _LONGEST:
            refusals.append(Refusal("too_long", f"{field} has 1 to {_LONGEST} characters", f"/{field}"))
    if isinstance(given.locale, str) and not _LOCALE.fullmatch(given.locale):
        refusals.append(Refusal("bad_value", f"{given.locale[:60]!r} is not a locale such as pt-BR", "/locale"))
    if isinstance(given.time_zone, str) and given.time_zone not in available_timezones():
        detail = f"{given.time_zone[:60]!r} is not a time zone of the IANA database, such as Europe/Lisbon"
        refusals.append(Refusal("bad_time_zone", detail, "/time_zone"))
    if not isinstance(given.attributes, msgspec.UnsetType) and len(msgspec.json.encode(given.attributes)) > 4_096:
        refusals.append(Refusal("metadata_too_large", "attributes may take 4 kB as JSON", "/attributes"))
    addresses = _addresses(given.addresses, default_country, refusals)
    if refusals:
        raise Refused(*refusals)
    return msgspec.structs.replace(given, addresses=addresses)


def _addresses(
    texts: Sequence[str] | msgspec.UnsetType, default_country: str | None, refusals: list[Refusal]
) -> Sequence[str] | msgspec.UnsetType:
    if isinstance(texts, msgspec.UnsetType):
        return texts
    if len(texts) > ADDRESSES_AT_MOST:
        refusals.append(Refusal("too_long", f"a contact has at most {ADDRESSES_AT_MOST} addresses", "/addresses"))
        return []
    found: list[str] = []
    for index, text in enumerate(texts):
        address = address_of(text, default_country)
        if isinstance(address, Refusal):
            refusals.append(msgspec.structs.replace(address, pointer=f"/addresses/{index}"))
        else:
            found.append(address)
    return found


async def create(
    ledger: Ledger, workspace: int, given: Given, *, actor: str, now: int, ip: str | None = None
) -> Contact:
    """A new contact. Raises `Refused`."""
    async with ledger.transaction() as transaction:
        await transaction.execute(record.WAIT)
        await _external_is_free(transaction, workspace, given, None)
        rows = await transaction.fetch(
            "INSERT INTO contacts (workspace, created_at, updated_at) VALUES ($1, $2, $2) RETURNING id", workspace, now
        )
        number: int = rows[0][0]
        await _write(transaction, workspace, number, given, now)
        made = await _read(transaction, workspace, number)
        assert made is not None
        detail = {"after": _shown(ledger, workspace, made)}
        await _note(transaction, workspace, actor, "contact.created", made, now, detail, ip)
    return made


async def change(
    ledger: Ledger, workspace: int, contact: str, given: Given, *, actor: str, now: int, ip: str | None = None
) -> Contact:
    """Change what is given. Raises `Refused`."""
    async with ledger.transaction() as transaction:
        await transaction.execute(record.WAIT)
        number = _number(contact)
        before = await _read(transaction, workspace, number)
        if before is None:
            raise Refused(Refusal("not_found", f"there is no contact {contact[:60]!r}", status=404))
        await _external_is_free(transaction, workspace, given, number)
        await _write(transaction, workspace, number, given, now)
        after = await _read(transaction, workspace, number)
        assert after is not None
        detail = {"before": _shown(ledger, workspace, before), "after": _shown(ledger, workspace, after)}
        await _note(transaction, workspace, actor, "contact.changed", after, now, detail, ip)
    return after


async def find(ledger: Ledger, workspace: int, contact: str) -> Contact | None:
    return await _read(ledger, workspace, _number(contact))


async def of_address(ledger: Ledger, workspace: int, address: str) -> Contact | None:
    """Whose address it is at present."""
    rows = await ledger.fetch(
        "SELECT contact FROM contact_addresses WHERE workspace = $1 AND address = $2 AND until IS NULL",
        *(workspace, address),
    )
    return await _read(ledger, workspace, rows[0][0]) if rows else None


async def page(
    ledger: Ledger, workspace: int, *, external_id: str | None, cursor: str | None, limit: int
) -> tuple[list[Contact], str | None]:
    """Contacts, the newest first, and the next page's cursor."""
    values: list[Any] = [workspace, _number(cursor) if cursor else 1 << 62, limit + 1]
    narrowed = ""
    if external_id is not None:  # by its index: a condition that holds for all others too would look at every contact
        narrowed = " AND external_id = $4"
        values.append(external_id)
    rows = await ledger.fetch(
        f"SELECT {_COLUMNS} FROM contacts WHERE workspace = $1 AND id < $2{narrowed} ORDER BY id DESC LIMIT $3", *values
    )
    found = [await _whole(ledger, row) for row in rows[:limit]]
    return found, found[-1].id if len(rows) > limit else None


async def by_name(ledger: Ledger, workspace: int, part: str, limit: int) -> list[Contact]:
    """Contacts whose name has these letters in it, the newest first; of so many looked at that it stays quick."""
    newest = (await ledger.fetch("SELECT coalesce(max(id), 0) FROM contacts WHERE workspace = $1", workspace))[0][0]
    pattern = re.sub(r"([\\%_])", r"\\\1", part.lower())
    rows = await ledger.fetch(
        f"SELECT {_COLUMNS} FROM contacts WHERE workspace = $1 AND id > $2 AND lower(name) LIKE $3 ESCAPE '\\' "
        "ORDER BY id DESC LIMIT $4",
        *(workspace, newest - _NAMES_LOOKED_AT, f"%{pattern}%", limit),
    )
    return [await _whole(ledger, row) for row in rows]


async def names(ledger: Ledger, workspace: int, contacts: Sequence[str]) -> dict[str, str]:
    """By contact: its name, where it has one."""
    places = {number: contact for contact in contacts if (number := _number(contact))}
    if not places:
        return {}
    marks = ", ".join(f"${place}" for place in range(2, len(places) + 2))
    rows = await ledger.fetch(
        f"SELECT id, name FROM contacts WHERE workspace = $1 AND name IS NOT NULL AND id IN ({marks})",
        *(workspace, *places),
    )
    return {places[row[0]]: row[1] for row in rows}


# -- rows


def _number(contact: str) -> int:
    place = ids.parse("cnt", contact)
    return place[1] if place else 0


async def _read(reader: Any, workspace: int, number: int) -> Contact | None:
    rows = await reader.fetch(f"SELECT {_COLUMNS} FROM contacts WHERE workspace = $1 AND id = $2", workspace, number)
    return await _whole(reader, rows[0]) if rows else None


async def _whole(reader: Any, row: Row) -> Contact:
    number, created_at, updated_at, external_id, name, locale, time_zone, attributes = row
    stays = await reader.fetch(
        "SELECT address, since, until FROM contact_addresses WHERE contact = $1 ORDER BY id", number
    )
    return Contact(
        record.contact_id(created_at, number),
        *(external_id, name, locale, time_zone),
        msgspec.json.decode(attributes, type=dict[str, str]),
        [Address(one[0], moment(one[1]), None if one[2] is None else moment(one[2])) for one in stays],
        moment(created_at),
        moment(updated_at),
    )


async def _external_is_free(transaction: Transaction, workspace: int, given: Given, own: int | None) -> None:
    if not isinstance(given.external_id, str):
        return
    rows = await transaction.fetch(
        "SELECT id FROM contacts WHERE workspace = $1 AND external_id = $2", workspace, given.external_id
    )
    if rows and rows[0][0] != own:
        detail = f"another contact has the external_id {given.external_id[:60]!r}"
        raise Refused(Refusal("already_exists", detail, "/external_id", 409))


async def _write(transaction: Transaction, workspace: int, number: int, given: Given, now: int) -> None:
    for field in _FIELDS:
        value = getattr(given, field)
        if value is not msgspec.UNSET:
            kept = msgspec.json.encode(value).decode() if field == "attributes" else value
            await transaction.execute(
                f"UPDATE contacts SET {field} = $3 WHERE workspace = $1 AND id = $2", workspace, number, kept
            )
    await transaction.execute(
        "UPDATE contacts SET updated_at = $3 WHERE workspace = $1 AND id = $2", workspace, number, now
    )
    if not isinstance(given.addresses, msgspec.UnsetType):
        await _move(transaction, workspace, number, given.addresses, now)


async def _move(transaction: Transaction, workspace: int, contact: int, addresses: Sequence[str], now: int) -> None:
    """Make these the contact's addresses; what they said is settled again for each that came or went."""
    rows = await transaction.fetch(
        "SELECT address FROM contact_addresses WHERE workspace = $1 AND contact = $2 AND until IS NULL",
        *(workspace, contact),
    )
    had, wanted = {row[0] for row in rows}, set(addresses)
    for address in sorted(had - wanted) + sorted(wanted - had):
        await transaction.execute(
            "UPDATE contact_addresses SET until = $3 WHERE workspace = $1 AND address = $2 AND until IS NULL",
            *(workspace, address, now),
        )
        if address in wanted:
            await transaction.execute(
                "INSERT INTO contact_addresses (workspace, address, contact, since) VALUES ($1, $2, $3, $4)",
                *(workspace, address, contact, now),
            )
    if had != wanted:
        await record.settle(transaction, workspace, sorted(had ^ wanted))


def _shown(ledger: Ledger, workspace: int, contact: Contact) -> dict[str, Any]:
    """What the audit log, which forgets nobody, keeps of a contact: which fields say something, and for which addresses
    to those who know them."""
    present = [named(ledger.protection, workspace, one.address) for one in contact.addresses if one.until is None]
    return {"fields": [name for name in _FIELDS if getattr(contact, name)], "addresses": present}


async def _note(
    transaction: Transaction,
    workspace: int,
    actor: str,
    action: str,
    contact: Contact,
    now: int,
    detail: dict[str, Any],
    ip: str | None,
) -> None:
    await audit.note(
        transaction,
        workspace=workspace,
        actor=actor,
        action=action,
        object=f"contact:{contact.id}",
        now=now,
        detail=detail,
        ip=ip,
    )
