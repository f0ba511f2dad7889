"""Webhook deliveries in a commit on SQLite: the results of tries, and claims of what is due."""

from typing import Final

from heliograph.core.message import DELIVERY_COLUMNS, Delivery, Event, Message
from heliograph.store.port import ClaimDeliveries, Deliveries, Notice
from heliograph.store.sqlite.commit import Commit
from heliograph.store.sqlite.messages import M

_D: Final = ", ".join(f"d.{name}" for name in DELIVERY_COLUMNS)
_E: Final = ", ".join(f"e.{name}" for name in Event.__struct_fields__)
_WIDTH_D: Final = len(DELIVERY_COLUMNS)
_WIDTH_E: Final = len(Event.__struct_fields__)
_SELECT_DELIVERIES: Final = (
    f"SELECT {_D}, {_E}, {M} FROM deliveries d JOIN events e ON e.seq = d.event "
    "LEFT JOIN messages m ON m.id = d.message "
    "WHERE d.target = ? AND d.state = 'pending' AND d.next_at <= ? ORDER BY d.next_at, d.id LIMIT ?"
)


def deliver(commit: Commit, operations: list[Deliveries]) -> None:
    """Write the results of tries; each failed try also stands by itself."""
    results = [delivery for operation in operations for delivery in operation.results]
    commit.cursor.executemany(
        "UPDATE deliveries SET state = ?, tries = ?, next_at = ?, answered_at = ?, status = ?, latency_ms = ?, "
        "error = ? "
        "WHERE id = ?",
        [(d.state, d.tries, d.next_at, d.answered_at, d.status, d.latency_ms, d.error, d.id) for d in results],
    )
    failures = [(d.id, d.tries, d.answered_at, d.status, d.latency_ms, d.error) for d in results if d.error]
    if failures:
        commit.cursor.executemany("INSERT OR REPLACE INTO delivery_failures VALUES (?, ?, ?, ?, ?, ?)", failures)


def claim_deliveries(commit: Commit, operation: ClaimDeliveries) -> None:
    """Take due deliveries of one target and hide them from others."""
    operation.notices = []
    rows = commit.rows(_SELECT_DELIVERIES, (operation.target, operation.now, operation.limit))
    for row in rows:
        delivery = Delivery(*row[:_WIDTH_D])
        delivery.next_at = operation.hidden_until
        event = commit.protection.event(row[_WIDTH_D : _WIDTH_D + _WIDTH_E])
        values = row[_WIDTH_D + _WIDTH_E :]
        operation.notices.append(Notice(delivery, event, Message(*values) if values[0] is not None else None))
    commit.cursor.executemany(
        "UPDATE deliveries SET next_at = ? WHERE id = ?",
        [(operation.hidden_until, notice.delivery.id) for notice in operation.notices],
    )
