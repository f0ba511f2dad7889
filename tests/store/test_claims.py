"""Claims: who takes which waiting messages for hand-over, and what becomes of those that must not go."""

import asyncio
from typing import Any

import pytest

from heliograph.core.message import Message
from heliograph.store.port import Accept, Allowance, Backlog, Claim, Share
from tests.store.making import (
    CONNECTOR,
    LATER,
    NOW,
    accept,
    begin,
    claim,
    history,
    in_hand,
    message,
    opt_out,
    states,
)

pytestmark = pytest.mark.asyncio


async def test_a_claimed_message_is_owned_and_in_its_next_attempt(ledger: Any) -> None:
    new = message(ledger, attempts=1)
    await accept(ledger, new)
    operation = await claim(ledger, owner=5, now=NOW + 7)
    (claimed,) = operation.messages
    assert (claimed.state, claimed.owner, claimed.attempts, claimed.updated_at) == ("sending", 5, 2, NOW + 7)
    rows = await ledger.fetch("SELECT * FROM messages")
    assert Message(*rows[0]) == claimed
    assert await history(ledger, new) == ["message.accepted", "message.queued"]


async def test_a_message_is_claimed_once(ledger: Any) -> None:
    await accept(ledger, *(message(ledger) for _ in range(10)))
    fields: dict[str, Any] = {"connector": CONNECTOR, "shares": [Share(1, 1, 4)], "segments": 99, "now": NOW}
    operations = await asyncio.gather(*(begin(ledger, Claim, owner=owner, **fields) for owner in range(1, 6)))
    claimed = [found.id for operation in operations for found in operation.messages]
    assert len(claimed) == len(set(claimed)) == 10


@pytest.mark.parametrize(
    "changes",
    [
        {"due_at": NOW + 1},
        {"connector": "another"},
        {"lane": 2},
        {"workspace": 2},
        {"kind": "promotional"},
        {"state": "sending", "owner": 3},
        {"state": "delivered", "owner": None},
    ],
    ids=lambda changes: "-".join(changes),
)
async def test_what_is_not_asked_for_is_left_alone(ledger: Any, changes: dict[str, Any]) -> None:
    wanted, other = message(ledger), message(ledger, **changes)
    await accept(ledger, other, wanted)
    operation = await claim(ledger, paused_kinds=frozenset({"promotional", "support"}))
    assert [found.id for found in operation.messages] == [wanted.id]
    assert await states(ledger, other) == [other.state]


async def test_scheduled_messages_are_claimed_when_they_are_due(ledger: Any) -> None:
    new = message(ledger, state="scheduled", due_at=NOW + 50)
    await accept(ledger, new)
    assert (await claim(ledger, now=NOW + 49)).messages == []
    assert [found.id for found in (await claim(ledger, now=NOW + 50)).messages] == [new.id]


async def test_shares_say_how_much_of_each_lane_and_workspace(ledger: Any) -> None:
    for lane, workspace in ((1, 1), (0, 2), (1, 2)):
        await accept(ledger, *(message(ledger, lane=lane, workspace=workspace) for _ in range(5)))
    operation = await claim(ledger, Share(0, 2, 2), Share(1, 2, 9), Share(1, 1, 1), Share(2, 1, 9))
    assert [(found.lane, found.workspace) for found in operation.messages] == [(0, 2)] * 2 + [(1, 2)] * 5 + [(1, 1)]


async def test_the_message_that_is_longest_due_goes_first(ledger: Any) -> None:
    dues = (NOW - 1, NOW - 3, NOW, NOW - 2)
    messages = [message(ledger, due_at=due) for due in dues]
    await accept(ledger, *messages)
    operation = await claim(ledger, Share(1, 1, 3))
    assert [found.due_at for found in operation.messages] == [NOW - 3, NOW - 2, NOW - 1]


async def test_a_claim_never_holds_more_segments_than_it_may(ledger: Any) -> None:
    messages = [message(ledger, segments=2) for _ in range(5)]
    await accept(ledger, *messages)
    operation = await claim(ledger, segments=5)
    assert len(operation.messages) == 2
    assert operation.wanting == (1, 2), "the next one waits for its two"
    assert await states(ledger, *messages) == ["sending"] * 2 + ["queued"] * 3


async def test_who_needs_more_than_is_left_is_not_overtaken(ledger: Any) -> None:
    large, small = message(ledger, segments=3, due_at=NOW - 1), message(ledger, segments=1)
    await accept(ledger, large, small)
    operation = await claim(ledger, segments=2)
    assert operation.messages == [] and operation.wanting == (1, 3)
    assert await states(ledger, large, small) == ["queued"] * 2


async def test_a_message_larger_than_the_rate_goes_alone_when_nothing_else_counts(ledger: Any) -> None:
    messages = [message(ledger, segments=segments) for segments in (5, 1)]
    await accept(ledger, *messages)
    operation = await claim(ledger, segments=2, is_idle=True)
    assert [found.segments for found in operation.messages] == [5]
    assert await states(ledger, *messages) == ["sending", "queued"]


@pytest.mark.parametrize(
    ("changes", "unwanted", "state", "failure"),
    [
        ({"valid_until": NOW}, False, "expired", ("transient", "too_late")),
        ({}, True, "rejected", ("opted_out", "opted_out")),
        ({"valid_until": NOW}, True, "rejected", ("opted_out", "opted_out")),
    ],
)
async def test_what_must_not_go_ends_and_everybody_is_told(
    ledger: Any, changes: dict[str, Any], unwanted: bool, state: str, failure: tuple[str, str]
) -> None:
    fine, ended = message(ledger), message(ledger, to="+491700000002", **changes)
    await accept(ledger, ended, fine)
    if unwanted:
        await opt_out(ledger, "+491700000002")
    ledger.subscribers = lambda environment, kind, subject: [(4, "endpoint:4")]
    operation = await claim(ledger)
    assert [found.id for found in operation.messages] == [fine.id]
    (over,) = operation.ended
    assert (over.id, over.state, over.owner, over.final_at) == (ended.id, state, None, NOW)
    assert (over.failure, over.failure_code) == failure
    assert await states(ledger, ended) == [state]
    assert [(notice.event.type, notice.delivery.target) for notice in operation.notices] == [
        (f"message.{state}", "endpoint:4")
    ]


async def test_a_message_may_be_claimed_in_the_commit_that_accepts_it(ledger: Any) -> None:
    new = message(ledger)
    claimed = begin(ledger, Claim, connector=CONNECTOR, shares=[Share(1, 1, 9)], segments=9, now=NOW, owner=1)
    await begin(ledger, Accept, messages=[new])
    assert [found.id for found in (await claimed).messages] == [new.id]


async def test_the_backlog_names_lanes_and_workspaces_with_due_messages(ledger: Any) -> None:
    assert await ledger.backlog(CONNECTOR, NOW) == []
    await accept(
        ledger,
        *(message(ledger, lane=lane, workspace=workspace) for lane in (1, 2) for workspace in (1, 2, 2)),
        message(ledger, lane=0, workspace=1, due_at=LATER),
        message(ledger, lane=0, workspace=2, connector="another"),
        in_hand(ledger, lane=0, workspace=3),
    )
    expected = [Backlog(1, 1), Backlog(1, 2), Backlog(2, 1), Backlog(2, 2)]
    assert sorted(await ledger.backlog(CONNECTOR, NOW)) == expected
    assert sorted(await ledger.backlog(CONNECTOR, LATER)) == [Backlog(0, 1), *expected]


# -- senders with a rate of their own


def allowance(units: int = 0, **changes: Any) -> Allowance:
    """Of a sender whose next turn, in every lane, is a second from now; a segment takes 100 ms."""
    fields: dict[str, Any] = {"turns": [NOW + 1_000] * 3, "gap_ms": 100, "units": units, "even": units, "today": 1_000}
    return Allowance(**fields | changes)


async def test_a_sender_gets_no_more_than_it_has_left_and_the_others_come_later(ledger: Any) -> None:
    slow = [message(ledger) for _ in range(6)]
    free = [message(ledger, sender="Other") for _ in range(3)]
    await accept(ledger, *slow, *free)
    left = allowance(2, patience=1)
    operation = await claim(ledger, allowances={(1, "Acme"): left})
    assert [one.id for one in operation.messages] == [one.id for one in (*slow[:2], *free)]
    assert (operation.kept_back, operation.set_back, left.is_asked) == ({(1, 1)}, 3, True)
    due = [row[0] for row in await ledger.fetch("SELECT due_at FROM messages WHERE owner = 0 ORDER BY id")]
    assert due == [NOW, NOW + 1_100, NOW + 1_200, NOW + 1_300]
    assert left.turns == [NOW + 1_000, NOW + 1_300, NOW + 1_000]
    assert await states(ledger, *slow[2:]) == ["queued"] * 4
    again = await claim(ledger, now=NOW + 1_150, allowances={(1, "Acme"): allowance(9)})
    assert [one.id for one in again.messages] == [slow[2].id, slow[3].id]


async def test_nobody_stands_behind_a_sender_that_has_nothing_left(ledger: Any) -> None:
    slow, free = [message(ledger) for _ in range(30)], message(ledger, sender="Other")
    await accept(ledger, *slow, free)
    found = None
    for _ in range(8):  # each claim moves some of them out of the way
        operation = await claim(ledger, Share(1, 1, 5), allowances={(1, "Acme"): allowance(patience=3)})
        if operation.messages:
            found = operation.messages
            break
    assert found is not None and [one.id for one in found] == [free.id]


@pytest.mark.parametrize(
    ("lane", "changes", "goes"),
    [
        (0, {"units": 3}, True),
        (1, {"units": 3}, True),
        (1, {"units": 3, "even": 0}, False),
        (0, {"units": 3, "even": 0}, True),
        (1, {"units": 2, "is_idle": True}, True),
        (1, {"units": 2, "is_idle": True, "today": 2}, False),
        (1, {"units": 2}, False),
    ],
    ids=["code", "other", "not at a steady pace", "codes need none", "larger than the rate", "not today", "too large"],
)
async def test_a_message_goes_when_its_sender_has_enough_left(
    ledger: Any, lane: int, changes: dict[str, Any], goes: bool
) -> None:
    await accept(ledger, message(ledger, lane=lane, segments=3))
    operation = await claim(ledger, Share(lane, 1, 5), allowances={(1, "Acme"): allowance(**changes)})
    assert bool(operation.messages) == goes


async def test_another_workspaces_sender_of_the_same_name_is_another(ledger: Any) -> None:
    mine, theirs = message(ledger), message(ledger, workspace=2)
    await accept(ledger, mine, theirs)
    operation = await claim(ledger, Share(1, 1, 5), Share(1, 2, 5), allowances={(2, "Acme"): allowance()})
    assert [one.id for one in operation.messages] == [mine.id]


async def test_what_is_too_late_or_unwanted_ends_whatever_its_sender_has_left(ledger: Any) -> None:
    late, unwanted = message(ledger, valid_until=NOW), message(ledger, to="+491700000007")
    await accept(ledger, late, unwanted)
    await opt_out(ledger, "+491700000007")
    operation = await claim(ledger, allowances={(1, "Acme"): allowance()})
    assert sorted(one.state for one in operation.ended) == ["expired", "rejected"]
