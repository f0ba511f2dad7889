"""Keeps the sums up: one process at a time, a few seconds behind the events."""

import asyncio
from typing import Final

import msgspec

from heliograph.engine import leases
from heliograph.engine.insight import rolling
from heliograph.ports import Clock, Unavailable, Watch
from heliograph.store.port import Ledger

LEASE: Final = "insight"
_EVERY_S: Final = 2.0
_BREATH: Final = 3.0  # between two stretches, so many times as long as one took: others have their turn
_THIN_OUT_MS: Final = 3_600_000


class Keeping(msgspec.Struct, frozen=True):
    """For how many days which sums are kept; days stay for ever."""

    minute_days: int = 7
    hour_days: int = 100


class Roller:
    """Rolls while it holds the lease; any other process goes on where this one stopped."""

    def __init__(self, ledger: Ledger, clock: Clock, watch: Watch, keeping: Keeping) -> None:
        self._ledger, self._clock, self._watch, self._keeping = ledger, clock, watch, keeping
        self._thinned_at = 0

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                if await leases.hold(self._ledger, [LEASE], self._clock.now_ms()):
                    await self._go_on()
            except Unavailable:
                pass  # who waits for the ledger tells of it
            except Exception as error:  # the edge of a task: it must live on; the watch raises the alarm
                self._watch.defect(error)
            await asyncio.sleep(_EVERY_S)

    async def _go_on(self) -> None:
        began, last = self._clock.now_ms(), self._clock.monotonic()
        while await rolling.roll(self._ledger, self._clock.now_ms()):
            await asyncio.sleep(_BREATH * (self._clock.monotonic() - last))
            last = self._clock.monotonic()
            if self._clock.now_ms() - began > leases.RENEW_MS:
                return
        if began - self._thinned_at > _THIN_OUT_MS:
            self._thinned_at = began
            await rolling.thin_out(self._ledger, began, self._keeping.minute_days, self._keeping.hour_days)
