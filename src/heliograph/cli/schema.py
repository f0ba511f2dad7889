"""A ledger's schema as `migrate` and `doctor` see it: open it without bringing it up to date first."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from heliograph.cli.output import Mistake

if TYPE_CHECKING:
    from heliograph.store.migrate import Migratable

_SQLITE = "sqlite:///"


def engine_of(url: str) -> str:
    """The ledger's engine, as the migrations name it."""
    return "sqlite" if url.startswith(_SQLITE) else "postgres"


def file_of(url: str) -> Path:
    """The file of an SQLite ledger."""
    return Path(url.removeprefix(_SQLITE))


@asynccontextmanager
async def schema(url: str, *, readonly: bool = False) -> AsyncIterator["Migratable"]:
    """A connection that migrations can run on."""
    if engine_of(url) == "sqlite":
        import apsw

        from heliograph.store.sqlite.connection import SqliteMigratable

        if readonly and not file_of(url).exists():
            raise Mistake(f"{file_of(url)} does not exist yet; the first `heliograph serve` makes it")
        flags = apsw.SQLITE_OPEN_READONLY if readonly else apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
        file = apsw.Connection(str(file_of(url)), flags=flags)
        file.set_busy_timeout(5_000)
        try:
            yield SqliteMigratable(file)
        finally:
            file.close()
    else:
        from heliograph.store.postgres.connection import PostgresMigratable, connect

        connection = await connect(url)
        try:
            yield PostgresMigratable(connection)
        finally:
            await connection.close()
