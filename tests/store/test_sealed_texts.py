"""Texts at rest on both engines: sealed in the ledger, plain wherever one reads them through it."""

from typing import Any

import msgspec
import pytest
import pytest_asyncio

from heliograph.core.message import Message
from heliograph.engine import datakeys
from heliograph.engine.datakeys import HEAD_START_MS
from heliograph.engine.secrets import CannotOpen, Vault
from heliograph.store import reads
from heliograph.store.port import Arrivals, ClaimDeliveries, Idempotency, NewEvent
from heliograph.store.protection import MARK
from heliograph.store.reads import MessageFilter, Where
from tests.store.making import LATER, NOW, Time, accept, arrival, claim, do, history, in_hand, message, opt_out, states

pytestmark = pytest.mark.asyncio

VAULT = Vault([b"m" * 32])
SECRET = "Your code is 123456"
HERE = Where(1, 1)


@pytest_asyncio.fixture
async def sealing(ledger: Any, time: Time) -> Any:
    await datakeys.load(ledger, VAULT, time, encrypt=True)
    return ledger


async def everything(ledger: Any) -> str:
    """All that somebody finds who has the database."""
    found = ""
    for table in ("messages", "events", "inbound", "deliveries", "decisions", "idempotency"):
        found += str(await ledger.fetch(f"SELECT * FROM {table}"))
    return found


async def test_the_text_of_a_message_is_nowhere_in_the_database(sealing: Any) -> None:
    new, handed = message(sealing, text=SECRET), in_hand(sealing, text=SECRET)
    await accept(sealing, new, handed, idempotency=Idempotency(1, "k", b"h", LATER), reply=lambda operation: b"ok")
    assert SECRET not in await everything(sealing)
    assert (new.text, handed.text) == (SECRET, SECRET)  # in memory it goes on as it is


async def test_it_is_plain_to_who_reads_or_claims_it(sealing: Any) -> None:
    new = message(sealing, text=SECRET)
    await accept(sealing, new)
    shown = await reads.message(sealing, HERE, new.id)
    listed = await reads.list_messages(sealing, HERE, MessageFilter(), 10)
    by_id = await reads.messages_by_id(sealing, HERE, [new.id])
    claimed = (await claim(sealing)).messages
    assert shown is not None
    assert [m.text for m in (shown, *listed, *by_id, *claimed)] == [SECRET] * 4


async def test_what_phones_text_is_sealed_and_plain_in_their_events(sealing: Any) -> None:
    sealing.subscribers = lambda environment, event_type, about: [(None, "https://example.com")]
    one = arrival(sealing, text=SECRET, raw=f"raw {SECRET}")
    facts = msgspec.json.encode({"text": SECRET}).decode()
    await do(sealing, Arrivals, arrivals=[one])
    notices: list[Any] = []
    await sealing.listen(lambda topic: None, notices.extend)
    async with sealing.transaction() as transaction:
        await transaction.record(1, 1, [NewEvent("inbound.received", NOW, facts)])
    assert [notice.event.data for notice in notices] == [facts]
    assert SECRET not in await everything(sealing)
    events, _ = await sealing.events_after("", 10)
    assert [event.data for event in events] == [facts]
    assert [event.data for event in await reads.events_to_replay(sealing, HERE)] == [facts]
    due = await do(sealing, ClaimDeliveries, target="https://example.com", limit=5, now=LATER, hidden_until=LATER + 1)
    assert [notice.event.data for notice in due.notices] == [facts]


async def test_events_of_cold_transactions_are_sealed_too(sealing: Any) -> None:
    async with sealing.transaction() as transaction:
        await transaction.record(1, 1, [NewEvent("contact.opted_out", NOW, f'{{"reply":"{SECRET}"}}')])
    assert SECRET not in await everything(sealing)
    events, _ = await sealing.events_after("", 10)
    assert SECRET in str(events[-1].data)


async def test_without_the_setting_texts_are_plain_and_sealed_ones_still_open(ledger: Any, time: Time) -> None:
    await datakeys.load(ledger, VAULT, time, encrypt=True)
    old = message(ledger, text=SECRET)
    await accept(ledger, old)
    await datakeys.load(ledger, VAULT, time, encrypt=False)
    new = message(ledger, text="Plain")
    await accept(ledger, new)
    assert await ledger.fetch("SELECT text FROM messages WHERE id = $1", new.id) == [("Plain",)]
    assert [m.text for m in (await claim(ledger)).messages] == [SECRET, "Plain"]


async def test_a_new_key_takes_over_after_everybody_has_heard_of_it(sealing: Any, time: Time) -> None:
    async def key_of(new: Message) -> str:
        rows = await sealing.fetch("SELECT text FROM messages WHERE id = $1", new.id)
        return str(rows[0][0]).partition(":")[0]

    first, second, third = (message(sealing, text=SECRET) for _ in range(3))
    await accept(sealing, first)
    await datakeys.rotate_bodies(sealing, VAULT, actor="test", now=time.ms)
    await sealing.protection.refresh()
    await accept(sealing, second)
    time.ms += HEAD_START_MS
    await accept(sealing, third)
    assert [await key_of(m) for m in (first, second, third)] == [f"{MARK}1", f"{MARK}1", f"{MARK}2"]
    assert [m.text for m in (await claim(sealing)).messages] == [SECRET] * 3


async def test_a_text_that_was_changed_or_moved_is_not_sent(sealing: Any) -> None:
    sound, moved, changed = (message(sealing, text=f"{SECRET} {number}") for number in range(3))
    await accept(sealing, sound, moved, changed)
    async with sealing.transaction() as transaction:
        await transaction.execute(
            "UPDATE messages SET text = (SELECT text FROM messages WHERE id = $1) WHERE id = $2", sound.id, moved.id
        )
        await transaction.execute("UPDATE messages SET text = $1 WHERE id = $2", f"{MARK}1:AAAA", changed.id)
    done = await claim(sealing)
    assert [m.id for m in done.messages] == [sound.id]
    assert await states(sealing, moved, changed) == ["failed", "failed"]
    assert (await history(sealing, moved))[-1] == "message.failed"
    assert {m.failure_code for m in done.ended} == {"text_unreadable"}
    shown = await reads.message(sealing, HERE, moved.id)
    assert shown is not None and shown.text is None


async def test_workspaces_have_keys_of_their_own(sealing: Any) -> None:
    keyring = sealing.protection
    sealed = keyring.seal(1, "message 7", SECRET)
    assert keyring.open(1, "message 7", sealed) == SECRET
    assert keyring.open(2, "message 7", sealed) is None
    assert keyring.seal(1, "message 7", SECRET) != sealed


async def test_an_opt_out_holds_for_sealed_messages_too(sealing: Any) -> None:
    new = message(sealing, text=SECRET)
    await accept(sealing, new)
    await opt_out(sealing, new.to)
    assert (await claim(sealing)).messages == []
    assert await states(sealing, new) == ["rejected"]


async def test_with_another_master_key_nothing_starts(sealing: Any, time: Time) -> None:
    with pytest.raises(CannotOpen):
        await datakeys.load(sealing, Vault([b"x" * 32]), time, encrypt=True)
