"""Writes commits on PostgreSQL: one connection, one commit at a time, whatever happens to the database.

Nothing is doubled and nothing is believed lost that was kept:
- The connection breaks before COMMIT was sent: the server rolls back, nothing has happened. The commit is written
  again on a new connection.
- It breaks while COMMIT is under way: nobody can tell by looking at the rows. The server can: it is asked by the
  transaction's number (`pg_xact_status`) as soon as it answers again, and until then the commit is neither finished
  nor repeated. Doing otherwise would leave messages in `sending` that nobody hands over, or write facts twice.
- The database stays away: whoever waits for an answer gets `Unavailable`, and the group commit keeps the rest.
- An operation that the ledger rejects fails alone: the commit is written again with each in a savepoint of its own.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from heliograph.ports import Unavailable
from heliograph.store.batch import Batch
from heliograph.store.port import (
    Accept,
    Arrivals,
    Claim,
    ClaimDeliveries,
    Deliveries,
    Moves,
    Receipts,
    Subscribers,
)
from heliograph.store.postgres import deliveries, messages, receipts
from heliograph.store.postgres import moves as going
from heliograph.store.postgres.commit import Commit, begin
from heliograph.store.postgres.connection import Connection, close, connect, is_trouble, unavailable
from heliograph.store.protection import Protection

_TRIES: Final = 3
_FIRST_PAUSE_S: Final = 0.02
_LONGEST_PAUSE_S: Final = 1.0


class _Trouble(Exception):
    """The database could not take this commit; nothing of it was kept."""


class Writer:
    """Owns the connection of the hot statements."""

    def __init__(self, url: str, now_ms: Callable[[], int], report: Callable[[Exception], None]) -> None:
        self.subscribers: Subscribers = lambda environment, event_type, message: ()
        self.protection = Protection()
        self.in_doubt = False  # a commit's outcome is not known; nothing can be written until it is
        self.doubts: Callable[[], None] = lambda: None  # told when that begins
        self._url = url
        self._now_ms = now_ms
        self._report = report
        self._connection: Connection | None = None

    async def connected(self) -> Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await connect(self._url, hot=True)
        return self._connection

    def is_own(self, process: int) -> bool:
        """Is this the server process of our connection?"""
        return self._connection is not None and self._connection.get_server_pid() == process

    async def close(self) -> None:
        if self._connection is not None:
            await close(self._connection)

    async def write(self, batch: Batch) -> None:
        """Write one commit; raises Unavailable when nothing of it was kept."""
        trouble: BaseException | None = None
        for _ in range(_TRIES):
            try:
                await self._try(batch)
            except _Trouble as reason:
                trouble = reason.__cause__
            else:
                return
        assert trouble is not None
        raise unavailable(trouble)

    async def _try(self, batch: Batch) -> None:
        connection = await self.connected()
        try:
            commit = await self._apply(connection, batch)
        except Exception as error:  # sorted here, so that nobody else need know asyncpg's errors
            self._drop(connection)
            if is_trouble(error, connection):
                raise _Trouble from error
            raise
        try:
            await commit.finish()
        except Exception as error:  # sorted as above; what the server refused at COMMIT was rolled back
            self._drop(connection)
            if not is_trouble(error, connection):
                raise
            if not await self._was_committed(commit.xid):
                raise _Trouble from error

    async def _apply(self, connection: Connection, batch: Batch) -> Commit:
        commit = await begin(connection, self._now_ms(), self.subscribers, self.protection)
        try:
            await apply(commit, batch)
        except Exception as error:  # an operation may bring any: its judge, its values, its constraint
            if is_trouble(error, connection):
                raise
            self._report(error)
            await connection.execute("ROLLBACK")
            commit = await begin(connection, self._now_ms(), self.subscribers, self.protection)
            await self._apply_each(commit, batch)
        return commit

    async def _apply_each(self, commit: Commit, batch: Batch) -> None:
        for operation in batch:
            alone = Batch()
            alone.add(operation)
            operation.error = None
            await commit.connection.execute("SAVEPOINT operation")
            try:
                await apply(commit, alone)
            except Exception as error:  # as above; this is the one, and it fails alone
                if is_trouble(error, commit.connection):
                    raise
                operation.error = error
                commit.forget()
                await commit.connection.execute("ROLLBACK TO operation")
            await commit.connection.execute("RELEASE operation")

    def _drop(self, connection: Connection) -> None:
        connection.terminate()
        self._connection = None

    async def _was_committed(self, xid: str) -> bool:
        self.in_doubt = True
        self.doubts()
        pause = _FIRST_PAUSE_S
        try:
            while (status := await self._status(xid)) is None:
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_S)
        finally:
            self.in_doubt = False
        return status == "committed"

    async def _status(self, xid: str) -> str | None:
        """What became of a transaction; None while nobody can say."""
        try:
            connection = await self.connected()
            status: str | None = await connection.fetchval("SELECT pg_xact_status($1::text::xid8)", xid)
        except Unavailable:
            return None
        except Exception as error:  # sorted by is_trouble
            if not is_trouble(error, self._connection):
                raise
            return None
        return None if status == "in progress" else status or "forgotten"


async def apply(commit: Commit, batch: Batch) -> None:
    """Apply all operations of one commit, in their order."""
    if accepts := batch.of(Accept):
        await messages.accept(commit, accepts)
    if moves := batch.of(Moves):
        await going.answer(commit, moves)
    if reports := batch.of(Receipts):
        await receipts.receive(commit, reports)
    if arrivals := batch.of(Arrivals):
        await receipts.arrive(commit, arrivals)
    for claim in batch.of(Claim):
        await messages.claim(commit, claim)
    if results := batch.of(Deliveries):
        await deliveries.deliver(commit, results)
    await commit.tell()
    for due in batch.of(ClaimDeliveries):
        await deliveries.claim_deliveries(commit, due)
