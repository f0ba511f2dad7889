"""Budgets in the ledger, on both engines: exact, told once, whatever runs beside each other."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from heliograph.core.charges import BUDGET_EXCEEDED, Charge, Limit
from heliograph.core.links import ShortLink
from heliograph.core.message import Message
from heliograph.store.port import Accept, Idempotency
from tests.store.making import LATER, NOW, attempt, begin, count, do, message

pytestmark = pytest.mark.asyncio

Open = Callable[[], Awaitable[Any]]


def limit(most: int, name: str = "spring", **more: Any) -> Limit:
    fields: dict[str, Any] = {"warn_at": (50, 80, 100)}
    return Limit((1, f"{name}/messages", "", NOW), 1, LATER, most, "messages", **fields | more)


def adding(messages: list[Message], *charges: Charge) -> dict[str, Any]:
    return {"messages": messages, "charges": {one.id: charges for one in messages}}


async def used(ledger: Any) -> dict[str, int]:
    return dict(await ledger.fetch("SELECT name, used FROM tallies"))


async def alarms(ledger: Any) -> list[int]:
    rows = await ledger.fetch("SELECT data FROM events WHERE type = 'alarm.budget' ORDER BY seq")
    return [msgspec.json.decode(row[0])["threshold"] for row in rows]


async def test_what_finds_no_room_is_left_out(ledger: Any) -> None:
    messages = [message(ledger) for _ in range(5)]
    kept = await do(ledger, Accept, **adding(messages, Charge(limit(3), 1)))
    assert kept.refused == dict.fromkeys((one.id for one in messages[3:]), BUDGET_EXCEEDED)
    assert kept.overspent == dict.fromkeys((one.id for one in messages[3:]), limit(3))
    assert await count(ledger, "messages") == 3 and await used(ledger) == {"spring/messages": 3}
    assert await alarms(ledger) == [50, 80, 100]


async def test_room_is_needed_in_every_budget(ledger: Any) -> None:
    charges = (Charge(limit(10, "large"), 1), Charge(limit(2, "small"), 1))
    await do(ledger, Accept, **adding([message(ledger) for _ in range(5)], *charges))
    assert await used(ledger) == {"large/messages": 2, "small/messages": 2}


async def test_a_request_of_all_or_none_that_is_refused_uses_nothing(ledger: Any) -> None:
    refused = await do(
        ledger, Accept, **adding([message(ledger) for _ in range(5)], Charge(limit(3), 1)), all_or_none=True
    )
    assert len(refused.refused) == 2 and await count(ledger, "messages") == 0
    kept = await do(ledger, Accept, **adding([message(ledger) for _ in range(3)], Charge(limit(3), 1)))
    assert not kept.refused and await used(ledger) == {"spring/messages": 3}


async def test_a_repeated_request_counts_once(ledger: Any) -> None:
    key = Idempotency(1, "once", b"hash", LATER)

    async def ask() -> Accept:
        fields = adding([message(ledger)], Charge(limit(3), 1))
        return await do(ledger, Accept, **fields, idempotency=key, reply=lambda operation: b"answer", all_or_none=True)

    answers = [await ask() for _ in range(3)]
    assert [answer.replayed for answer in answers] == [None, b"answer", b"answer"]
    assert await used(ledger) == {"spring/messages": 1}
    both = await asyncio.gather(ask(), ask())
    assert [answer.replayed for answer in both] == [b"answer"] * 2 and await used(ledger) == {"spring/messages": 1}


async def test_what_opted_out_uses_nothing(ledger: Any) -> None:
    async with ledger.transaction() as transaction:
        await transaction.execute(
            "INSERT INTO stances (workspace, number, scope, imported, out_at, firm, record) "
            "VALUES (1, '+491700000001', '*', 0, $1, 0, 1)",
            NOW,
        )
    await do(ledger, Accept, **adding([message(ledger)], Charge(limit(3), 1)))
    assert (await used(ledger)).get("spring/messages", 0) == 0


async def test_thresholds_are_told_once_over_many_commits(ledger: Any) -> None:
    for _ in range(12):
        await do(ledger, Accept, **adding([message(ledger)], Charge(limit(10), 1)))
    assert await alarms(ledger) == [50, 80, 100]
    rows = await ledger.fetch("SELECT data FROM events WHERE type = 'alarm.budget' ORDER BY seq DESC LIMIT 1")
    told = msgspec.json.decode(rows[0][0])
    assert (told["budget"], told["measure"], told["used"], told["limit"]) == ("spring", "messages", 10, 10)


async def test_counts_survive_a_restart(open_ledger: Open) -> None:
    first = await open_ledger()
    await do(first, Accept, **adding([message(first) for _ in range(4)], Charge(limit(5), 1)))
    await first.close()
    second = await open_ledger()
    kept = await do(second, Accept, **adding([message(second) for _ in range(4)], Charge(limit(5), 1)))
    assert len(kept.refused) == 3 and await used(second) == {"spring/messages": 5}
    assert await alarms(second) == [50, 80, 100]


async def test_three_processes_never_go_beyond_a_limit(open_postgres: Any) -> None:
    """Each offers more than there is room for, at the same time, in requests of several messages."""
    ledgers = [await open_postgres() for _ in range(3)]
    most = 500

    async def offer(ledger: Any) -> int:
        kept = 0
        for _ in range(40):
            waiting = [
                begin(ledger, Accept, **adding([message(ledger) for _ in range(3)], Charge(limit(most), 1)))
                for _ in range(3)
            ]
            for operation in await asyncio.gather(*waiting):
                assert operation.error is None
                kept += len(operation.messages) - len(operation.refused)
        return kept

    kept = sum(await asyncio.gather(*map(offer, ledgers)))
    assert kept == most == await count(ledgers[0], "messages")
    assert await used(ledgers[0]) == {"spring/messages": most} and await alarms(ledgers[0]) == [50, 80, 100]


async def test_processes_with_several_budgets_never_wait_for_each_other_for_ever(open_postgres: Any) -> None:
    ledgers = [await open_postgres() for _ in range(3)]
    charges = [Charge(limit(10_000, name), 1) for name in ("a", "b", "c")]

    async def offer(ledger: Any, own: list[Charge]) -> None:
        for _ in range(30):
            operation = await attempt(ledger, Accept, **adding([message(ledger)], *own))
            assert operation.error is None

    await asyncio.gather(*(offer(ledger, charges[place:] + charges[:place]) for place, ledger in enumerate(ledgers)))
    assert await used(ledgers[0]) == {"a/messages": 90, "b/messages": 90, "c/messages": 90}


async def test_links_are_kept_with_their_messages(ledger: Any) -> None:
    messages = [message(ledger) for _ in range(1_000)]
    links = [
        ShortLink(f"{place:011d}", 1, 1, one.id, f"https://a.example/{place}", NOW, LATER)
        for place, one in enumerate(messages)
    ]
    await do(ledger, Accept, **adding(messages, Charge(limit(999), 1)), links=links)
    rows = await ledger.fetch("SELECT message, url, clicks FROM links ORDER BY token")
    assert [tuple(row) for row in rows] == [(link.message, link.url, 0) for link in links[:999]]
