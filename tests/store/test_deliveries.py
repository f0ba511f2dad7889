"""Webhook deliveries: born with their event, hidden from others while their writer sends them, taken over when due."""

import asyncio
from typing import Any

import pytest

from heliograph.core.message import Delivery, Message
from heliograph.store.port import Accept, Again, ClaimDeliveries, Deliveries, NewEvent, Notice
from tests.store.making import NOW, accept, begin, copied, count, do, message

pytestmark = pytest.mark.asyncio

HIDDEN = NOW + 20_000


def _two_ends(environment: int, kind: str, subject: Message | None) -> list[tuple[int | None, str]]:
    if kind != "message.queued":
        return []
    return [(1, "endpoint:1"), (None, "https://example.com")]


async def _born(ledger: Any, *messages: Message) -> list[Notice]:
    ledger.subscribers = _two_ends
    return (await accept(ledger, *messages)).notices


async def _stored(ledger: Any) -> list[Delivery]:
    return [Delivery(*row) for row in await ledger.fetch("SELECT * FROM deliveries ORDER BY id")]


async def _due(ledger: Any, now: int, **changes: Any) -> list[Notice]:
    fields: dict[str, Any] = {"target": "endpoint:1", "limit": 10, "now": now, "hidden_until": now + 60_000}
    return (await do(ledger, ClaimDeliveries, **fields | changes)).notices


async def test_deliveries_are_born_in_the_commit_of_their_event(ledger: Any) -> None:
    new = message(ledger)
    notices = await _born(ledger, new)
    assert [notice.delivery for notice in notices] == await _stored(ledger)
    seqs = await ledger.fetch("SELECT seq FROM events WHERE type = 'message.queued'")
    for notice, (endpoint, target) in zip(notices, [(1, "endpoint:1"), (None, "https://example.com")], strict=True):
        delivery = notice.delivery
        assert (delivery.endpoint, delivery.target) == (endpoint, target)
        assert (delivery.message, delivery.event) == (new.id, seqs[0][0])
        assert (delivery.state, delivery.tries, delivery.replay) == ("pending", 0, 0)
        assert notice.message == new
        assert notice.event.seq == delivery.event


async def test_an_event_that_is_not_told_has_no_deliveries(ledger: Any) -> None:
    ledger.subscribers = lambda environment, kind, subject: [(1, "endpoint:1")]
    async with ledger.transaction() as transaction:
        await transaction.record(1, 1, [NewEvent("message.receipt", NOW, told=False)])
    assert (await count(ledger, "events"), await count(ledger, "deliveries")) == (1, 0)


async def test_a_new_delivery_is_hidden_and_then_anybodys(ledger: Any) -> None:
    new = message(ledger)
    born = (await _born(ledger, new))[0]
    assert await _due(ledger, HIDDEN - 1) == []
    assert await ledger.due_targets(HIDDEN - 1) == []
    assert sorted(await ledger.due_targets(HIDDEN)) == ["endpoint:1", "https://example.com"]
    (found,) = await _due(ledger, HIDDEN)
    assert (found.delivery.id, found.event, found.message) == (born.delivery.id, born.event, new)


async def test_a_claimed_delivery_is_hidden_from_others(ledger: Any) -> None:
    await _born(ledger, *(message(ledger) for _ in range(6)))
    fields: dict[str, Any] = {"target": "endpoint:1", "limit": 4, "now": HIDDEN, "hidden_until": HIDDEN + 5}
    claims = await asyncio.gather(*(begin(ledger, ClaimDeliveries, **fields) for _ in range(3)))
    taken = [[notice.delivery.id for notice in operation.notices] for operation in claims]
    assert [len(ids) for ids in taken] == [4, 2, 0]
    assert len({number for ids in taken for number in ids}) == 6
    assert await ledger.due_targets(HIDDEN) == ["https://example.com"]
    assert len(await _due(ledger, HIDDEN + 5)) == 6


async def test_a_delivery_may_be_claimed_in_the_commit_of_its_birth(ledger: Any) -> None:
    ledger.subscribers = _two_ends
    claimed = begin(ledger, ClaimDeliveries, target="endpoint:1", limit=9, now=HIDDEN, hidden_until=HIDDEN + 1)
    new = message(ledger)
    await begin(ledger, Accept, messages=[new])
    assert [notice.message for notice in (await claimed).notices] == [new]


@pytest.mark.parametrize(
    ("changes", "due", "failures"),
    [
        ({"state": "done", "status": 200, "latency_ms": 12}, False, []),
        ({"state": "failed", "status": 410, "latency_ms": 3, "error": "gone"}, False, [(1, 410, 3, "gone")]),
        ({"next_at": NOW + 30_000, "error": "timeout"}, True, [(1, None, None, "timeout")]),
        ({"state": "canceled"}, False, []),
    ],
)
async def test_the_result_of_a_try_is_kept(
    ledger: Any, changes: dict[str, Any], due: bool, failures: list[tuple[Any, ...]]
) -> None:
    born = (await _born(ledger, message(ledger)))[0].delivery
    fields = {name: getattr(born, name) for name in Delivery.__struct_fields__}
    after = Delivery(**fields | {"tries": 1, "answered_at": NOW + 100} | changes)
    await do(ledger, Deliveries, results=[after])
    assert (await _stored(ledger))[0] == after
    assert (len(await _due(ledger, NOW + 30_000)) == 1) is due
    assert await ledger.fetch("SELECT try, status, latency_ms, error FROM delivery_failures") == failures


async def test_a_claimed_delivery_says_how_long_it_is_hidden(ledger: Any) -> None:
    await _born(ledger, message(ledger))
    claimed = await _due(ledger, HIDDEN + 1, hidden_until=HIDDEN + 7)
    assert {notice.delivery.next_at for notice in claimed} == {HIDDEN + 7}


async def test_the_last_of_several_results_in_a_commit_counts(ledger: Any) -> None:
    born = (await _born(ledger, message(ledger)))[0].delivery
    fields = {name: getattr(born, name) for name in Delivery.__struct_fields__}
    first = Delivery(**fields | {"tries": 1, "answered_at": NOW + 1, "error": "refused"})
    second = Delivery(**fields | {"tries": 2, "answered_at": NOW + 2, "state": "done", "status": 200})
    await asyncio.gather(*(begin(ledger, Deliveries, results=[result]) for result in (first, second)))
    assert (await _stored(ledger))[0] == second
    assert await ledger.fetch("SELECT try, error FROM delivery_failures") == [(1, "refused")]


async def test_old_events_can_be_told_again(ledger: Any) -> None:
    new = message(ledger)
    born = (await _born(ledger, new))[0]
    again = Again(born.event.seq, 1, 1, new.id, 8, "endpoint:8")
    async with ledger.transaction() as transaction:
        await transaction.redeliver(
            [again, again._replace(message=None, endpoint=None, target="https://x.example")], NOW
        )
    assert sorted(await ledger.due_targets(NOW)) == ["endpoint:8", "https://x.example"]
    (found,) = await _due(ledger, NOW, target="endpoint:8")
    assert (found.event, found.message, found.delivery.replay) == (born.event, new, 1)
    (other,) = await _due(ledger, NOW, target="https://x.example")
    assert (other.event, other.message) == (born.event, None)
    more = await _born(ledger, message(ledger))
    assert {notice.delivery.id for notice in more}.isdisjoint({found.delivery.id, other.delivery.id})


async def test_a_delivery_tells_the_message_as_it_is_when_it_is_claimed(ledger: Any) -> None:
    new = message(ledger)
    await _born(ledger, new)
    async with ledger.transaction() as transaction:
        await transaction.execute("UPDATE messages SET text = NULL WHERE id = $1", new.id)
    (found,) = await _due(ledger, HIDDEN)
    assert found.message == copied(new, text=None)
