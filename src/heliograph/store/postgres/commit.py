"""One commit under way: its numbers, what it learnt at its beginning, and what it has to tell.

Events and deliveries get their numbers here, before they are written, so that a delivery can name its event and go
out from memory as soon as the commit is on disk. Later commits have higher numbers; a message's history is in order.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec

from heliograph.core.message import DELIVERY_COLUMNS, Delivery, Event, Message
from heliograph.store.port import HIDDEN_MS, NewEvent, Notice, Subscribers
from heliograph.store.postgres.connection import Connection
from heliograph.store.protection import Protection

CHANNEL: Final = "heliograph"
# Shared: many may hand over at the same time. A change of stances takes it alone. The statements that ask for
# them come after this one, because a statement sees what was committed before it began, not while it waited.
_BEGIN: Final = "BEGIN; SELECT pg_advisory_xact_lock_shared(7246572)"
_LOOK_ROUND: Final = (
    "SELECT pg_current_xact_id()::text AS xid, nextval('commit_ids') AS number, "
    "EXISTS (SELECT 1 FROM stances) AS hearing, EXISTS (SELECT 1 FROM erased WHERE is_suppressed = 1) AS erasing, "
    "EXISTS (SELECT 1 FROM parked_receipts) AS parking, EXISTS (SELECT 1 FROM cooldowns) AS cooling"
)
_EVENT_COLUMNS: Final = Event.__struct_fields__


class Commit:
    """A transaction that writes operations."""

    def __init__(
        self,
        connection: Connection,
        found: "Surroundings",
        now_ms: int,
        subscribers: Subscribers,
        protection: Protection,
    ) -> None:
        self.connection = connection
        self.protection = protection
        self.now_ms = now_ms
        self.xid = found.xid
        self.hearing = found.hearing  # has anybody ever said what is wanted?
        self.erasing = found.erasing  # has anybody been erased after saying no?
        self.parking = found.parking  # does any receipt wait for its message?
        self.cooling = found.cooling  # does any number rest?
        self.topics: set[str] = set()  # what other processes should look at
        self._subscribers = subscribers
        self._seq = self._delivery = found.number
        self._events: list[tuple[Any, ...]] = []
        self._deliveries: list[tuple[Any, ...]] = []

    def emit(self, event: NewEvent, workspace: int, environment: int, message: Message | None) -> list[Notice]:
        """Give an event its place, and make a delivery for everyone who wants to hear of it."""
        self._seq += 1
        subject = message.id if message is not None else None
        row = Event(self._seq, workspace, environment, subject, event.type, event.at, event.data)
        values = msgspec.structs.astuple(row)
        if message is None:
            values = (*values[:-1], self.protection.kept(workspace, f"event {row.seq}", event.data))
        self._events.append(values)
        hearers = event.only or (self._subscribers(environment, event.type, message) if event.told else ())
        if event.targets:
            hearers = (*hearers, *((None, target) for target in event.targets))
        return [Notice(self._deliver(row, endpoint, target), row, message) for endpoint, target in hearers]

    def emit_all(self, events: Sequence[NewEvent], message: Message) -> list[Notice]:
        """The same for several events of one message."""
        workspace, environment = message.workspace, message.environment
        return [notice for event in events for notice in self.emit(event, workspace, environment, message)]

    def _deliver(self, event: Event, endpoint: int | None, target: str) -> Delivery:
        self._delivery += 1
        delivery = Delivery(
            id=self._delivery,
            workspace=event.workspace,
            environment=event.environment,
            event=event.seq,
            message=event.message,
            endpoint=endpoint,
            target=target,
            state="pending",
            tries=0,
            next_at=self.now_ms + HIDDEN_MS,
            created_at=self.now_ms,
            answered_at=None,
            status=None,
            latency_ms=None,
            error=None,
            replay=0,
        )
        self._deliveries.append(msgspec.structs.astuple(delivery))
        return delivery

    async def tell(self) -> None:
        """Write the events and deliveries that have gathered."""
        await self.copy("events", _EVENT_COLUMNS, self._events)
        await self.copy("deliveries", DELIVERY_COLUMNS, self._deliveries)
        self.forget()

    def forget(self) -> None:
        """Drop what has gathered: the operation that it came from failed."""
        self._events.clear()
        self._deliveries.clear()

    async def copy(self, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        if rows:
            await self.connection.copy_records_to_table(table, columns=columns, records=rows)

    async def rows(self, sql: str, *values: Any) -> list[Any]:
        found: list[Any] = await self.connection.fetch(sql, *values)
        return found

    async def finish(self) -> None:
        """Commit. Whoever listens hears of it then, not before."""
        topics = "".join(f"NOTIFY {CHANNEL}, '{topic}'; " for topic in sorted(self.topics))
        await self.connection.execute(f"{topics}COMMIT")


class Surroundings(NamedTuple):
    """What a commit finds when it begins."""

    xid: str
    number: int
    hearing: bool
    erasing: bool
    parking: bool
    cooling: bool


async def begin(connection: Connection, now_ms: int, subscribers: Subscribers, protection: Protection) -> Commit:
    """Start a transaction for operations."""
    await connection.execute(_BEGIN)
    return await within(connection, now_ms, subscribers, protection)


async def within(connection: Connection, now_ms: int, subscribers: Subscribers, protection: Protection) -> Commit:
    """Write in a transaction that somebody else began, and will end."""
    found = await connection.fetchrow(_LOOK_ROUND)
    return Commit(connection, Surroundings(*found), now_ms, subscribers, protection)


def columns(rows: Sequence[Sequence[Any]], count: int) -> list[Sequence[Any]]:
    """Rows turned into the columns that UNNEST takes."""
    return list(zip(*rows, strict=True)) if rows else [()] * count
