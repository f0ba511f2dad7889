"""The connectors that this process holds by lease: opened while a lease is ours, closed when it is no longer."""

import asyncio
from collections.abc import Callable, Mapping

from heliograph.carriers.port import Carrier
from heliograph.core import retry
from heliograph.core.decide import SANDBOX
from heliograph.engine import leases
from heliograph.engine.dispatch import Link
from heliograph.engine.dispatching import Desk
from heliograph.engine.paces import Paces
from heliograph.engine.specs import ConnectorSpec
from heliograph.ports import Clock, Watch
from heliograph.store.port import Ledger


class Connectors:
    """Opens and closes them; whoever needs one finds its link in `links`."""

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        watch: Watch,
        links: dict[str, Link],
        build_carrier: Callable[[ConnectorSpec], Carrier],
        desk: Desk,
        paces: Paces,
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._watch = watch
        self._links = links
        self._build_carrier = build_carrier
        self._desk = desk
        self._paces = paces
        self._specs: dict[str, ConnectorSpec] = {}

    async def own(self, wanted: Mapping[str, ConnectorSpec]) -> None:
        """Open the connectors whose lease is ours; close those that are no longer ours, changed or gone."""
        ours = await leases.hold(self._ledger, (f"connector:{name}" for name in wanted), self._clock.now_ms())
        for name in list(self._links):
            if f"connector:{name}" not in ours or self._specs.get(name) != wanted.get(name):
                link = self._links.pop(name)
                link.up = False
                await link.carrier.stop(5.0)
        for name, spec in wanted.items():
            if f"connector:{name}" in ours and name not in self._links:
                await self._open(spec)

    async def _open(self, spec: ConnectorSpec) -> None:
        try:
            carrier = self._build_carrier(spec)
        except Exception as error:  # one bad connector must not keep the others from opening
            self._watch.defect(error)
            return
        link = Link(
            spec.name,
            carrier,
            self._desk,
            window=carrier.window or spec.window,
            segments_per_second=spec.max_segments_per_second,
            policy=retry.DEFAULT,
            paces=None if spec.kind == SANDBOX else self._paces,
        )
        self._links[spec.name], self._specs[spec.name] = link, spec
        await carrier.start(link)

    async def stop(self, grace_s: float) -> None:
        """Take nothing new; each has so long to finish what is in flight."""
        for link in self._links.values():
            link.up = False
        await asyncio.gather(*(link.carrier.stop(grace_s) for link in self._links.values()))
