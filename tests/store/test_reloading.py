"""What is declared holds as soon as its request is answered, however many read it again at the same time."""

import asyncio
from typing import Any

import pytest

from heliograph.engine import declared
from heliograph.engine.environments import ensure_defaults
from tests.store.making import NOW, Time
from tests.store.test_conversations import gateway

pytestmark = pytest.mark.asyncio


async def test_who_read_first_and_is_ready_last_does_not_bring_back_the_past(
    ledger: Any, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ensure_defaults(ledger, lambda secret: secret, now=NOW)
    one, load = await gateway(ledger, time), declared.load
    has_read, go_on = asyncio.Event(), asyncio.Event()

    async def slow(ledger: Any) -> Any:
        found = await load(ledger)
        if not has_read.is_set():
            has_read.set()
            await go_on.wait()
        return found

    monkeypatch.setattr(declared, "load", slow)
    early = asyncio.create_task(one.reload())
    await has_read.wait()
    async with ledger.transaction() as transaction:
        await transaction.execute("INSERT INTO pauses VALUES ('kind', 'otp', 'me', $1)", NOW)
    late = asyncio.create_task(one.reload())
    await asyncio.sleep(0.1)  # as long as it takes to read
    go_on.set()
    await asyncio.gather(early, late)
    assert one.snapshot.paused.kinds == {"otp"}
    await one.stop(0)
