"""Tells of persons who have waited too long: once for each question, whichever process finds it first."""

from typing import Final

from heliograph.core.conversations import WAITING
from heliograph.engine.conversations import threads
from heliograph.engine.conversations.replies import OURSELVES
from heliograph.engine.conversations.threads import COLUMNS, Thread
from heliograph.store.port import Ledger

_BATCH: Final = 200
_ACTOR: Final = "target"
_ALL: Final = ", ".join(COLUMNS)


async def sweep(ledger: Ledger, now: int) -> None:
    """Escalate what is due."""
    rows = await ledger.fetch(
        f"SELECT {_ALL} FROM conversations WHERE escalate_at <= $1 ORDER BY escalate_at LIMIT {_BATCH}", now
    )
    for row in rows:
        await _escalate(ledger, Thread(*row), now)


async def _escalate(ledger: Ledger, seen: Thread, now: int) -> None:
    """By a compare-and-set: the time that was seen must still stand."""
    async with ledger.transaction() as transaction:
        rows = await transaction.fetch(
            f"UPDATE conversations SET escalate_at = NULL WHERE id = $1 AND escalate_at = $2 RETURNING {_ALL}",
            *(seen.id, seen.escalate_at),
        )
        if not rows:
            return
        thread = Thread(*rows[0])
        answered = await transaction.fetch(  # by an application, which knows nothing of conversations
            "SELECT 1 FROM messages WHERE workspace = $1 AND environment = $2 AND to_number = $3 AND sender = $4 "
            f"AND client <> {OURSELVES} AND attempts > 0 AND accepted_at >= $5 LIMIT 1",
            *(thread.workspace, thread.environment, thread.number, thread.sender, thread.asked_at),
        )
        thread.updated_at = now
        if answered:
            data = threads.changed(state=(thread.state, WAITING))
            thread.state, thread.asked_at = WAITING, None
            await threads.enter(transaction, thread, "state", "application", now, data)
        else:
            assert thread.asked_at is not None and seen.escalate_at is not None
            data = {"team": thread.team, "waited_ms": now - thread.asked_at}
            await threads.enter(transaction, thread, "escalated", _ACTOR, now, data)
            told = threads.event(thread, "escalated", now, {"waited_ms": now - thread.asked_at})
            await transaction.record(thread.workspace, thread.environment, [told])
        await threads.keep(transaction, thread)
