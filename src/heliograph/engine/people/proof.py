"""The proof of a person's consent: everything that was recorded, as it was recorded, and what was sent because of it.

It is made of rows that are only ever added to: the record itself with the texts as they were shown, the stays of
addresses with persons, the policy as it was at each time. So it reads the same after the configuration has changed, a
template was edited, or the number belongs to somebody else.
"""

import hashlib
from collections.abc import Sequence
from html import escape
from typing import Any, Final

import msgspec

from heliograph.core import consent, ids
from heliograph.core.views import moment
from heliograph.engine import audit
from heliograph.engine.people import contacts, record
from heliograph.engine.people.contacts import Contact
from heliograph.engine.people.names import named
from heliograph.engine.people.record import Recorded
from heliograph.store.port import Ledger

_SENT_AT_MOST: Final = 1_000


class Stay(msgspec.Struct, frozen=True):
    """Whose an address was, and when."""

    contact: str
    since: str
    until: str | None


class PolicyThen(msgspec.Struct, frozen=True):
    """The workspace's consent policy from a time on. None: the policy that this program comes with."""

    since: str
    policy: Any
    by: str


class SentBecause(msgspec.Struct, frozen=True):
    """A message that went out because of an entry of the record."""

    id: str
    at: str
    kind: str
    topic: str | None
    sender: str | None
    record: str | None


class Proof(msgspec.Struct, frozen=True):
    """What a lawyer reads. `digest`: SHA-256 of all the rest."""

    workspace: str
    address: str
    made_at: str
    made_by: str
    person: Contact | None
    stays: list[Stay]
    standing: dict[str, str]
    record: list[Recorded]
    policy: list[PolicyThen]
    messages: list[SentBecause]
    digest: str = ""


async def make(
    ledger: Ledger, workspace: int, workspace_name: str, address: str, standing: dict[str, str], *, actor: str, now: int
) -> Proof:
    """Gather it. `standing`: by kind, what may be sent now."""
    entries = await record.history(ledger, workspace, address)
    proof = Proof(
        workspace_name,
        address,
        moment(now),
        str(actor),  # it may know more than its name
        await contacts.of_address(ledger, workspace, address),
        await _stays(ledger, workspace, address),
        standing,
        entries,
        await _policies(ledger, workspace),
        await _sent(ledger, workspace, address, entries),
    )
    digest = hashlib.sha256(msgspec.json.encode(proof)).hexdigest()
    return msgspec.structs.replace(proof, digest=digest)


async def hand_out(
    ledger: Ledger, workspace: int, workspace_name: str, address: str, standing: dict[str, str], *, actor: str, now: int
) -> Proof:
    """Make it for somebody. That it was taken is an audit entry."""
    made = await make(ledger, workspace, workspace_name, address, standing, actor=actor, now=now)
    async with ledger.transaction() as transaction:
        await audit.note(
            transaction,
            workspace=workspace,
            actor=actor,
            action="consent.exported",
            object=named(ledger.protection, workspace, address),
            now=now,
            detail={"digest": made.digest},
        )
    return made


async def _stays(ledger: Ledger, workspace: int, address: str) -> list[Stay]:
    rows = await ledger.fetch(
        "SELECT p.created_at, p.id, a.since, a.until FROM contact_addresses a JOIN contacts p ON p.id = a.contact "
        "WHERE a.workspace = $1 AND a.address = $2 ORDER BY a.id",
        *(workspace, address),
    )
    return [
        Stay(record.contact_id(born, number), moment(since), None if until is None else moment(until))
        for born, number, since, until in rows
    ]


async def _policies(ledger: Ledger, workspace: int) -> list[PolicyThen]:
    rows = await ledger.fetch(
        "SELECT at, spec, actor FROM declared_history WHERE workspace = $1 AND kind = 'policy' AND name = 'consent' "
        "ORDER BY id",
        workspace,
    )
    return [PolicyThen(moment(at), None if spec is None else msgspec.json.decode(spec), by) for at, spec, by in rows]


async def _sent(ledger: Ledger, workspace: int, address: str, entries: Sequence[Recorded]) -> list[SentBecause]:
    """Messages to this address that needed consent; the newest that there is room for."""
    rows = await ledger.fetch(
        "SELECT m.id, m.accepted_at, m.kind, m.topic, m.sender, e.data FROM messages m "
        "JOIN events e ON e.message = m.id AND e.type = 'message.accepted' AND e.data IS NOT NULL "
        "WHERE m.workspace = $1 AND m.to_number = $2 ORDER BY m.id DESC LIMIT $3",
        *(workspace, address, _SENT_AT_MOST),
    )
    ids_of = {ids.parse("con", entry.id): entry.id for entry in entries}
    numbers = {place[1]: public for place, public in ids_of.items() if place is not None}
    return [
        SentBecause(
            *(ids.make("msg", at, number), moment(at), kind, topic, sender),
            numbers.get(msgspec.json.decode(data).get("consent")),
        )
        for number, at, kind, topic, sender, data in rows
    ]


# -- for people to read

_ACTIONS: Final = {
    consent.OPT_IN: "gave consent",
    consent.CONFIRMED: "confirmed the consent",
    consent.OPT_OUT: "withdrew consent",
    consent.HELP: "asked for help",
    consent.DOUBT: "wrote something that may be a withdrawal",
    consent.DISMISSED: "that was reviewed, and was no withdrawal",
}
_HOW: Final = ("source", "channel", "language", "ip", "user_agent", "message", "text_version")
_STYLE: Final = (
    "body{font:11pt/1.45 serif;max-width:46em;margin:2em auto;color:#111}table{border-collapse:collapse;width:100%}"
    "td,th{border:1px solid #999;padding:.3em .5em;text-align:left;vertical-align:top}h1{font-size:1.5em}"
    "code{font-size:.85em;overflow-wrap:anywhere}@media print{body{margin:0}}"
)


def page(proof: Proof) -> bytes:
    """The proof as a page to print."""
    parts = [
        f"<!doctype html><html lang='en'><meta charset='utf-8'><title>Consent of {escape(proof.address)}</title>",
        f"<style>{_STYLE}</style><main><h1>Record of consent: {escape(proof.address)}</h1>",
        f"<p>Workspace {escape(proof.workspace)}. Made {escape(proof.made_at)} (UTC) by {escape(proof.made_by)}.</p>",
        "<h2>What may be sent now</h2>",
        _table(("Kind of message", "Answer"), [(kind, answer) for kind, answer in proof.standing.items()]),
        "<h2>What was said, in order</h2>",
        _table(
            ("When (UTC)", "What", "About", "How", "Words", "Kept as"),
            [_line(entry) for entry in proof.record],
        ),
        "<h2>Whose address it was</h2>",
        _table(("Person", "From", "To"), [(s.contact, s.since, s.until or "now") for s in proof.stays]),
        "<h2>What this workspace asked for</h2>",
        _table(
            ("From", "Policy", "Declared by"),
            [(p.since, "withdrawn" if p.policy is None else str(p.policy), p.by) for p in proof.policy],
        ),
        "<h2>Messages that this consent permitted</h2>",
        _table(
            ("When (UTC)", "Message", "Kind", "Topic", "Sender", "Because of"),
            [(m.at, m.id, m.kind, m.topic or "", m.sender or "", m.record or "") for m in proof.messages],
        ),
        f"<p>SHA-256 of this record: <code>{proof.digest}</code></p></main></html>",
    ]
    return "".join(parts).encode()


def _line(entry: Recorded) -> tuple[str, ...]:
    how = [f"{name}: {value}" for name in _HOW if (value := getattr(entry, name))]
    how += [f"{name}: {value}" for name, value in msgspec.json.decode(entry.detail).items()]
    about = "everything" if entry.scope == consent.EVERYTHING else entry.scope
    words = _ACTIONS[entry.action] + (f" (until {entry.until})" if entry.until else "")
    words += " (in a test)" if entry.is_test else ""
    return entry.at, words, about, "; ".join(how), entry.text or "", f"{entry.id}, {entry.recorded_at}, {entry.actor}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return "<p>Nothing.</p>"
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    body = "".join(f"<tr>{''.join(f'<td>{escape(text)}</td>' for text in row)}</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"
