"""Deliveries to SMPP accounts: told beside the subscribers, given up by a process, failed when nobody comes."""

import asyncio
from typing import Any

import pytest

from heliograph.engine import accounts
from heliograph.store.port import ClaimDeliveries, Deliveries, NewEvent
from heliograph.store.postgres import PostgresLedger
from tests.store.making import LATER, NOW, accept, do, message

pytestmark = pytest.mark.asyncio

TARGET = accounts.target(1, 7)
HIDDEN_MS = 20_000


async def _tell(ledger: Any, *targets: str) -> None:
    """Of a message from a phone, beside those who subscribed."""
    async with ledger.transaction() as transaction:
        await transaction.record(1, 1, [NewEvent("inbound.received", NOW, "{}", targets=targets)])


async def _states(ledger: Any) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = await ledger.fetch("SELECT state, tries, error FROM deliveries ORDER BY id")
    return found


async def test_an_event_is_told_to_its_targets_beside_the_subscribers(ledger: Any) -> None:
    ledger.subscribers = lambda environment, kind, subject: [(3, "endpoint:3")]
    await _tell(ledger, TARGET, "another")
    told = await ledger.fetch("SELECT endpoint, target FROM deliveries ORDER BY id")
    assert told == [(3, "endpoint:3"), (None, TARGET), (None, "another")]


async def test_an_event_of_a_cold_transaction_may_belong_to_a_message(ledger: Any) -> None:
    new = message(ledger)
    await accept(ledger, new)
    async with ledger.transaction() as transaction:
        await transaction.record(new.workspace, new.environment, [NewEvent("message.replaced", NOW, told=False)], new)
    rows = await ledger.fetch("SELECT message FROM events WHERE type = 'message.replaced'")
    assert rows == [(new.id,)]


async def test_what_waits_for_an_account_for_too_long_fails(ledger: Any) -> None:
    ledger.subscribers = lambda environment, kind, subject: [(3, "endpoint:3")]
    await _tell(ledger, TARGET)
    in_time, too_late = NOW + accounts.KEPT_MS, NOW + accounts.KEPT_MS + HIDDEN_MS
    await accounts.give_up(ledger, in_time)
    assert await _states(ledger) == [("pending", 0, None)] * 2
    await accounts.give_up(ledger, too_late)
    assert await _states(ledger) == [("pending", 0, None), ("failed", 0, "the account did not bind in time")]


@pytest.mark.parametrize("is_due", [True, False])
async def test_what_one_process_gives_up_wakes_the_others(open_postgres: Any, is_due: bool) -> None:
    writer: PostgresLedger = await open_postgres()
    other: PostgresLedger = await open_postgres()
    heard: list[str] = []
    await other.listen(heard.append, lambda notices: None)

    async def cold_commit() -> None:
        """What a cold transaction writes is told under both topics, after all that was told before."""
        while heard[-2:] != ["config", "deliveries"]:
            await asyncio.sleep(0.01)

    await _tell(writer, TARGET)
    await asyncio.wait_for(cold_commit(), 10)
    due = await do(writer, ClaimDeliveries, target=TARGET, limit=1, now=LATER, hidden_until=LATER + HIDDEN_MS)
    delivery = due.notices[0].delivery
    delivery.next_at = NOW if is_due else NOW + 5_000
    heard.clear()
    await do(writer, Deliveries, results=[delivery])
    async with writer.transaction():
        pass
    await asyncio.wait_for(cold_commit(), 10)
    assert heard == ["deliveries"] * is_due + ["config", "deliveries"]
