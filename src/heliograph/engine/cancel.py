"""Cancel: possible until the hand-over, decided by the row itself."""

import asyncio
from collections.abc import Callable

from heliograph.core.lifecycle import advance
from heliograph.core.message import WAITING, Message
from heliograph.store.port import Ledger, Move, Moves, NewEvent


async def cancel(ledger: Ledger, message: Message, now: int) -> Moves | None:
    """Cancel a message; None when it is too late for that. `lost` in the answer: it left at this very moment."""
    was = message.state
    step = advance(was, "cancel")
    if step.ignored is not None or message.owner != WAITING:
        return None
    message.state, message.owner, message.updated_at, message.final_at = step.state, None, now, now
    assert step.event is not None
    future: asyncio.Future[Moves] = asyncio.get_running_loop().create_future()
    ledger.add(Moves(done=future.set_result, moves=[Move(message, was, (NewEvent(step.event, now),))]))
    return await future


async def take_back(ledger: Ledger, told: Callable[[Moves], None], message: Message, now: int) -> bool:
    """Cancel a message and tell of it; False when it is too late."""
    kept = await cancel(ledger, message, now)
    if kept is None:
        return False
    if kept.error is not None:
        raise kept.error
    if kept.lost:
        return False
    told(kept)
    return True
