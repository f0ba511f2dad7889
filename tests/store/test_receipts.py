"""Receipts: each finds its part by the first id form that fits, and is judged on what the ones before it left."""

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heliograph.core.message import Message, Receipt
from heliograph.store.port import Match, Move, Moves, Receipts
from tests.store.making import (
    NOW,
    RECEIVING,
    accept,
    begin,
    copied,
    count,
    delivered_when_all_parts_are,
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


async def _sent(ledger: Any, carrier_ids: list[str], **changes: Any) -> Message:
    """A message that the carrier took under these ids, one for each part."""
    new = in_hand(ledger, segments=len(carrier_ids), **changes)
    await accept(ledger, new)
    move = taken(new)
    for part, carrier_id in zip(move.attempts, carrier_ids, strict=True):
        part.carrier_id = carrier_id
    await do(ledger, Moves, moves=[move])
    return move.message


async def _receive(ledger: Any, *receipts: Receipt, **changes: Any) -> Receipts:
    return await do(ledger, Receipts, receipts=list(receipts), **RECEIVING | changes)


async def _parts(ledger: Any, of: Message) -> list[str]:
    rows = await ledger.fetch("SELECT state FROM attempts WHERE message = $1 ORDER BY attempt, part", of.id)
    return [found[0] for found in rows]


async def test_a_receipt_moves_its_message(ledger: Any) -> None:
    new = await _sent(ledger, ["a"])
    ledger.subscribers = lambda environment, kind, subject: [(None, "https://example.com")] if subject else []
    report = receipt("a")
    operation = await _receive(ledger, report)
    assert [(matched, found.id) for matched, found in operation.matched] == [(report, new.id)]
    assert operation.parked == []
    assert await states(ledger, new) == ["delivered"]
    assert await _parts(ledger, new) == ["delivered"]
    (notice,) = operation.notices
    assert (notice.event.type, notice.message.state) == ("message.delivered", "delivered")


async def test_the_first_form_that_fits_decides(ledger: Any) -> None:
    hexadecimal, decimal = await _sent(ledger, ["1F"]), await _sent(ledger, ["31"])

    def forms(report: Receipt) -> list[str]:
        return ["nothing", "31", "1F"]

    operation = await _receive(ledger, receipt("0x1f"), forms=forms)
    assert [found.id for _, found in operation.matched] == [decimal.id]
    assert await states(ledger, hexadecimal, decimal) == ["sent", "delivered"]


async def test_an_id_that_a_carrier_uses_again_means_the_youngest_message(ledger: Any) -> None:
    old, young = await _sent(ledger, ["a"]), await _sent(ledger, ["a"])
    await _receive(ledger, receipt("a"))
    assert await states(ledger, old, young) == ["sent", "delivered"]


async def test_an_id_of_another_connector_does_not_match(ledger: Any) -> None:
    new = await _sent(ledger, ["a"])
    operation = await _receive(ledger, receipt("a", connector="another"))
    assert (operation.matched, len(operation.parked)) == ([], 1)
    assert await states(ledger, new) == ["sent"]


async def test_a_receipt_of_nothing_is_parked(ledger: Any) -> None:
    report = receipt("nobody", raw='{"odd": "\\u0000"}')
    operation = await _receive(ledger, report)
    assert (operation.matched, operation.parked) == ([], [report])
    assert await ledger.fetch("SELECT connector, carrier_id, at FROM parked_receipts") == [("telco", "nobody", NOW)]


@pytest.mark.parametrize("together", [True, False])
async def test_a_receipt_that_comes_twice_changes_nothing_more(ledger: Any, together: bool) -> None:
    new = await _sent(ledger, ["a"])
    if together:
        await _receive(ledger, receipt("a"), receipt("a"))
    else:
        await asyncio.gather(*(begin(ledger, Receipts, receipts=[receipt("a")], **RECEIVING) for _ in range(2)))
    assert await states(ledger, new) == ["delivered"]
    assert (await history(ledger, new))[2:] == ["message.sent", "message.delivered", "message.receipt"]


@pytest.mark.parametrize("together", [True, False])
async def test_a_message_of_two_parts_is_delivered_when_both_are(ledger: Any, together: bool) -> None:
    new = await _sent(ledger, ["a", "b"])
    if together:
        await _receive(ledger, receipt("b"), receipt("a"))
    else:
        await _receive(ledger, receipt("b"))
        assert await states(ledger, new) == ["sent"]
        assert await _parts(ledger, new) == ["accepted", "delivered"]
        await _receive(ledger, receipt("a"))
    assert await states(ledger, new) == ["delivered"]
    assert await _parts(ledger, new) == ["delivered", "delivered"]


async def test_the_judge_sees_the_other_parts_of_the_same_attempt_only(ledger: Any) -> None:
    first = await _sent(ledger, ["a", "b", "c"])
    again = copied(first, state="sending", attempts=2)
    await do(ledger, Moves, moves=[Move(again, "sent", ()), taken(again)])
    seen: list[Match] = []

    def judge(match: Match) -> Move:
        seen.append(match)
        return delivered_when_all_parts_are(match)

    await _receive(ledger, receipt("b"), judge=judge)
    (match,) = seen
    assert (match.part.attempt, match.part.part, match.part.carrier_id) == (1, 2, "b")
    assert sorted((other.attempt, other.part) for other in match.others) == [(1, 1), (1, 3)]
    assert match.message.attempts == 2


async def test_receipts_of_a_commit_are_judged_in_their_order(ledger: Any) -> None:
    new = await _sent(ledger, ["a"])
    facts: list[tuple[str, str]] = []

    def judge(match: Match) -> Move:
        facts.append((match.part.state, match.receipt.fact))
        return delivered_when_all_parts_are(match)

    begun = [
        begin(ledger, Receipts, receipts=[receipt("a", fact)], **RECEIVING | {"judge": judge})
        for fact in ("buffered", "delivered", "buffered")
    ]
    await asyncio.gather(*begun)
    assert facts == [("accepted", "buffered"), ("buffered", "delivered"), ("delivered", "buffered")]
    assert await states(ledger, new) == ["delivered"]


async def test_a_judge_that_fails_takes_only_its_own_receipts_along(ledger: Any) -> None:
    one, other = await _sent(ledger, ["a"]), await _sent(ledger, ["b"])

    def judge(match: Match) -> Move:
        raise ZeroDivisionError

    begun = [
        begin(ledger, Receipts, receipts=[receipt("a")], **RECEIVING | {"judge": judge}),
        begin(ledger, Receipts, receipts=[receipt("b"), receipt("unknown")], **RECEIVING),
    ]
    failed, fine = await asyncio.gather(*begun)
    assert isinstance(failed.error, ZeroDivisionError)
    assert fine.error is None
    assert await states(ledger, one, other) == ["sent", "delivered"]
    assert await count(ledger, "parked_receipts") == 1


async def test_an_answer_and_its_receipt_may_share_a_commit(ledger: Any) -> None:
    new = in_hand(ledger)
    await accept(ledger, new)
    received = begin(ledger, Receipts, receipts=[receipt(str(row(new).carrier_id))], **RECEIVING)
    await begin(ledger, Moves, moves=[taken(new)])
    assert (await received).parked == []
    assert await states(ledger, new) == ["delivered"]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=12),
    cuts=st.sets(st.integers(0, 12)),
)
async def test_how_receipts_are_spread_over_commits_does_not_matter(
    ledger: Any, data: list[tuple[int, bool]], cuts: set[int]
) -> None:
    """Law: any division of the same receipts into operations and commits leads to the same states."""
    outcomes = []
    for divided in (False, True):
        mark = message(ledger).id
        two, one = await _sent(ledger, [f"{mark}-0", f"{mark}-1"]), await _sent(ledger, [f"{mark}-2"])
        reports = [receipt(f"{mark}-{place}", "delivered" if arrived else "buffered") for place, arrived in data]
        begun = []
        for place, report in enumerate(reports):
            begun.append(begin(ledger, Receipts, receipts=[report], **RECEIVING))
            if divided and place in cuts:
                await asyncio.gather(*begun)
        await asyncio.gather(*begun)
        outcomes.append((await states(ledger, two, one), await _parts(ledger, two), await _parts(ledger, one)))
    assert outcomes[0] == outcomes[1]
