"""Waits until what was on its way to a person has left or been answered.

An opt-out holds from its commit: nothing that it covers is handed over in a later one. What an earlier commit handed
over may still be on its way out, here or in another process. Whoever records an opt-out can wait for that, so that
its answer says: from now on nothing more arrives at any carrier.
"""

import asyncio
from collections.abc import Iterable
from typing import Final

from heliograph.ports import Clock
from heliograph.store.port import Ledger

_AT_MOST_S: Final = 3.0  # a carrier that doesn't answer for so long has been given it long ago
_PAUSE_S: Final = 0.01


async def quiet(ledger: Ledger, clock: Clock, workspaces: Iterable[int], number: str) -> None:
    """Until no message of these workspaces to this number is being handed over."""
    for workspace in workspaces:
        await _quiet(ledger, clock, workspace, number)


async def _quiet(ledger: Ledger, clock: Clock, workspace: int, number: str) -> None:
    end = clock.monotonic() + _AT_MOST_S
    pause = _PAUSE_S
    while clock.monotonic() < end:
        rows = await ledger.fetch(
            "SELECT 1 FROM messages WHERE workspace = $1 AND to_number = $2 AND state = 'sending' LIMIT 1",
            *(workspace, number),
        )
        if not rows:
            return
        await asyncio.sleep(pause)
        pause = min(2 * pause, 0.2)
