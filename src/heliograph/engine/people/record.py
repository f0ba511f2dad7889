"""The record of what people said: entries are only ever added, and what holds is derived from all of them.

Consent is the person's. What is said from one address holds for all that the person has at present; a number that moves
to somebody else takes no consent along, but every no. The stances that every sending asks are written in the
transaction of the entry itself.
"""

from collections import defaultdict
from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
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
    *("ip", "user_agent", "message", "detail", "until", "actor", "at", "recorded_at", "is_test"),
)
# Whoever changes stances at the same time is waited for, by the trigger that any change of theirs sets off. By itself,
# because a statement sees what was committed before it began, not while it waited.
WAIT: Final = "DELETE FROM stances WHERE number = ''"


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
    """An entry as the record has it; `is_test`: from a test environment, where a yes permits nothing."""

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
    is_test: bool


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
        is_test = await _is_test(transaction, environment)
        changes = await _add(transaction, workspace, said, actor, now, is_test)
        for one in said:
            lifts = one.action in consent.AGREED and one.source not in (consent.IMPORT, consent.KEYWORD)
            if lifts and not is_test:
                await lift(transaction, ledger.protection, workspace, one.address)
        await _tell(transaction, workspace, environment, said, changes, now)
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


async def record_lines(
    ledger: Ledger, workspace: int, environment: int, said: Sequence[Said], *, actor: str, now: int
) -> None:
    """The same for lines of a file, which the audit log names together: by its first and last entry."""
    async with ledger.transaction() as transaction:
        changes = await _add(transaction, workspace, said, actor, now, await _is_test(transaction, environment))
        await _tell(transaction, workspace, environment, said, changes, now)
        ends = [record_id(said[place].at, changes[place].record) for place in (0, -1)]
        await audit.note(
            transaction,
            workspace=workspace,
            actor=actor,
            action="consent.imported",
            object="consents",
            now=now,
            detail={"entries": len(said), "first": ends[0], "last": ends[1]},
        )


async def _is_test(transaction: Transaction, environment: int) -> bool:
    """Does nobody real speak there?"""
    return bool(await transaction.fetch("SELECT 1 FROM environments WHERE id = $1 AND mode = 'test'", environment))


async def _add(
    transaction: Transaction, workspace: int, said: Sequence[Said], actor: str, now: int, is_test: bool
) -> list[Change]:
    """All entries with a handful of statements: while they run, whoever hands over may have to wait."""
    await transaction.execute(WAIT)
    addresses = sorted({one.address for one in said})
    holders = await _holders(transaction, workspace, addresses)
    before = await _stances(transaction, workspace, addresses)
    rows = [(*_values(workspace, holders.get(one.address), one, actor, now), int(is_test)) for one in said]
    numbers = sorted(row[0] for row in await _insert(transaction, "consents", _FIELDS, rows, " RETURNING id"))
    others = await _addresses_of(transaction, workspace, sorted(set(holders.values())))
    after = await settle(transaction, workspace, sorted({*addresses, *others}))
    return [
        Change(number, before.get(one.address, []), after.get(one.address, []))
        for number, one in zip(numbers, said, strict=True)
    ]


def _values(workspace: int, contact: int | None, said: Said, actor: str, now: int) -> tuple[Any, ...]:
    return (
        *(workspace, said.address, contact, said.action, said.scope, said.source, said.channel, said.language),
        *(said.text, said.text_version, said.ip, said.user_agent, said.message),
        *(msgspec.json.encode(said.detail).decode(), said.until, actor, said.at, now),
    )


async def _insert(
    transaction: Transaction, table: str, names: Sequence[str], rows: Sequence[Sequence[Any]], more: str = ""
) -> list[Row]:
    """Rows in one statement; they get their numbers in their order."""
    places = iter(range(1, len(rows) * len(names) + 1))
    marks = ", ".join(f"({', '.join(f'${next(places)}' for _ in names)})" for _ in rows)
    flat = [value for row in rows for value in row]
    return await transaction.fetch(f"INSERT INTO {table} ({', '.join(names)}) VALUES {marks}{more}", *flat)


def _marks(values: Sequence[object], first: int) -> str:
    return ", ".join(f"${place}" for place in range(first, first + len(values)))


async def _holders(transaction: Transaction, workspace: int, addresses: Sequence[str]) -> dict[str, int]:
    """Whose these addresses are at present."""
    rows = await transaction.fetch(
        "SELECT address, contact FROM contact_addresses "
        f"WHERE workspace = $1 AND until IS NULL AND address IN ({_marks(addresses, 2)})",
        *(workspace, *addresses),
    )
    return dict(rows)


async def _addresses_of(transaction: Transaction, workspace: int, contacts: Sequence[int]) -> list[str]:
    """All present addresses of these persons."""
    if not contacts:
        return []
    rows = await transaction.fetch(
        "SELECT address FROM contact_addresses "
        f"WHERE workspace = $1 AND until IS NULL AND contact IN ({_marks(contacts, 2)})",
        *(workspace, *contacts),
    )
    return [row[0] for row in rows]


async def _stances(transaction: Transaction, workspace: int, addresses: Sequence[str]) -> dict[str, list[Stance]]:
    rows = await transaction.fetch(
        f"SELECT number, {_STANCES} FROM stances WHERE workspace = $1 AND number IN ({_marks(addresses, 2)}) "
        "ORDER BY number, scope",
        *(workspace, *addresses),
    )
    return {number: [Stance(*row[1:]) for row in some] for number, some in groupby(rows, itemgetter(0))}


async def settle(transaction: Transaction, workspace: int, addresses: Sequence[str]) -> dict[str, list[Stance]]:
    """Derive what holds for addresses at present from the whole record, and write it."""
    holders = await _holders(transaction, workspace, addresses)
    entries = await _entries(transaction, workspace, addresses, sorted(set(holders.values())))
    stays: defaultdict[str, list[Row]] = defaultdict(list)
    for address, *stay in await transaction.fetch(
        "SELECT address, contact, until FROM contact_addresses "
        f"WHERE workspace = $1 AND address IN ({_marks(addresses, 2)}) ORDER BY id",
        *(workspace, *addresses),
    ):
        stays[address].append(tuple(stay))
    found: dict[str, list[Stance]] = {}
    for address in addresses:
        present = holders.get(address)
        concerning = [*entries.get(address, ()), *(entries.get(present, ()) if present is not None else ())]
        held = {row[0]: Entry(*row[:7]) for row in concerning if _still_holds(row, address, stays[address], present)}
        found[address] = consent.derive(list(held.values()))
    await transaction.execute(
        f"DELETE FROM stances WHERE workspace = $1 AND number IN ({_marks(addresses, 2)})", workspace, *addresses
    )
    rows = [
        (address, workspace, *(int(v) if isinstance(v, bool) else v for v in msgspec.structs.astuple(stance)))
        for address, stances in found.items()
        for stance in stances
    ]
    if rows:
        await _insert(transaction, "stances", ("number", "workspace", *Stance.__struct_fields__), rows)
    return found


async def _entries(
    transaction: Transaction, workspace: int, addresses: Sequence[str], contacts: Sequence[int]
) -> dict[str | int, list[Row]]:
    """What was said, by the address it was said of and by the person."""
    fields = "SELECT id, at, action, scope, source, until, is_test, number, contact FROM consents WHERE workspace = $1"
    found: defaultdict[str | int, list[Row]] = defaultdict(list)
    for row in await transaction.fetch(f"{fields} AND number IN ({_marks(addresses, 2)})", workspace, *addresses):
        found[row[7]].append(row)
    if contacts:
        for row in await transaction.fetch(f"{fields} AND contact IN ({_marks(contacts, 2)})", workspace, *contacts):
            found[row[8]].append(row)
    return found


def _still_holds(row: Row, address: str, stays: Sequence[Row], present: int | None) -> bool:
    """A no holds wherever the number goes. A yes was one person's: it ends when the number is somebody else's."""
    _, at, action, _, _, _, _, number, contact = row
    if number != address or action in (consent.OPT_OUT, consent.DOUBT):
        return True
    if contact is not None:
        return bool(contact == present)
    holder = next((stay[0] for stay in stays if stay[1] is None or stay[1] > at), None)
    return holder is None or holder == present


async def _tell(
    transaction: Transaction,
    workspace: int,
    environment: int,
    said: Sequence[Said],
    changes: Sequence[Change],
    now: int,
) -> None:
    """What subscribers hear of; a second STOP changes nothing and tells nothing."""
    told: set[tuple[str, str]] = set()
    events: list[NewEvent] = []
    for one, change in zip(said, changes, strict=True):
        name = {consent.OPT_OUT: "contact.opted_out", consent.OPT_IN: "contact.opted_in"}.get(one.action)
        if one.action == consent.OPT_OUT:
            if (one.address, one.scope) in told or one.scope not in _outs(change.after) - _outs(change.before):
                continue
            told.add((one.address, one.scope))
        if name is not None:
            events.append(_event(name, one, change, now))
    if events and workspace != EVERYBODY:
        await transaction.record(workspace, environment, events)


def _event(name: str, said: Said, change: Change, now: int) -> NewEvent:
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
    """All that was recorded of an address and of the other addresses of whose it is, and what the operator said of it
    for everybody; the oldest first."""
    rows = await ledger.fetch(
        f"SELECT c.id, {', '.join(f'c.{name}' for name in _FIELDS)}, p.created_at FROM consents c "
        "LEFT JOIN contacts p ON p.id = c.contact WHERE (c.workspace = $1 AND (c.number = $2 OR c.contact = "
        "(SELECT contact FROM contact_addresses WHERE workspace = $1 AND address = $2 AND until IS NULL))) "
        "OR (c.workspace = $3 AND c.number = $2) ORDER BY c.id",
        *(workspace, address, EVERYBODY),
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
        of["actor"] if of["workspace"] != EVERYBODY else "operator",
        bool(of["is_test"]),
    )
