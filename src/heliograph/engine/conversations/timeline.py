"""Conversations as they are read: lists of them, and one with all that was said and done in it.

What we sent is no entry of its own: it is read from the messages themselves, whoever had them sent, so that sending
costs nothing more. The entry of an answer only says whose it was.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from heliograph.core import ids
from heliograph.core.views import moment
from heliograph.engine.conversations import threads
from heliograph.engine.conversations.replies import OURSELVES
from heliograph.engine.conversations.threads import COLUMNS, ConversationView, Thread
from heliograph.engine.people.record import contact_id
from heliograph.store.port import Ledger, Row
from heliograph.store.protection import Protection

_LATEST: Final = 1 << 62
_CONVERSATION: Final = (
    f"SELECT {', '.join(f'c.{name}' for name in COLUMNS)}, p.id, p.created_at FROM conversations c "
    "LEFT JOIN contact_addresses a ON a.workspace = c.workspace AND a.address = c.number AND a.until IS NULL "
    "LEFT JOIN contacts p ON p.id = a.contact "
)


class Entry(msgspec.Struct, kw_only=True):
    """Something that was said or done."""

    id: str
    at: str
    kind: str  # inbound | outbound | note | assigned | state | tags | escalated | held
    by: str | None = None
    text: str | None = None
    message: str | None = None  # the id of what was received or sent
    status: str | None = None  # of what was sent
    automatic: bool = False
    detail: Any = None


class Talk(msgspec.Struct):
    """A conversation with what was received and noted in it, the oldest first."""

    conversation: ConversationView
    entries: list[Entry]


class Narrowed(msgspec.Struct, frozen=True, kw_only=True):
    """What a list of conversations is narrowed to."""

    state: str | None = None
    team: str | None = None
    agent: str | None = None
    number: str | None = None
    sender: str | None = None
    is_unassigned: bool = False  # no agent looks after it
    is_unfinished: bool = False  # not closed


_EQUAL: Final = ("state", "team", "agent", "number", "sender")


async def page(
    ledger: Ledger, workspace: int, environment: int, narrowed: Narrowed, cursor: tuple[int, int] | None, limit: int
) -> tuple[list[ConversationView], str | None]:
    """Conversations, those first in which something happened last, and the next page's cursor."""
    at, number = cursor or (_LATEST, _LATEST)
    conditions, values = ["c.workspace = $1", "c.environment = $2"], [workspace, environment, at, number, limit + 1]
    if narrowed.is_unassigned:
        conditions.append("c.agent IS NULL")
    if narrowed.is_unfinished:
        conditions.append("c.state <> 'closed'")
    for name in _EQUAL:
        if (value := getattr(narrowed, name)) is not None:
            values.append(value)
            conditions.append(f"c.{name} = ${len(values)}")
    latest = "c.updated_at" if narrowed.number is None else "+c.updated_at"  # a number has few: found by its own index
    rows = await ledger.fetch(
        f"{_CONVERSATION} WHERE {' AND '.join(conditions)} AND ({latest}, c.id) < ($3, $4) "
        f"ORDER BY {latest} DESC, c.id DESC LIMIT $5",
        *values,
    )
    last = Thread(*rows[limit - 1][: len(COLUMNS)]) if len(rows) > limit else None
    following = None if last is None else ids.make("cur", last.updated_at, last.id)
    return [_view(row) for row in rows[:limit]], following


async def last_heard(ledger: Ledger, workspace: int, conversations: Sequence[str]) -> dict[str, str]:
    """By conversation: what the person wrote last, where it is still kept."""
    places = {found[1]: public for public in conversations if (found := ids.parse("cnv", public)) is not None}
    if not places:
        return {}
    marks = ", ".join(f"${place}" for place in range(2, len(places) + 2))
    rows = await ledger.fetch(
        "SELECT l.conversation, i.id, i.text FROM (SELECT conversation, max(inbound) AS inbound "
        f"FROM conversation_entries WHERE workspace = $1 AND conversation IN ({marks}) GROUP BY conversation) l "
        "JOIN inbound i ON i.id = l.inbound",
        *(workspace, *places),
    )
    read = ledger.protection.read
    return {places[row[0]]: text for row in rows if (text := read(workspace, f"inbound {row[1]}", row[2])) is not None}


async def find(ledger: Ledger, workspace: int, environment: int, public: str) -> tuple[Thread, ConversationView] | None:
    """One of them."""
    place = ids.parse("cnv", public)
    if place is None:
        return None
    rows = await ledger.fetch(
        f"{_CONVERSATION} WHERE c.id = $1 AND c.workspace = $2 AND c.environment = $3 AND c.created_at = $4",
        *(place[1], workspace, environment, place[0]),
    )
    return (Thread(*rows[0][: len(COLUMNS)]), _view(rows[0])) if rows else None


async def talks_with(ledger: Ledger, workspace: int, number: str) -> list[Talk]:
    """All conversations with a person, in whatever environment."""
    talks = []
    for row in await ledger.fetch(
        f"{_CONVERSATION} WHERE c.workspace = $1 AND c.number = $2 ORDER BY c.id", workspace, number
    ):
        noted = await _noted(ledger, Thread(*row[: len(COLUMNS)]), (_LATEST, 0, 0), _LATEST)
        talks.append(Talk(_view(row), [entry for _, entry in reversed(noted)]))
    return talks


def _view(row: Row) -> ConversationView:
    *_, number, born = row
    return threads.view(Thread(*row[: len(COLUMNS)]), None if number is None else contact_id(born, number))


async def entries(
    ledger: Ledger, thread: Thread, before: tuple[int, int, int] | None, limit: int
) -> tuple[list[Entry], str | None]:
    """The latest entries before a place, the oldest first, and where the older ones are.

    A place is (time, rank, number): at one moment what was sent stands before what was noted.
    """
    limits = before or (_LATEST, 0, 0)
    noted = await _noted(ledger, thread, limits, limit)
    sent = await _sent(ledger, thread, limits, limit)
    both = sorted([*noted, *sent], key=lambda one: one[0])
    authors = await _authors(ledger, thread, [place[2] for place, _ in sent])
    for place, entry in sent:
        entry.by = authors.get(place[2])
    shown = [entry for _, entry in both[-limit:]]
    return shown, shown[0].id if len(both) > limit else None


def place_of(public: str) -> tuple[int, int, int] | None:
    """Where the entry with this id stands."""
    for rank, prefix in enumerate(("msg", "ent")):
        if found := ids.parse(prefix, public):
            return found[0], rank, found[1]
    return None


_Placed = tuple[tuple[int, int, int], Entry]


async def _noted(ledger: Ledger, thread: Thread, before: tuple[int, int, int], limit: int) -> list[_Placed]:
    at, rank, number = before
    rows = await ledger.fetch(
        "SELECT e.id, e.at, e.kind, e.actor, e.data, e.inbound, i.at, i.text FROM conversation_entries e "
        "LEFT JOIN inbound i ON i.id = e.inbound WHERE e.conversation = $1 AND e.workspace = $2 "
        "AND e.kind <> 'reply' AND (e.at, e.id) < ($3, $4) ORDER BY e.at DESC, e.id DESC LIMIT $5",
        *(thread.id, thread.workspace, at, number if rank else 0, limit + 1),
    )
    return [((row[1], 1, row[0]), _entry(ledger.protection, thread, row)) for row in rows]


def _entry(protection: Protection, thread: Thread, row: Row) -> Entry:
    number, at, kind, actor, data, inbound, received_at, text = row
    detail = msgspec.json.decode(data)
    if inbound is None:
        text = protection.read(thread.workspace, threads.seal_place(thread), detail.pop("text", None))
    else:
        text = protection.read(thread.workspace, f"inbound {inbound}", text)
    return Entry(
        id=ids.make("ent", at, number),
        at=moment(at),
        kind=kind,
        by=detail.pop("agent", None) or actor if kind == "note" else actor,
        text=text,
        message=None if received_at is None else ids.make("inb", received_at, inbound),
        detail=detail or None,
    )


async def _sent(ledger: Ledger, thread: Thread, before: tuple[int, int, int], limit: int) -> list[_Placed]:
    at, rank, number = before
    rows = await ledger.fetch(
        "SELECT id, accepted_at, text, state, client FROM messages WHERE workspace = $1 AND environment = $2 "
        "AND to_number = $3 AND sender = $4 AND accepted_at >= $5 AND (accepted_at, id) < ($6, $7) "
        "ORDER BY accepted_at DESC, id DESC LIMIT $8",
        *(thread.workspace, thread.environment, thread.number, thread.sender, thread.begins_at),
        *(at, _LATEST if rank else number, limit + 1),
    )
    return [((row[1], 0, row[0]), _message(ledger.protection, thread, row)) for row in rows]


def _message(protection: Protection, thread: Thread, row: Row) -> Entry:
    number, at, text, state, client = row
    public = ids.make("msg", at, number)
    return Entry(
        id=public,
        at=moment(at),
        kind="outbound",
        text=protection.read(thread.workspace, f"message {number}", text),
        message=public,
        status=state,
        automatic=client == OURSELVES,
    )


async def _authors(ledger: Ledger, thread: Thread, messages: Sequence[int]) -> dict[int, str]:
    """By message: who answered."""
    if not messages:
        return {}
    marks = ", ".join(f"${place}" for place in range(2, len(messages) + 2))
    rows = await ledger.fetch(
        "SELECT message, actor, data FROM conversation_entries "
        f"WHERE conversation = $1 AND kind = 'reply' AND message IN ({marks})",
        *(thread.id, *messages),
    )
    return {row[0]: msgspec.json.decode(row[2]).get("agent") or row[1] for row in rows}
