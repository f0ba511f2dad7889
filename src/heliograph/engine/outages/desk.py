"""Notices that all ways of a workspace are shut, tells of it, has its plan kept, and notices that it is over.

Each process says which of its connectors are shut; one of them decides, for all workspaces that have a plan. While
nothing is shut that is one small question a second.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from heliograph.core.decide import SANDBOX
from heliograph.core.outages import Shut, begins, is_over, shut_ways
from heliograph.engine import leases
from heliograph.engine.declared import Realm, Snapshot
from heliograph.engine.outages import register
from heliograph.engine.outages.acting import Acting
from heliograph.engine.outages.register import Outage
from heliograph.engine.ways import Ways
from heliograph.ports import Clock, Unavailable, Watch
from heliograph.store.port import Ledger

LEASE: Final = "outages"
_EVERY_S: Final = 1.0


class OutageDesk:
    """The outages of one process."""

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        watch: Watch,
        snapshot: Callable[[], Snapshot],
        ways: Ways,
        acting: Acting,
    ) -> None:
        self._ledger, self._clock, self._watch, self._snapshot = ledger, clock, watch, snapshot
        self._ways, self._acting = ways, acting
        self._said: frozenset[tuple[str, str]] | None = None
        self._ours: set[str] = set()
        self._leads_until = 0
        self.open: list[Outage] = []

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self._look()
            except Unavailable:
                pass  # who waits for the ledger tells of it
            except Exception as error:  # the edge of a task: it must live on; the watch raises the alarm
                self._watch.defect(error)
            await asyncio.sleep(_EVERY_S)

    async def _look(self) -> None:
        await self._publish()
        self.open = await register.open_ones(self._ledger)
        if await self._leads():
            await self.look()
        out: dict[tuple[int, str], frozenset[str]] = {}
        for outage in self.open:
            for name in outage.way:
                key = outage.environment, name
                out[key] = out.get(key, frozenset()) | {outage.country}
        self._ways.out = out

    async def _publish(self) -> None:
        ours, shut = self._ways.ours(), self._ways.shut()
        if ours != self._ours:
            self._ours, self._said = ours, None  # one that came to us may have been shut elsewhere
        self._said = await register.publish(self._ledger, ours, self._said, shut)

    async def _leads(self) -> bool:
        now = self._clock.now_ms()
        if now >= self._leads_until:
            ours = await leases.hold(self._ledger, [LEASE], now)
            self._leads_until = now + leases.RENEW_MS if ours else 0
        return bool(self._leads_until)

    async def look(self) -> None:
        """At everything, once."""
        shut = await register.shut(self._ledger)
        if not shut and not self.open:
            return
        now = self._clock.now_ms()
        realms = self._snapshot().realms
        known = {outage.key: outage for outage in self.open}
        seen: set[tuple[int, tuple[str, ...], str]] = set()
        for realm in realms.values():
            policy = realm.policies.outage
            if policy is None:
                continue
            for (way, country), why in shut_ways(_ways_of(realm), shut).items():
                key = realm.id, way, country
                seen.add(key)
                if key not in known and begins(why, now, policy):
                    self.open.append(await self._begin(realm, way, country, why, now))
        for outage in list(self.open):
            await self._step(outage, realms, outage.key in seen, now)

    async def _begin(self, realm: Realm, way: tuple[str, ...], country: str, why: Shut, now: int) -> Outage:
        outage = await register.begin(self._ledger, realm.workspace, realm.id, way, country, why, now)
        self._watch.note("outage_began", workspace=realm.workspace_name, environment=realm.name, connectors=way)
        return outage

    async def _step(self, outage: Outage, realms: Mapping[int, Realm], is_bad: bool, now: int) -> None:
        realm = realms.get(outage.environment)
        policy = None if realm is None else realm.policies.outage
        was = outage.fine_since, outage.held, outage.moved, outage.failed
        outage.fine_since = None if is_bad else outage.fine_since or now
        if realm is None or policy is None or is_over(outage.fine_since, now, policy):
            await self._acting.release(outage, now)
            await register.end(self._ledger, outage, now)
            self.open.remove(outage)
            self._watch.note("outage_ended", environment=outage.environment, connectors=outage.way)
            return
        await self._acting.act(outage, realm, policy, now)
        if was != (outage.fine_since, outage.held, outage.moved, outage.failed):
            await register.keep(self._ledger, outage)

    def gauge(self) -> Iterator[tuple[tuple[str, ...], float]]:
        """How many outages there are."""
        yield (), float(len(self.open))


def _ways_of(realm: Realm) -> list[tuple[str, ...]]:
    """The ways that messages of an environment may take."""
    rules = realm.rules
    ways = [tuple(name for name in route.via if name in rules.connectors) for route in rules.routes]
    if rules.mode == "test":
        ways = [way for way in ways if all(rules.connectors[name].kind == SANDBOX for name in way)]
        ways.append((SANDBOX,))
    return [way for way in ways if way]
