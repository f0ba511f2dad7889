"""Frequency caps in the ledger: kept however many ask at once, on both engines and across processes."""

import asyncio
from typing import Any

import pytest

from heliograph.core.frequency import FrequencyCap
from heliograph.core.message import Message
from heliograph.store.port import Accept, Over
from tests.store.making import NOW, accept, attempt, history, ids_as_reply, key, message, states

pytestmark = pytest.mark.asyncio

HOUR = 3_600_000
KINDS = frozenset({"promotional"})


def cap(most: int = 3, per_ms: int = HOUR // 6, action: str = "reject", *tags: str) -> FrequencyCap:
    return FrequencyCap("three", most, per_ms, KINDS, frozenset(tags), action)


def promotion(ledger: Any, **changes: Any) -> Message:
    return message(ledger, **{"kind": "promotional", "lane": 2} | changes)


def under(caps: FrequencyCap, *messages: Message) -> dict[str, Any]:
    return {"caps": {one.id: (caps,) for one in messages}}


async def times(ledger: Any) -> list[int]:
    return [row[0] for row in await ledger.fetch("SELECT due_at FROM messages ORDER BY due_at, id")]


async def test_what_is_too_much_is_left_out_and_named(ledger: Any) -> None:
    four = [promotion(ledger) for _ in range(4)]
    operation = await accept(ledger, *four, **under(cap(), *four))
    assert set(operation.refused) == {four[3].id}
    assert operation.over == {four[3].id: Over("three", NOW + HOUR // 6)}
    assert len(await times(ledger)) == 3


async def test_what_is_too_much_is_held_until_it_is_not(ledger: Any) -> None:
    five = [promotion(ledger) for _ in range(5)]
    operation = await accept(ledger, *five, **under(cap(2, 60_000, "hold"), *five))
    assert operation.refused == {} and operation.over == {}
    assert await times(ledger) == [NOW, NOW, NOW + 60_000, NOW + 60_000, NOW + 120_000]
    assert await states(ledger, *five) == ["queued", "queued", "scheduled", "scheduled", "scheduled"]
    assert await history(ledger, five[2]) == ["message.accepted", "message.held", "message.scheduled"]


async def test_what_can_not_be_held_in_its_time_is_left_out(ledger: Any) -> None:
    two = [promotion(ledger, valid_until=NOW + 60_000) for _ in range(2)]
    operation = await accept(ledger, *two, **under(cap(1, 60_000, "hold"), *two))
    assert set(operation.refused) == {two[1].id} and two[1].id in operation.over


async def test_earlier_commits_count_by_what_became_of_them(ledger: Any) -> None:
    await accept(ledger, promotion(ledger, state="sent", sent_at=NOW - 5, due_at=NOW - HOUR))
    await accept(ledger, promotion(ledger, state="delivered", sent_at=NOW - 5, owner=None))
    await accept(ledger, promotion(ledger, state="canceled", owner=None))
    await accept(ledger, promotion(ledger, state="delivered", sent_at=NOW - HOUR, owner=None))
    await accept(ledger, promotion(ledger, kind="otp"))
    await accept(ledger, promotion(ledger, to="+491700000002"))
    await accept(ledger, promotion(ledger, workspace=2))
    await accept(ledger, promotion(ledger, environment=2))
    two = [promotion(ledger) for _ in range(2)]
    operation = await accept(ledger, *two, **under(cap(), *two))
    assert set(operation.refused) == {two[1].id}, "two of them count, and one more may go"


async def test_topics_are_counted_apart(ledger: Any) -> None:
    only_news = cap(1, HOUR // 6, "reject", "news")
    sent = [promotion(ledger, tags=tags) for tags in ('["news"]', None, '["sale"]', '["sale","news"]')]
    operation = await accept(ledger, *sent, **under(only_news, sent[0], sent[3]))
    assert set(operation.refused) == {sent[3].id}


async def test_all_or_none(ledger: Any) -> None:
    four = [promotion(ledger) for _ in range(4)]
    await attempt(ledger, Accept, messages=four, all_or_none=True, **under(cap(), *four))
    assert await times(ledger) == []
    three = [promotion(ledger) for _ in range(3)]
    operation = await accept(ledger, *three, all_or_none=True, **under(cap(), *three))
    assert operation.refused == {} and len(await times(ledger)) == 3


async def test_a_request_that_is_repeated_gets_its_answer_and_counts_once(ledger: Any) -> None:
    for _ in range(3):
        one = promotion(ledger)
        operation = await accept(
            ledger, one, idempotency=key(), reply=ids_as_reply, all_or_none=True, **under(cap(1), one)
        )
    assert operation.replayed is not None and len(await times(ledger)) == 1


async def test_however_many_ask_at_once_no_more_get_through(open_ledger: Any) -> None:
    ledger = await open_ledger()
    asked = [promotion(ledger) for _ in range(40)]
    operations = await asyncio.gather(*(accept(ledger, one, **under(cap(), one)) for one in asked))
    assert sum(len(operation.refused) for operation in operations) == 37
    assert len(await times(ledger)) == 3


async def test_several_processes_keep_one_cap(open_postgres: Any) -> None:
    ledgers = [await open_postgres() for _ in range(3)]
    numbers = [f"+49170000001{last}" for last in range(4)]
    asked = [(one, promotion(one, to=to)) for _ in range(8) for one in ledgers for to in numbers]
    await asyncio.gather(*(accept(one, found, **under(cap(), found)) for one, found in asked))
    rows = await ledgers[0].fetch("SELECT to_number, count(*) FROM messages GROUP BY to_number ORDER BY to_number")
    assert [tuple(row) for row in rows] == [(to, 3) for to in numbers]


async def test_several_processes_hold_one_after_the_other(open_postgres: Any) -> None:
    ledgers = [await open_postgres() for _ in range(3)]
    asked = [(one, promotion(one)) for _ in range(4) for one in ledgers]
    await asyncio.gather(*(accept(one, found, **under(cap(1, 60_000, "hold"), found)) for one, found in asked))
    assert await times(ledgers[0]) == [NOW + 60_000 * place for place in range(12)]
