"""Group commit: operations that come together share a commit, and each hears of its own fate."""

import asyncio
from typing import Any

import pytest

from heliograph.ports import Unavailable
from heliograph.store.batch import Batch, GroupCommit
from heliograph.store.port import Accept, Deliveries, Moves, Operation, Receipts
from tests.store.making import RECEIVING, begin, count, in_hand, message, receipt, row, states, taken

pytestmark = pytest.mark.asyncio


async def test_what_comes_while_a_commit_is_written_shares_the_next_one(ledger: Any) -> None:
    loop = asyncio.get_running_loop()
    everything: asyncio.Future[None] = loop.create_future()
    commits: list[list[int]] = []
    same_commit = False

    def next_commit() -> None:
        nonlocal same_commit
        same_commit = False

    def finish(operation: Accept) -> None:
        nonlocal same_commit
        assert operation.error is None
        if not same_commit:  # the call-backs of one commit run without a break
            same_commit = True
            commits.append([])
            loop.call_soon(next_commit)
        commits[-1].append(operation.messages[0].id)
        if sum(map(len, commits)) == 500:
            everything.set_result(None)

    messages = [message(ledger) for _ in range(500)]
    for place, new in enumerate(messages):
        ledger.add(Accept(done=finish, messages=[new]))
        if place % 50 == 0:
            await asyncio.sleep(0)  # lets a commit begin, so that they don't all share one
    await asyncio.wait_for(everything, 60)
    assert [number for commit in commits for number in commit] == [new.id for new in messages]
    assert 1 < len(commits) < 50
    events, _ = await ledger.events_after("", 2_000)
    assert [event.message for event in events[::2]] == [new.id for new in messages]
    assert await count(ledger, "messages") == 500


async def test_one_commit_may_hold_operations_of_every_kind(ledger: Any) -> None:
    messages = [in_hand(ledger) for _ in range(50)]
    begun: list[Any] = []
    for new in reversed(messages):
        carrier_id = str(row(new).carrier_id)
        begun.append(begin(ledger, Receipts, receipts=[receipt(carrier_id)], **RECEIVING))
        begun.append(begin(ledger, Moves, moves=[taken(new)]))
        begun.append(begin(ledger, Accept, messages=[new]))
    for operation in await asyncio.gather(*begun):
        assert operation.error is None
    assert set(await states(ledger, *messages)) == {"delivered"}


async def test_a_broken_call_back_silences_nobody_else(ledger: Any, reported: list[Exception]) -> None:
    def broken(operation: Operation) -> None:
        raise ZeroDivisionError

    ledger.add(Accept(done=broken, messages=[message(ledger)]))
    assert (await begin(ledger, Accept, messages=[message(ledger)])).error is None
    assert [type(error) for error in reported] == [ZeroDivisionError]


async def test_when_the_ledger_can_not_be_written_facts_wait_and_requests_are_refused() -> None:
    loop = asyncio.get_running_loop()
    batches: list[Batch] = []
    complaints: list[Exception] = []
    group: GroupCommit

    def write(batch: Batch) -> None:
        batches.append(batch)
        error = Unavailable("disk full") if len(batches) == 1 else None
        loop.call_soon(group.finished, batch, error)

    group = GroupCommit(loop, write, complaints.append)
    refused: asyncio.Future[Any] = loop.create_future()
    kept: asyncio.Future[Any] = loop.create_future()
    group.add(Accept(done=refused.set_result, messages=[]))
    group.add(Deliveries(done=kept.set_result, results=[]))
    assert isinstance((await refused).error, Unavailable)
    assert not kept.done()
    assert (await kept).error is None
    await group.drained()
    assert [batch.size for batch in batches] == [2, 1]
    assert len(complaints) == 1
