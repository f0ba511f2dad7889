"""Writes commits on SQLite: their operations, applied in the writer thread.

Rows of one kind go in together, by one `executemany` a table: what costs is the statement, not the row. Everything
here runs inside one transaction that the ledger begins and ends.
"""

from collections.abc import Callable

import apsw

from heliograph.store.batch import Batch
from heliograph.store.port import Accept, Arrivals, Claim, ClaimDeliveries, Deliveries, Moves, Receipts
from heliograph.store.sqlite import deliveries, messages, receipts
from heliograph.store.sqlite import moves as going
from heliograph.store.sqlite.commit import Commit


class Writer:
    """Applies operations, one commit after the other."""

    def __init__(self, connection: apsw.Connection, now_ms: Callable[[], int]) -> None:
        self.commit = Commit(connection, now_ms)

    def apply(self, batch: Batch) -> None:
        """Apply all operations of one commit, in their order."""
        commit = self.commit
        commit.forget()
        if accepts := batch.of(Accept):
            messages.accept(commit, accepts)
        if moves := batch.of(Moves):
            going.answer(commit, moves)
        if reports := batch.of(Receipts):
            receipts.receive(commit, reports)
        for arrivals in batch.of(Arrivals):
            receipts.arrive(commit, arrivals)
        for claim in batch.of(Claim):
            messages.claim(commit, claim)
        if results := batch.of(Deliveries):
            deliveries.deliver(commit, results)
        commit.tell()
        for due in batch.of(ClaimDeliveries):
            deliveries.claim_deliveries(commit, due)
