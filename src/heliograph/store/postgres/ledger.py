"""The ledger on PostgreSQL: any number of processes on any number of machines, nothing else between them.

Hot operations go through one connection, in commits (see `writer`); cold statements share a small pool.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from functools import partial
from typing import Any, Final, TypeVar

from heliograph.core.chain import Noted
from heliograph.core.message import Event, Message
from heliograph.ports import Unavailable
from heliograph.store import chain, migrate
from heliograph.store.batch import Batch, GroupCommit
from heliograph.store.port import (
    Accept,
    Again,
    Backlog,
    Claim,
    ClaimDeliveries,
    NewEvent,
    Notice,
    Operation,
    Row,
    Statement,
    Subscribers,
    Transaction,
)
from heliograph.store.postgres.commit import CHANNEL, columns, within
from heliograph.store.postgres.connection import (
    Connection,
    Pool,
    PostgresMigratable,
    close,
    connect,
    connect_pool,
    dialect,
    is_trouble,
    unavailable,
)
from heliograph.store.postgres.listener import Listener
from heliograph.store.postgres.numbers import Numbers
from heliograph.store.postgres.writer import Writer
from heliograph.store.protection import Protection

_T = TypeVar("_T")
_KINDS: Final = ("message", "decision", "batch", "inbound")
_IN_DOUBT: Final = "the ledger has lost its database in mid-commit"
_BLOCKS: Final = "SELECT " + ", ".join(f"nextval('{kind}_ids')" for kind in _KINDS)
_RENEW_S: Final = 5.0
# One step for each (lane, workspace), however many rows wait.
_BACKLOG: Final = (
    "WITH RECURSIVE heads (lane, workspace) AS ("
    "(SELECT lane, workspace FROM messages WHERE owner = 0 AND connector = $1 ORDER BY lane, workspace LIMIT 1) "
    "UNION ALL "
    "SELECT n.lane, n.workspace FROM heads h CROSS JOIN LATERAL (SELECT lane, workspace FROM messages WHERE owner = 0 "
    "AND connector = $1 AND (lane, workspace) > (h.lane, h.workspace) ORDER BY lane, workspace LIMIT 1) n"
    ") SELECT lane, workspace FROM heads h WHERE EXISTS (SELECT 1 FROM messages d WHERE d.owner = 0 "
    "AND d.connector = $1 AND d.lane = h.lane AND d.workspace = h.workspace AND d.due_at <= $2)"
)
_DUE_TARGETS: Final = (
    "WITH RECURSIVE heads (target) AS ("
    "(SELECT target FROM deliveries WHERE state = 'pending' ORDER BY target LIMIT 1) "
    "UNION ALL "
    "SELECT n.target FROM heads h CROSS JOIN LATERAL (SELECT target FROM deliveries WHERE state = 'pending' "
    "AND target > h.target ORDER BY target LIMIT 1) n"
    ") SELECT target FROM heads h WHERE EXISTS (SELECT 1 FROM deliveries d WHERE d.state = 'pending' "
    "AND d.target = h.target AND d.next_at <= $1)"
)
# Transactions commit in another order than they begin. Whatever is older than the oldest one still open is complete.
_EVENTS_AFTER: Final = (
    f"SELECT xid::text, {', '.join(Event.__struct_fields__)} FROM events "
    "WHERE (xid, seq) > ($1::text::xid8, $2) AND xid < pg_snapshot_xmin(pg_current_snapshot()) "
    "ORDER BY events.xid, seq LIMIT $3"
)
_STRETCH: Final = (
    "SELECT xid::text, seq FROM (SELECT xid, seq FROM events WHERE (xid, seq) > ($1::text::xid8, $2) "
    "AND xid < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY xid, seq LIMIT $3) s ORDER BY s.xid DESC, seq DESC "
    "LIMIT 1"
)
_REDELIVER: Final = (
    "INSERT INTO deliveries "
    "(event, workspace, environment, message, endpoint, target, state, tries, next_at, created_at, "
    "replay) SELECT v.*, 'pending', 0, $7, $7, 1 FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], "
    "$5::bigint[], $6::text[]) v"
)


class PostgresLedger:
    """A ledger at work (see `store.port.Ledger`)."""

    process: int = 0
    is_alone: bool = False

    def __init__(self, url: str, pool: Pool, now_ms: Callable[[], int], report: Callable[[Exception], None]) -> None:
        self._url = url
        self._pool = pool
        self._now_ms = now_ms
        self._loop = asyncio.get_running_loop()
        self._writer = Writer(url, now_ms, report)
        self._group = GroupCommit(self._loop, self._begin, report)
        self._writer.doubts = lambda: self._group.refuse_gathered(Unavailable(_IN_DOUBT))
        self._commit: asyncio.Task[None] | None = None
        self._numbers: dict[str, Numbers] = {}
        self._renewing: asyncio.Task[None] | None = None
        self._listener: Listener | None = None
        self._told: Callable[[list[Notice]], None] = lambda notices: None

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        now_ms: Callable[[], int],
        report: Callable[[Exception], None],
        migrations: bool = True,
    ) -> "PostgresLedger":
        """Connect, and bring the schema up to date."""
        if migrations:
            connection = await connect(url)
            try:
                await migrate.up(PostgresMigratable(connection), "postgres")
            finally:
                await connection.close()
        ledger = cls(url, await connect_pool(url), now_ms, report)
        for kind in _KINDS:
            ledger._numbers[kind] = Numbers(partial(ledger._block, kind), await ledger._block(kind))
        return ledger

    @property
    def subscribers(self) -> Subscribers:
        return self._writer.subscribers

    @subscribers.setter
    def subscribers(self, value: Subscribers) -> None:
        self._writer.subscribers = value

    @property
    def protection(self) -> Protection:
        return self._writer.protection

    # -- hot

    def next_id(self, kind: str) -> int:
        return self._numbers[kind].take()

    async def _block(self, kind: str) -> int:
        number: int = (await self.fetch(f"SELECT nextval('{kind}_ids')"))[0][0]
        return number

    async def _renew(self) -> None:
        """New blocks every few seconds, until cancelled."""
        while True:
            await asyncio.sleep(_RENEW_S)
            with suppress(Unavailable):  # who waits for the ledger tells of it
                for kind, first in zip(_KINDS, (await self.fetch(_BLOCKS))[0], strict=True):
                    self._numbers[kind].renew(first)

    def add(self, operation: Operation) -> None:
        if self._writer.in_doubt and isinstance(operation, (Accept, Claim, ClaimDeliveries)):
            operation.error = Unavailable(_IN_DOUBT)
            self._loop.call_soon(operation.done, operation)
        else:
            self._group.add(operation)

    def _begin(self, batch: Batch) -> None:
        self._commit = self._loop.create_task(self._write(batch))

    async def _write(self, batch: Batch) -> None:
        error: Exception | None = None
        for operation in batch:
            operation.error = None  # of an earlier try
        try:
            await self._writer.write(batch)
        except Exception as failure:  # whatever it is, those who wait must hear of it
            error = failure
        self._group.finished(batch, error)

    # -- reads

    async def backlog(self, connector: str, now: int) -> list[Backlog]:
        return [Backlog(*row) for row in await self.fetch(_BACKLOG, connector, now)]

    async def due_targets(self, now: int) -> list[str]:
        return [row[0] for row in await self.fetch(_DUE_TARGETS, now)]

    async def events_after(self, position: str, limit: int) -> tuple[list[Event], str]:
        xid, _, seq = position.partition(":")
        rows = await self.fetch(_EVENTS_AFTER, xid or "0", int(seq or 0), limit)
        events = [self.protection.event(row[1:]) for row in rows]
        return events, f"{rows[-1][0]}:{rows[-1][1]}" if rows else position

    async def stretch(self, position: str, limit: int) -> tuple[str, tuple[object, ...], str]:
        xid, _, seq = position.partition(":")
        start = (xid or "0", int(seq or 0))
        rows = await self.fetch(_STRETCH, *start, limit)
        end = rows[0] if rows else start
        condition = "(e.xid, e.seq) > ($1::text::xid8, $2) AND (e.xid, e.seq) <= ($3::text::xid8, $4)"
        return condition, (*start, *end), f"{end[0]}:{end[1]}" if rows else position

    async def events_end(self) -> str:
        # Whoever is still at it writes events of this number or a later one: they come after this position.
        return f"{(await self.fetch('SELECT pg_snapshot_xmin(pg_current_snapshot())::text'))[0][0]}:0"

    async def fetch(self, sql: str, *values: object) -> list[Row]:
        async with self._lent() as connection:
            return [tuple(row) for row in await connection.fetch(dialect(sql), *values)]

    def transaction(self) -> AbstractAsyncContextManager["PostgresTransaction"]:
        return self._transaction("config", "deliveries")

    async def briefly(self, do: Callable[[Transaction], Coroutine[Any, Any, _T]]) -> _T:
        async with self._transaction() as transaction:
            return await do(transaction)

    @asynccontextmanager
    async def _transaction(self, *topics: str) -> AsyncIterator["PostgresTransaction"]:
        async with self._lent() as connection, connection.transaction():
            transaction = PostgresTransaction(connection, self._now_ms, self._writer)
            yield transaction
            await chain.add(transaction, self.protection.audit_key, transaction.noted)
            if topics := topics or ("deliveries",) * bool(transaction.notices):
                await connection.execute("; ".join(f"NOTIFY {CHANNEL}, '{topic}'" for topic in topics))
        if transaction.notices:
            self._told(transaction.notices)

    @asynccontextmanager
    async def _lent(self) -> AsyncIterator[Connection]:
        try:
            async with self._pool.acquire() as connection:
                try:
                    yield connection
                except Exception as error:  # sorted here, so that nobody else need know asyncpg's errors
                    if is_trouble(error, connection):
                        raise unavailable(error) from error
                    raise
        except Exception as error:  # the pool's own, sorted likewise
            if is_trouble(error):
                raise unavailable(error) from error
            raise

    # -- life

    async def listen(self, woken: Callable[[str], None], told: Callable[[list[Notice]], None]) -> None:
        self._told = told
        self._renewing = self._loop.create_task(self._renew())
        self._listener = Listener(self._url, woken, self._writer.is_own)
        await self._listener.start()

    async def close(self) -> None:
        try:
            await self._group.drained()
        finally:
            if self._commit is not None:
                self._commit.cancel()  # has ended long ago, unless the database is away
            if self._renewing is not None:
                self._renewing.cancel()
            if self._listener is not None:
                await self._listener.stop()
            await self._writer.close()
            await close(self._pool)


class PostgresTransaction:
    """Cold statements that belong together."""

    def __init__(self, connection: Connection, now_ms: Callable[[], int], writer: Writer) -> None:
        self._connection = connection
        self._now_ms = now_ms
        self._writer = writer
        self.notices: list[Notice] = []
        self.noted: list[Noted] = []

    async def fetch(self, sql: str, *values: Any) -> list[Row]:
        return [tuple(row) for row in await self._connection.fetch(dialect(sql), *values)]

    async def execute(self, sql: str, *values: Any) -> None:
        await self._connection.execute(dialect(sql), *values)

    async def execute_all(self, statements: Sequence[Statement]) -> None:
        for sql, *values in statements:
            await self.execute(sql, *values)

    async def record(
        self, workspace: int, environment: int, events: Sequence[NewEvent], message: Message | None = None
    ) -> None:
        commit = await within(self._connection, self._now_ms(), self._writer.subscribers, self._writer.protection)
        for event in events:
            self.notices += commit.emit(event, workspace, environment, message)
        await commit.tell()

    def note(self, noted: Noted) -> None:
        self.noted.append(noted)

    async def redeliver(self, deliveries: Sequence[Again], now: int) -> None:
        await self._connection.execute(_REDELIVER, *columns(deliveries, len(Again._fields)), now)
