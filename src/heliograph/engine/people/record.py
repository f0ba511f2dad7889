"""The record of what people said: entries are only ever added, and what holds is derived from all of them.

Consent is the person's. What is said from one address holds for all that the person has at present; a number that moves
to somebody else takes no consent along, but every no. The stances that every sending asks are written in the
transaction of the entry itself.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from heliograph.core import consent, ids
from heliograph.core.consent import Entry, Stance
from heliograph.core.views import moment
from heliograph.engine import audit
from heliograph.engine.people.names import EVERYBODY, lift, named
from heliograph.store.port import Ledger, NewEvent, Row, Transaction

_STANCES: Final = ", ".join(Stance.__struct_fields__)
_FIELDS: Final = (
    *("workspace", "number", "contact", "action", "scope", "source", "channel", "language", "text", "text_version"),
    *("ip", "user_agent", "message", "detail", "until", "actor", "at", "recorded_at"),
)
_INSERT: Final = (
    f"INSERT INTO consents ({', '.join(_FIELDS)}) "
    f"VALUES ({', '.join(f'${place}' for place, _ in enumerate(_FIELDS, 1))}) RETURNING id"
)
# Whoever changes stances at the same time is waited for, by the trigger that any change of theirs sets off. By itself,
# because a statement sees what was committed before it began, not while it waited.
WAIT: Final = "DELETE FROM stances WHERE number = ''"
_STAY: Final = "SELECT contact FROM contact_addresses WHERE workspace = $1 AND address = $2 AND until IS NULL"


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a person said, or that is known of what they want. `address`: a number in E.164, or e-mail."""

    address: str
    action: str
    scope: str = consent.EVERYTHING
    source: str = "api"
    at: int
    channel: str | None = None
    language: str | None = None
    text: str | None = None
    text_version: str | None = None
    ip: str | None = None
    user_agent: str | None = None
    message: str | None = None
    detail: dict[str, str] = {}
    until: int | None = None


class Recorded(msgspec.Struct, frozen=True):
    """An entry as the record has it."""

    id: str
    address: str
    contact: str | None
    action: str
    scope: str
    source: str
    at: str
    recorded_at: str
    channel: str | None
    language: str | None
    text: str | None
    text_version: str | None
    ip: str | None
    user_agent: str | None
    message: str | None
    detail: msgspec.Raw
    until: str | None
    actor: str


class Change(msgspec.Struct, frozen=True):
    """What an entry changed: what held before and what holds now, for the address that it names."""

    record: int
    before: list[Stance]
    after: list[Stance]


async def record(
    ledger: Ledger,
    workspace: int,
    environment: int,
    said: Sequence[Said],
    *,
    actor: str,
    now: int,
    ip: str | None = None,
) -> list[Change]:
    """Add entries, and let them hold. All or nothing."""
    async with ledger.transaction() as transaction:
        changes = [await _add(transaction, workspace, one, actor, now) for one in said]
        for one in said:
            if one.action in consent.AGREED and one.source not in (consent.IMPORT, consent.KEYWORD):
                await lift(transaction, ledger.protection, workspace, one.address)
        events = [event for one, change in zip(said, changes, strict=True) if (event := _event(one, change, now))]
        if events and workspace != EVERYBODY:
            await transaction.record(workspace, environment, events)
        for one, change in zip(said, changes, strict=True):
            await audit.note(
                transaction,
                workspace=workspace or None,
                actor=actor,
                action=f"consent.{one.action}",
                object=named(ledger.protection, workspace, one.address),
                now=now,
                detail={"source": one.source, "scope": one.scope, "record": record_id(one.at, change.record)},
                ip=ip,
            )
    return changes


async def _add(transaction: Transaction, workspace: int, said: Said, actor: str, now: int) -> Change:
    contact = await _contact(transaction, workspace, said.address)
    await transaction.execute(WAIT)
    before = await _clear(transaction, workspace, said.address)
    values = (
        *(workspace, said.address, contact, said.action, said.scope, said.source, said.channel, said.language),
        *(said.text, said.text_version, said.ip, said.user_agent, said.message),
        *(msgspec.json.encode(said.detail).decode(), said.until, actor, said.at, now),
    )
    number = (await transaction.fetch(_INSERT, *values))[0][0]
    after = await settle(transaction, workspace, said.address, cleared=True)
    for other in await _others(transaction, workspace, contact, said.address):
        await settle(transaction, workspace, other)
    return Change(number, before, after)


async def _contact(transaction: Transaction, workspace: int, address: str) -> int | None:
    rows = await transaction.fetch(_STAY, workspace, address)
    return rows[0][0] if rows else None


async def _others(transaction: Transaction, workspace: int, contact: int | None, address: str) -> list[str]:
    """The person's other addresses."""
    if contact is None:
        return []
    rows = await transaction.fetch(
        "SELECT address FROM contact_addresses WHERE workspace = $1 AND contact = $2 AND until IS NULL "
        "AND address <> $3 ORDER BY address",
        *(workspace, contact, address),
    )
    return [row[0] for row in rows]


async def _clear(transaction: Transaction, workspace: int, address: str) -> list[Stance]:
    rows = await transaction.fetch(
        f"DELETE FROM stances WHERE number = $1 AND workspace = $2 RETURNING {_STANCES}", address, workspace
    )
    return [Stance(*row) for row in rows]


async def settle(transaction: Transaction, workspace: int, address: str, *, cleared: bool = False) -> list[Stance]:
    """Derive what holds for an address at present from the whole record, and write it."""
    if not cleared:
        await _clear(transaction, workspace, address)
    stays = await transaction.fetch(
        "SELECT contact, until FROM contact_addresses WHERE workspace = $1 AND address = $2 ORDER BY id",
        *(workspace, address),
    )
    present = next((stay[0] for stay in stays if stay[1] is None), None)
    rows = await transaction.fetch(
        "SELECT id, at, action, scope, source, until, number, contact FROM consents "
        "WHERE workspace = $1 AND (number = $2 OR contact = $3) ORDER BY id",
        *(workspace, address, present),
    )
    entries = [Entry(*row[:6]) for row in rows if _still_holds(row, address, stays, present)]
    stances = consent.derive(entries)
    for stance in stances:
        await transaction.execute(
            f"INSERT INTO stances (number, workspace, {_STANCES}) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            *(address, workspace, stance.scope, stance.given_at, int(stance.imported), stance.confirmed_at),
            *(stance.until, stance.out_at, int(stance.firm), stance.doubt_at, stance.record),
        )
    return stances


def _still_holds(row: Row, address: str, stays: Sequence[Row], present: int | None) -> bool:
    """A no holds wherever the number goes. A yes was one person's: it ends when the number is somebody else's."""
    _, at, action, _, _, _, number, contact = row
    if number != address or action in (consent.OPT_OUT, consent.DOUBT):
        return True
    if contact is not None:
        return bool(contact == present)
    holder = next((stay[0] for stay in stays if stay[1] is None or stay[1] > at), None)
    return holder is None or holder == present


def _event(said: Said, change: Change, now: int) -> NewEvent | None:
    """What subscribers hear of; a second STOP changes nothing and tells nothing."""
    name = {consent.OPT_OUT: "contact.opted_out", consent.OPT_IN: "contact.opted_in"}.get(said.action)
    if name is None or (_outs(change.before) == _outs(change.after) and said.action == consent.OPT_OUT):
        return None
    facts: dict[str, Any] = {
        "number": said.address,
        "scope": said.scope,
        "source": said.source,
        "record": record_id(said.at, change.record),
    }
    if said.channel is not None:
        facts["channel"] = said.channel
    return NewEvent(name, now, msgspec.json.encode(facts | said.detail).decode())


def _outs(stances: Sequence[Stance]) -> set[str]:
    return {stance.scope for stance in stances if stance.out_at is not None}


# -- reading


def record_id(at: int, number: int) -> str:
    return ids.make("con", at, number)


def contact_id(created_at: int, number: int) -> str:
    return ids.make("cnt", created_at, number)


async def stances_of(ledger: Ledger, workspace: int, address: str) -> list[Stance]:
    """What holds for an address in a workspace, what holds everywhere included."""
    rows = await ledger.fetch(
        f"SELECT {_STANCES} FROM stances WHERE number = $1 AND workspace IN ($2, $3) ORDER BY workspace, scope",
        *(address, workspace, EVERYBODY),
    )
    return [Stance(*row) for row in rows]


async def history(ledger: Ledger, workspace: int, address: str) -> list[Recorded]:
    """All that was recorded of an address, and of the other addresses of whose it is; the oldest first."""
    rows = await ledger.fetch(
        f"SELECT c.id, {', '.join(f'c.{name}' for name in _FIELDS)}, p.created_at FROM consents c "
        "LEFT JOIN contacts p ON p.id = c.contact WHERE c.workspace = $1 AND (c.number = $2 OR c.contact = "
        "(SELECT contact FROM contact_addresses WHERE workspace = $1 AND address = $2 AND until IS NULL)) "
        "ORDER BY c.id",
        *(workspace, address),
    )
    return [recorded(row) for row in rows]


def recorded(row: Row) -> Recorded:
    """A row of the record (id, all fields, the contact's birth) as it is shown."""
    number, *values, born = row
    of = dict(zip(_FIELDS, values, strict=True))
    return Recorded(
        record_id(of["at"], number),
        of["number"],
        None if of["contact"] is None or born is None else contact_id(born, of["contact"]),
        *(of["action"], of["scope"], of["source"], moment(of["at"]), moment(of["recorded_at"])),
        *(of["channel"], of["language"], of["text"], of["text_version"], of["ip"], of["user_agent"], of["message"]),
        msgspec.Raw(of["detail"].encode()),
        None if of["until"] is None else moment(of["until"]),
        of["actor"],
    )
