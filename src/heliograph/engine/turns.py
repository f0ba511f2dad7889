"""Things that one process at a time may do, each under its lease, for as long as it is renewed."""

from collections.abc import Iterable
from typing import Final

from heliograph.engine import leases
from heliograph.ports import Clock
from heliograph.store.port import Ledger

_MARGIN_MS: Final = 3_000  # before a lease ends its holder lets go: another clock may be ahead of ours


class Turns:
    """Those that this process has."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._ours: frozenset[str] = frozenset()
        self._until = 0

    async def renew(self, names: Iterable[str]) -> None:
        """To be called every `leases.RENEW_MS`, with all that there is."""
        now = self._clock.now_ms()
        self._ours = frozenset(await leases.hold(self._ledger, names, now))
        self._until = now + leases.TTL_MS - _MARGIN_MS

    def has(self, name: str) -> bool:
        return name in self._ours and self._clock.now_ms() < self._until
