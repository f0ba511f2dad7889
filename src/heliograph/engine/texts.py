"""Forgets the text of one message on request; that it was sent, to whom and for how much, stays."""

from heliograph.core.message import Message
from heliograph.engine import audit
from heliograph.store.port import Ledger


async def forget(ledger: Ledger, message: Message, *, actor: str, now: int) -> bool:
    """Was it possible? What has not ended may still need its text."""
    async with ledger.transaction() as transaction:
        rows = await transaction.fetch(
            "UPDATE messages SET text = NULL WHERE id = $1 AND workspace = $2 AND environment = $3 "
            "AND final_at IS NOT NULL AND owner IS NULL RETURNING id",
            *(message.id, message.workspace, message.environment),
        )
        if not rows:
            return False
        message.text = None
        await audit.note(
            transaction,
            workspace=message.workspace,
            actor=actor,
            action="message.redacted",
            object=f"message:{message.id}",
            now=now,
        )
    return True
