"""Messages from phones: each is kept once, however often the carrier brings it."""

import asyncio
from typing import Any

import pytest

from heliograph.store.port import Arrivals, NewEvent
from tests.store.making import NOW, arrival, begin, count, do

pytestmark = pytest.mark.asyncio


async def test_a_message_from_a_phone_is_kept_and_told(ledger: Any) -> None:
    """It is kept at once, and told when it is settled: to all who subscribed, or to those that the event names."""
    ledger.subscribers = lambda environment, kind, subject: [(3, "endpoint:3")] if subject is None else []
    new = arrival(ledger, raw="raw")
    operation = await do(ledger, Arrivals, arrivals=[new])
    assert operation.repeated == set()
    assert await ledger.fetch("SELECT * FROM inbound") == [
        (new.id, 1, 1, "telco", "in-1", "+491700000001", "12345", "STOP", "raw", NOW, *[None] * 5)
    ]
    async with ledger.transaction() as transaction:
        forwarded = NewEvent("inbound.matched", NOW, told=False, only=((4, "endpoint:4"),))
        await transaction.record(1, 1, [NewEvent("inbound.received", NOW), forwarded])
    found = await ledger.fetch(
        "SELECT e.type, e.message, d.target FROM events e JOIN deliveries d ON d.event = e.seq ORDER BY e.seq"
    )
    assert found == [("inbound.received", None, "endpoint:3"), ("inbound.matched", None, "endpoint:4")]


@pytest.mark.parametrize("together", [True, False])
async def test_what_a_carrier_brings_twice_is_kept_once(ledger: Any, together: bool) -> None:
    first, second = arrival(ledger), arrival(ledger, text="STOP!")
    if together:
        operation = await do(ledger, Arrivals, arrivals=[first, second])
        repeated = operation.repeated
    else:
        begun = [begin(ledger, Arrivals, arrivals=[new]) for new in (first, second)]
        repeated = set[int]().union(*(operation.repeated for operation in await asyncio.gather(*begun)))
    assert repeated == {second.id}
    assert await ledger.fetch("SELECT id FROM inbound") == [(first.id,)]


@pytest.mark.parametrize(("carrier_id", "changes"), [(None, {}), ("in-2", {}), ("in-1", {"connector": "another"})])
async def test_different_messages_with_equal_words_are_all_kept(
    ledger: Any, carrier_id: str | None, changes: dict[str, str]
) -> None:
    first = arrival(ledger, carrier_id if carrier_id is None else "in-1")
    second = arrival(ledger, carrier_id, **changes)
    operation = await do(ledger, Arrivals, arrivals=[first, second])
    assert operation.repeated == set()
    assert await count(ledger, "inbound") == 2


async def test_no_character_makes_a_message_from_a_phone_unkeepable(ledger: Any) -> None:
    await do(ledger, Arrivals, arrivals=[arrival(ledger, text="a\0b", raw="\0")])
    assert await count(ledger, "inbound") == 1
