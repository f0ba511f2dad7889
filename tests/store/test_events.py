"""Events are read in an order without gaps; cold transactions keep all or nothing, their events included."""

import asyncio
from typing import Any

import pytest

from heliograph.core.message import Event
from heliograph.store.port import Accept, NewEvent, Notice
from tests.store.making import NOW, accept, begin, count, message

pytestmark = pytest.mark.asyncio


async def test_events_are_read_from_the_start_and_from_any_position(ledger: Any) -> None:
    assert await ledger.events_after("", 10) == ([], "")
    messages = [message(ledger) for _ in range(5)]
    for new in messages:
        await accept(ledger, new)
    everything, end = await ledger.events_after("", 100)
    assert [event.message for event in everything] == [new.id for new in messages for _ in range(2)]
    position, pages = "", list[Event]()
    while len(pages) < 10:
        page, position = await ledger.events_after(position, 3)
        assert 0 < len(page) <= 3
        pages += page
    assert (pages, position) == (everything, end)
    assert await ledger.events_after(end, 3) == ([], end)


async def test_events_have_what_was_told_of_them(ledger: Any) -> None:
    async with ledger.transaction() as transaction:
        await transaction.record(3, 4, [NewEvent("alarm.raised", NOW, '{"a": 1}'), NewEvent("alarm.cleared", NOW + 1)])
    events, _ = await ledger.events_after("", 10)
    assert [(e.workspace, e.environment, e.message, e.type, e.at, e.data) for e in events] == [
        (3, 4, None, "alarm.raised", NOW, '{"a": 1}'),
        (3, 4, None, "alarm.cleared", NOW + 1, None),
    ]


async def test_a_cold_transaction_tells_its_events_after_its_commit(ledger: Any) -> None:
    ledger.subscribers = lambda environment, kind, subject: [(6, "endpoint:6")]
    topics: list[str] = []
    told: list[Notice] = []
    woken = asyncio.Event()

    def wake(topic: str) -> None:
        topics.append(topic)
        if topic == "config":
            woken.set()

    await ledger.listen(wake, told.extend)
    async with ledger.transaction() as transaction:
        await transaction.record(1, 1, [NewEvent("contact.opted_out", NOW)])
        assert told == []
    (notice,) = told
    assert (notice.event.type, notice.delivery.target) == ("contact.opted_out", "endpoint:6")
    assert await count(ledger, "deliveries") == 1
    await asyncio.wait_for(woken.wait(), 10)


async def test_a_cold_transaction_that_fails_leaves_nothing(ledger: Any) -> None:
    ledger.subscribers = lambda environment, kind, subject: [(6, "endpoint:6")]
    told: list[Notice] = []
    await ledger.listen(lambda topic: None, told.extend)
    with pytest.raises(ZeroDivisionError):
        async with ledger.transaction() as transaction:
            await transaction.execute("INSERT INTO watermarks (name, value) VALUES ($1, $2)", "a", 1)
            await transaction.record(1, 1, [NewEvent("contact.opted_out", NOW)])
            raise ZeroDivisionError
    assert [await count(ledger, table) for table in ("watermarks", "events", "deliveries")] == [0, 0, 0]
    assert told == []


async def test_a_cold_transaction_reads_what_it_wrote(ledger: Any) -> None:
    async with ledger.transaction() as transaction:
        await transaction.execute("INSERT INTO watermarks (name, value) VALUES ($1, $2)", "a", 1)
        assert await transaction.fetch("SELECT value FROM watermarks WHERE name = $1", "a") == [(1,)]
    assert await ledger.fetch("SELECT name, value FROM watermarks") == [("a", 1)]


async def test_operations_go_on_around_cold_transactions(ledger: Any) -> None:
    begun = []
    async with ledger.transaction() as transaction:
        begun.append(begin(ledger, Accept, messages=[message(ledger)]))
        await transaction.record(1, 1, [NewEvent("alarm.raised", NOW)])
        begun.append(begin(ledger, Accept, messages=[message(ledger)]))
    for operation in await asyncio.gather(*begun):
        assert operation.error is None
    events, _ = await ledger.events_after("", 10)
    assert len({event.seq for event in events}) == 5


@pytest.mark.parametrize(
    ("sql", "values", "rows"),
    [
        ("SELECT sum(value), avg(value), count(*) FROM watermarks", (), [(5, 2.5, 2)]),
        ("SELECT name FROM watermarks WHERE value > $1 ORDER BY name LIMIT $2", (1, 5), [("a",), ("b",)]),
        ("SELECT name FROM watermarks WHERE name = $1 OR name = $1 AND value = $2", ("a", 9), [("a",)]),
        ("SELECT name FROM watermarks WHERE value IN ($1, $2) ORDER BY name", (2, 3), [("a",), ("b",)]),
        ("SELECT hash, expires_at FROM tokens WHERE hash = $1", (b"\x00\xff",), []),
    ],
)
async def test_cold_statements_take_plain_values_and_answer_plain_rows(
    ledger: Any, sql: str, values: tuple[object, ...], rows: list[tuple[object, ...]]
) -> None:
    async with ledger.transaction() as transaction:
        for name, value in (("a", 2), ("b", 3)):
            await transaction.execute("INSERT INTO watermarks (name, value) VALUES ($1, $2)", name, value)
    found = await ledger.fetch(sql, *values)
    assert found == rows
    assert [[type(value) for value in row] for row in found] == [[type(value) for value in row] for row in rows]
