"""A look into the list of messages that takes no longer however many are stored.

Where no index leads to what is looked for, a look goes back over so many messages and says how far it saw. Who asks for
the next page goes on from there, also when this one has found nothing.
"""

from typing import Final, NamedTuple

import msgspec

from heliograph.core import ids
from heliograph.core.message import Message
from heliograph.core.views import message_id
from heliograph.store import reads
from heliograph.store.port import Ledger
from heliograph.store.reads import MessageFilter, Where

FAR: Final = 200_000  # messages, for a program; a person waits for less


class Look(NamedTuple):
    """What was found. `next`: where the next look begins; `seen_to`: no message was looked at that is older."""

    messages: list[Message]
    next: str | None = None
    seen_to: int | None = None


async def look(ledger: Ledger, where: Where, narrowed: MessageFilter, limit: int, far: int = FAR) -> Look:
    """One page, the newest first."""
    floor = None if is_led(narrowed) else await floor_of(ledger, narrowed, far)
    rows = await reads.list_messages(ledger, where, msgspec.structs.replace(narrowed, above_id=floor), limit + 1)
    messages = rows[:limit]
    if len(rows) > limit:
        return Look(messages, message_id(messages[-1]))
    if floor is None or floor <= 0:
        return Look(messages)
    edge = await ledger.fetch("SELECT accepted_at, id FROM messages WHERE id > $1 ORDER BY id LIMIT 1", floor)
    if not edge or (narrowed.after_ms is not None and edge[0][0] < narrowed.after_ms):
        return Look(messages)
    return Look(messages, ids.make("msg", *edge[0]), edge[0][0])


def is_led(narrowed: MessageFilter) -> bool:
    """Does an index lead to the few that it means?"""
    leads = (narrowed.to, narrowed.correlation_id, narrowed.tag, narrowed.batch)
    return any(lead is not None for lead in leads) or bool(narrowed.batches)


async def floor_of(ledger: Ledger, narrowed: MessageFilter, far: int) -> int:
    """Below which no message is looked at."""
    if narrowed.below_id is not None:
        return narrowed.below_id - far
    return int((await ledger.fetch("SELECT coalesce(max(id), 0) FROM messages"))[0][0]) - far
