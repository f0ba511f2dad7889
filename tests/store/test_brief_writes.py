"""Cold writes that are done inside a commit: whole or not at all, and nobody else's trouble."""

import asyncio
from typing import Any

import pytest

from heliograph.core.failures import Refusal, Refused
from heliograph.ports import Unavailable
from heliograph.store.port import NewEvent, Transaction
from heliograph.store.sqlite import SqliteLedger
from tests.store.making import accept, message

pytestmark = pytest.mark.asyncio
_NOTE = "INSERT INTO conversions (message, kind, workspace, at) VALUES ($1, $2, 1, 0)"
_NOTED = "SELECT kind FROM conversions ORDER BY kind"


async def test_it_answers_when_it_is_kept(ledger: Any) -> None:
    async def write(transaction: Transaction) -> list[Any]:
        await transaction.execute(_NOTE, 1, "a")
        await transaction.record(1, 1, [NewEvent("conversion.kept", 5, "{}")])
        return await transaction.fetch(_NOTED)

    assert await ledger.briefly(write) == [("a",)]
    assert await ledger.fetch(_NOTED) == [("a",)]
    events, _ = await ledger.events_after("", 10)
    assert [event.type for event in events] == ["conversion.kept"]


async def test_what_is_refused_leaves_nothing_and_hinders_nobody(ledger: Any, reported: list[Exception]) -> None:
    async def write(transaction: Transaction, kind: str) -> str:
        await transaction.execute(_NOTE, 1, kind)
        if kind == "b":
            raise Refused(Refusal("bad_time", "no"))
        if kind == "c":
            await transaction.execute(_NOTE, 1, kind)  # the same key twice
        return kind

    works = [ledger.briefly(lambda transaction, kind=kind: write(transaction, kind)) for kind in "abcd"]
    kept = asyncio.create_task(accept(ledger, message(ledger)))
    answers = await asyncio.gather(*works, return_exceptions=True)
    assert (answers[0], answers[3]) == ("a", "d")
    assert isinstance(answers[1], Refused)
    assert isinstance(answers[2], Exception) and not isinstance(answers[2], Refused)
    assert await ledger.fetch(_NOTED) == [("a",), ("d",)]
    assert (await kept).error is None and not reported


async def test_it_takes_turns_with_transactions(ledger: Any) -> None:
    """Each comes to its end, and sees what was written before it."""

    async def write(transaction: Transaction, kind: str) -> int:
        await transaction.execute(_NOTE, 1, kind)
        return len(await transaction.fetch(_NOTED))

    async def briefly(kind: str) -> int:
        return int(await ledger.briefly(lambda transaction: write(transaction, kind)))

    async def at_length(kind: str) -> int:
        async with ledger.transaction() as transaction:
            return await write(transaction, kind)

    await asyncio.gather(
        *((briefly if number % 3 else at_length)(f"{number:02}") for number in range(30)),
        *(accept(ledger, message(ledger)) for _ in range(10)),
    )
    assert len(await ledger.fetch(_NOTED)) == 30


async def test_on_sqlite_it_waits_for_nothing_else(open_sqlite: Any) -> None:
    ledger: SqliteLedger = await open_sqlite()

    async def dawdle(transaction: Transaction) -> None:
        await transaction.execute(_NOTE, 1, "a")
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="await nothing"):
        await ledger.briefly(dawdle)
    assert await ledger.fetch(_NOTED) == []


async def test_on_sqlite_it_is_begun_once(open_sqlite: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its commit fails when it has been done: the asker hears of it, and it is not done a second time."""
    ledger: SqliteLedger = await open_sqlite()
    begun = 0

    async def write(transaction: Transaction) -> None:
        nonlocal begun
        begun += 1
        await transaction.execute(_NOTE, 1, "a")

    def flush(_: object) -> None:
        ledger._undo()
        raise ValueError("a defect while it is flushed")

    with monkeypatch.context() as patch:
        patch.setattr(ledger, "_flush", flush)
        with pytest.raises(Unavailable):
            await ledger.briefly(write)
    assert begun == 1 and await ledger.fetch(_NOTED) == []
    await ledger.briefly(write)
    assert await ledger.fetch(_NOTED) == [("a",)]
