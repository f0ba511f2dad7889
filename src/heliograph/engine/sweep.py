"""What must happen without anybody asking: lost hand-overs, deadlines, missing receipts, retention.

Each sweep takes a bounded batch and says whether there may be more. Sweeps over all messages go by row number from a
watermark that the ledger keeps: every row is looked at once, however many there are.
"""

import asyncio
from typing import Final

import msgspec

from heliograph.core import retry
from heliograph.core.lifecycle import advance
from heliograph.core.message import MESSAGE_COLUMNS, Message, Outcome, Submission
from heliograph.engine.outcomes import not_taken
from heliograph.ports import Chance
from heliograph.store.port import Ledger, Move, Moves, NewEvent

_BATCH: Final = 500
_COLUMNS: Final = ", ".join(MESSAGE_COLUMNS)
NO_RECEIPT_MS: Final = 3 * 86_400_000  # a message of which nothing was heard for so long has expired
_LOST: Final = Outcome("unknown", failure="unknown", code="process_lost")


async def lost_hand_overs(ledger: Ledger, owner: int, now: int, chance: Chance) -> list[Move]:
    """Messages that a dead process was about to submit or had submitted: nobody knows. Their kind's policy decides."""
    rows = await ledger.fetch(
        f"SELECT {_COLUMNS} FROM messages WHERE owner = $1 AND owner > 0 AND state = 'sending' LIMIT {_BATCH}", owner
    )
    messages = [Message(*row) for row in rows]
    return [
        not_taken(Submission(m, m.attempts), _LOST, m.connector, now, chance.random(), retry.DEFAULT) for m in messages
    ]


async def too_late(ledger: Ledger, now: int) -> list[Move]:
    """Messages that still wait although their time is over."""
    rows = await ledger.fetch(
        f"SELECT {_COLUMNS} FROM messages WHERE owner = 0 AND valid_until <= $1 ORDER BY valid_until LIMIT {_BATCH}",
        now,
    )
    return [expire(Message(*row), now, "transient", "too_late") for row in rows]


async def end_unheard(ledger: Ledger, now: int) -> Moves:
    """Expire messages that a carrier took long ago and never reported."""
    rows = await _next_rows(ledger, "no_receipt", now - NO_RECEIPT_MS)
    kept = await apply(ledger, [expire(m, now, "unknown", "no_receipt") for m in rows if m.state == "sent"])
    await _move_watermark(ledger, "no_receipt", rows)
    return kept


def expire(message: Message, now: int, failure: str, code: str) -> Move:
    """The end of a message whose time is over."""
    was = message.state
    step = advance(was, "expired")
    assert step.event is not None
    message.state, message.owner, message.updated_at, message.final_at = step.state, None, now, now
    message.failure, message.failure_code = failure, code
    data = msgspec.json.encode({"failure": failure, "code": code}).decode()
    return Move(message, was, (NewEvent(step.event, now, data),))


async def redact(ledger: Ledger, now: int, days: int) -> bool:
    """Forget the bodies of messages older than `days`."""
    rows = await _next_rows(ledger, "bodies", now - days * 86_400_000)
    if rows:
        low, high = rows[0].id, rows[-1].id
        async with ledger.transaction() as transaction:
            await transaction.execute(
                "UPDATE messages SET text = NULL WHERE id BETWEEN $1 AND $2 AND text IS NOT NULL", low, high
            )
    await _move_watermark(ledger, "bodies", rows)
    return len(rows) == _BATCH


async def forget(ledger: Ledger, now: int, days: int) -> bool:
    """Remove messages older than `days` that have ended, with all that belongs to them."""
    before = now - days * 86_400_000
    rows = await ledger.fetch(
        f"SELECT id FROM messages WHERE accepted_at < $1 AND owner IS NULL ORDER BY id LIMIT {_BATCH}", before
    )
    ids = [row[0] for row in rows]
    async with ledger.transaction() as transaction:
        for number in ids:
            for table in ("deliveries", "events", "attempts", "message_tags"):
                await transaction.execute(f"DELETE FROM {table} WHERE message = $1", number)
            await transaction.execute("DELETE FROM messages WHERE id = $1", number)
    return len(ids) == _BATCH


async def tidy(ledger: Ledger, now: int) -> None:
    """Remove what has lost its use by time."""
    async with ledger.transaction() as transaction:
        await transaction.execute("DELETE FROM idempotency WHERE expires_at < $1", now)
        await transaction.execute("DELETE FROM tokens WHERE expires_at < $1", now)
        await transaction.execute("DELETE FROM parked_receipts WHERE at < $1", now - NO_RECEIPT_MS)


async def apply(ledger: Ledger, moves: list[Move]) -> Moves:
    """Have moves kept, and wait for it."""
    future: asyncio.Future[Moves] = asyncio.get_running_loop().create_future()
    ledger.add(Moves(done=future.set_result, moves=moves))
    return await future


async def _next_rows(ledger: Ledger, watermark: str, before: int) -> list[Message]:
    known = await ledger.fetch("SELECT value FROM watermarks WHERE name = $1", watermark)
    start = known[0][0] if known else 0
    rows = await ledger.fetch(f"SELECT {_COLUMNS} FROM messages WHERE id > $1 ORDER BY id LIMIT {_BATCH}", start)
    messages = []
    for row in rows:
        message = Message(*row)
        if message.accepted_at >= before:
            break
        messages.append(message)
    return messages


async def _move_watermark(ledger: Ledger, name: str, rows: list[Message]) -> None:
    if rows:
        async with ledger.transaction() as transaction:
            await transaction.execute(
                "INSERT INTO watermarks (name, value) VALUES ($1, $2) "
                "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                name,
                rows[-1].id,
            )
