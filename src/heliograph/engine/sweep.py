"""What must happen without anybody asking: lost hand-overs, deadlines, missing receipts, retention.

Each sweep takes a bounded batch and says whether there may be more. Sweeps over all messages go by row number from a
watermark that the ledger keeps: every row is looked at once, however many there are. A message that has not ended when
its turn comes, such as one that is scheduled for next month, is looked at again when it must have.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Final, NamedTuple

import msgspec

from heliograph.core import retry
from heliograph.core.lifecycle import advance
from heliograph.core.message import MESSAGE_COLUMNS, OTP, Message, Outcome, Submission
from heliograph.core.request import LONGEST_VALIDITY_MS
from heliograph.engine import clicks, mentions, spending
from heliograph.engine.callbacks import KEEP_MS as CALLBACKS_KEPT_MS
from heliograph.engine.outcomes import not_taken
from heliograph.ports import Chance
from heliograph.store.port import Ledger, Move, Moves, NewEvent

_BATCH: Final = 500
_AT_ONCE: Final = 100  # rows in one statement
_DAY_MS: Final = 86_400_000
_COLUMNS: Final = ", ".join(MESSAGE_COLUMNS)
NO_RECEIPT_MS: Final = 3 * _DAY_MS  # a message of which nothing was heard for so long has expired
_LOST: Final = Outcome("unknown", failure="unknown", code="process_lost")


async def lost_hand_overs(ledger: Ledger, owner: int, now: int, chance: Chance) -> list[Move]:
    """Messages that a dead process was about to submit or had submitted: nobody knows. Their kind's policy decides."""
    rows = await ledger.fetch(
        f"SELECT {_COLUMNS} FROM messages WHERE owner = $1 AND owner > 0 AND state = 'sending' LIMIT {_BATCH}", owner
    )
    messages = [Message(*row) for row in rows]
    return [
        not_taken(Submission(m, m.attempts, m.updated_at), _LOST, m.connector, now, chance.random(), retry.DEFAULT)
        for m in messages
    ]


async def too_late(ledger: Ledger, now: int) -> list[Move]:
    """Messages that still wait although their time is over."""
    rows = await ledger.fetch(
        f"SELECT {_COLUMNS} FROM messages WHERE owner = 0 AND valid_until <= $1 ORDER BY valid_until LIMIT {_BATCH}",
        now,
    )
    return [expire(Message(*row), now, "transient", "too_late") for row in rows]


async def end_unheard(ledger: Ledger, now: int) -> tuple[Moves, bool]:
    """Expire messages that a carrier took long ago and never reported; True: there may be more."""
    old = await _old(ledger, "no_receipt", now - NO_RECEIPT_MS, now)
    unheard = [m for m in old.messages if m.state == "sent" and (m.sent_at or 0) < now - NO_RECEIPT_MS]
    kept = await apply(ledger, [expire(m, now, "unknown", "no_receipt") for m in unheard])
    expired = {m.id for m in unheard}
    early = [m for m in old.messages if m.final_at is None and m.id not in expired]
    await _pass(ledger, "no_receipt", old, {m.id: m.valid_until + NO_RECEIPT_MS for m in early})
    return kept, old.may_be_more


def expire(message: Message, now: int, failure: str, code: str) -> Move:
    """The end of a message whose time is over."""
    was = message.state
    step = advance(was, "expired")
    assert step.event is not None
    message.state, message.owner, message.updated_at, message.final_at = step.state, None, now, now
    message.failure, message.failure_code = failure, code
    data = msgspec.json.encode({"failure": failure, "code": code}).decode()
    return Move(message, was, (NewEvent(step.event, now, data),))


async def redact(ledger: Ledger, now: int, days: int, *, otp: bool = False) -> bool:
    """Forget the bodies of messages older than `days` that have ended; `otp`: those with codes in them alone."""
    name = "otp_bodies" if otp else "bodies"
    old = await _old(ledger, name, now - days * _DAY_MS, now)
    meant = [m for m in old.messages if m.kind == OTP] if otp else old.messages
    ended = [m.id for m in meant if m.final_at is not None]
    async with ledger.transaction() as transaction:
        for some in _slices(ended):
            await transaction.execute(
                f"UPDATE messages SET text = NULL, content = NULL WHERE id IN ({_marks(some)}) "
                "AND (text IS NOT NULL OR content IS NOT NULL)",
                *some,
            )
    early = [m for m in meant if m.final_at is None]
    await _pass(ledger, name, old, {m.id: m.valid_until + NO_RECEIPT_MS + _DAY_MS for m in early})
    return old.may_be_more


async def forget(ledger: Ledger, now: int, days: int) -> bool:
    """Remove messages older than `days` that have ended, with all that belongs to them."""
    oldest = await ledger.fetch(  # rows stand in the order of their time: none is read that is too young
        f"SELECT id, workspace, tags, accepted_at FROM messages WHERE owner IS NULL ORDER BY id LIMIT {_BATCH}"
    )
    rows = list(takewhile(lambda row: row[3] < now - days * _DAY_MS, oldest))
    for some in _slices([row[0] for row in rows]):
        marks = _marks(some)
        async with ledger.transaction() as transaction:  # a short one each: others wait for it
            await transaction.execute(
                "DELETE FROM delivery_failures WHERE delivery IN "
                f"(SELECT id FROM deliveries WHERE message IN ({marks}))",
                *some,
            )
            await clicks.forget(transaction, marks, *some)
            for table in ("deliveries", "events", "attempts", "conversions", "counted", "goals"):
                await transaction.execute(f"DELETE FROM {table} WHERE message IN ({marks})", *some)
            await transaction.execute(f"DELETE FROM messages WHERE id IN ({marks})", *some)
    tags = [(row[1], tag, row[0]) for row in rows if row[2] for tag in msgspec.json.decode(row[2])]
    async with ledger.transaction() as transaction:
        for workspace, tag, number in tags:
            await transaction.execute(
                "DELETE FROM message_tags WHERE workspace = $1 AND tag = $2 AND message = $3", workspace, tag, number
            )
    return len(rows) == _BATCH


async def tidy(ledger: Ledger, now: int) -> None:
    """Remove what has lost its use by time."""
    async with ledger.transaction() as transaction:
        await transaction.execute("DELETE FROM idempotency WHERE expires_at < $1", now)
        await transaction.execute("DELETE FROM tokens WHERE expires_at < $1", now)
        await transaction.execute("DELETE FROM parked_receipts WHERE at < $1", now - NO_RECEIPT_MS)
        await clicks.tidy(transaction, now)
        await mentions.tidy(transaction, now)
        await spending.tidy(transaction, now)
        await transaction.execute("DELETE FROM callbacks WHERE at < $1", now - CALLBACKS_KEPT_MS)
        await transaction.execute("DELETE FROM automatic_replies WHERE done_at < $1", now - LONGEST_VALIDITY_MS)


async def apply(ledger: Ledger, moves: list[Move]) -> Moves:
    """Have moves kept, and wait for it."""
    future: asyncio.Future[Moves] = asyncio.get_running_loop().create_future()
    ledger.add(Moves(done=future.set_result, moves=moves))
    return await future


class _Old(NamedTuple):
    """What is a sweep's turn to look at."""

    messages: list[Message]
    highest: int  # the watermark after them
    may_be_more: bool


async def _old(ledger: Ledger, name: str, before: int, now: int) -> _Old:
    """The next messages that were accepted before a time, and those that were to be looked at again."""
    known = await ledger.fetch("SELECT value FROM watermarks WHERE name = $1", name)
    start = known[0][0] if known else 0
    rows = await ledger.fetch(f"SELECT {_COLUMNS} FROM messages WHERE id > $1 ORDER BY id LIMIT {_BATCH}", start)
    messages = list(takewhile(lambda m: m.accepted_at < before, (Message(*row) for row in rows)))
    again = await ledger.fetch(
        f"SELECT {_COLUMNS} FROM messages WHERE id IN "
        f"(SELECT message FROM revisits WHERE name = $1 AND at <= $2 ORDER BY at LIMIT {_BATCH})",
        name,
        now,
    )
    highest = messages[-1].id if messages else start
    return _Old(
        [*messages, *(Message(*row) for row in again)], highest, len(messages) == _BATCH or len(again) == _BATCH
    )


async def _pass(ledger: Ledger, name: str, old: _Old, again: Mapping[int, int]) -> None:
    """These have been looked at; `again`: message → when to look once more."""
    if not old.messages:
        return
    async with ledger.transaction() as transaction:
        for some in _slices([message.id for message in old.messages]):
            await transaction.execute(
                f"DELETE FROM revisits WHERE name = '{name}' AND message IN ({_marks(some)})", *some
            )
        for number, at in again.items():
            await transaction.execute("INSERT INTO revisits (name, at, message) VALUES ($1, $2, $3)", name, at, number)
        await transaction.execute(
            "INSERT INTO watermarks (name, value) VALUES ($1, $2) "
            "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            name,
            old.highest,
        )


def _slices(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    return (numbers[start : start + _AT_ONCE] for start in range(0, len(numbers), _AT_ONCE))


def _marks(numbers: Sequence[int]) -> str:
    return ", ".join(f"${place}" for place in range(1, len(numbers) + 1))
