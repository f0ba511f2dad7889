"""Several processes on one PostgreSQL: they share the work, wait where they must, and never interleave."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import nullcontext
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from heliograph.core.message import Message
from heliograph.engine import sweep
from heliograph.ports import Unavailable
from heliograph.store.port import Accept, Claim, ClaimDeliveries, Move, Moves, NewEvent, Receipts, Share
from heliograph.store.postgres import PostgresLedger
from heliograph.store.postgres.numbers import BLOCK, Numbers
from tests.store.making import (
    CONNECTOR,
    LATER,
    NOW,
    RECEIVING,
    accept,
    begin,
    claim,
    copied,
    count,
    do,
    ids_as_reply,
    in_hand,
    key,
    message,
    receipt,
    row,
    states,
    taken,
    write_opt_out,
)

pytestmark = pytest.mark.asyncio

Open = Callable[..., Awaitable[PostgresLedger]]


@pytest_asyncio.fixture
async def pair(open_postgres: Open) -> tuple[PostgresLedger, PostgresLedger]:
    return await open_postgres(), await open_postgres()


@pytest_asyncio.fixture
async def stranger(postgres_url: str) -> AsyncIterator[Any]:
    """A connection of somebody else, to hold locks and open transactions with."""
    connection = await asyncpg.connect(postgres_url)
    yield connection
    await connection.close()


async def _waiting(ledger: PostgresLedger, backends: int) -> None:
    """Until so many of the database's connections wait for a lock."""
    sql = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' "
        "AND wait_event <> 'tuple'"
    )
    while (await ledger.fetch(sql))[0][0] < backends:
        pass


async def test_two_processes_claim_each_message_once(pair: tuple[PostgresLedger, PostgresLedger]) -> None:
    await accept(pair[0], *(message(pair[0]) for _ in range(300)))
    fields: dict[str, Any] = {"connector": CONNECTOR, "segments": 99, "now": NOW, "shares": [Share(1, 1, 7)]}
    claims = []
    for _ in range(30):
        begun = [begin(ledger, Claim, owner=place, **fields) for place, ledger in enumerate(pair, 1)]
        claims += await asyncio.gather(*begun)
    claimed = [(found.id, found.owner) for operation in claims for found in operation.messages]
    assert len({number for number, _ in claimed}) == len(claimed) == 300
    assert sorted(await pair[0].fetch("SELECT id, owner FROM messages")) == sorted(claimed)


async def test_two_processes_claim_each_delivery_once(pair: tuple[PostgresLedger, PostgresLedger]) -> None:
    pair[0].subscribers = lambda environment, kind, subject: [(1, "endpoint:1")]
    await accept(pair[0], *(message(pair[0]) for _ in range(50)))
    fields: dict[str, Any] = {"target": "endpoint:1", "limit": 9, "now": LATER, "hidden_until": LATER + 1}
    claims = []
    for _ in range(8):
        claims += await asyncio.gather(*(begin(ledger, ClaimDeliveries, **fields) for ledger in pair))
    claimed = [notice.delivery.id for operation in claims for notice in operation.notices]
    assert len(set(claimed)) == len(claimed) == 100


async def test_a_claim_passes_over_what_another_is_just_taking(ledgers_and_stranger: Any) -> None:
    ledger, _, stranger = ledgers_and_stranger
    locked, free = message(ledger), message(ledger)
    await accept(ledger, locked, free)
    async with stranger.transaction():
        await stranger.execute("SELECT * FROM messages WHERE id = $1 FOR UPDATE", locked.id)
        assert [found.id for found in (await claim(ledger)).messages] == [free.id]
    assert [found.id for found in (await claim(ledger)).messages] == [locked.id]


@pytest.fixture
def ledgers_and_stranger(pair: tuple[PostgresLedger, PostgresLedger], stranger: Any) -> Any:
    return *pair, stranger


async def test_the_answer_of_a_process_that_was_given_up_changes_nothing_but_is_kept(
    pair: tuple[PostgresLedger, PostgresLedger],
) -> None:
    frozen, fresh = pair
    new = message(frozen)
    await accept(frozen, new)
    (first,) = (await claim(frozen, owner=1)).messages
    await do(fresh, Moves, moves=[Move(copied(first, state="queued", owner=0), "sending", ())])
    (second,) = (await claim(fresh, owner=2)).messages
    assert (second.attempts, second.owner) == (2, 2)
    late = await do(frozen, Moves, moves=[taken(first)])
    assert late.lost == {new.id}
    assert await fresh.fetch("SELECT state, owner, attempts FROM messages") == [("sending", 2, 2)]
    assert await fresh.fetch("SELECT attempt, state FROM attempts") == [(1, "accepted")]
    assert (await do(fresh, Moves, moves=[taken(second)])).lost == set()


async def test_one_idempotency_key_in_two_processes_is_stored_once(pair: tuple[PostgresLedger, PostgresLedger]) -> None:
    for turn in range(10):
        begun = [
            begin(ledger, Accept, messages=[message(ledger)], idempotency=key(f"k{turn}"), reply=ids_as_reply)
            for ledger in (*pair, *pair)
        ]
        operations = await asyncio.gather(*begun)
        fresh = [operation for operation in operations if operation.replayed is None]
        assert len(fresh) == 1
        assert {operation.replayed for operation in operations} - {None} == {ids_as_reply(fresh[0])}
        assert await count(pair[0], "messages") == turn + 1


@pytest.mark.parametrize("kept", [True, False])
async def test_a_duplicate_waits_for_the_fate_of_the_first(ledgers_and_stranger: Any, kept: bool) -> None:
    ledger, _, stranger = ledgers_and_stranger
    first = stranger.transaction()
    await first.start()
    await stranger.execute("INSERT INTO idempotency VALUES (1, 'k', 'body', 'first', $1)", LATER)
    second = begin(ledger, Accept, messages=[message(ledger)], idempotency=key(), reply=ids_as_reply)
    await _waiting(ledger, 1)
    await (first.commit() if kept else first.rollback())
    operation = await second
    assert operation.error is None
    assert operation.replayed == (b"first" if kept else None)
    assert await count(ledger, "messages") == (0 if kept else 1)


async def test_parts_that_arrive_in_two_processes_at_once_are_both_counted(ledgers_and_stranger: Any) -> None:
    one, other, stranger = ledgers_and_stranger
    new = in_hand(one, segments=2)
    await accept(one, new)
    await do(one, Moves, moves=[taken(new)])
    async with stranger.transaction():
        await stranger.execute("SELECT * FROM messages FOR UPDATE")
        begun = [
            begin(ledger, Receipts, receipts=[receipt(str(row(new, part).carrier_id))], **RECEIVING)
            for part, ledger in enumerate((one, other), 1)
        ]
        await _waiting(one, 1)
    for operation in await asyncio.gather(*begun):
        assert operation.error is None
    assert await states(one, new) == ["delivered"]
    assert await one.fetch("SELECT state FROM attempts") == [("delivered",)] * 2


async def test_readers_of_events_wait_for_transactions_that_began_earlier(ledgers_and_stranger: Any) -> None:
    writer, reader, stranger = ledgers_and_stranger
    async with writer.transaction() as transaction:
        await transaction.record(1, 1, [NewEvent("alarm.first", NOW)])
    slow = stranger.transaction()
    await slow.start()
    await stranger.execute("INSERT INTO events (workspace, environment, type, at) VALUES (1, 1, 'alarm.slow', 0)")
    async with writer.transaction() as transaction:
        await transaction.record(1, 1, [NewEvent("alarm.fast", NOW)])
    before, position = await reader.events_after("", 10)
    assert [event.type for event in before] == ["alarm.first"]
    assert await reader.events_after(position, 10) == ([], position)
    await slow.commit()
    after, _ = await reader.events_after(position, 10)
    assert [event.type for event in after] == ["alarm.slow", "alarm.fast"]


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("step", ["accept", "claim"])
async def test_an_opt_out_under_way_is_waited_for(
    pair: tuple[PostgresLedger, PostgresLedger], step: str, kept: bool
) -> None:
    """Invariant 2: what asks the suppression list asks it before the opt-out began, or after it was committed."""
    ledger, other = pair
    new = message(ledger)
    if step == "claim":
        await accept(ledger, new)
    with pytest.raises(ZeroDivisionError) if not kept else nullcontext():
        async with other.transaction() as transaction:
            await write_opt_out(transaction, new.to)
            if step == "accept":
                operation: Any = begin(ledger, Accept, messages=[new])
            else:
                fields: dict[str, Any] = {"connector": CONNECTOR, "segments": 9, "now": NOW, "owner": 1}
                operation = begin(ledger, Claim, shares=[Share(1, 1, 9)], **fields)
            await _waiting(ledger, 1)
            if not kept:
                raise ZeroDivisionError
    await operation
    expected = {"accept": (None, "queued"), "claim": ("rejected", "sending")}[step]
    assert await states(ledger, new) == [expected[0] if kept else expected[1]]


async def test_waiting_messages_wake_other_processes_and_nobody_else(
    pair: tuple[PostgresLedger, PostgresLedger],
) -> None:
    writer, other = pair
    heard: dict[PostgresLedger, list[str]] = {writer: [], other: []}
    last = asyncio.Event()

    def woken(ledger: PostgresLedger, topic: str) -> None:
        heard[ledger].append(topic)
        if all("config" in topics for topics in heard.values()):
            last.set()

    for ledger in pair:
        await ledger.listen(lambda topic, ledger=ledger: woken(ledger, topic), lambda notices: None)
    await accept(writer, in_hand(writer))
    await accept(writer, message(writer), message(writer))
    held = in_hand(writer)
    await accept(writer, held)
    await do(writer, Moves, moves=[Move(copied(held, state="queued", owner=0), "sending", ())])
    async with writer.transaction():
        pass  # its notice comes after all the others
    await asyncio.wait_for(last.wait(), 10)
    assert [topic for topic in heard[other] if topic != "deliveries"] == ["queue", "queue", "config"]
    assert "queue" not in heard[writer]


async def test_processes_give_different_numbers(pair: tuple[PostgresLedger, PostgresLedger]) -> None:
    for kind in ("message", "decision", "batch", "inbound"):
        given = [[ledger.next_id(kind) for _ in range(100)] for ledger in pair]
        assert set(given[0]).isdisjoint(given[1])


async def test_numbers_go_on_from_block_to_block() -> None:
    blocks = iter([5 * BLOCK, 9 * BLOCK])

    async def fetch() -> int:
        return next(blocks)

    numbers = Numbers(fetch, 0)
    given = []
    for place in range(2 * BLOCK + 1):
        number = numbers.take()
        if place % BLOCK in (0, BLOCK - 1):
            given.append(number)
        if place % (BLOCK // 4) == 0:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
    assert given == [0, BLOCK - 1, 5 * BLOCK, 6 * BLOCK - 1, 9 * BLOCK]


async def test_numbers_that_run_out_are_refused_until_there_are_more() -> None:
    answers: list[int | Exception] = [Unavailable("gone"), 7 * BLOCK]

    async def fetch() -> int:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    numbers = Numbers(fetch, 0)
    for _ in range(BLOCK):
        numbers.take()
    for _ in range(2):
        with pytest.raises(Unavailable):
            numbers.take()
        await asyncio.sleep(0)
    assert numbers.take() == 7 * BLOCK


async def test_rows_stand_in_the_order_of_their_time_whichever_process_wrote_them(
    pair: tuple[PostgresLedger, PostgresLedger], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("heliograph.store.postgres.ledger._RENEW_S", 0.02)
    for ledger in pair:
        await ledger.listen(lambda topic: None, lambda notices: None)
    for kind in ("message", "decision", "batch", "inbound"):
        given = 0
        for turn in range(4):
            before, given = given, 0
            async with asyncio.timeout(10):
                while given <= before:
                    given = pair[turn % 2].next_id(kind)
                    await asyncio.sleep(0.01)


async def test_no_message_of_any_process_is_passed_over_by_a_sweep(
    pair: tuple[PostgresLedger, PostgresLedger], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The quieter process took its numbers first; what it writes after the busy one was swept is swept, too."""
    monkeypatch.setattr("heliograph.store.postgres.ledger._RENEW_S", 0.02)
    quiet, busy = pair
    await quiet.listen(lambda topic: None, lambda notices: None)
    days = 86_400_000
    for turn, ledger in enumerate((busy, busy, quiet, quiet)):
        await asyncio.sleep(0.5)  # many renewals, however slow the machine is
        at = NOW + turn * days
        done = message(ledger, state="delivered", owner=None, final_at=at, accepted_at=at, text="Hello")
        await accept(ledger, done)
        while await sweep.redact(busy, at + 2 * days, 1):
            pass
        assert await busy.fetch("SELECT text FROM messages WHERE id = $1", done.id) == [(None,)]


async def test_a_message_keeps_its_history_in_order_across_processes(
    pair: tuple[PostgresLedger, PostgresLedger],
) -> None:
    new = in_hand(pair[0])
    await accept(pair[0], new)
    present: Message = new
    for turn in range(6):
        after = copied(present, updated_at=NOW + turn)
        await do(pair[turn % 2], Moves, moves=[Move(after, "sending", (NewEvent(f"message.{turn}", NOW),))])
        present = after
    rows = await pair[0].fetch("SELECT type FROM events WHERE message = $1 ORDER BY seq", new.id)
    assert [found[0] for found in rows][2:] == [f"message.{turn}" for turn in range(6)]
