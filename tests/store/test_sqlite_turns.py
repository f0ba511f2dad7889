"""The writer's connection: the event loop and the writer's thread are in it by turns, and nobody else ever is."""

import asyncio
import gc
from pathlib import Path
from typing import Any

import pytest

from tests.store.making import accept, message

pytestmark = pytest.mark.asyncio


async def test_it_gives_out_no_cursors(open_sqlite: Any) -> None:
    ledger = await open_sqlite()
    with pytest.raises(AssertionError, match="no cursors"):
        ledger._connection.cursor()
    with pytest.raises(AssertionError, match="no cursors"):
        ledger._connection.execute("SELECT 1")


async def test_commits_and_cold_transactions_beside_each_other_leave_a_whole_file(
    open_sqlite: Any, tmp_path: Path
) -> None:
    ledger = await open_sqlite()

    async def hot() -> None:
        for _ in range(20):
            await accept(ledger, *(message(ledger) for _ in range(20)))

    async def cold(number: int) -> None:
        for turn in range(20):
            try:
                async with ledger.transaction() as transaction:
                    await transaction.execute("INSERT INTO counters (name, value) VALUES ($1, 0)", f"{number}.{turn}")
                    if turn % 2:
                        await transaction.execute("INSERT INTO counters (name, value) VALUES ($1, 0)", "0.0")
            except Exception as error:
                assert "UNIQUE" in str(error)
                del error
            gc.collect()

    await asyncio.gather(hot(), hot(), *map(cold, range(3)))
    assert await ledger.fetch("PRAGMA integrity_check") == [("ok",)]
    assert await ledger.fetch("SELECT count(*) FROM messages") == [(800,)]
    assert await ledger.fetch("SELECT message, count(*) FROM events GROUP BY message HAVING count(*) <> 2") == []
    assert await ledger.fetch("SELECT count(*) FROM counters WHERE value = 0 AND name LIKE '%.%'") == [(30,)]
