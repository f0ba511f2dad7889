"""The database goes away and comes back: nothing is lost, nothing is doubled, and whoever waits gets the truth."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from heliograph.ports import Unavailable
from heliograph.store.port import Accept, Arrivals, Moves, Operation
from heliograph.store.postgres import PostgresLedger
from tests.store.making import (
    accept,
    arrival,
    attempt,
    begin,
    claim,
    count,
    do,
    history,
    in_hand,
    message,
    states,
    taken,
)
from tests.store.proxy import Proxy

pytestmark = pytest.mark.asyncio

Open = Callable[..., Awaitable[PostgresLedger]]


@pytest_asyncio.fixture
async def proxy(postgres_url: str) -> AsyncIterator[Proxy]:
    async with Proxy(Path(postgres_url.partition("host=")[2]) / ".s.PGSQL.5432") as wire:
        yield wire


@pytest_asyncio.fixture
async def direct(open_postgres: Open) -> PostgresLedger:
    """Another process, whose connection is never cut."""
    return await open_postgres()


@pytest_asyncio.fixture
async def ledger(open_postgres: Open, direct: PostgresLedger, proxy: Proxy, postgres_url: str) -> PostgresLedger:
    database = postgres_url.partition("/test_")[2].partition("?")[0]
    return await open_postgres(proxy.url(f"test_{database}"))


@pytest_asyncio.fixture
async def admin(postgres_url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(postgres_url)
    yield connection
    await connection.close()


async def test_a_connection_that_broke_while_idle_is_made_again_unseen(
    ledger: PostgresLedger, admin: Any, reported: list[Exception]
) -> None:
    await accept(ledger, message(ledger))
    await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'heliograph'")
    await accept(ledger, message(ledger))
    assert await count(ledger, "messages") == 2
    assert reported == []


async def test_a_commit_whose_connection_is_killed_is_written_once(
    ledger: PostgresLedger, admin: Any, reported: list[Exception]
) -> None:
    held = in_hand(ledger)
    await accept(ledger, held)
    new = message(ledger)
    async with admin.transaction():
        await admin.execute("LOCK TABLE attempts IN ACCESS EXCLUSIVE MODE")
        begun: list[asyncio.Future[Operation]] = [
            begin(ledger, Accept, messages=[new]),
            begin(ledger, Moves, moves=[taken(held)]),
            begin(ledger, Arrivals, arrivals=[arrival(ledger)]),
        ]
        for _ in range(2):
            await _kill_the_waiting_one(admin)
    for operation in await asyncio.gather(*begun):
        assert operation.error is None
    assert await states(ledger, held, new) == ["sent", "queued"]
    assert await history(ledger, held) == ["message.accepted", "message.queued", "message.sent"]
    assert [await count(ledger, table) for table in ("messages", "attempts", "inbound", "events")] == [2, 1, 1, 5]
    assert reported == []


async def _kill_the_waiting_one(admin: Any) -> None:
    killed = None
    while killed is None:
        await admin.execute("SELECT pg_stat_clear_snapshot()")  # a transaction sees one picture of the others, else
        killed = await admin.fetchval(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
            "AND wait_event_type = 'Lock' AND pid <> pg_backend_pid()"
        )


@pytest.mark.parametrize("arrives", [True, False], ids=["kept", "not kept"])
async def test_a_commit_whose_answer_is_lost_is_neither_lost_nor_doubled(
    ledger: PostgresLedger, direct: PostgresLedger, proxy: Proxy, arrives: bool
) -> None:
    held, waiting = in_hand(ledger), message(ledger)
    await accept(ledger, held, waiting)
    ledger.subscribers = lambda environment, kind, subject: [(1, "endpoint:1")]
    new = in_hand(ledger)
    proxy.cut_at(b"COMMIT\0", deliver=arrives)
    begun: list[asyncio.Future[Any]] = [
        begin(ledger, Accept, messages=[new]),
        begin(ledger, Moves, moves=[taken(held)]),
        begin(ledger, Arrivals, arrivals=[arrival(ledger, None)]),
    ]
    accepted, moved, arrived = await asyncio.gather(*begun)
    assert proxy.was_cut.is_set()
    assert (accepted.error, moved.error, arrived.error) == (None, None, None)
    assert (moved.lost, arrived.repeated) == (set(), set())
    assert await states(direct, new, held) == ["sending", "sent"]
    assert await history(direct, held) == ["message.accepted", "message.queued", "message.sent"]
    assert [await count(direct, table) for table in ("inbound", "attempts", "deliveries")] == [1, 1, 3]
    born = {notice.delivery.id for operation in (accepted, moved) for notice in operation.notices}
    assert born == {row[0] for row in await direct.fetch("SELECT id FROM deliveries")}
    assert [found.id for found in (await claim(ledger)).messages] == [waiting.id]


@pytest.mark.parametrize("arrives", [True, False], ids=["kept", "not kept"])
async def test_while_a_commit_is_in_doubt_requests_are_refused_and_facts_wait(
    ledger: PostgresLedger, direct: PostgresLedger, proxy: Proxy, arrives: bool
) -> None:
    held = in_hand(ledger)
    await accept(ledger, held)
    proxy.cut_at(b"COMMIT\0", deliver=arrives)
    proxy.refusing = True
    new, refused = message(ledger), message(ledger)
    in_doubt = begin(ledger, Accept, messages=[new])
    await proxy.was_cut.wait()
    asked = begin(ledger, Accept, messages=[])  # before the ledger has noticed: it gathers for the next commit
    assert isinstance((await asyncio.wait_for(asked, 10)).error, Unavailable)
    assert isinstance((await attempt(ledger, Accept, messages=[refused])).error, Unavailable)
    moved = begin(ledger, Moves, moves=[taken(held)])
    assert not in_doubt.done()
    proxy.refusing = False
    assert (await in_doubt).error is None
    assert (await moved).error is None
    assert await states(direct, new, refused, held) == ["queued", None, "sent"]


async def test_while_the_database_is_gone_requests_are_refused_and_facts_wait(
    ledger: PostgresLedger, proxy: Proxy, reported: list[Exception]
) -> None:
    held = in_hand(ledger)
    await accept(ledger, held)
    proxy.refusing = True
    proxy.cut()
    refused = message(ledger)
    moved = begin(ledger, Moves, moves=[taken(held)])
    assert isinstance((await attempt(ledger, Accept, messages=[refused])).error, Unavailable)
    with pytest.raises(Unavailable):
        await ledger.fetch("SELECT 1")
    with pytest.raises(Unavailable):
        async with ledger.transaction():
            pass
    assert not moved.done()
    proxy.refusing = False
    assert (await moved).error is None
    assert await states(ledger, held, refused) == ["sent", None]
    assert await history(ledger, held) == ["message.accepted", "message.queued", "message.sent"]
    assert {type(error) for error in reported} == {Unavailable}


async def test_a_listener_that_lost_its_connection_hears_again(
    ledger: PostgresLedger, direct: PostgresLedger, proxy: Proxy
) -> None:
    topics: asyncio.Queue[str] = asyncio.Queue()
    await ledger.listen(topics.put_nowait, lambda notices: None)
    proxy.refusing = True
    proxy.cut()
    await accept(direct, message(direct))
    proxy.refusing = False
    missed = {await asyncio.wait_for(topics.get(), 30) for _ in range(3)}
    assert missed == {"queue", "deliveries", "config"}
    await accept(direct, message(direct))
    assert await asyncio.wait_for(topics.get(), 30) == "queue"


async def test_a_database_that_is_not_there_is_named_at_the_start(open_postgres: Open, proxy: Proxy) -> None:
    proxy.refusing = True
    with pytest.raises(Unavailable, match="the ledger can't be reached"):
        await open_postgres(proxy.url("test"))


async def test_a_deadlock_is_tried_again(ledger: PostgresLedger, admin: Any, reported: list[Exception]) -> None:
    one, other = in_hand(ledger), in_hand(ledger)
    await accept(ledger, one, other)
    await admin.execute("SET deadlock_timeout = '10min'")  # so that the ledger is the one to give way
    async with admin.transaction():
        await admin.execute("UPDATE messages SET price = '1' WHERE id = $1", other.id)
        moved = begin(ledger, Moves, moves=[taken(one), taken(other)])
        await _until_somebody_waits(admin)
        await admin.execute("UPDATE messages SET price = '1' WHERE id = $1", one.id)
    assert (await moved).error is None
    assert await states(ledger, one, other) == ["sent", "sent"]
    assert reported == []


async def _until_somebody_waits(admin: Any) -> None:
    while not await admin.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    ):
        pass


async def test_a_late_process_may_close_while_its_database_is_gone(ledger: PostgresLedger, proxy: Proxy) -> None:
    await do(ledger, Accept, messages=[message(ledger)])
    proxy.refusing = True
    proxy.cut()
    await ledger.close()
