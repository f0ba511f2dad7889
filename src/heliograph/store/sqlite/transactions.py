"""Cold writes on SQLite: with a transaction of their own, or briefly, inside the next group commit.

What is done briefly awaits nothing but its transaction, and that one answers at once. So it runs from beginning to end
in the moment when the commit's rows are written, in a savepoint of its own, and leaves nothing behind when it fails.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from heliograph.core.chain import Noted
from heliograph.core.message import Message
from heliograph.ports import Unavailable
from heliograph.store import chain
from heliograph.store.brief import Brief
from heliograph.store.port import Again, NewEvent, Notice, Operation, Row, Statement, Transaction
from heliograph.store.sqlite.commit import Commit
from heliograph.store.sqlite.connection import TROUBLE, dialect

_T = TypeVar("_T")


class SqliteTransaction:
    """Cold statements (see `store.port.Transaction`). `run` has something done with the connection."""

    def __init__(self, run: Callable[..., Any], commit: Commit) -> None:
        self._run = run
        self._commit = commit
        self.notices: list[Notice] = []
        self.noted: list[Noted] = []

    async def fetch(self, sql: str, *values: Any) -> list[Row]:
        rows: list[Row] = await self._run(lambda: self._commit.rows(dialect(sql), values))
        return rows

    async def execute(self, sql: str, *values: Any) -> None:
        await self.fetch(sql, *values)

    async def execute_all(self, statements: Sequence[Statement]) -> None:
        def execute() -> None:
            for sql, *values in statements:
                self._commit.rows(dialect(sql), values)

        await self._run(execute)

    async def record(
        self, workspace: int, environment: int, events: Sequence[NewEvent], message: Message | None = None
    ) -> None:
        self.notices += await self._run(lambda: self._commit.record(workspace, environment, events, message))

    def note(self, noted: Noted) -> None:
        self.noted.append(noted)

    async def redeliver(self, deliveries: Sequence[Again], now: int) -> None:
        await self._run(lambda: self._commit.redeliver(deliveries, now))


async def briefly(
    add: Callable[[Operation], None],
    told: Callable[[list[Notice]], None],
    do: Callable[[Transaction], Coroutine[Any, Any, _T]],
) -> _T:
    """Have it done, and wait until that is on disk."""
    future: asyncio.Future[Brief] = asyncio.get_running_loop().create_future()

    def done(brief: Brief) -> None:
        if not future.done():  # who asked is still there
            future.set_result(brief)

    add(Brief(done=done, do=do))
    brief = await future
    if brief.error is not None:
        raise brief.error
    if brief.notices:
        told(list(brief.notices))
    result: _T = brief.result
    return result


def carry_out(brief: Brief, commit: Commit) -> None:
    """Do it, once: when its commit fails afterwards, whoever asked hears of that."""
    if brief.has_begun:
        raise Unavailable("the ledger could not be written; nothing was kept: try again")
    brief.has_begun = True
    transaction = SqliteTransaction(_here, commit)
    try:
        with commit.connection:  # a savepoint
            brief.result = _at_once(_whole(brief, transaction, commit))
    except TROUBLE:
        raise
    except Exception as error:  # a refusal or a defect: the asker's to judge, and no other's
        brief.error = error
    else:
        brief.notices = transaction.notices


async def _here(do: Callable[[], _T]) -> _T:
    return do()


async def _whole(brief: Brief, transaction: SqliteTransaction, commit: Commit) -> Any:
    result = await brief.do(transaction)
    await chain.add(transaction, commit.protection.audit_key, transaction.noted)
    return result


def _at_once(work: Coroutine[Any, Any, _T]) -> _T:
    try:
        work.send(None)
    except StopIteration as end:
        result: _T = end.value
        return result
    work.close()
    raise RuntimeError("what is done briefly may await nothing but its transaction")
