"""The same tests for both engines: SQLite on a real file, PostgreSQL on a real server."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from heliograph.store.postgres import PostgresLedger
from heliograph.store.sqlite import SqliteLedger
from tests.postgres import postgres_server, postgres_url
from tests.store.making import Time

__all__ = ["postgres_server", "postgres_url"]


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def reported() -> list[Exception]:
    """What the ledgers of this test complained of."""
    return []


@pytest_asyncio.fixture
async def open_postgres(
    postgres_url: str, time: Time, reported: list[Exception]
) -> AsyncIterator[Callable[..., Awaitable[PostgresLedger]]]:
    """Opens ledgers on this test's database: each is what another process would have."""
    opened = []

    async def open_it(url: str = postgres_url) -> PostgresLedger:
        opened.append(await PostgresLedger.open(url, now_ms=time, report=reported.append))
        return opened[-1]

    yield open_it
    for ledger in opened:
        await ledger.close()


@pytest_asyncio.fixture
async def open_sqlite(
    tmp_path: Path, time: Time, reported: list[Exception]
) -> AsyncIterator[Callable[..., Awaitable[SqliteLedger]]]:
    opened = []

    async def open_it(path: Path = tmp_path / "heliograph.db") -> SqliteLedger:
        opened.append(await SqliteLedger.open(path, now_ms=time, report=reported.append, serving=True))
        return opened[-1]

    yield open_it
    for ledger in opened:
        await ledger.close()


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def open_ledger(engine: str, request: pytest.FixtureRequest) -> Callable[[], Awaitable[Any]]:
    opener: Callable[[], Awaitable[Any]] = request.getfixturevalue(f"open_{engine}")
    return opener


@pytest_asyncio.fixture
async def ledger(open_ledger: Callable[[], Awaitable[Any]]) -> Any:
    return await open_ledger()
