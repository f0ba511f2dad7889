"""What the live page shows, read from the ledger: counts by state, the queue, the last messages and their timelines."""

from typing import Any, Final

from heliograph.core import ids
from heliograph.core.message import LANE_NAMES, MESSAGE_COLUMNS, Message
from heliograph.core.views import message_id, moment
from heliograph.store.port import Ledger

_WINDOW: Final = 10_000  # counts are of so many latest messages: a look must stay cheap, however many are stored
_SHOWN: Final = 12
_COLUMNS: Final = ", ".join(MESSAGE_COLUMNS)


async def live(ledger: Ledger, now: int) -> dict[str, Any]:
    """One look at the gateway."""
    newest = (await ledger.fetch("SELECT coalesce(max(id), 0) FROM messages"))[0][0]
    counts = await ledger.fetch("SELECT state, count(*) FROM messages WHERE id > $1 GROUP BY state", newest - _WINDOW)
    waiting = await ledger.fetch("SELECT lane, count(*), min(due_at) FROM messages WHERE owner = 0 GROUP BY lane")
    rows = await ledger.fetch(f"SELECT {_COLUMNS} FROM messages ORDER BY id DESC LIMIT {_SHOWN}")
    messages = [Message(*row) for row in rows]
    return {
        "at": moment(now),
        "window": _WINDOW,
        "states": dict(counts),
        "queue": [
            {"lane": LANE_NAMES[lane], "waiting": count, "oldest_s": max(0, now - due) // 1000}
            for lane, count, due in waiting
        ],
        "messages": [await _story(ledger, message) for message in messages],
    }


async def _story(ledger: Ledger, m: Message) -> dict[str, Any]:
    events = await ledger.fetch("SELECT seq, type, at FROM events WHERE message = $1 ORDER BY seq", m.id)
    return {
        "id": message_id(m),
        "to": m.to,
        "kind": m.kind,
        "status": m.state,
        "segments": m.segments,
        "events": [
            {"id": ids.make("evt", at, seq), "type": kind, "after_ms": at - m.accepted_at} for seq, kind, at in events
        ],
    }
