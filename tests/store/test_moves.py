"""Messages that go on: once, from the state that the move names, with their attempts and events in one commit."""

import asyncio
from typing import Any

import pytest

from heliograph.core.message import Message
from heliograph.store.port import MOVED, Accept, AttemptRow, Move, Moves, NewEvent, Receipts
from tests.store.making import (
    NOW,
    RECEIVING,
    accept,
    begin,
    copied,
    count,
    do,
    history,
    in_hand,
    message,
    receipt,
    row,
    states,
    taken,
)

pytestmark = pytest.mark.asyncio


async def _attempts(ledger: Any) -> list[AttemptRow]:
    return [
        AttemptRow(*found) for found in await ledger.fetch("SELECT * FROM attempts ORDER BY message, attempt, part")
    ]


async def test_a_move_has_the_values_that_may_change_in_their_order(ledger: Any) -> None:
    changed = copied(in_hand(ledger), **{name: f"the {name}" for name in MOVED})
    assert Move(changed, "queued", ()).row == tuple(f"the {name}" for name in MOVED)


async def test_a_message_goes_on_with_all_its_values(ledger: Any) -> None:
    new = in_hand(ledger)
    await accept(ledger, new)
    values: dict[str, Any] = {
        "state": "failed",
        "updated_at": NOW + 1,
        "due_at": NOW + 2,
        "valid_until": NOW + 3,
        "connector": "other",
        "owner": None,
        "price": "0.075",
        "currency": "EUR",
        "failure": "transient",
        "failure_code": "x",
        "carrier_code": "0x45",
        "sent_at": NOW + 4,
        "final_at": NOW + 5,
        "possible_duplicate": 1,
        "surcharge": "0.005",
        "billed_segments": 2,
    }
    after = copied(new, **values)
    operation = await do(ledger, Moves, moves=[Move(after, "sending", (NewEvent("message.failed", NOW + 1),))])
    assert operation.lost == set()
    rows = await ledger.fetch("SELECT * FROM messages")
    assert Message(*rows[0]) == after
    assert await history(ledger, new) == ["message.accepted", "message.queued", "message.failed"]


async def test_a_message_that_a_carrier_took_is_sent_in_all_its_parts(ledger: Any) -> None:
    new = in_hand(ledger, segments=3)
    await accept(ledger, new)
    move = taken(new, price="0.225", currency="EUR")
    operation = await do(ledger, Moves, moves=[move])
    assert (operation.lost, operation.unparked) == (set(), [])
    rows = await ledger.fetch("SELECT * FROM messages")
    assert Message(*rows[0]) == move.message
    assert await _attempts(ledger) == list(move.attempts)
    assert await history(ledger, new) == ["message.accepted", "message.queued", "message.sent"]


async def test_a_move_from_a_state_that_is_over_is_lost_but_its_attempt_is_kept(ledger: Any) -> None:
    new = in_hand(ledger)
    await accept(ledger, new)
    await do(ledger, Moves, moves=[taken(new)])
    late = Move(
        copied(new, state="queued", owner=0), "sending", (NewEvent("message.queued", NOW),), (row(new, part=9),)
    )
    operation = await do(ledger, Moves, moves=[late])
    assert operation.lost == {new.id}
    assert operation.notices == []
    assert await states(ledger, new) == ["sent"]
    assert await count(ledger, "attempts") == 2
    assert (await history(ledger, new))[-2:] == ["message.sent", "attempt.answered_late"]


async def test_a_move_decided_before_a_later_attempt_is_lost_though_the_state_is_the_same_again(ledger: Any) -> None:
    new = message(ledger)
    await accept(ledger, new)
    stale = copied(new, connector="other")  # decided on while it waited, written when it waits again
    begun = copied(new, state="sending", attempts=1, owner=1)
    await do(ledger, Moves, moves=[Move(begun, "queued", ())])
    await do(ledger, Moves, moves=[Move(copied(begun, state="queued", owner=0), "sending", ())])
    operation = await do(ledger, Moves, moves=[Move(stale, "queued", ())])
    assert operation.lost == {new.id}
    (found,) = await ledger.fetch("SELECT connector, attempts FROM messages")
    assert tuple(found) == (new.connector, 1)


async def test_a_throttled_message_gives_the_number_of_its_attempt_back(ledger: Any) -> None:
    new = in_hand(ledger)
    await accept(ledger, new)
    back = copied(new, state="queued", attempts=new.attempts - 1, owner=0)
    assert (await do(ledger, Moves, moves=[Move(back, "sending", ())])).lost == set()


async def test_an_answer_after_the_end_tells_what_was_not_known(ledger: Any) -> None:
    """So that a receipt finds its message, and corrects what it had ended as."""
    new = in_hand(ledger)
    await accept(ledger, new)
    expired = copied(new, state="expired", owner=None, final_at=NOW)
    unknown = row(new, state="unknown", carrier_id=None, answered_at=None)
    await do(ledger, Moves, moves=[Move(expired, "sending", (NewEvent("message.expired", NOW),), (unknown,))])
    answer = taken(new)
    assert (await do(ledger, Moves, moves=[answer])).lost == {new.id}
    assert await _attempts(ledger) == list(answer.attempts)
    assert await states(ledger, new) == ["expired"]
    refused = Move(copied(new, state="queued"), "sending", (), (row(new, state="refused", code="x"),))
    await do(ledger, Moves, moves=[refused])
    assert await _attempts(ledger) == list(answer.attempts), "what is known stays"


async def test_of_two_moves_from_one_state_the_first_wins(ledger: Any) -> None:
    new = in_hand(ledger)
    await accept(ledger, new)
    failed = copied(new, state="failed", owner=None, failure="permanent", final_at=NOW)
    begun = [
        begin(ledger, Moves, moves=[taken(new)]),
        begin(ledger, Moves, moves=[Move(failed, "sending", (NewEvent("message.failed", NOW),))]),
    ]
    first, second = await asyncio.gather(*begun)
    assert (first.lost, second.lost) == (set(), {new.id})
    assert await states(ledger, new) == ["sent"]


async def test_moves_of_one_message_follow_each_other_in_one_commit(ledger: Any) -> None:
    new = in_hand(ledger)
    await accept(ledger, new)
    sent = taken(new)
    delivered = copied(sent.message, state="delivered", owner=None, final_at=NOW + 9)
    part = row(new, state="delivered", receipt_at=NOW + 9)
    moves = [sent, Move(delivered, "sent", (NewEvent("message.delivered", NOW + 9),), (), (part,))]
    operation = await do(ledger, Moves, moves=moves)
    assert operation.lost == set()
    assert await states(ledger, new) == ["delivered"]
    assert [found.state for found in await _attempts(ledger)] == ["delivered"]
    assert (await history(ledger, new))[-2:] == ["message.sent", "message.delivered"]


async def test_a_move_of_an_unknown_message_is_lost(ledger: Any) -> None:
    ghost = message(ledger, state="sending", owner=1)
    assert (await do(ledger, Moves, moves=[taken(ghost)])).lost == {ghost.id}
    assert await count(ledger, "attempts") == 0


async def test_a_message_may_be_moved_in_the_commit_that_accepts_it(ledger: Any) -> None:
    new = in_hand(ledger)
    moved = begin(ledger, Moves, moves=[taken(new)])
    accepted = begin(ledger, Accept, messages=[new])
    await asyncio.gather(accepted, moved)
    assert (await moved).lost == set()
    assert await states(ledger, new) == ["sent"]


async def test_a_poisoned_move_fails_alone(ledger: Any) -> None:
    fine, poisoned = in_hand(ledger), in_hand(ledger)
    await accept(ledger, fine, poisoned)
    twice = taken(poisoned)
    twice.attempts = (row(poisoned), row(poisoned))
    begun = [
        begin(ledger, Moves, moves=[twice]),
        begin(ledger, Moves, moves=[taken(fine)]),
    ]
    first, second = await asyncio.gather(*begun)
    assert first.error is not None
    assert second.error is None
    assert await states(ledger, fine, poisoned) == ["sent", "sending"]


async def test_receipts_that_came_before_the_answer_are_handed_back(ledger: Any) -> None:
    new, other = in_hand(ledger), in_hand(ledger)
    await accept(ledger, new, other)
    part = row(new)
    early = [receipt(str(part.carrier_id), "buffered"), receipt(str(part.carrier_id), raw="id:1 stat:DELIVRD")]
    foreign = receipt(str(part.carrier_id), connector="another")
    parked = await do(ledger, Receipts, receipts=[*early, foreign], **RECEIVING)
    assert parked.parked == [*early, foreign]
    begun = [begin(ledger, Moves, moves=[taken(other)]), begin(ledger, Moves, moves=[taken(new)])]
    operations = await asyncio.gather(*begun)
    assert [operation.unparked for operation in operations] == [[], early]
    assert await count(ledger, "parked_receipts") == 1
