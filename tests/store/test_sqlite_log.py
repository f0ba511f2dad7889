"""The write-ahead log of a served ledger is moved into the file beside the commits, and begins anew under any load."""

import asyncio
import itertools
import time as clock
from pathlib import Path
from typing import Any

import apsw
import pytest

from heliograph.store.sqlite import log
from tests.store.making import accept, message

pytestmark = pytest.mark.asyncio


async def until(condition: Any) -> None:
    end = clock.monotonic() + 10
    while not condition():
        assert clock.monotonic() < end
        await asyncio.sleep(0.01)


@pytest.fixture
def is_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "_EVERY_S", 0.02)


async def test_a_long_log_is_in_the_file_without_another_commit(
    open_sqlite: Any, tmp_path: Path, is_quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "LONG", 10)
    ledger = await open_sqlite()
    await accept(ledger, *(message(ledger, text=f"{number:03} " + "x" * 500) for number in range(100)))
    file = tmp_path / "heliograph.db"
    await until(lambda: b"099 xxx" in file.read_bytes())


async def test_it_begins_anew_though_writing_never_ceases(
    open_sqlite: Any, tmp_path: Path, is_quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "LONG", 10)
    monkeypatch.setattr(log, "TOO_LONG", 100)
    ledger = await open_sqlite()
    is_over = False

    async def write() -> None:
        while not is_over:
            await accept(ledger, *(message(ledger, text="x" * 500) for _ in range(20)))

    writing = asyncio.create_task(write())
    pages: list[int] = []
    grown = ledger._log._grown

    def watched(connection: apsw.Connection, name: str, count: int) -> int:
        pages.append(count)
        return int(grown(connection, name, count))

    ledger._connection.set_wal_hook(watched)
    try:
        await until(lambda: sum(later < earlier for earlier, later in itertools.pairwise(pages)) >= 3)
    finally:
        is_over = True
        await writing
    rows = await ledger.fetch("PRAGMA integrity_check")
    assert rows == [("ok",)]
