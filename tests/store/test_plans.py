"""Runs of plans on both engines: whatever crashes, and however many look, each step is one message."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
import pytest_asyncio

from heliograph.core.plans import PlanStep
from heliograph.core.request import MessageRequest
from heliograph.engine.draft import Caller
from heliograph.engine.environments import ensure_defaults
from heliograph.engine.gateway import Gateway
from heliograph.products.plans.desk import PlanDesk
from heliograph.store.port import Idempotency
from tests.store.making import NOW, Time, count
from tests.store.test_conversations import Clock, Watch, gateway, live

pytestmark = pytest.mark.asyncio
ANN = "+491700000001"
PLAN = [PlanStep(within="20s"), PlanStep("email", to="ann@example.com", content={"subject": "Hi"}, until="delivered")]
DECLARED = [
    ("connector", "play", {"kind": "sandbox"}),
    ("route", "letters", {"via": ["play"], "match": {"channel": "email"}}),
    ("route", "all", {"via": ["play"]}),
]


class Crash(Exception):
    """The process is gone."""


class Dying:
    """A ledger whose process dies at its so-many-th question."""

    def __init__(self, ledger: Any, at: int) -> None:
        self._ledger = ledger
        self.left = at

    def __getattr__(self, name: str) -> Any:
        if name in ("fetch", "transaction"):
            self.left -= 1
            if self.left < 0:
                raise Crash
        return getattr(self._ledger, name)


@pytest_asyncio.fixture
async def both(open_ledger: Callable[[], Awaitable[Any]], engine: str, time: Time) -> AsyncIterator[list[Gateway]]:
    """Two processes on one ledger; of SQLite there is only one, and it does both."""
    first = await open_ledger()
    second = first if engine == "sqlite" else await open_ledger()
    await ensure_defaults(first, lambda secret: secret, now=NOW)
    async with first.transaction() as transaction:
        for kind, name, spec in DECLARED:
            await transaction.execute(
                "INSERT INTO declared (workspace, kind, name, spec, created_at, updated_at) "
                "VALUES ((SELECT id FROM workspaces WHERE name = 'default'), $1, $2, $3, $4, $4)",
                *(kind, name, json.dumps(spec), NOW),
            )
    gateways = [await gateway(first, time), await gateway(second, time)]
    yield gateways
    for one in gateways:
        await one.stop(0)


def desk(one: Gateway, time: Time, ledger: Any = None) -> PlanDesk:
    clock: Any = Clock(time)
    return PlanDesk(ledger or one.ledger, one.intake, lambda: one.snapshot, clock, Watch(), one.tell)  # type: ignore[arg-type]


def caller(one: Gateway) -> Caller:
    realm = live(one)
    return Caller(7, realm.workspace, realm.id)


def request() -> MessageRequest:
    return MessageRequest(to=ANN, text="Hello", plan=list(PLAN))


async def became(ledger: Any, state: str, channel: str | None = None) -> None:
    """What a carrier said of a message."""
    async with ledger.transaction() as transaction:
        await transaction.execute(
            "UPDATE messages SET state = $1, owner = NULL, final_at = $2, sent_at = $2 "
            "WHERE coalesce(channel, 'sms') = $3",
            *(state, NOW, channel or "sms"),
        )


async def messages(ledger: Any) -> list[str]:
    """Their channels; several processes give out numbers in no common order."""
    rows = await ledger.fetch("SELECT coalesce(channel, 'sms') FROM messages")
    return sorted((row[0] for row in rows), reverse=True)


async def run_state(ledger: Any) -> list[Any]:
    rows = await ledger.fetch("SELECT state, reached_by, asked FROM plan_runs")
    return [tuple(row) for row in rows]


async def test_however_many_look_each_step_is_sent_once(both: list[Gateway], time: Time) -> None:
    ledger = both[0].ledger
    await desk(both[0], time).begin(caller(both[0]), request(), None)
    await became(ledger, "undelivered")
    await asyncio.gather(*(desk(one, time).sweep() for one in both for _ in range(3)))
    assert await messages(ledger) == ["sms", "email"]
    await became(ledger, "delivered", "email")
    await asyncio.gather(*(desk(one, time).sweep() for one in both for _ in range(3)))
    assert await run_state(ledger) == [("reached", 1, None)], "and what it was to say is forgotten"
    rows = await ledger.fetch("SELECT count(*) FROM events WHERE type = 'plan.reached'")
    assert rows[0][0] == 1


async def test_the_same_request_at_the_same_time_begins_one_run(both: list[Gateway], time: Time) -> None:
    key = Idempotency(7, "k", b"body", NOW + 1_000)
    runs = await asyncio.gather(*(desk(one, time).begin(caller(one), request(), key) for one in both for _ in range(3)))
    assert len({run.id for run in runs}) == 1
    assert await messages(both[0].ledger) == ["sms"]


@pytest.mark.parametrize("at", range(14))
async def test_a_crash_anywhere_neither_loses_nor_doubles_a_step(both: list[Gateway], time: Time, at: int) -> None:
    ledger = both[0].ledger
    with suppress(Crash):
        await desk(both[0], time, Dying(ledger, at)).begin(caller(both[0]), request(), None)
    if not await count(ledger, "plan_runs"):
        assert await messages(ledger) == [], "nothing was kept, and the caller knows it"
        return
    time.ms = NOW + 16_000
    await desk(both[1], time).sweep()
    assert await messages(ledger) == ["sms"]
    await became(ledger, "failed")
    with suppress(Crash):
        await desk(both[0], time, Dying(ledger, at)).sweep()
    time.ms = NOW + 32_000
    await desk(both[1], time).sweep()
    assert await messages(ledger) == ["sms", "email"]


async def test_a_late_receipt_of_an_earlier_step_ends_the_run_too(both: list[Gateway], time: Time) -> None:
    ledger = both[0].ledger
    mine = desk(both[0], time)
    await mine.begin(caller(both[0]), request(), None)
    await became(ledger, "sent")
    time.ms = NOW + 20_000
    await mine.sweep()
    assert await messages(ledger) == ["sms", "email"]
    await became(ledger, "delivered")
    await mine.sweep()
    assert (await run_state(ledger))[0][:2] == ("reached", 0)
    rows = await ledger.fetch("SELECT state FROM messages WHERE channel = 'email'")
    assert rows == [("canceled",)], "the e-mail had not left yet"
