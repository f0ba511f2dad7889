"""The ledger on one SQLite file: who may open it, its writer thread, its readers, its cold transactions.

One process serves a file; a lock beside it says so. Other processes (the command line) may read it and make cold
writes: SQLite's own locks keep them apart. All writes of this process go through one thread, so that a slow disk
never stalls the event loop; `synchronous=FULL` makes a commit mean "on disk".
"""

import asyncio
import fcntl
import os
import queue
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import apsw

from heliograph.core.message import Event
from heliograph.ports import Unavailable
from heliograph.store import chain, migrate
from heliograph.store.batch import Batch, GroupCommit
from heliograph.store.brief import Brief
from heliograph.store.port import Backlog, Notice, Operation, Row, Subscribers, Transaction
from heliograph.store.protection import Protection
from heliograph.store.sqlite.connection import (
    BUSY_MS,
    TROUBLE,
    SqliteMigratable,
    connect,
    dialect,
    forgo_statistics,
    highest,
)
from heliograph.store.sqlite.log import Log
from heliograph.store.sqlite.transactions import SqliteTransaction, briefly, carry_out
from heliograph.store.sqlite.writer import Writer

_T = TypeVar("_T")
_ROWS_ON_LOOP: Final = 2_000  # about 20 ms


class AlreadyServing(Exception):
    """Another process serves this data directory."""


class SqliteLedger:
    """A ledger at work (see `store.port.Ledger`)."""

    process: int = 0
    is_alone: bool = True  # the lock beside the file says so

    def __init__(self, path: Path, now_ms: Callable[[], int], report: Callable[[Exception], None]) -> None:
        self._path = path
        self._now_ms = now_ms
        self._report = report
        self._loop = asyncio.get_running_loop()
        self._inbox: queue.SimpleQueue[Callable[[], None] | Batch | None] = queue.SimpleQueue()
        self._cold = asyncio.Lock()
        self._held: Batch | None = None  # a commit that waits for the end of a cold transaction
        self._readers = ThreadPoolExecutor(max_workers=2, thread_name_prefix="ledger-read")
        self._local = threading.local()
        self._group = GroupCommit(self._loop, self._start, report)
        self._counters: dict[str, int] = {}
        self._turn = threading.Lock()  # held by the thread that is in the connection
        self._lock_file: int | None = None
        self._log: Log | None = None
        self.woken: Callable[[str], None] = lambda topic: None
        self.told: Callable[[list[Notice]], None] = lambda notices: None

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        now_ms: Callable[[], int],
        report: Callable[[Exception], None],
        serving: bool = False,
        migrations: bool = True,
    ) -> "SqliteLedger":
        """Open the file, and bring its schema up to date. `serving`: as the one process that moves messages."""
        ledger = cls(path, now_ms, report)
        if serving:
            ledger._lock()
            forgo_statistics()
        try:
            ledger._connection = connection = connect(path, hot=True)
            if migrations:
                await migrate.up(SqliteMigratable(connection), "sqlite")
            ledger._writer = Writer(connection, now_ms)
        except BaseException:
            ledger._unlock()
            raise
        for kind, table in (("message", "messages"), ("decision", "decisions"), ("inbound", "inbound")):
            ledger._counters[kind] = highest(connection, "id", table)
        # A campaign has taken its numbers before it has messages.
        batches = (highest(connection, "batch", table) for table in ("messages", "campaign_variants"))
        ledger._counters["batch"] = max(batches)
        ledger._control = connection.cursor()
        connection.cursor_factory = _no_more
        ledger._thread = threading.Thread(target=ledger._run, name="ledger-write", daemon=True)
        ledger._thread.start()
        if serving:
            ledger._log = Log(path, connection, ledger._undisturbed)
        return ledger

    _connection: apsw.Connection
    _control: apsw.Cursor  # begins and ends transactions; for all else there is the commit's
    _writer: Writer
    _thread: threading.Thread

    @property
    def subscribers(self) -> Subscribers:
        return self._writer.commit.subscribers

    @subscribers.setter
    def subscribers(self, value: Subscribers) -> None:
        self._writer.commit.subscribers = value

    @property
    def protection(self) -> Protection:
        return self._writer.commit.protection

    def _lock(self) -> None:
        path = self._path.with_suffix(".lock")
        self._lock_file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.read(self._lock_file, 32).decode(errors="replace").strip()
            os.close(self._lock_file)
            self._lock_file = None
            raise AlreadyServing(
                f"another heliograph (process {pid or 'unknown'}) already serves {self._path.parent}: stop it first, "
                "or give this one a --data-dir of its own; several processes on one ledger need PostgreSQL"
            ) from None
        os.ftruncate(self._lock_file, 0)
        os.pwrite(self._lock_file, str(os.getpid()).encode(), 0)

    def _unlock(self) -> None:
        if self._lock_file is not None:
            os.close(self._lock_file)
            self._lock_file = None

    # -- commits

    def _start(self, batch: Batch) -> None:
        """Write a commit's rows here on the loop, and leave the wait for the disk to the thread.

        Row by row the thread would take the interpreter's lock from the loop and give it back: slower for both. What
        would hold up the loop goes to the thread as a whole: many rows, or somebody else who is writing. While a cold
        transaction is open or wanted, the commit waits: it comes before the next one.
        """
        if self._cold.locked():
            self._held = batch
        elif batch.rows() > _ROWS_ON_LOOP or not self._apply(batch):
            self._inbox.put(batch)
        else:
            self._inbox.put(lambda: self._write(batch, self._flush))

    def _apply(self, batch: Batch) -> bool:
        """False: nothing was written; the thread, which can wait, shall try and find out why."""
        with self._turn:
            self._connection.set_busy_timeout(0)
            try:
                self._begin()
                self._write_rows(batch)
            except Exception:  # trouble, or a poisoned operation: met again, and sorted, in the thread
                self._undo()
                return False
            finally:
                self._connection.set_busy_timeout(BUSY_MS)
        return True

    # -- the writer thread

    def _run(self) -> None:
        while (job := self._inbox.get()) is not None:
            if isinstance(job, Batch):
                self._write(job, self._commit)
            else:
                job()
        self._connection.close()

    def _write(self, batch: Batch, do: Callable[[Batch], None]) -> None:
        error: Exception | None = None
        with self._turn:
            try:
                do(batch)
            except TROUBLE as trouble:
                error = Unavailable(f"the ledger can't be written: {trouble}")
                error.__cause__ = trouble
            except Exception as defect:  # one operation is poisoned: find it, keep the others
                self._report(defect)
                error = self._each_alone(batch)
        self._loop.call_soon_threadsafe(self._group.finished, batch, error)

    def _commit(self, batch: Batch) -> None:
        try:
            self._begin()
            self._write_rows(batch)
        except BaseException:
            self._undo()
            raise
        self._flush(batch)

    def _write_rows(self, batch: Batch) -> None:
        self._writer.apply(batch)
        for brief in batch.of(Brief):
            carry_out(brief, self._writer.commit)

    def _flush(self, _: Batch) -> None:
        try:
            self._end()
        except BaseException:
            self._undo()
            raise

    def _begin(self) -> None:
        self._control.execute("BEGIN IMMEDIATE")

    def _end(self) -> None:
        self._control.execute("COMMIT")

    def _undo(self) -> None:
        if self._connection.in_transaction:
            self._control.execute("ROLLBACK")

    def _each_alone(self, batch: Batch) -> Exception | None:
        for operation in batch:
            alone = Batch()
            alone.add(operation)
            try:
                self._commit(alone)
            except TROUBLE as trouble:
                return Unavailable(f"the ledger can't be written: {trouble}")
            except Exception as defect:  # this is the one: it fails alone
                operation.error = defect
        return None

    async def _in_thread(self, do: Callable[[], _T]) -> _T:
        future: asyncio.Future[_T] = self._loop.create_future()

        def job() -> None:
            try:
                with self._turn:
                    result = do()
            except BaseException as error:  # the caller's to judge
                self._loop.call_soon_threadsafe(_settle, future, None, error)
            else:
                self._loop.call_soon_threadsafe(_settle, future, result, None)

        self._inbox.put(job)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:  # the job runs all the same: go on only when it is over
            await asyncio.wait([future])
            raise

    # -- what the engine asks

    def next_id(self, kind: str) -> int:
        self._counters[kind] = number = self._counters[kind] + 1
        return number

    def add(self, operation: Operation) -> None:
        self._group.add(operation)

    async def backlog(self, connector: str, now: int) -> list[Backlog]:
        # A loose scan: one step for each (lane, workspace), however many rows wait.
        rows = await self.fetch(
            "WITH RECURSIVE heads (lane, workspace) AS ("
            "  SELECT * FROM (SELECT lane, workspace FROM messages WHERE owner = 0 AND connector = $1"
            "   ORDER BY lane, workspace LIMIT 1)"
            "  UNION ALL"
            "  SELECT m.lane, m.workspace FROM heads, messages m WHERE m.rowid = (SELECT n.id FROM messages n"
            "   WHERE n.owner = 0 AND n.connector = $1 AND (n.lane, n.workspace) > (heads.lane, heads.workspace)"
            "   ORDER BY n.lane, n.workspace LIMIT 1)"
            ") SELECT lane, workspace FROM heads WHERE EXISTS (SELECT 1 FROM messages d WHERE d.owner = 0"
            " AND d.connector = $1 AND d.lane = heads.lane AND d.workspace = heads.workspace AND d.due_at <= $2)",
            connector,
            now,
        )
        return [Backlog(*row) for row in rows]

    async def due_targets(self, now: int) -> list[str]:
        rows = await self.fetch(
            "WITH RECURSIVE heads (target) AS ("
            "  SELECT * FROM (SELECT target FROM deliveries WHERE state = 'pending' ORDER BY target LIMIT 1)"
            "  UNION ALL"
            "  SELECT (SELECT target FROM deliveries WHERE state = 'pending' AND target > heads.target"
            "   ORDER BY target LIMIT 1) FROM heads WHERE heads.target IS NOT NULL"
            ") SELECT target FROM heads WHERE EXISTS (SELECT 1 FROM deliveries d WHERE d.state = 'pending'"
            " AND d.target = heads.target AND d.next_at <= $1)",
            now,
        )
        return [row[0] for row in rows]

    async def events_after(self, position: str, limit: int) -> tuple[list[Event], str]:
        # One writer gives the numbers in the order of its commits: nothing can slip in behind a reader.
        rows = await self.fetch("SELECT * FROM events WHERE seq > $1 ORDER BY seq LIMIT $2", int(position or 0), limit)
        events = [self.protection.event(row) for row in rows]
        return events, str(events[-1].seq) if events else position

    async def stretch(self, position: str, limit: int) -> tuple[str, tuple[object, ...], str]:
        start = int(position or 0)
        rows = await self.fetch(
            "SELECT max(seq) FROM (SELECT seq FROM events WHERE seq > $1 ORDER BY seq LIMIT $2)", start, limit
        )
        end = rows[0][0] or start
        return "e.seq > $1 AND e.seq <= $2", (start, end), str(end) if end > start else position

    async def events_end(self) -> str:
        return str((await self.fetch("SELECT COALESCE(MAX(seq), 0) FROM events"))[0][0])

    async def fetch(self, sql: str, *values: object) -> list[Row]:
        return await self._loop.run_in_executor(self._readers, self._read, dialect(sql), values)

    def _read(self, sql: str, values: tuple[Any, ...]) -> list[Row]:
        connection: apsw.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = connect(self._path, readonly=True)
        return list(connection.execute(sql, values))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[SqliteTransaction]:
        async with self._alone():
            transaction = SqliteTransaction(self._in_thread, self._writer.commit)
            try:
                await self._in_thread(self._begin)
                yield transaction
                await chain.add(transaction, self.protection.audit_key, transaction.noted)
                await self._in_thread(self._end)
            except BaseException:
                await self._in_thread(self._undo)
                raise
        if transaction.notices:
            self.told(transaction.notices)
        self.woken("config")

    async def briefly(self, do: Callable[[Transaction], Coroutine[Any, Any, _T]]) -> _T:
        return await briefly(self.add, self.told, do)

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """With the connection for oneself. The commit that waited meanwhile comes before whoever wants it next."""
        try:
            async with self._cold:
                yield
        finally:
            held, self._held = self._held, None
            if held is not None:
                self._start(held)

    async def listen(self, woken: Callable[[str], None], told: Callable[[list[Notice]], None]) -> None:
        self.woken, self.told = woken, told

    async def _undisturbed(self, do: Callable[[], None]) -> None:
        async with self._alone():
            await self._in_thread(do)

    async def close(self) -> None:
        if self._log is not None:
            await self._log.close()
        await self._group.drained()
        self._inbox.put(None)
        await asyncio.to_thread(self._thread.join)
        self._readers.shutdown()
        self._unlock()


def _no_more(_: apsw.Connection) -> apsw.Cursor:
    """The writer's connection has all cursors that it will ever have. The last holder of another might let go of it in
    any thread, and so be in the connection beside the one whose turn it is: nothing in SQLite would keep them apart."""
    raise AssertionError("the writer's connection gives out no cursors")


def _settle(future: asyncio.Future[Any], result: object, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
