"""Everything that a workspace knows of a person, for the person to see."""

from typing import Final

import msgspec

from heliograph.core import ids
from heliograph.core.message import MESSAGE_COLUMNS, Event, Message
from heliograph.core.shown import EventView, MessageView
from heliograph.core.views import event_id, event_view, message_view, moment
from heliograph.engine import audit
from heliograph.engine.auditing import AuditEntry, Narrowed, entries
from heliograph.engine.clicks import LinkView, links_of
from heliograph.engine.conversations.timeline import Talk, talks_with
from heliograph.engine.people import contacts
from heliograph.engine.people.contacts import Contact
from heliograph.engine.people.names import named
from heliograph.engine.people.record import Recorded, history, stances_of
from heliograph.store.port import Ledger, Row

_MESSAGE: Final = ", ".join(MESSAGE_COLUMNS)
_EVENT: Final = ", ".join(f"e.{name}" for name in Event.__struct_fields__)
_PAGE: Final = 500
_AUDIT_LIMIT: Final = 1_000


class Texted(msgspec.Struct):
    """What the person's phone sent."""

    at: str
    to: str
    text: str | None
    connector: str


class LookedUp(msgspec.Struct):
    """What a provider said of the number when it was asked."""

    at: str
    provider: str
    answer: msgspec.Raw


class Verified(msgspec.Struct):
    """A one-time code that was asked for."""

    id: str
    status: str
    purpose: str | None
    at: str
    ended_at: str | None


class Listed(msgspec.Struct):
    """An audience that names the person, with what it says of them."""

    audience: str
    since: str
    variables: dict[str, str]


class Planned(msgspec.Struct):
    """A plan that was to reach the person; its messages stand among the others."""

    id: str
    plan: str | None
    status: str
    kind: str
    at: str


class Known(msgspec.Struct):
    """All that is known of a person."""

    number: str
    made_at: str
    messages: list[MessageView]
    events: list[EventView]
    inbound: list[Texted]
    conversations: list[Talk]
    lookups: list[LookedUp]
    verifications: list[Verified]
    contact: Contact | None
    consents: list[Recorded]
    audiences: list[Listed]
    plans: list[Planned]
    is_suppressed: bool
    suppressed_since: str | None
    audit: list[AuditEntry]
    links: list[LinkView]


async def disclose(ledger: Ledger, workspace: int, number: str, *, actor: str, now: int) -> Known:
    """Gather it. That somebody asked is an audit entry, written first."""
    name = named(ledger.protection, workspace, number)
    async with ledger.transaction() as transaction:
        await audit.note(transaction, workspace=workspace, actor=actor, action="person.exported", object=name, now=now)
    messages, events, links = await _messages(ledger, workspace, number)
    outs = [stance.out_at for stance in await stances_of(ledger, workspace, number) if stance.out_at is not None]
    narrowed = Narrowed(workspace=workspace, everyones=False, object=name)
    noted, _ = await entries(ledger, narrowed, cursor=None, limit=_AUDIT_LIMIT)
    return Known(
        number=number,
        made_at=moment(now),
        messages=messages,
        events=events,
        inbound=await _inbound(ledger, workspace, number),
        conversations=await talks_with(ledger, workspace, number),
        lookups=await _lookups(ledger, workspace, number),
        verifications=await _verifications(ledger, workspace, number),
        contact=await contacts.of_address(ledger, workspace, number),
        consents=await history(ledger, workspace, number),
        audiences=await _audiences(ledger, workspace, number),
        plans=await _plans(ledger, workspace, number),
        is_suppressed=bool(outs),
        suppressed_since=moment(min(outs)) if outs else None,
        audit=noted,
        links=links,
    )


async def _messages(
    ledger: Ledger, workspace: int, number: str
) -> tuple[list[MessageView], list[EventView], list[LinkView]]:
    """The oldest first, each with its events and links."""
    messages: list[MessageView] = []
    events: list[EventView] = []
    links: list[LinkView] = []
    above = 0
    while rows := await ledger.fetch(
        f"SELECT {_MESSAGE} FROM messages WHERE workspace = $1 AND to_number = $2 AND id > $3 ORDER BY id LIMIT $4",
        *(workspace, number, above, _PAGE),
    ):
        found = {row[0]: ledger.protection.opened(Message(*row)) for row in rows}
        above = rows[-1][0]
        messages += map(message_view, found.values())
        for message in found.values():
            links += await links_of(ledger, message)
        for row in await _events(ledger, list(found)):
            event = ledger.protection.event(row)
            events.append(event_view(event, found[row[3]], event_id(event)))
    return messages, events, links


async def _events(ledger: Ledger, numbers: list[int]) -> list[Row]:
    marks = ", ".join(f"${place}" for place in range(1, len(numbers) + 1))
    return await ledger.fetch(f"SELECT {_EVENT} FROM events e WHERE e.message IN ({marks}) ORDER BY e.seq", *numbers)


async def _verifications(ledger: Ledger, workspace: int, number: str) -> list[Verified]:
    rows = await ledger.fetch(
        "SELECT id, state, purpose, started_at, ended_at FROM verifications "
        "WHERE workspace = $1 AND to_number = $2 ORDER BY id",
        *(workspace, number),
    )
    return [
        Verified(ids.make("ver", at, key), state, purpose, moment(at), None if ended is None else moment(ended))
        for key, state, purpose, at, ended in rows
    ]


async def _inbound(ledger: Ledger, workspace: int, sender: str) -> list[Texted]:
    rows = await ledger.fetch(
        "SELECT id, at, to_number, text, connector FROM inbound WHERE workspace = $1 AND from_number = $2 ORDER BY id",
        *(workspace, sender),
    )
    read = ledger.protection.read
    return [
        Texted(moment(at), to, read(workspace, f"inbound {number}", text), connector)
        for number, at, to, text, connector in rows
    ]


async def _lookups(ledger: Ledger, workspace: int, number: str) -> list[LookedUp]:
    rows = await ledger.fetch(
        "SELECT at, connector, answer FROM lookups WHERE workspace = $1 AND number = $2 ORDER BY at", workspace, number
    )
    return [LookedUp(moment(at), connector, msgspec.Raw(answer.encode())) for at, connector, answer in rows]


async def _audiences(ledger: Ledger, workspace: int, number: str) -> list[Listed]:
    rows = await ledger.fetch(
        "SELECT a.id, a.name, a.created_at, r.line, r.variables FROM audience_rows r JOIN audiences a "
        "ON a.id = r.audience WHERE r.number = $2 AND a.workspace = $1 ORDER BY a.id",
        *(workspace, number),
    )
    read = ledger.protection.read
    return [
        Listed(name, moment(at), msgspec.json.decode(read(workspace, f"audience {audience} {line}", given) or "{}"))
        for audience, name, at, line, given in rows
    ]


async def _plans(ledger: Ledger, workspace: int, address: str) -> list[Planned]:
    rows = await ledger.fetch(
        "SELECT id, plan, state, kind, created_at FROM plan_runs WHERE workspace = $1 AND (to_address = $2 OR id IN "
        "(SELECT run FROM plan_steps WHERE to_address = $2)) ORDER BY id",
        *(workspace, address),
    )
    return [Planned(ids.make("run", at, key), plan, state, kind, moment(at)) for key, plan, state, kind, at in rows]
