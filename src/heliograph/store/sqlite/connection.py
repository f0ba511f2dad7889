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


class SqliteMigratable:
    """What `migrate` needs of a connection."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    async def script(self, sql: str) -> None:
        self._connection.execute(sql)

    async def rows(self, sql: str, *values: Any) -> list[Row]:
        return list(self._connection.execute(dialect(sql), values))


def connect(path: Path, *, readonly: bool = False) -> apsw.Connection:
    flags = apsw.SQLITE_OPEN_READONLY if readonly else apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    connection = apsw.Connection(str(path), flags=flags)
    connection.set_busy_timeout(BUSY_MS)
    if not readonly:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA cache_size = -65536")
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection


def highest(connection: apsw.Connection, column: str, table: str) -> int:
    rows: list[Any] = connection.execute(f"SELECT coalesce(max({column}), 0) FROM {table}").fetchall()
    return int(rows[0][0])


def dialect(sql: str) -> str:
    """$1 is ?1 here."""
    return sql.replace("$", "?")
