"""Numbers that are left alone: recorded from what carriers say, asked at every accept, ended by what arrives."""

from collections.abc import Callable, Coroutine
from types import SimpleNamespace
from typing import Any

import pytest

from heliograph.core.cooldown import span_ms
from heliograph.core.message import Message
from heliograph.engine.cooldowns import Cooldowns, lift, listed
from tests.store.making import LATER, NOW, Time, accept, count, message, opt_out, states

pytestmark = pytest.mark.asyncio
HOUR = 3_600_000


class Clock:
    """As much of a clock as is asked."""

    def __init__(self, time: Time) -> None:
        self._time = time

    def now_ms(self) -> int:
        return self._time.ms


class Heard:
    """Cooldowns at work, and the messages that they are told of."""

    def __init__(self, ledger: Any) -> None:
        self.ledger = ledger
        self.time = Time()
        self.soon: list[Callable[[], Coroutine[Any, Any, None]]] = []
        connectors = {"telco": SimpleNamespace(kind="smpp"), "play": SimpleNamespace(kind="sandbox")}
        snapshot: Any = SimpleNamespace(connectors=connectors)
        clock: Any = Clock(self.time)
        self.cooldowns = Cooldowns(ledger, clock, self.soon.append, lambda: snapshot)

    async def fails(self, at: int, *messages: Message) -> None:
        self.time.ms = at
        self.cooldowns.failed(messages, lambda message: "21211")
        await self.cooldowns.keep()

    async def arrives(self, *messages: Message) -> None:
        for one in messages:
            one.state = "delivered"
        self.cooldowns.ended(messages)
        await self.cooldowns.keep()

    async def row(self, number: str = "+491700000001") -> tuple[int, int] | None:
        rows = await self.ledger.fetch("SELECT failures, until FROM cooldowns WHERE number = $1", number)
        return tuple(rows[0]) if rows else None


@pytest.mark.parametrize(
    ("after_ms", "changes", "is_kept"),
    [
        (1, {}, False),
        (HOUR, {}, True),
        (1, {"kind": "otp", "lane": 0}, True),
        (1, {"to": "+491700000002"}, True),
        (1, {"workspace": 2}, True),
        (1, {"environment": 3}, True),
    ],
    ids=["while it rests", "after it", "a code", "another number", "another workspace", "another environment"],
)
async def test_a_number_that_does_not_exist_is_left_alone(
    ledger: Any, after_ms: int, changes: dict[str, Any], is_kept: bool
) -> None:
    heard = Heard(ledger)
    await heard.fails(NOW, message(ledger, accepted_at=NOW - 5))
    new = message(ledger, accepted_at=NOW + after_ms, **changes)
    operation = await accept(ledger, new)
    assert operation.cooling == ({} if is_kept else {new.id: NOW + HOUR})
    assert operation.refused == dict.fromkeys(operation.cooling, "number_cooling_down")
    assert await states(ledger, new) == ["queued" if is_kept else None]


async def test_one_of_a_batch_is_left_out_and_an_opt_out_is_none_of_it(ledger: Any) -> None:
    heard = Heard(ledger)
    await heard.fails(NOW, message(ledger, accepted_at=NOW - 5))
    await opt_out(ledger, "+491700000003")
    dead, live, unwilling = (message(ledger, accepted_at=NOW + 1, to=f"+49170000000{n}") for n in (1, 2, 3))
    operation = await accept(ledger, dead, live, unwilling)
    assert operation.refused == {dead.id: "number_cooling_down", unwilling.id: "opted_out"}
    assert set(operation.cooling) == {dead.id}
    assert await states(ledger, dead, live, unwilling) == [None, "queued", None]
    again = await accept(ledger, live_too := message(ledger, to="+491700000002"), message(ledger), all_or_none=True)
    assert again.cooling and await states(ledger, live_too) == [None]


async def test_what_was_under_way_at_the_same_time_is_one_failure_and_what_came_after_is_another(ledger: Any) -> None:
    heard = Heard(ledger)
    await heard.fails(NOW, *(message(ledger, accepted_at=NOW - n) for n in (5, 4, 3)))
    await heard.fails(NOW + 1_000, message(ledger, accepted_at=NOW - 2))
    assert await heard.row() == (1, NOW + HOUR)
    await heard.fails(NOW + 9_000, message(ledger, accepted_at=NOW + 8_000, kind="otp"))
    assert await heard.row() == (2, NOW + 9_000 + span_ms(2))
    operation = await accept(ledger, message(ledger, accepted_at=NOW + 10_000, kind="otp", lane=0))
    assert operation.cooling  # by now it is no slip of the finger


async def test_what_arrives_ends_it_and_a_sandbox_says_nothing(ledger: Any) -> None:
    heard = Heard(ledger)
    await heard.fails(NOW, message(ledger, connector="play"))
    await heard.arrives(message(ledger))
    assert await count(ledger, "cooldowns") == 0 and not heard.soon
    await heard.fails(NOW, message(ledger), message(ledger, to="+491700000002"), message(ledger, environment=3))
    await heard.arrives(message(ledger), message(ledger, to="+491700000009"))
    assert await heard.row() == (1, NOW + HOUR)  # only that of the other environment is left
    assert await count(ledger, "cooldowns") == 2


async def test_another_process_learns_of_it_and_what_is_long_over_is_forgotten(ledger: Any) -> None:
    await Heard(ledger).fails(NOW, message(ledger))
    other = Heard(ledger)
    await other.cooldowns.look()
    await other.arrives(message(ledger))
    assert await count(ledger, "cooldowns") == 0
    await other.fails(NOW, message(ledger))
    other.time.ms = NOW + 91 * 24 * HOUR
    await other.cooldowns.look()
    assert await count(ledger, "cooldowns") == 0


async def test_it_is_shown_within_its_walls_and_ended_by_hand_with_an_audit_entry(ledger: Any) -> None:
    heard = Heard(ledger)
    numbers = [f"+49170000000{n}" for n in range(3)]
    await heard.fails(NOW, *(message(ledger, to=number) for number in numbers))
    shown = await listed(ledger, 1, 1, numbers[0], 10, NOW + 1)
    assert [(one.number, one.failures, one.carrier_code) for one in shown] == [(n, 1, "21211") for n in numbers[1:]]
    assert await listed(ledger, 2, 1, "", 10, NOW) == await listed(ledger, 1, 3, "", 10, NOW) == []
    assert await listed(ledger, 1, 1, "", 10, LATER) == []
    assert not await lift(ledger, 2, 1, numbers[0], actor="key", now=NOW)
    assert await lift(ledger, 1, 1, numbers[0], actor="key", now=NOW)
    assert not await lift(ledger, 1, 1, numbers[0], actor="key", now=NOW)
    entries = await ledger.fetch("SELECT workspace, actor, action, object FROM audit WHERE action LIKE 'cooldown%'")
    assert [tuple(entry) for entry in entries] == [(1, "key", "cooldown.lifted", f"number:{numbers[0]}")]
