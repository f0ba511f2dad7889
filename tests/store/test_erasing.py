"""Erasure of a person on both engines: nothing of them is left in any table, and their no goes on to hold."""

from typing import Any

import msgspec
import pytest
import pytest_asyncio

from heliograph.core.failures import Refused
from heliograph.engine import audit, auditing, datakeys, disclosing, environments, erasing, sweep
from heliograph.engine.people import contacts, record
from heliograph.engine.people.contacts import Given
from heliograph.engine.people.names import named
from heliograph.engine.people.record import Said
from heliograph.engine.secrets import Vault
from heliograph.store.port import Accept, Arrivals, Moves, NewEvent, Receipts
from tests.store.making import (
    LATER,
    NOW,
    RECEIVING,
    Time,
    accept,
    arrival,
    count,
    do,
    in_hand,
    message,
    receipt,
    states,
    taken,
)

pytestmark = pytest.mark.asyncio

ANNA, BEN = "+447700900123", "+447700900124"
HERS = "https://app.example/told?user=447700900123"
VAULT = Vault([b"m" * 32])


@pytest_asyncio.fixture(params=[False, True], ids=["plain", "sealed"])
async def ours(request: pytest.FixtureRequest, ledger: Any, time: Time) -> Any:
    await datakeys.load(ledger, VAULT, time, encrypt=request.param)
    await environments.ensure_defaults(ledger, lambda text: text, now=NOW)
    return ledger


async def live(ledger: Any) -> None:
    """Anna's traces: messages of every state, what she texted, what she said, what carriers said of her."""
    about = {"to": ANNA, "tags": '["vip","anna"]', "metadata": '{"name":"Anna Smith"}', "correlation_id": "anna-1"}
    sent = in_hand(ledger, text="Dear Anna", **about)
    trace = f'[{{"rule":"route","number":"{ANNA}"}}]'
    await accept(ledger, sent, message(ledger, text="Later, Anna", **about), decisions=[(1, trace)])
    await accept(ledger, message(ledger, to=BEN, tags='["vip"]', metadata='{"name":"Ben"}', decision=2))
    await do(ledger, Moves, moves=[taken(sent)])

    def judge(match: Any) -> Any:
        move = RECEIVING["judge"](match)  # type: ignore[operator]
        facts = msgspec.json.encode({"receipt": f"to={ANNA}", "price": "0.01"}).decode()
        move.events = (NewEvent("message.delivered", NOW, facts),)
        return move

    await do(ledger, Receipts, receipts=[receipt(f"c{sent.id}-1")], forms=RECEIVING["forms"], judge=judge)
    await do(ledger, Receipts, receipts=[receipt("stray", raw=f"to={ANNA[1:]}")], **RECEIVING)
    facts = msgspec.json.encode({"from": ANNA, "text": "Anna was here"}).decode()
    hers = arrival(ledger, sender=ANNA, text="Anna was here", raw=f"from={ANNA}")
    his = arrival(ledger, "in-2", sender=BEN, text="Ben was here")
    await do(ledger, Arrivals, arrivals=[hers, his])
    async with ledger.transaction() as transaction:
        await transaction.record(1, 1, [NewEvent("inbound.received", NOW, facts), NewEvent("inbound.received", NOW)])
    for number in (ANNA, BEN):
        await say(ledger, number, "opt_out", NOW, detail={"name": number}, text=f"I am {number}", source="keyword")
    async with ledger.transaction() as transaction:
        await transaction.execute(
            "INSERT INTO callbacks (connector, outcome, reason, address, request, at) "
            "VALUES ('c', 'unread', '', '', $1, $2)",
            *(f"to={ANNA[1:]}", NOW),
        )
        for number in (ANNA, BEN):
            await transaction.execute(
                "INSERT INTO lookups (workspace, environment, connector, number, at, answer, price, currency) "
                "VALUES (1, 1, 'telco', $1, $2, $3, '0.004', 'EUR')",
                *(number, NOW, msgspec.json.encode({"carrier": number}).decode()),
            )


async def say(ledger: Any, number: str, action: str, at: int, **more: Any) -> None:
    said = Said(address=number, action=action, at=at, **{"source": "console", **more})
    await record.record(ledger, 1, 1, [said], actor="key:a", now=at)


async def everything(ledger: Any) -> str:
    tables = (
        "messages message_tags attempts decisions events inbound inbound_parts parked_receipts callbacks consents "
        "stances contacts contact_addresses cooldowns audit deliveries erased lookups"
    )
    return " ".join([str(await ledger.fetch(f"SELECT * FROM {table}")) for table in tables.split()])


async def erase(ledger: Any, number: str = ANNA) -> erasing.Erased:
    return await erasing.erase(ledger, 1, number, reason="asked by mail", actor="key:a", now=NOW)


async def test_nothing_of_an_erased_person_is_left(ours: Any) -> None:
    await live(ours)
    given = Given(name="Anna", external_id="anna-1", addresses=[ANNA, "anna@example.com"])
    await contacts.create(ours, 1, given, actor="key:a", now=NOW)
    done = await erase(ours)
    assert (done.messages, done.inbound, done.consents, done.is_suppressed) == (2, 1, 1, True)
    left = await everything(ours)
    assert [word for word in (ANNA, ANNA[1:], "Anna", "anna") if word in left] == []
    assert await ours.fetch("SELECT COUNT(*), MIN(price) FROM lookups") == [(2, "0.004")], "what they cost stays"


async def test_others_keep_what_is_theirs(ours: Any) -> None:
    await live(ours)
    await erase(ours)
    known = await disclosing.disclose(ours, 1, BEN, actor="key:a", now=NOW)
    assert (len(known.messages), [text.text for text in known.inbound]) == (1, ["Ben was here"])
    assert (len(known.consents), known.is_suppressed) == (1, True)
    assert [bytes(one.answer) for one in known.lookups] == [msgspec.json.encode({"carrier": BEN})]
    assert await ours.fetch("SELECT tag FROM message_tags") == [("vip",)]


async def test_what_is_not_sent_yet_never_is(ours: Any) -> None:
    waiting = message(ours, to=ANNA)
    await accept(ours, waiting)
    await erase(ours)
    assert await states(ours, waiting) == ["canceled"]


async def test_a_message_in_mid_air_is_waited_for(ours: Any) -> None:
    flying = in_hand(ours, to=ANNA)
    await accept(ours, flying)
    with pytest.raises(Refused) as refused:
        await erase(ours)
    assert refused.value.refusals[0].code == "still_sending"
    await do(ours, Moves, moves=[taken(flying)])
    assert (await erase(ours)).messages == 1


async def test_a_callback_url_goes_when_its_message_has_ended_and_all_is_told(ours: Any) -> None:
    async def urls() -> list[Any]:
        return [row[0] for row in await ours.fetch("SELECT callback_url FROM messages ORDER BY id")]

    ours.subscribers = lambda environment, name, message: ((None, "callback:1:app"),) if message else ()
    sent, later = in_hand(ours, to=ANNA, callback_url=HERS), message(ours, to=ANNA, callback_url=HERS)
    his = message(ours, to=BEN, callback_url=HERS)
    await accept(ours, sent, later, his)
    await do(ours, Moves, moves=[taken(sent)])
    await erase(ours)
    assert await urls() == [HERS, HERS, HERS], "of hers one has not ended, of one its end is still to be told"
    async with ours.transaction() as transaction:
        await transaction.execute("UPDATE deliveries SET state = 'done'")
    await sweep.tidy(ours, NOW + 3_600_000)
    assert await urls() == [HERS, None, HERS]
    await sweep.tidy(ours, NOW + 2 * 3_600_000 - 1)
    await do(ours, Receipts, receipts=[receipt(f"c{sent.id}-1")], **RECEIVING)
    async with ours.transaction() as transaction:
        await transaction.execute("UPDATE deliveries SET state = 'failed'")
    await sweep.tidy(ours, NOW + 2 * 3_600_000)
    assert await urls() == [None, None, HERS]
    assert await count(ours, "revisits") == 0


async def test_the_no_of_an_erased_person_holds_until_they_say_yes(ours: Any) -> None:
    async def is_refused(number: str) -> bool:
        operation: Accept = await accept(ours, message(ours, to=number))
        return operation.refused == {operation.messages[0].id: "opted_out"}

    await live(ours)
    await erase(ours)
    await erase(ours)  # once more changes nothing
    assert [await is_refused(ANNA), await is_refused(BEN), await is_refused("+447700900125")] == [True, True, False]
    await say(ours, ANNA, "opt_in", LATER)
    assert not await is_refused(ANNA)


async def test_who_had_not_said_no_may_be_texted_again(ours: Any) -> None:
    await accept(ours, message(ours, to=ANNA))
    assert not (await erase(ours)).is_suppressed
    assert not (await accept(ours, message(ours, to=ANNA))).refused


async def test_the_hash_is_of_one_workspace_and_one_key(ours: Any, time: Time) -> None:
    digest = ours.protection.hash_number(1, ANNA)
    assert digest != ours.protection.hash_number(2, ANNA)
    async with ours.transaction() as transaction:
        await transaction.execute("DELETE FROM data_keys WHERE purpose = 'erased'")
    await datakeys.load(ours, VAULT, time, encrypt=False)
    assert digest != ours.protection.hash_number(1, ANNA)


async def test_erasures_are_done_again_after_a_restore(ours: Any) -> None:
    await live(ours)
    await erase(ours)
    journal = await erasing.journal(ours)
    async with ours.transaction() as transaction:  # an old backup: no erasure, and Anna is back
        await transaction.execute("DELETE FROM erased")
    anew = message(ours, to="+447700900125")
    await accept(ours, message(ours, to=ANNA, text="Dear Anna"), anew)
    assert await erasing.replay(ours, journal, actor="cli:a", now=LATER) == 1
    assert ANNA not in await everything(ours)
    assert (await accept(ours, message(ours, to=ANNA))).refused
    assert [entry.hash for entry in await erasing.journal(ours)] == [entry.hash for entry in journal]


async def test_the_audit_log_names_people_without_their_number_and_stays_intact(ours: Any) -> None:
    await live(ours)
    await disclosing.disclose(ours, 1, ANNA, actor="key:a", now=NOW)
    await erase(ours)
    rows = await ours.fetch("SELECT action, object FROM audit WHERE object LIKE 'person:%' ORDER BY id")
    assert [row[0] for row in rows] == ["consent.opt_out", "consent.opt_out", "person.exported", "person.erased"]
    assert rows[0][1] == rows[2][1] == rows[3][1] == named(ours.protection, 1, ANNA)
    assert rows[0][1].startswith("person:+44*******123:")
    assert (await auditing.verify(ours)).intact


async def test_all_that_is_known_is_disclosed(ours: Any) -> None:
    await live(ours)
    async with ours.transaction() as transaction:
        await audit.note(transaction, workspace=1, actor="a", action="b", object="person:other", now=NOW)
    known = await disclosing.disclose(ours, 1, ANNA, actor="key:a", now=NOW)
    assert sorted(str(m.text) for m in known.messages) == ["Dear Anna", "Later, Anna"]
    assert [text.text for text in known.inbound] == ["Anna was here"]
    assert {event.type for event in known.events} >= {"message.accepted", "message.sent", "message.delivered"}
    assert ([c.action for c in known.consents], known.is_suppressed) == (["opt_out"], True)
    assert [entry.action for entry in known.audit] == ["person.exported", "consent.opt_out"]
    assert await count(ours, "erased") == 0
