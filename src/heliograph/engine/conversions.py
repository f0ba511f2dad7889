"""What followed of a message: a code that was entered, a link that was clicked, an answer.

It proves that the message arrived, which a receipt only claims; routes by quality go by it. Answers by text message are
seen without being told of.
"""

from typing import Final

from heliograph.core.failures import Refusal, Refused
from heliograph.core.message import Message
from heliograph.core.views import moment
from heliograph.store.port import Ledger, Transaction

_AHEAD_MS: Final = 60_000  # so far another clock may be ahead of ours


async def note(ledger: Ledger, message: Message, kind: str, at: int, now: int) -> int:
    """Keep it, once for each kind; what was kept before stays. Answers when it happened. Raises `Refused`."""
    if not message.accepted_at <= at <= now + _AHEAD_MS:
        detail = f"the message was accepted at {moment(message.accepted_at)}; give a time between then and now"
        raise Refused(Refusal("bad_time", detail, "/at"))

    async def write(transaction: Transaction) -> int:
        await keep(transaction, message, kind, at)
        rows = await transaction.fetch(
            "SELECT at FROM conversions WHERE message = $1 AND kind = $2 AND workspace = $3",
            *(message.id, kind, message.workspace),
        )
        found: int = rows[0][0]
        return found

    return await ledger.briefly(write)


async def keep(transaction: Transaction, message: Message, kind: str, at: int) -> None:
    """The same, with what else is to be written."""
    await transaction.execute(
        "INSERT INTO conversions (message, kind, workspace, at) VALUES ($1, $2, $3, $4) "
        "ON CONFLICT (message, kind) DO NOTHING",
        *(message.id, kind, message.workspace, at),
    )
