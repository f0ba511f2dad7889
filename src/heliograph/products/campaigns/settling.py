"""What a campaign has in the queue follows its state: held while it is paused, let go when it goes on, taken back when
it is stopped. In short steps, so that nobody waits behind a million messages.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from heliograph.core.campaigns import PAUSED, STOPPING
from heliograph.core.lifecycle import advance
from heliograph.core.message import MESSAGE_COLUMNS, WAITING, Message
from heliograph.ports import Clock
from heliograph.products.campaigns import register
from heliograph.products.campaigns.register import Campaign
from heliograph.store.port import Ledger, Move, Moves, NewEvent

HELD: Final = -1  # the owner of what a paused campaign holds back: no claim sees it
_AT_ONCE: Final = 500
_COLUMNS: Final = ", ".join(MESSAGE_COLUMNS)


async def settle(ledger: Ledger, clock: Clock, campaign: Campaign, tell: Callable[[Moves], None]) -> None:
    """Let what waits follow."""
    batches = list((await register.variants(ledger, campaign.id)).values())
    for batch in batches:
        if campaign.state == STOPPING:
            await _take_back(ledger, clock, batch, tell)
        elif campaign.state == PAUSED:
            await _change_owner(ledger, batch, WAITING, HELD)
        else:
            await _change_owner(ledger, batch, HELD, WAITING)
    if campaign.state == STOPPING:
        await register.stopped(ledger, campaign, now=clock.now_ms())
    else:
        await register.settled(ledger, campaign)


async def waits(ledger: Ledger, batches: Sequence[int]) -> bool:
    """Is anything of these still to leave?"""
    marks = ", ".join(f"${place}" for place in range(1, len(batches) + 1))
    rows = await ledger.fetch(
        f"SELECT 1 FROM messages WHERE batch IN ({marks}) AND state IN ('scheduled', 'queued', 'sending') LIMIT 1",
        *batches,
    )
    return bool(rows)


async def _change_owner(ledger: Ledger, batch: int, before: int, after: int) -> None:
    above = 0
    while True:
        async with ledger.transaction() as transaction:
            rows = await transaction.fetch(
                "UPDATE messages SET owner = $4 WHERE owner = $3 AND id IN (SELECT id FROM messages "
                "WHERE batch = $1 AND id > $2 AND owner = $3 ORDER BY id LIMIT $5) RETURNING id",
                *(batch, above, before, after, _AT_ONCE),
            )
        if not rows:
            return
        above = max(row[0] for row in rows)


async def _take_back(ledger: Ledger, clock: Clock, batch: int, tell: Callable[[Moves], None]) -> None:
    above = 0
    while True:
        rows = await ledger.fetch(
            f"SELECT {_COLUMNS} FROM messages WHERE batch = $1 AND id > $2 AND owner IN ({WAITING}, {HELD}) "
            "ORDER BY id LIMIT $3",
            *(batch, above, _AT_ONCE),
        )
        if not rows:
            return
        above = rows[-1][0]
        tell(await _cancel([Message(*row) for row in rows], ledger, clock.now_ms()))


async def _cancel(messages: Sequence[Message], ledger: Ledger, now: int) -> Moves:
    """Those that leave at this very moment stay: the move finds them in another state."""
    moves = []
    for message in messages:
        was, step = message.state, advance(message.state, "cancel")
        if step.ignored is None and step.event is not None:
            message.state, message.owner, message.updated_at, message.final_at = step.state, None, now, now
            moves.append(Move(message, was, (NewEvent(step.event, now),)))
    future: asyncio.Future[Moves] = asyncio.get_running_loop().create_future()
    ledger.add(Moves(done=future.set_result, moves=moves))
    return await future
