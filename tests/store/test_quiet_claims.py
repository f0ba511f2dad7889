"""Claims in quiet hours: what must not go now waits for the next opening, and is not counted as an attempt."""

from typing import Any

import pytest

from heliograph.core.message import Message
from heliograph.core.quiet import Answer
from heliograph.store.port import Share
from tests.store.making import LATER, NOW, accept, claim, history, message, opt_out, states

pytestmark = pytest.mark.asyncio

OPENING = NOW + 60_000


def closed_until(until: int | None) -> Any:
    """Closed to promotional messages for numbers that end in 1."""

    def closed(found: Message, at: int) -> Answer | None:
        return Answer(False, until, "FR", "Sun 12:00 in Europe/Paris: closed all day") if found.to[-1] == "1" else None

    return {"quiet_kinds": frozenset({"promotional"}), "closed": closed}


@pytest.mark.parametrize("state", ["queued", "scheduled"])
async def test_what_comes_in_quiet_hours_waits_until_they_are_over(ledger: Any, state: str) -> None:
    held = message(ledger, kind="promotional", lane=2, state=state)
    sent = message(ledger, kind="promotional", lane=2, to="+491700000002")
    await accept(ledger, held, sent)
    operation = await claim(ledger, Share(2, 1, 10), **closed_until(OPENING))
    assert [found.id for found in operation.messages] == [sent.id]
    assert [found.id for found in operation.held] == [held.id] and operation.ended == []
    rows = await ledger.fetch("SELECT state, due_at, owner, attempts FROM messages WHERE id = $1", held.id)
    assert rows == [(state, OPENING, 0, 0)]
    assert await history(ledger, held) == ["message.accepted", f"message.{state}", "message.held"]
    assert (await claim(ledger, Share(2, 1, 10), now=OPENING - 1)).messages == []
    again = await claim(ledger, Share(2, 1, 10), now=OPENING)
    assert [(found.id, found.attempts) for found in again.messages] == [(held.id, 1)]


@pytest.mark.parametrize("until", [LATER, None], ids=["opens when its time is over", "never opens"])
async def test_what_can_never_go_in_time_expires(ledger: Any, until: int | None) -> None:
    late = message(ledger, kind="promotional", lane=2)
    await accept(ledger, late)
    operation = await claim(ledger, Share(2, 1, 10), **closed_until(until))
    assert [(found.id, found.failure_code) for found in operation.ended] == [(late.id, "quiet_hours")]
    assert await states(ledger, late) == ["expired"]
    assert (await history(ledger, late))[-1] == "message.expired"


async def test_other_kinds_go_at_any_time(ledger: Any) -> None:
    urgent = message(ledger, kind="otp", lane=0)
    await accept(ledger, urgent)
    operation = await claim(ledger, Share(0, 1, 10), **closed_until(OPENING))
    assert [found.id for found in operation.messages] == [urgent.id]


async def test_a_no_counts_more_than_quiet_hours(ledger: Any) -> None:
    unwanted = message(ledger, kind="promotional", lane=2)
    await accept(ledger, unwanted)
    await opt_out(ledger, unwanted.to)
    operation = await claim(ledger, Share(2, 1, 10), **closed_until(OPENING))
    assert [found.failure_code for found in operation.ended] == ["opted_out"]


async def test_what_waits_on_takes_nothing_of_the_rate(ledger: Any) -> None:
    held = [message(ledger, kind="promotional", lane=2) for _ in range(3)]
    sent = message(ledger, kind="promotional", lane=2, to="+491700000002")
    await accept(ledger, *held, sent)
    operation = await claim(ledger, Share(2, 1, 10), segments=1, **closed_until(OPENING))
    assert [found.id for found in operation.messages] == [sent.id] and operation.wanting is None
