"""Group commit: operations wait for the commit that carries them.

While one commit is written the next one gathers. When nothing is going on, a commit starts at once; under load it
lingers for up to a millisecond, so that more rows share the price of a flush to disk. A commit that fails as a
whole (disk full, database gone) refuses new work at once and keeps what must not be lost, to try again; an operation
that the ledger rejects by itself fails alone.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from heliograph.ports import Unavailable
from heliograph.store.brief import Brief
from heliograph.store.port import (
    Accept,
    Arrivals,
    Claim,
    ClaimDeliveries,
    Deliveries,
    Moves,
    Operation,
    Receipts,
)

_O = TypeVar("_O", bound=Operation)


ORDER: Final[tuple[type[Operation], ...]] = (
    Accept,
    Moves,
    Receipts,
    Arrivals,
    Claim,
    Deliveries,
    ClaimDeliveries,
    Brief,
)
# Facts about the world: the world won't say them again, so they wait until the ledger can take them.
_KEPT: Final[frozenset[type[Operation]]] = frozenset({Moves, Receipts, Arrivals, Deliveries})
_LINGER_S: Final = 0.001
_LOADED: Final = 24  # a commit of this many operations says that more are on their way
_PAUSE_AFTER_FAILURE_S: Final = 0.5
_PATIENCE_S: Final = 5.0


class Batch:
    """The operations of one commit, by class."""

    def __init__(self) -> None:
        self._by_class: defaultdict[type[Operation], list[Operation]] = defaultdict(list)
        self.size = 0

    def add(self, operation: Operation) -> None:
        self._by_class[type(operation)].append(operation)
        self.size += 1

    def rows(self) -> int:
        """About how much there is to write."""
        return (
            sum(len(accept.messages) for accept in self.of(Accept))
            + sum(len(moves.moves) for moves in self.of(Moves))
            + sum(len(receipts.receipts) for receipts in self.of(Receipts))
            + sum(share.limit for claim in self.of(Claim) for share in claim.shares)
            + sum(len(deliveries.results) for deliveries in self.of(Deliveries))
            + sum(due.limit for due in self.of(ClaimDeliveries))
        )

    def of(self, cls: type[_O]) -> list[_O]:
        return self._by_class[cls]  # type: ignore[return-value]

    def __iter__(self) -> Iterator[Operation]:
        for cls in ORDER:
            yield from self._by_class[cls]


class GroupCommit:
    """Gathers operations and has them written, one commit at a time.

    `write` starts a commit and must lead to exactly one call of `finished` on the event loop.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        write: Callable[[Batch], None],
        report: Callable[[Exception], None],
    ) -> None:
        self._loop = loop
        self._write = write
        self._report = report
        self._gathering = Batch()
        self._busy = False
        self._planned = False
        self._loaded = False
        self._idle: asyncio.Future[None] | None = None

    def add(self, operation: Operation) -> None:
        self._gathering.add(operation)
        if not self._busy and not self._planned:
            self._plan(_LINGER_S if self._loaded else 0)

    def _plan(self, delay: float) -> None:
        self._planned = True
        if delay:
            self._loop.call_later(delay, self._begin)
        else:
            self._loop.call_soon(self._begin)

    def _begin(self) -> None:
        self._planned = False
        batch, self._gathering = self._gathering, Batch()
        self._busy = True
        self._write(batch)

    def refuse_gathered(self, error: Exception) -> None:
        """Nobody knows when the next commit will be: what need not be kept hears of it now."""
        gathered, self._gathering = self._gathering, Batch()
        for operation in gathered:
            if type(operation) in _KEPT:
                self._gathering.add(operation)
            else:
                operation.error = error
                self._tell(operation)

    def _tell(self, operation: Operation) -> None:
        try:
            operation.done(operation)
        except Exception as defect:  # one broken call-back must not silence the others of its commit
            self._report(defect)

    def finished(self, batch: Batch, error: Exception | None = None) -> None:
        """The commit is on disk, or failed as a whole with `error` (operations may also have failed by themselves)."""
        self._busy = False
        self._loaded = batch.size >= _LOADED
        if error is not None:
            self._report(error)
            self._give_back(batch, error)
        for operation in batch:
            self._tell(operation)
        if self._gathering.size:
            if not self._planned:
                self._plan(_PAUSE_AFTER_FAILURE_S if error else 0)
        elif self._idle is not None and not self._idle.done():
            self._idle.set_result(None)

    def _give_back(self, batch: Batch, error: Exception) -> None:
        """Keep what must be written later; the rest hears of the failure."""
        later, self._gathering = self._gathering, Batch()
        for operation in batch:
            if type(operation) in _KEPT:
                self._gathering.add(operation)
            else:
                operation.error = error
        for cls in _KEPT:
            batch.of(cls).clear()
        for operation in later:
            self._gathering.add(operation)

    async def drained(self, patience_s: float = _PATIENCE_S) -> None:
        """Wait until everything that was handed over is written. After `patience_s` what is left is given up, and that
        is reported: it is as if we had been killed, and recovered from in the same way."""
        end = self._loop.time() + patience_s
        while self._busy or self._planned or self._gathering.size:
            self._idle = self._loop.create_future()
            await asyncio.wait((self._idle,), timeout=end - self._loop.time())
            if not self._idle.done():
                self._report(Unavailable("stopped before everything was written; the next start takes over"))
                return
