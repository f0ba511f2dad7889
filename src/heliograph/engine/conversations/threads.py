"""A thread as the ledger has it, and every way in which it changes.

Each change holds its thread from its first statement to its commit, so that what two agents do at once happens one
after the other. All changes leave an entry; what webhooks hear of is told in the same transaction.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from heliograph.core import ids
from heliograph.core.conversations import CLOSED, OPEN, WAITING
from heliograph.core.failures import Refusal, Refused
from heliograph.core.inbound_rules import TAGS_AT_MOST
from heliograph.core.views import moment
from heliograph.engine import audit
from heliograph.engine.declared import Realm
from heliograph.store.port import Ledger, NewEvent, Row, Transaction

NEW: Final = "new"  # only within the transaction that makes it


class Thread(msgspec.Struct):
    """What one person and one sender of ours have to say to each other."""

    id: int
    workspace: int
    environment: int
    number: str
    sender: str
    state: str
    team: str | None
    agent: str | None
    tags: str
    asked_at: int | None
    escalate_at: int | None
    away_until: int | None
    begins_at: int
    created_at: int
    updated_at: int


COLUMNS: Final = Thread.__struct_fields__
_ALL: Final = ", ".join(COLUMNS)
_CHANGING: Final = ("state", "team", "agent", "tags", "asked_at", "escalate_at", "away_until", "updated_at")
_KEEP: Final = (
    f"UPDATE conversations SET {', '.join(f'{name} = ${place}' for place, name in enumerate(_CHANGING, 2))} "
    "WHERE id = $1"
)


class ConversationView(msgspec.Struct, kw_only=True):
    """A conversation as the public API and webhooks show it."""

    id: str
    number: str
    sender: str
    contact: str | None = None
    state: str
    team: str | None
    agent: str | None
    tags: list[str]
    waiting_since: str | None
    escalates_at: str | None
    created_at: str
    updated_at: str


def public_id(thread: Thread) -> str:
    return ids.make("cnv", thread.created_at, thread.id)


def view(thread: Thread, contact: str | None = None) -> ConversationView:
    return ConversationView(
        id=public_id(thread),
        number=thread.number,
        sender=thread.sender,
        contact=contact,
        state=thread.state,
        team=thread.team,
        agent=thread.agent,
        tags=tags_of(thread),
        waiting_since=None if thread.asked_at is None else moment(thread.asked_at),
        escalates_at=None if thread.escalate_at is None else moment(thread.escalate_at),
        created_at=moment(thread.created_at),
        updated_at=moment(thread.updated_at),
    )


def tags_of(thread: Thread) -> list[str]:
    return msgspec.json.decode(thread.tags, type=list[str])


def seal_place(thread: Thread) -> str:
    """Where its notes are, for whoever seals and opens them."""
    return f"conversation {thread.id}"


# -- steps inside a transaction


async def meet(transaction: Transaction, realm: Realm, number: str, sender: str, begins_at: int, now: int) -> Thread:
    """The thread of a person and a sender, made when there is none; it is ours until the commit."""
    rows = await transaction.fetch(
        "INSERT INTO conversations "
        "(workspace, environment, number, sender, state, begins_at, created_at, updated_at) "
        f"VALUES ($1, $2, $3, $4, '{NEW}', $5, $6, $6) "
        "ON CONFLICT (workspace, environment, number, sender) DO UPDATE SET updated_at = excluded.updated_at "
        f"RETURNING {_ALL}",
        *(realm.workspace, realm.id, number, sender, begins_at, now),
    )
    return Thread(*rows[0])


async def hold(transaction: Transaction, realm: Realm, public: str, now: int) -> Thread:
    """An existing thread; it is ours until the commit. Raises `Refused`."""
    place = ids.parse("cnv", public)
    rows: list[Row] = []
    if place is not None:
        rows = await transaction.fetch(
            "UPDATE conversations SET updated_at = $4 "
            f"WHERE id = $1 AND workspace = $2 AND environment = $3 AND created_at = $5 RETURNING {_ALL}",
            *(place[1], realm.workspace, realm.id, now, place[0]),
        )
    if not rows:
        raise Refused(Refusal("not_found", f"there is no conversation {public[:60]!r}", status=404))
    return Thread(*rows[0])


async def keep(transaction: Transaction, thread: Thread) -> None:
    """Write what changed of it."""
    await transaction.execute(_KEEP, thread.id, *(getattr(thread, name) for name in _CHANGING))


async def enter(
    transaction: Transaction,
    thread: Thread,
    kind: str,
    actor: str,
    at: int,
    data: Mapping[str, Any] | None = None,
    *,
    inbound: int | None = None,
    message: int | None = None,
) -> None:
    """Add an entry."""
    await transaction.execute(
        "INSERT INTO conversation_entries (workspace, conversation, at, kind, actor, inbound, message, data) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        *(thread.workspace, thread.id, at, kind, actor, inbound, message),
        msgspec.json.encode(data or {}).decode(),
    )


def changed(**what: tuple[Any, Any]) -> dict[str, Any]:
    """What was and what is, as entries and the audit log have it."""
    return {
        "before": {name: before for name, (before, _) in what.items()},
        "after": {name: after for name, (_, after) in what.items()},
    }


def event(thread: Thread, what: str, now: int, more: Mapping[str, Any] | None = None) -> NewEvent:
    """What webhooks hear: the conversation as it is now, and what there is beside it."""
    facts = msgspec.structs.asdict(view(thread))
    del facts["contact"]
    return NewEvent(f"conversation.{what}", now, msgspec.json.encode({**facts, **(more or {})}).decode())


def plan(thread: Thread, realm: Realm) -> None:
    """When does its waiting become too long? Told once for each question."""
    asked = thread.asked_at
    thread.escalate_at = None if asked is None else realm.policies.conversations.escalates_at(thread.team, asked)


# -- what agents do


class Change:
    """A change of one thread by somebody: found, held, changed, noted and told, all or nothing."""

    def __init__(self, ledger: Ledger, realm: Realm, actor: str, now: int) -> None:
        self._ledger = ledger
        self._realm = realm
        self._actor = actor
        self._now = now

    async def assign(
        self, public: str, team: str | None | msgspec.UnsetType, agent: str | None | msgspec.UnsetType
    ) -> None:
        """Give it to a team, an agent, or back to nobody. A team's clock begins when it is given what waits."""
        async with self._ledger.transaction() as transaction:
            thread = await hold(transaction, self._realm, public, self._now)
            before = (thread.team, thread.agent)
            thread.team = thread.team if isinstance(team, msgspec.UnsetType) else team
            thread.agent = thread.agent if isinstance(agent, msgspec.UnsetType) else agent
            if (thread.team, thread.agent) == before:
                return
            if thread.team != before[0]:
                thread.escalate_at = None
                if thread.asked_at is not None:
                    thread.escalate_at = self._realm.policies.conversations.escalates_at(thread.team, self._now)
            facts = changed(team=(before[0], thread.team), agent=(before[1], thread.agent))
            await self._finish(transaction, thread, "assigned", facts, [event(thread, "assigned", self._now)])

    async def move(self, public: str, state: str) -> None:
        """Open or close it. What is there already is left as it is."""
        async with self._ledger.transaction() as transaction:
            thread = await hold(transaction, self._realm, public, self._now)
            before = thread.state
            if before == state:
                return
            thread.state = state
            thread.asked_at = self._now if state == OPEN else None
            plan(thread, self._realm)
            told = "closed" if state == CLOSED else "opened"
            facts = changed(state=(before, state))
            more = {} if state == CLOSED else {"reopened": True}
            await self._finish(transaction, thread, "state", facts, [event(thread, told, self._now, more)])

    async def note(self, public: str, text: str, agent: str | None) -> None:
        """What only we see."""
        async with self._ledger.transaction() as transaction:
            thread = await hold(transaction, self._realm, public, self._now)
            sealed = self._ledger.protection.kept(thread.workspace, seal_place(thread), text)
            await enter(transaction, thread, "note", self._actor, self._now, {"text": sealed, "agent": agent})
            await self._audit(transaction, thread, "note", {})  # the text stays in the conversation

    async def tag(self, public: str, add: Sequence[str], remove: Sequence[str]) -> None:
        """Add tags and take others away. Raises `Refused`."""
        async with self._ledger.transaction() as transaction:
            thread = await hold(transaction, self._realm, public, self._now)
            before = tags_of(thread)
            after = [tag for tag in dict.fromkeys([*before, *add]) if tag not in remove]
            if len(after) > TAGS_AT_MOST:
                raise Refused(Refusal("bad_tags", f"a conversation has at most {TAGS_AT_MOST} tags", "/add"))
            if after != before:
                thread.tags = msgspec.json.encode(after).decode()
                await self._finish(transaction, thread, "tags", changed(tags=(before, after)), [])

    async def replied(self, public: str, message: int, message_id: str, agent: str | None) -> None:
        """An answer of ours is on its way: now we wait for the person. Said twice of one message, it counts once."""
        async with self._ledger.transaction() as transaction:
            thread = await hold(transaction, self._realm, public, self._now)
            if await transaction.fetch(
                "SELECT 1 FROM conversation_entries WHERE conversation = $1 AND kind = 'reply' AND message = $2",
                *(thread.id, message),
            ):
                return
            waited = None if thread.asked_at is None else self._now - thread.asked_at
            thread.state, thread.asked_at, thread.escalate_at = WAITING, None, None
            await keep(transaction, thread)
            data = {"agent": agent, "waited_ms": waited}
            await enter(transaction, thread, "reply", self._actor, self._now, data, message=message)
            await self._audit(transaction, thread, "reply", {"message": message_id, "agent": agent})
            told = event(thread, "replied", self._now, {"message": message_id, "by": agent, "waited_ms": waited})
            await transaction.record(thread.workspace, thread.environment, [told])

    async def _finish(
        self, transaction: Transaction, thread: Thread, kind: str, facts: Mapping[str, Any], events: list[NewEvent]
    ) -> None:
        await keep(transaction, thread)
        await enter(transaction, thread, kind, self._actor, self._now, facts)
        await self._audit(transaction, thread, kind, facts)
        await transaction.record(thread.workspace, thread.environment, events)

    async def _audit(self, transaction: Transaction, thread: Thread, kind: str, facts: Mapping[str, Any]) -> None:
        await audit.note(
            transaction,
            workspace=thread.workspace,
            actor=self._actor,
            action=f"conversation.{kind}",
            object=f"conversation:{public_id(thread)}",
            now=self._now,
            detail=facts,
        )
