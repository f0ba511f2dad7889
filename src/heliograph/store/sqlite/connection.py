"""How this program opens an SQLite file, and how the shared statements are written for it."""

from pathlib import Path
from typing import Any, Final

import apsw

from heliograph.store.port import Row

BUSY_MS: Final = 5_000
# What is wrong with the file or its disk, and with no statement.
TROUBLE: Final = (
    apsw.FullError,
    apsw.IOError,
    apsw.BusyError,
    apsw.ReadOnlyError,
    apsw.CantOpenError,
    apsw.CorruptError,
)
_CHECKPOINT_PAGES: Final = 4_000  # 16 MB of log before a checkpoint
# Prepared statements are kept in a ring, and with each row of an `executemany` its statement takes the next place: a
# ring that is shorter than a commit has rows would have each commit prepare its statements anew. A longer one than
# this would cost more to look through.
_STATEMENTS: Final = 100
_STATEMENTS_HOT: Final = 384


class SqliteMigratable:
    """What `migrate` needs of a connection."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    async def script(self, sql: str) -> None:
        self._connection.execute(sql)

    async def rows(self, sql: str, *values: Any) -> list[Row]:
        return list(self._connection.execute(dialect(sql), values))


def connect(path: Path, *, readonly: bool = False, hot: bool = False) -> apsw.Connection:
    """`hot`: for commits, many a second. Whoever opens it sees to it that no two threads are ever in it at once; any
    other is locked by SQLite for each value that a statement is given."""
    flags = apsw.SQLITE_OPEN_READONLY if readonly else apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    if hot:
        flags |= apsw.SQLITE_OPEN_NOMUTEX
    connection = apsw.Connection(str(path), flags, statementcachesize=_STATEMENTS_HOT if hot else _STATEMENTS)
    connection.set_busy_timeout(BUSY_MS)
    if not readonly:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA cache_size = -65536")
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection


def forgo_statistics() -> None:
    """SQLite counts how much memory it has, under one lock for all threads; nobody asks. It can be told so only while
    nothing is open."""
    if not apsw.connections():
        apsw.shutdown()
        apsw.config(apsw.SQLITE_CONFIG_MEMSTATUS, False)
        apsw.initialize()


def highest(connection: apsw.Connection, column: str, table: str) -> int:
    rows: list[Any] = connection.execute(f"SELECT coalesce(max({column}), 0) FROM {table}").fetchall()
    return int(rows[0][0])


def dialect(sql: str) -> str:
    """$1 is ?1 here."""
    return sql.replace("$", "?")
