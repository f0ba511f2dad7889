"""How the engine stands right now: what waits and for how long, which links are up. Looked up now and then, so that
asking costs nothing."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Final

from heliograph.core.message import LANE_NAMES
from heliograph.engine.gateway import Gateway
from heliograph.ports import Clock

Reading = Iterator[tuple[tuple[str, ...], float]]

_LOOK_EVERY_S: Final = 5.0


class Standing:
    """What gauges ask."""

    def __init__(self, gateway: Gateway, clock: Clock, report: Callable[[BaseException], None]) -> None:
        self._gateway = gateway
        self._report = report
        self._clock = clock
        self._lanes: dict[int, tuple[int, int]] = {}  # lane → how many wait, since when the oldest is due

    async def run(self) -> None:
        """Look at the queue every few seconds, until cancelled."""
        while True:
            try:
                await self._look()
            except Exception as error:  # the task must live on; the watch raises the alarm
                self._report(error)
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _look(self) -> None:
        rows = await self._gateway.ledger.fetch(
            "SELECT lane, count(*), min(due_at) FROM messages WHERE owner = 0 AND due_at <= $1 GROUP BY lane",
            self._clock.now_ms(),
        )
        self._lanes = {lane: (count, oldest) for lane, count, oldest in rows}

    def waiting(self) -> Reading:
        for lane, name in enumerate(LANE_NAMES):
            yield (name,), self._lanes.get(lane, (0, 0))[0]

    def oldest_s(self) -> Reading:
        now = self._clock.now_ms()
        for lane, name in enumerate(LANE_NAMES):
            yield (name,), max(0, now - self._lanes[lane][1]) / 1000 if lane in self._lanes else 0.0

    def links_up(self) -> Reading:
        for name, link in self._gateway.links.items():
            yield (name,), float(link.up)

    def links_in_flight(self) -> Reading:
        for name, link in self._gateway.links.items():
            yield (name,), link.in_flight

    def webhooks_in_flight(self) -> Reading:
        yield (), self._gateway.notify.in_flight

    def receipts_parked(self) -> Reading:
        yield (), self._gateway.receipts.parked
