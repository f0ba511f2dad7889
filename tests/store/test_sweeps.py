"""What happens without anybody asking, on both engines: silence ends messages, bodies and rows go in time."""

from typing import Any

import pytest

from heliograph.engine import conversions, sweep
from heliograph.store.port import Move, Moves, NewEvent
from tests.store.making import NOW, accept, copied, do, in_hand, key, message, states, taken

pytestmark = pytest.mark.asyncio

DAY = 86_400_000


async def sent(ledger: Any, **changes: Any) -> Any:
    new = in_hand(ledger, **changes)
    await accept(ledger, new)
    await do(ledger, Moves, moves=[taken(new)])
    return new


async def ended(ledger: Any, **changes: Any) -> Any:
    new = message(ledger, **{"state": "canceled", "owner": None, "final_at": NOW} | changes)
    await accept(ledger, new)
    return new


async def text_of(ledger: Any, *messages: Any) -> list[str | None]:
    rows = dict(await ledger.fetch("SELECT id, text FROM messages"))
    return [rows[each.id] for each in messages]


async def unheard(ledger: Any, now: int) -> None:
    more = True
    while more:
        _, more = await sweep.end_unheard(ledger, now)


async def test_a_message_of_which_nothing_is_heard_expires_after_days(ledger: Any) -> None:
    silent = await sent(ledger)
    await unheard(ledger, NOW + 2 * DAY)
    assert await states(ledger, silent) == ["sent"]
    await unheard(ledger, NOW + 3 * DAY + 10)
    assert await states(ledger, silent) == ["expired"]
    (row,) = await ledger.fetch("SELECT failure, failure_code FROM messages WHERE id = $1", silent.id)
    assert row == ("unknown", "no_receipt")


async def test_a_message_that_was_scheduled_far_ahead_ends_too(ledger: Any) -> None:
    """The sweep came by while it still waited, and must come back."""
    late = message(ledger, state="scheduled", due_at=NOW + 30 * DAY, valid_until=NOW + 31 * DAY)
    await accept(ledger, late)
    await unheard(ledger, NOW + 10 * DAY)
    assert await states(ledger, late) == ["scheduled"]
    going = copied(late, state="sent", owner=1, attempts=1, sent_at=NOW + 30 * DAY)
    await ledger_move(ledger, late, going)
    await unheard(ledger, NOW + 32 * DAY)
    assert await states(ledger, late) == ["sent"]
    await unheard(ledger, NOW + 35 * DAY)
    assert await states(ledger, late) == ["expired"]


async def ledger_move(ledger: Any, before: Any, after: Any) -> None:
    await do(ledger, Moves, moves=[Move(after, before.state, (NewEvent("message.sent", NOW),))])


async def test_more_messages_than_one_batch_holds_are_all_looked_at(ledger: Any) -> None:
    many = [in_hand(ledger) for _ in range(1_201)]
    await accept(ledger, *many)
    await do(ledger, Moves, moves=[taken(each) for each in many])
    await unheard(ledger, NOW + 4 * DAY)
    assert set(await states(ledger, *many)) == {"expired"}


async def test_bodies_go_when_their_time_comes_and_not_before(ledger: Any) -> None:
    old, young = await ended(ledger), await ended(ledger, accepted_at=NOW + 20 * DAY)
    while await sweep.redact(ledger, NOW + 31 * DAY, 30):
        pass
    assert await text_of(ledger, old, young) == [None, "Hello"]
    while await sweep.redact(ledger, NOW + 51 * DAY, 30):
        pass
    assert await text_of(ledger, old, young) == [None, None]


async def test_a_body_that_is_still_to_be_sent_stays_until_it_was(ledger: Any) -> None:
    late = message(ledger, state="scheduled", due_at=NOW + 60 * DAY, valid_until=NOW + 61 * DAY)
    await accept(ledger, late)
    await sweep.redact(ledger, NOW + 40 * DAY, 30)
    assert await text_of(ledger, late) == ["Hello"]
    await ledger_move(ledger, late, copied(late, state="canceled", owner=None, final_at=NOW + 60 * DAY))
    await sweep.redact(ledger, NOW + 70 * DAY, 30)
    assert await text_of(ledger, late) == [None]


async def test_rows_go_with_all_that_belongs_to_them(ledger: Any) -> None:
    ledger.subscribers = lambda environment, event_type, message: [(None, "callback:1:http://example.com")]
    old, open_one = await ended(ledger, tags='["a","b"]'), await sent(ledger, tags='["a"]')
    young = await ended(ledger, accepted_at=NOW + 300 * DAY, tags='["a"]')
    for each in (old, open_one, young):
        await conversions.note(ledger, each, "verified", each.accepted_at, NOW + 400 * DAY)
    while await sweep.forget(ledger, NOW + 401 * DAY, 400):
        pass
    for table, column in (
        ("messages", "id"),
        ("events", "message"),
        ("deliveries", "message"),
        ("conversions", "message"),
    ):
        rows = await ledger.fetch(f"SELECT DISTINCT {column} FROM {table} ORDER BY 1")
        assert [row[0] for row in rows] == sorted([open_one.id, young.id]), table
    assert not await ledger.fetch("SELECT 1 FROM message_tags WHERE message = $1", old.id)
    assert len(await ledger.fetch("SELECT 1 FROM message_tags WHERE tag = 'a'")) == 2


async def test_what_has_lost_its_use_is_removed(ledger: Any) -> None:
    await accept(ledger, message(ledger), idempotency=key(expires_at=NOW + DAY), reply=lambda operation: b"{}")
    await sweep.tidy(ledger, NOW + DAY - 1)
    assert len(await ledger.fetch("SELECT 1 FROM idempotency")) == 1
    await sweep.tidy(ledger, NOW + DAY + 1)
    assert not await ledger.fetch("SELECT 1 FROM idempotency")
