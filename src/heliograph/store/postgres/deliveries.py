"""Webhook deliveries in a commit on PostgreSQL: the results of tries, and claims of what is due."""

from collections.abc import Sequence
from typing import Final

from heliograph.core.message import DELIVERY_COLUMNS, Delivery, Event, Message
from heliograph.store.port import ClaimDeliveries, Deliveries, Notice
from heliograph.store.postgres.commit import Commit, columns
from heliograph.store.postgres.messages import M

_D: Final = ", ".join(f"d.{name}" for name in DELIVERY_COLUMNS)
_E: Final = ", ".join(f"e.{name}" for name in Event.__struct_fields__)
_WIDTH_D: Final = len(DELIVERY_COLUMNS)
_WIDTH_E: Final = len(Event.__struct_fields__)

_RESULT: Final = (
    "UPDATE deliveries d SET state = v.state, tries = v.tries, next_at = v.next_at, answered_at = v.answered_at, "
    "status = v.status, latency_ms = v.latency_ms, error = v.error FROM unnest($1::bigint[], $2::text[], $3::bigint[], "
    "$4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text[]) "
    "v (id, state, tries, next_at, answered_at, status, latency_ms, error) WHERE d.id = v.id"
)
_FAILURE: Final = (
    "INSERT INTO delivery_failures (delivery, try, at, status, latency_ms, error) "
    "SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[]) "
    "ON CONFLICT (delivery, try) DO UPDATE SET at = excluded.at, status = excluded.status, "
    "latency_ms = excluded.latency_ms, error = excluded.error"
)
_CLAIM: Final = (
    "WITH due AS MATERIALIZED (SELECT id, next_at FROM deliveries WHERE target = $1 AND state = 'pending' "
    "AND next_at <= $2 ORDER BY next_at, id LIMIT $3 FOR UPDATE SKIP LOCKED), "
    "hidden AS (UPDATE deliveries d SET next_at = $4 FROM due WHERE d.id = due.id RETURNING d.*) "
    f"SELECT {_D}, {_E}, {M} FROM due JOIN hidden d ON d.id = due.id JOIN events e ON e.seq = d.event "
    "LEFT JOIN messages m ON m.id = d.message ORDER BY due.next_at, due.id"
)


async def deliver(commit: Commit, operations: Sequence[Deliveries]) -> None:
    """Write the results of tries; each failed try also stands by itself."""
    results = [delivery for operation in operations for delivery in operation.results]
    last = {d.id: d for d in results}
    rows = [(d.id, d.state, d.tries, d.next_at, d.answered_at, d.status, d.latency_ms, d.error) for d in last.values()]
    await commit.rows(_RESULT, *columns(rows, 8))
    if any(d.state == "pending" and d.next_at <= commit.now_ms for d in last.values()):
        commit.topics.add("deliveries")  # given up here: whoever can bring them may have them at once
    failures = {(d.id, d.tries): d for d in results if d.error}
    if failures:
        failed = [(d.id, d.tries, d.answered_at, d.status, d.latency_ms, d.error) for d in failures.values()]
        await commit.rows(_FAILURE, *columns(failed, 6))


async def claim_deliveries(commit: Commit, operation: ClaimDeliveries) -> None:
    """Take due deliveries of one target and hide them from others."""
    operation.notices = []
    rows = await commit.rows(_CLAIM, operation.target, operation.now, operation.limit, operation.hidden_until)
    for row in rows:
        delivery = Delivery(*row[:_WIDTH_D])
        delivery.next_at = operation.hidden_until
        event = commit.protection.event(row[_WIDTH_D : _WIDTH_D + _WIDTH_E])
        values = row[_WIDTH_D + _WIDTH_E :]
        operation.notices.append(Notice(delivery, event, Message(*values) if values[0] is not None else None))
