"""How this program connects to PostgreSQL, and which errors mean that the database is in trouble.

asyncpg stays behind this module's names. An error of the database as a whole (gone, full, restarting, deadlock) is
*trouble*: it says nothing about the statement. Every other error belongs to whoever wrote the statement.
"""

import asyncio
import re
from typing import Any, Final, TypeAlias

import asyncpg

from heliograph.ports import Unavailable
from heliograph.store.port import Row

Connection: TypeAlias = Any  # asyncpg has no types
Pool: TypeAlias = Any

_CONNECT_S: Final = 3.0
_STATEMENT_S: Final = 30.0
_GOODBYE_S: Final = 2.0
_POOL: Final = 4
_SIGN: Final = re.compile(r"(?<=[ (])\+(?=[a-z])")
_TROUBLE: Final = (
    OSError,
    asyncio.TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.TransactionRollbackError,  # deadlock, serialisation: the same again may go well
    asyncpg.InsufficientResourcesError,  # disk full, too many connections
    asyncpg.OperatorInterventionError,  # shut down, crashed, still starting
    asyncpg.PostgresSystemError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,  # this server is no longer the primary
    asyncpg.InternalClientError,  # the conversation went out of step, as when the other end dies in mid-answer
    asyncpg.exceptions.InvalidAuthorizationSpecificationError,
    asyncpg.exceptions.InvalidCatalogNameError,
)
_SETTINGS: Final = {
    "application_name": "heliograph",
    "synchronous_commit": "on",  # accepted means on disk, whatever the server's default
    "jit": "off",
}
# A page takes one core: others, and messages, are served beside it. And what it asks for is in memory, or on a disk
# without an arm: for what the default takes reading here and there, all messages would be read instead of a stretch.
_COLD_SETTINGS: Final = _SETTINGS | {"max_parallel_workers_per_gather": "0", "random_page_cost": "1.1"}
# The hot statements find their rows by index, always: a plan that was made while the tables were small and is kept
# must not read them in full when they have grown.
_HOT_SETTINGS: Final = _SETTINGS | {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    # A process that froze or lost its network in mid-commit holds its locks no longer than this.
    "idle_in_transaction_session_timeout": "10s",
}


def is_trouble(error: BaseException, connection: Connection | None = None) -> bool:
    """Is the database in trouble, rather than the statement wrong?"""
    return isinstance(error, _TROUBLE) or (connection is not None and bool(connection.is_closed()))


def unavailable(error: BaseException) -> Unavailable:
    trouble = Unavailable(f"the ledger can't be reached: {str(error) or type(error).__name__}")
    trouble.__cause__ = error
    return trouble


async def connect(url: str, *, hot: bool = False) -> Connection:
    try:
        return await asyncpg.connect(
            url,
            timeout=_CONNECT_S,
            command_timeout=_STATEMENT_S,
            server_settings=_HOT_SETTINGS if hot else _SETTINGS,
        )
    except _TROUBLE as error:
        raise unavailable(error) from error


async def connect_pool(url: str) -> Pool:
    """Connections for cold statements."""
    try:
        return await asyncpg.create_pool(
            url,
            min_size=1,
            max_size=_POOL,
            timeout=_CONNECT_S,
            server_settings=_COLD_SETTINGS,
            init=_numbers_as_in_sqlite,
        )
    except _TROUBLE as error:
        raise unavailable(error) from error


def dialect(sql: str) -> str:
    """The sign that keeps SQLite from leading with a column would keep the planner from what it knows of it."""
    return _SIGN.sub("", sql) if "+" in sql else sql


async def close(connection_or_pool: Connection | Pool) -> None:
    """Say good-bye; a database that doesn't answer is left without."""
    try:
        async with asyncio.timeout(_GOODBYE_S):
            await connection_or_pool.close()
    except _TROUBLE:
        connection_or_pool.terminate()


async def _numbers_as_in_sqlite(connection: Connection) -> None:
    """Sums and averages are numeric here; the readers, which know both engines, expect int or float."""
    await connection.set_type_codec("numeric", schema="pg_catalog", encoder=str, decoder=_number)


def _number(text: str) -> int | float:
    return int(text) if text.removeprefix("-").isdigit() else float(text)


class PostgresMigratable:
    """What `migrate` needs of a connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def script(self, sql: str) -> None:
        await self._connection.execute(sql)

    async def rows(self, sql: str, *values: Any) -> list[Row]:
        return [tuple(row) for row in await self._connection.fetch(sql, *values)]
