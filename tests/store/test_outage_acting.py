"""What an outage's plan does to messages that wait, look by look, in a real ledger."""

from typing import Any

import pytest

from heliograph.core.outages import KindPlan, OutagePolicy
from heliograph.engine.outages.acting import Acting
from heliograph.engine.outages.register import Outage
from tests.store.making import NOW, accept, copied, message, states

pytestmark = pytest.mark.asyncio

BEGAN = NOW + 10_000
SECOND = 1_000
CODE = {"kind": "otp", "lane": 0}


def outage(country: str = "DE") -> Outage:
    return Outage(1, 1, 1, '["telco"]', country, "too much fails", NOW, BEGAN, None, None, 0, 0, 0)


def acting(ledger: Any) -> Acting:
    nobody: Any = None  # none of these plans names another channel
    return Acting(ledger, nobody, lambda kept: None, lambda changed, before: None)


async def due(ledger: Any) -> dict[int, int]:
    return dict(await ledger.fetch("SELECT id, due_at FROM messages WHERE state = 'queued'"))


async def act(ledger: Any, plan: KindPlan, at: int, *, on: Outage) -> None:
    nowhere: Any = None
    await acting(ledger).act(on, nowhere, OutagePolicy(kinds={"otp": plan}), at)


@pytest.mark.parametrize("country", ["", "DE"])
async def test_however_many_wait_they_fail_in_one_look(ledger: Any, country: str) -> None:
    waiting = [message(ledger, **CODE) for _ in range(1_100)]
    await accept(ledger, *waiting)
    shut = outage(country)
    await act(ledger, KindPlan(then="fail"), BEGAN, on=shut)
    assert set(await states(ledger, *waiting)) == {"failed"}
    assert shut.failed == len(waiting)


@pytest.mark.parametrize("plan", [KindPlan(), KindPlan(then="pause"), KindPlan(wait_s=60, then="fail")])
async def test_however_many_wait_they_are_held_in_one_look(ledger: Any, plan: KindPlan) -> None:
    """Else a link that is up takes the rest, and each of them fails there."""
    await accept(ledger, *(message(ledger, **CODE) for _ in range(1_100)))
    shut = outage()
    await act(ledger, plan, BEGAN, on=shut)
    assert min((await due(ledger)).values()) > BEGAN + SECOND
    assert shut.held == 1_100


async def test_one_that_comes_back_from_a_carrier_fails_in_the_next_look(ledger: Any) -> None:
    """It was on its way while the plan was kept for the others, and waits before the look is over."""
    code = message(ledger, **CODE)
    await accept(ledger, code)
    shut, asked = outage(), []

    class Racing:
        """The ledger; the message is seen only by those that ask later."""

        def __getattr__(self, name: str) -> Any:
            return getattr(ledger, name)

        async def fetch(self, sql: str, *values: Any) -> Any:
            asked.append(values)
            is_first = [one[2] for one in asked].count("otp") == 1
            return [] if is_first and values[2] == "otp" else await ledger.fetch(sql, *values)

    for look in range(2):
        await act(Racing(), KindPlan(then="fail"), BEGAN + look * SECOND, on=shut)
    assert await states(ledger, code) == ["failed"]


async def test_what_its_plan_lets_wait_stays_until_its_turn(ledger: Any) -> None:
    early, late = message(ledger, **CODE), message(ledger, **CODE, accepted_at=BEGAN + 500)
    await accept(ledger, early)
    shut, plan = outage(), KindPlan(wait_s=5, then="fail")
    for look in range(6):
        at = BEGAN + look * SECOND
        if look == 1:
            await accept(ledger, late)
        await act(ledger, plan, at, on=shut)
        assert all(until > at + SECOND for until in (await due(ledger)).values()), "no claim takes it before the next"
        assert await states(ledger, early) == ["failed" if look == 5 else "queued"]
    assert await states(ledger, late) == ["queued"]
    await act(ledger, plan, BEGAN + 6 * SECOND, on=shut)
    assert await states(ledger, late) == ["failed"]


async def test_what_waits_for_the_end_is_written_down_once_in_a_while(ledger: Any) -> None:
    """Not at every look: there may be a million."""
    code = message(ledger, **CODE)
    await accept(ledger, code)
    shut, until = outage(), []
    for look in range(40):
        await act(ledger, KindPlan(), BEGAN + look * SECOND, on=shut)
        until.append((await due(ledger))[code.id])
    assert len(set(until)) == 2
    assert await states(ledger, copied(code)) == ["queued"]
