"""New messages: kept whole or not at all, once for each idempotency key, never for a number that opted out."""

import asyncio
from typing import Any

import pytest

from heliograph.core.message import Message
from heliograph.store.port import Accept
from tests.store.making import (
    LATER,
    NOW,
    Time,
    accept,
    attempt,
    begin,
    copied,
    count,
    do,
    history,
    ids_as_reply,
    in_hand,
    key,
    message,
    opt_out,
    states,
)

pytestmark = pytest.mark.asyncio


async def _read(ledger: Any, wanted: Message) -> Message:
    rows = await ledger.fetch("SELECT * FROM messages WHERE id = $1", wanted.id)
    return Message(*rows[0])


@pytest.mark.parametrize(
    ("changes", "events"),
    [
        ({}, ["message.accepted", "message.queued"]),
        ({"state": "scheduled", "due_at": LATER}, ["message.accepted", "message.scheduled"]),
        ({"state": "sending", "owner": 9, "attempts": 1}, ["message.accepted", "message.queued"]),
        ({"text": "½ ☃ 👩‍👩‍👧", "metadata": '{"a":"b"}', "batch": 4, "correlation_id": "c"}, None),
    ],
)
async def test_an_accepted_message_is_read_back_as_it_was(
    ledger: Any, changes: dict[str, Any], events: list[str] | None
) -> None:
    new = message(ledger, **changes)
    await accept(ledger, new)
    assert await _read(ledger, new) == new
    assert await history(ledger, new) == (events or ["message.accepted", "message.queued"])


async def test_tags_and_decisions_are_kept_beside_the_message(ledger: Any) -> None:
    new = message(ledger, tags='["spring","vip","spring"]', decision=5)
    await accept(ledger, new, decisions=[(5, '{"rule":"default"}')])
    assert sorted(await ledger.fetch("SELECT workspace, tag, message FROM message_tags")) == [
        (1, "spring", new.id),
        (1, "vip", new.id),
    ]
    assert await ledger.fetch("SELECT id, trace FROM decisions") == [(5, '{"rule":"default"}')]


async def test_ids_are_never_given_twice(ledger: Any) -> None:
    for kind in ("message", "decision", "batch", "inbound"):
        given = [ledger.next_id(kind) for _ in range(5_000)]
        assert len(set(given)) == len(given)
        assert given == sorted(given)


async def test_an_idempotency_key_gets_the_first_answer_again(ledger: Any) -> None:
    first, again = message(ledger), message(ledger)
    kept = await accept(ledger, first, idempotency=key(), reply=ids_as_reply)
    replay = await accept(ledger, again, idempotency=key(), reply=ids_as_reply)
    assert (kept.replayed, kept.conflict) == (None, False)
    assert (replay.replayed, replay.conflict) == (str(first.id).encode(), False)
    assert await states(ledger, first, again) == ["queued", None]
    assert replay.notices == []


@pytest.mark.parametrize(
    ("second", "conflict", "stored"),
    [
        (key("k", b"other body"), True, False),
        (key("k", b"body", client=2), False, True),
        (key("l"), False, True),
    ],
)
async def test_an_idempotency_key_belongs_to_one_client_and_one_body(
    ledger: Any, second: Any, conflict: bool, stored: bool
) -> None:
    await accept(ledger, message(ledger), idempotency=key(), reply=ids_as_reply)
    other = message(ledger)
    operation = await accept(ledger, other, idempotency=second, reply=ids_as_reply)
    assert operation.conflict is conflict
    assert operation.replayed is None
    assert (await states(ledger, other) == ["queued"]) is stored


async def test_an_expired_idempotency_key_is_free_again(ledger: Any, time: Time) -> None:
    await accept(ledger, message(ledger), idempotency=key(expires_at=NOW + 10), reply=ids_as_reply)
    time.ms = NOW + 10
    again = message(ledger)
    operation = await accept(ledger, again, idempotency=key(body=b"other"), reply=ids_as_reply)
    assert (operation.replayed, operation.conflict) == (None, False)
    replay = await accept(ledger, message(ledger), idempotency=key(body=b"other"), reply=ids_as_reply)
    assert replay.replayed == str(again.id).encode()


async def test_of_many_requests_with_one_key_at_once_one_is_stored(ledger: Any) -> None:
    messages = [message(ledger) for _ in range(20)]
    begun = [begin(ledger, Accept, messages=[new], idempotency=key(), reply=ids_as_reply) for new in messages]
    operations = await asyncio.gather(*begun)
    assert await ledger.fetch("SELECT id FROM messages") == [(messages[0].id,)]
    assert operations[0].replayed is None
    assert {operation.replayed for operation in operations[1:]} == {str(messages[0].id).encode()}


async def test_suppressed_numbers_are_left_out_and_named(ledger: Any) -> None:
    await opt_out(ledger, "+491700000002")
    fine, unwanted = message(ledger), message(ledger, to="+491700000002")
    elsewhere = message(ledger, to="+491700000002", workspace=2)
    operation = await accept(ledger, fine, unwanted, elsewhere)
    assert operation.refused == {unwanted.id: "opted_out"}
    assert await states(ledger, fine, unwanted, elsewhere) == ["queued", None, "queued"]
    assert await history(ledger, unwanted) == []


async def test_one_suppressed_number_refuses_an_all_or_none_request(ledger: Any) -> None:
    await opt_out(ledger, "+491700000002")
    fine, unwanted = message(ledger), message(ledger, to="+491700000002")
    operation = await accept(
        ledger, fine, unwanted, all_or_none=True, idempotency=key(), reply=ids_as_reply, decisions=[(1, "{}")]
    )
    assert operation.refused == {unwanted.id: "opted_out"}
    assert operation.notices == []
    assert [await count(ledger, table) for table in ("messages", "events", "decisions", "idempotency")] == [0, 0, 0, 0]


async def test_a_refused_request_leaves_its_commit_to_the_others(ledger: Any) -> None:
    await opt_out(ledger, "+491700000002")
    other = message(ledger)
    refused = begin(ledger, Accept, messages=[message(ledger, to="+491700000002")], all_or_none=True)
    kept = begin(ledger, Accept, messages=[other])
    await asyncio.gather(refused, kept)
    assert await states(ledger, other) == ["queued"]


async def test_a_poisoned_request_fails_alone(ledger: Any, reported: list[Exception]) -> None:
    stored = message(ledger)
    await accept(ledger, stored)
    fine, alsofine = message(ledger), message(ledger)
    begun = [
        begin(ledger, Accept, messages=[fine]),
        begin(ledger, Accept, messages=[copied(stored)]),
        begin(ledger, Accept, messages=[alsofine], idempotency=key(), reply=ids_as_reply),
    ]
    errors = [operation.error for operation in await asyncio.gather(*begun)]
    assert (errors[0], errors[2]) == (None, None)
    assert errors[1] is not None
    assert reported
    assert await states(ledger, fine, alsofine) == ["queued", "queued"]
    assert await history(ledger, fine) == ["message.accepted", "message.queued"]


async def test_a_poisoned_request_leaves_the_ledger_at_work(ledger: Any) -> None:
    stored = message(ledger)
    await accept(ledger, stored)
    assert (await attempt(ledger, Accept, messages=[copied(stored)])).error is not None
    another = in_hand(ledger)
    await do(ledger, Accept, messages=[another])
    assert await states(ledger, another) == ["sending"]
