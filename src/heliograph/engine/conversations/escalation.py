"""Tells of persons who have waited too long: once for each question, whichever process finds it first."""

from typing import Final

from heliograph.core.conversations import WAITING
from heliograph.core.views import moment
from heliograph.engine import mail
from heliograph.engine.conversations import threads
from heliograph.engine.conversations.replies import OURSELVES
from heliograph.engine.conversations.threads import COLUMNS, Thread
from heliograph.engine.declared import Snapshot
from heliograph.store.port import Ledger, Transaction

_BATCH: Final = 200
_ACTOR: Final = "target"
_ALL: Final = ", ".join(COLUMNS)


async def sweep(ledger: Ledger, snapshot: Snapshot, now: int) -> None:
    """Escalate what is due."""
    rows = await ledger.fetch(
        f"SELECT {_ALL} FROM conversations WHERE escalate_at <= $1 ORDER BY escalate_at LIMIT {_BATCH}", now
    )
    for row in rows:
        await _escalate(ledger, snapshot, Thread(*row), now)


async def _escalate(ledger: Ledger, snapshot: Snapshot, seen: Thread, now: int) -> None:
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
            await _write(transaction, snapshot, thread, now)
        await threads.keep(transaction, thread)


async def _write(transaction: Transaction, snapshot: Snapshot, thread: Thread, now: int) -> None:
    """An e-mail to whom the team's policy names. It tells which question, not what was asked, nor by whom."""
    realm = snapshot.realms.get(thread.environment)
    team = realm.policies.conversations.teams.get(thread.team or "") if realm is not None else None
    if team is None or team.escalate_to is None or thread.asked_at is None:
        return
    minutes = max(1, (now - thread.asked_at) // 60_000)
    text = (
        f"Nobody has answered the conversation {threads.public_id(thread)} for {minutes} minutes.\n\n"
        f"Team: {thread.team}\nAsked at: {moment(thread.asked_at)}\nPromised: within {team.first_answer_within}\n"
    )
    subject = f"{thread.team}: a question has waited for {minutes} minutes"
    await mail.write(transaction, thread.workspace, thread.environment, team.escalate_to, subject, text, now)
