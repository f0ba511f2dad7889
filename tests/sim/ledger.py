"""The ledger in simulated time: the real schema, the real statements and the real group commit on one SQLite
connection, whose commits take as long as the simulation says and fail when it says so.

`Disk` is what outlives a process; each process opens a `SimLedger` on it, as it would open the file.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Any, TypeVar

import apsw

from heliograph.core.chain import Noted
from heliograph.core.message import Event, Message
from heliograph.ports import Unavailable
from heliograph.store import chain, migrate
from heliograph.store.batch import Batch, GroupCommit
from heliograph.store.brief import Brief
from heliograph.store.port import (
    Accept,
    Again,
    Claim,
    NewEvent,
    Notice,
    Operation,
    Protection,
    Row,
    Subscribers,
    Transaction,
)
from heliograph.store.sqlite.commit import Commit
from heliograph.store.sqlite.connection import SqliteMigratable
from heliograph.store.sqlite.ledger import SqliteLedger
from heliograph.store.sqlite.transactions import briefly, carry_out
from heliograph.store.sqlite.writer import Writer
from tests.sim.loop import Life, SimClock

_T = TypeVar("_T")


class Disk:
    """The data, and the troubles that they can have."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self.connection = apsw.Connection(":memory:")
        self.connection.execute("PRAGMA foreign_keys = ON")
        self.commit_s = 0.02  # a commit takes up to this long …
        self.answer_s = 0.002  # … and up to this long until the process hears of it
        # SQLite's one writer tells of its commits in their order, a cold one's included. From PostgreSQL a process may
        # hear of its own commit when another's, which came later, is long known.
        self.tells_in_order = True
        self.commits = 0
        self.out_until = 0.0  # full, or gone
        self.die: Callable[[], None] = lambda: None
        self.dies_before: int | None = None  # the process dies just before this commit …
        self.dies_after: int | None = None  # … or just after it, before anybody hears of it
        self.handed: dict[tuple[int, int], tuple[int, float]] = {}  # (message, attempt) → commit and time of its intent
        self.handed_at: dict[str, float] = {}  # number → when the last hand-over to it became durable
        self.opted_out: dict[tuple[int, str], int] = {}  # (workspace, number) → commit of the opt-out
        self.cold = False

    async def format(self) -> None:
        await migrate.up(SqliteMigratable(self.connection), "sqlite")

    def rows(self, sql: str, *values: Any) -> list[Row]:
        return list(self.connection.execute(sql.replace("$", "?"), values))

    def commit(self, work: Callable[[], None], noted: Callable[[int], None]) -> bool:
        """Do `work` in a transaction; False when the process died of it."""
        number = self.commits + 1
        if number == self.dies_before:
            self.die()
            return False
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            work()
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")
        self.commits = number
        noted(number)
        if number == self.dies_after:
            self.die()
            return False
        return True

    def note_opt_outs(self) -> None:
        for key in self.rows("SELECT DISTINCT workspace, number FROM stances WHERE out_at IS NOT NULL"):
            self.opted_out.setdefault(key, self.commits)

    def let_go(self) -> None:
        """The process that had a transaction open is dead."""
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")
        self.cold = False


class SimLedger:
    """`store.port.Ledger` of one process."""

    process = 0
    is_alone = True

    def __init__(self, disk: Disk, life: Life, report: Callable[[BaseException], None]) -> None:
        self._disk = disk
        self._life = life
        self._report = report
        self._writer = Writer(disk.connection, SimClock(life).now_ms)
        self._group = GroupCommit(life.loop, self._write, self._complain)
        self._deferred: deque[Batch] = deque()
        self._untold = 0  # commits of which the process has not heard yet
        self._cold = asyncio.Lock()
        self._woken: Callable[[str], None] = lambda topic: None
        self._told: Callable[[list[Notice]], None] = lambda notices: None
        self._counters = {
            kind: disk.rows(f"SELECT coalesce(max({column}), 0) FROM {table}")[0][0]
            for kind, column, table in (
                ("message", "id", "messages"),
                ("decision", "id", "decisions"),
                ("inbound", "id", "inbound"),
                ("batch", "batch", "messages"),
            )
        }

    @property
    def subscribers(self) -> Subscribers:
        return self._writer.commit.subscribers

    @subscribers.setter
    def subscribers(self, value: Subscribers) -> None:
        self._writer.commit.subscribers = value

    @property
    def protection(self) -> Protection:
        return self._writer.commit.protection

    def _complain(self, error: Exception) -> None:
        if not isinstance(error, Unavailable):
            self._report(error)

    # -- commits

    def next_id(self, kind: str) -> int:
        self._counters[kind] += 1
        return int(self._counters[kind])

    def add(self, operation: Operation) -> None:
        if self._life.alive:
            self._group.add(operation)

    def _write(self, batch: Batch) -> None:
        self._life.later(self._disk.chance.random() * self._disk.commit_s, lambda: self._commit(batch))

    def _commit(self, batch: Batch) -> None:
        if self._disk.cold:
            self._deferred.append(batch)
            return
        error = self._trouble()
        if error is None:
            try:
                lives = self._disk.commit(lambda: self._apply(batch), lambda number: self._note(batch, number))
            except Exception as defect:  # the real one would sort the good from the bad: here none may be bad
                self._report(defect)
                raise
            if not lives:
                return
        answer_s = self._disk.chance.random() * self._disk.answer_s
        self._untold += 1
        self._life.later(answer_s, lambda: self._tell(batch, error))

    def _apply(self, batch: Batch) -> None:
        self._writer.apply(batch)
        for brief in batch.of(Brief):
            carry_out(brief, self._writer.commit)

    def _tell(self, batch: Batch, error: Unavailable | None) -> None:
        self._untold -= 1
        self._group.finished(batch, error)

    def _trouble(self) -> Unavailable | None:
        return Unavailable("the disk is full") if self._life.loop.time() < self._disk.out_until else None

    def _note(self, batch: Batch, number: int) -> None:
        """Whose hand-over became durable with this commit."""
        leaving: list[Message] = [m for claim in batch.of(Claim) for m in claim.messages]
        for accept in batch.of(Accept):
            refused = accept.replayed is not None or accept.conflict or (accept.all_or_none and accept.refused)
            if not refused:
                leaving += [m for m in accept.messages if m.state == "sending" and m.id not in accept.refused]
        for message in leaving:
            self._disk.handed[message.id, message.attempts] = (number, self._life.loop.time())
            self._disk.handed_at[message.to] = self._life.loop.time()

    # -- cold reads and writes

    backlog = SqliteLedger.backlog
    due_targets = SqliteLedger.due_targets

    async def events_after(self, position: str, limit: int) -> tuple[list[Event], str]:
        rows = await self.fetch("SELECT * FROM events WHERE seq > $1 ORDER BY seq LIMIT $2", int(position or 0), limit)
        events = [self.protection.event(row) for row in rows]
        return events, str(events[-1].seq) if events else position

    async def fetch(self, sql: str, *values: object) -> list[Row]:
        await self._reach()
        while self._disk.cold:  # one connection: a reader beside a transaction has to wait here
            await self._reach()
        return self._disk.rows(sql, *values)

    async def _reach(self) -> None:
        await asyncio.sleep(self._disk.chance.random() * 0.002)
        if error := self._trouble():
            raise error

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["SimTransaction"]:
        async with self._cold:
            await self._reach()
            self._disk.connection.execute("BEGIN IMMEDIATE")
            self._disk.cold = True
            transaction = SimTransaction(self._disk, self._writer.commit, self._reach)
            try:
                while self._untold and self._disk.tells_in_order:
                    await self._reach()
                yield transaction
                await chain.add(transaction, self.protection.audit_key, transaction.noted)
                await self._reach()
            except BaseException:
                self._end("ROLLBACK")
                raise
            self._end("COMMIT")
            self._disk.commits += 1
            if transaction.is_about_stances:
                self._disk.note_opt_outs()
        if transaction.notices:
            self._told(transaction.notices)
        self._woken("config")

    def _end(self, how: str) -> None:
        if not self._life.alive:  # death has tidied up already
            return
        self._disk.connection.execute(how)
        self._disk.cold = False
        while self._deferred:
            self._commit(self._deferred.popleft())

    async def briefly(self, do: Callable[[Transaction], Coroutine[Any, Any, _T]]) -> _T:
        return await briefly(self.add, self._told, do)

    async def listen(self, woken: Callable[[str], None], told: Callable[[list[Notice]], None]) -> None:
        self._woken, self._told = woken, told

    async def close(self) -> None:
        await self._group.drained()


class SimTransaction:
    """Cold statements, each with its own small delay."""

    def __init__(self, disk: Disk, commit: Commit, reach: Callable[[], Any]) -> None:
        self._disk = disk
        self._commit = commit
        self._reach = reach
        self.notices: list[Notice] = []
        self.is_about_stances = False
        self.noted: list[Noted] = []

    async def fetch(self, sql: str, *values: object) -> list[Row]:
        await self._reach()
        self.is_about_stances |= sql.startswith("INSERT INTO stances")
        return self._disk.rows(sql, *values)

    async def execute(self, sql: str, *values: object) -> None:
        await self.fetch(sql, *values)

    async def record(
        self, workspace: int, environment: int, events: Sequence[NewEvent], message: Message | None = None
    ) -> None:
        await self._reach()
        self.notices += self._commit.record(workspace, environment, events, message)

    def note(self, noted: Noted) -> None:
        self.noted.append(noted)

    async def redeliver(self, deliveries: Sequence[Again], now: int) -> None:
        await self._reach()
        self._commit.redeliver(deliveries, now)
