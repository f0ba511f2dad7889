"""The commit under way on SQLite: the numbers of its events and deliveries, and what it has to tell.

One thread writes one commit after the other: one `Commit` serves them all. Events and deliveries get their numbers
here, before they are written, so that a delivery can name its event and go out from memory as soon as the commit is on
disk.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Any, Final

import apsw
import msgspec

from heliograph.core.message import DELIVERY_COLUMNS, Delivery, Event, Message
from heliograph.store.port import HIDDEN_MS, Again, NewEvent, Notice, Subscribers
from heliograph.store.protection import Protection
from heliograph.store.sqlite.connection import highest


def marks(count: int) -> str:
    """Places for so many values."""
    return ",".join("?" * count)


_INSERT_EVENT: Final = f"INSERT INTO events VALUES ({marks(len(Event.__struct_fields__))})"
_AT_ONCE: Final = 16
_INSERT_EVENTS: Final = (
    f"INSERT INTO events VALUES {', '.join([f'({marks(len(Event.__struct_fields__))})'] * _AT_ONCE)}"
)
_INSERT_DELIVERY: Final = f"INSERT INTO deliveries VALUES ({marks(len(DELIVERY_COLUMNS))})"


class Commit:
    """A transaction that writes operations; owns the counters of rows that only this process writes."""

    def __init__(self, connection: apsw.Connection, now_ms: Callable[[], int]) -> None:
        self.connection = connection
        self.cursor: Any = connection.cursor()  # rows come as the schema says, not as apsw types them
        self.now_ms = now_ms
        self.protection = Protection()
        self.subscribers: Subscribers = lambda environment, event_type, message: ()
        self._seq = highest(connection, "seq", "events")
        self._delivery = highest(connection, "id", "deliveries")
        self._events: list[tuple[Any, ...]] = []
        self._deliveries: list[tuple[Any, ...]] = []

    def emit(
        self, events: Iterable[NewEvent], workspace: int, environment: int, message: Message | None
    ) -> list[Notice]:
        """Give events their places, and make deliveries for everyone who wants to hear of them."""
        notices: list[Notice] = []
        number = None if message is None else message.id
        for event in events:
            self._seq = seq = self._seq + 1
            data = event.data if message is not None else self.protection.kept(workspace, f"event {seq}", event.data)
            self._events.append((seq, workspace, environment, number, event.type, event.at, data))
            hearers = event.only or (self.subscribers(environment, event.type, message) if event.told else ())
            if event.targets:
                hearers = (*hearers, *((None, target) for target in event.targets))
            if hearers:
                row = Event(seq, workspace, environment, number, event.type, event.at, event.data)
                for endpoint, target in hearers:
                    delivery = self._deliver(row, endpoint, target)
                    notices.append(Notice(delivery, row, message))
        return notices

    def emit_all(self, events: Iterable[NewEvent], message: Message) -> list[Notice]:
        """The same for events of one message."""
        return self.emit(events, message.workspace, message.environment, message)

    def _deliver(self, event: Event, endpoint: int | None, target: str) -> Delivery:
        self._delivery += 1
        values = (
            self._delivery,
            event.workspace,
            event.environment,
            event.seq,
            event.message,
            endpoint,
            target,
            "pending",
            0,
            event.at + HIDDEN_MS,
            event.at,
            None,
            None,
            None,
            None,
            0,
        )
        self._deliveries.append(values)
        return Delivery(*values)

    def tell(self) -> None:
        """Write the events and deliveries that have gathered."""
        events = self._events
        end = len(events) - len(events) % _AT_ONCE  # four for each message: of no other rows are there so many
        ranks = range(0, end, _AT_ONCE)
        self.insert(_INSERT_EVENTS, [tuple(chain.from_iterable(events[at : at + _AT_ONCE])) for at in ranks])
        self.insert(_INSERT_EVENT, events[end:])
        self.insert(_INSERT_DELIVERY, self._deliveries)

    def forget(self) -> None:
        """Begin with nothing to tell, whatever became of the commit before."""
        self._events.clear()
        self._deliveries.clear()

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return list(self.cursor.execute(sql, values))

    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return list(self.cursor.executemany(sql, rows))

    def insert(self, sql: str, rows: Sequence[tuple[Any, ...]]) -> None:
        if rows:
            self.cursor.executemany(sql, rows)

    # -- what a cold transaction tells

    def record(
        self, workspace: int, environment: int, events: Sequence[NewEvent], message: Message | None
    ) -> list[Notice]:
        """Events of a cold transaction: written at once."""
        self.forget()
        notices = self.emit(events, workspace, environment, message)
        self.tell()
        return notices

    def redeliver(self, deliveries: Sequence[Again], now: int) -> None:
        """Events that are told once more, due at once."""
        rows = []
        for again in deliveries:
            self._delivery += 1
            delivery = Delivery(
                self._delivery,
                again.workspace,
                again.environment,
                again.event,
                again.message,
                again.endpoint,
                again.target,
                "pending",
                0,
                now,
                now,
                None,
                None,
                None,
                None,
                1,
            )
            rows.append(msgspec.structs.astuple(delivery))
        self.cursor.executemany(_INSERT_DELIVERY, rows)
