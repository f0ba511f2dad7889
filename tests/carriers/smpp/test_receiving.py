"""Receipts and messages from phones: acknowledged when they are durable, not before."""

import asyncio

import pytest

from heliograph.core.message import Inbound, Outcome, Receipt
from heliograph.smpp.codec import Pdu
from heliograph.smpp.commands import ALERT_NOTIFICATION, BIND_RECEIVER, BIND_TRANSMITTER, DATA_SM, DELIVER_SM, RESPONSE
from tests.carriers.network import NOW
from tests.carriers.smpp.centre import PHONE, Play, ended, hold, receipt, reply, text, texts


@pytest.mark.parametrize("command", [DELIVER_SM, DATA_SM], ids=["deliver_sm", "data_sm"])
@pytest.mark.asyncio
async def test_a_receipt_is_acknowledged_when_it_is_durable_and_not_before(command: int) -> None:
    play = await Play().opened()
    link = play.centre.link()
    link.ask(receipt("id-7", command=command))
    await play.wait(60)
    [[found]] = play.heard
    assert isinstance(found, Receipt)
    assert (found.connector, found.carrier_id, found.fact) == ("telco", "id-7", "delivered")
    assert link.acknowledged == []
    play.commit()
    await play.settle()
    assert [(pdu.command, pdu.status) for pdu in link.acknowledged] == [(command | RESPONSE, 0)]


@pytest.mark.parametrize("command", [DELIVER_SM, DATA_SM], ids=["deliver_sm", "data_sm"])
@pytest.mark.asyncio
async def test_a_message_from_a_phone_is_acknowledged_when_it_is_durable_and_not_before(command: int) -> None:
    play = await Play().opened()
    link = play.centre.link()
    link.ask(reply("Yes", command))
    await play.wait(60)
    assert play.heard == [[Inbound("telco", f"+{PHONE}", "72345", "Yes", NOW)]]
    assert link.acknowledged == []
    play.commit()
    await play.settle()
    assert [(pdu.command, pdu.status) for pdu in link.acknowledged] == [(command | RESPONSE, 0)]


@pytest.mark.asyncio
async def test_what_comes_together_is_reported_together() -> None:
    play = await Play().opened()
    link = play.centre.link()
    link.ask(receipt("id-1"), reply("Yes"), receipt("id-2"), reply("No"), receipt("id-3"))
    await play.settle()
    reported, written = play.heard
    assert [one.carrier_id for one in reported] == ["id-1", "id-2", "id-3"]
    assert [one.text for one in written if isinstance(one, Inbound)] == ["Yes", "No"]
    for committed, count in zip(play.commits, (3, 5), strict=True):
        committed()
        await play.settle()
        assert len(link.acknowledged) == count


@pytest.mark.asyncio
async def test_receipts_on_another_bind_are_acknowledged_there() -> None:
    play = await Play(binds=2).opened()
    await play.submit(text())
    sender = play.centre.taken[0].link
    [other] = [link for link in play.centre.open_links if link is not sender]
    other.ask(receipt("id-1"))
    await play.settle()
    play.commit()
    await play.settle()
    assert (len(sender.acknowledged), len(other.acknowledged)) == (0, 1)


@pytest.mark.parametrize("mode", [BIND_RECEIVER, BIND_TRANSMITTER], ids=["receiver", "transmitter"])
@pytest.mark.asyncio
async def test_receipts_on_either_of_separate_binds_are_taken(mode: int) -> None:
    """Some carriers report on the transmitter, which the standard doesn't allow."""
    play = await Play(bind="separate").opened()
    link = play.centre.link(mode)
    link.ask(receipt("id-1"))
    await play.settle()
    play.commit()
    await play.settle()
    assert len(play.heard) == len(link.acknowledged) == 1


@pytest.mark.asyncio
async def test_a_receipt_before_its_answer_is_reported_before_it() -> None:
    """On another bind it overtakes the answer: the engine parks it."""
    play = await Play(binds=2).opened()
    play.centre.verdict = hold
    await play.submit(text())
    play.centre.open_links[1].ask(receipt("id-1"))
    await play.settle()
    assert len(play.heard) == 1 and play.answers == []
    await play.answer_held()
    assert play.outcome() == Outcome("accepted", ("id-1",))


@pytest.mark.asyncio
async def test_receipts_come_through_a_full_window() -> None:
    play = await Play(window=1).opened()
    play.centre.verdict = hold
    await play.submit(*texts(3))
    link = play.centre.link()
    link.ask(receipt("id-1"))
    await play.settle()
    play.commit()
    await play.settle()
    assert len(link.acknowledged) == 1


@pytest.mark.asyncio
async def test_a_receipt_that_becomes_durable_on_a_lost_connection_is_acknowledged_nowhere() -> None:
    """Its number means something else, or nothing, on the next connection; the carrier sends it again there."""
    play = await Play().opened()
    old = play.centre.link()
    old.ask(receipt("id-1"))
    await play.settle()
    old.drop()
    await play.wait(2)
    new = play.centre.link()
    new.ask(reply("Yes"))  # with the same sequence number
    await play.settle()
    receipt_kept, reply_kept = play.commits
    receipt_kept()
    await play.settle()
    assert new.acknowledged == []
    reply_kept()
    await play.settle()
    assert [pdu.command for pdu in new.acknowledged] == [DELIVER_SM | RESPONSE]


@pytest.mark.parametrize("esm_class", [0x04, 0x20])
@pytest.mark.parametrize("octets", [b"", b"Your message was delivered", b"id:7", b"\xff\xfei\0d\0"])
@pytest.mark.asyncio
async def test_a_receipt_that_cannot_be_read_is_acknowledged_and_forgotten(octets: bytes, esm_class: int) -> None:
    """Unanswered it would come again for ever, and block the carrier's window."""
    play = await Play().opened()
    link = play.centre.link()
    fields = {"source_addr": PHONE, "destination_addr": "72345", "esm_class": esm_class, "short_message": octets}
    link.ask(Pdu(DELIVER_SM, fields), receipt("id-2"))
    await play.settle()
    assert [[one.carrier_id for one in some] for some in play.heard] == [["id-2"]]
    assert [pdu.status for pdu in link.acknowledged] == [0]
    play.commit()
    await play.settle()
    assert [pdu.status for pdu in link.acknowledged] == [0, 0]


@pytest.mark.asyncio
async def test_intermediate_notifications_are_reported_as_progress() -> None:
    play = await Play().opened()
    play.centre.link().ask(receipt("id-1", "ENROUTE", esm_class=0x20), receipt("id-1", "DELIVRD"))
    await play.settle()
    assert [one.fact for some in play.heard for one in some if isinstance(one, Receipt)] == ["buffered", "delivered"]


@pytest.mark.asyncio
async def test_an_alert_notification_is_let_pass() -> None:
    play = await Play().opened()
    link = play.centre.link()
    link.session.notify(Pdu(ALERT_NOTIFICATION, {"source_addr": PHONE, "esme_addr": "acme"}))
    link.ask(reply("Yes"))
    await play.settle()
    play.commit()
    await play.wait(60)
    assert len(play.heard) == 1 and play.is_up()
    assert [pdu.command for pdu in link.acknowledged] == [DELIVER_SM | RESPONSE]


@pytest.mark.asyncio
async def test_receipts_are_acknowledged_to_the_very_end() -> None:
    play = await Play().opened()
    play.centre.verdict = hold
    await play.submit(text())
    link = play.centre.link()
    stopping = asyncio.ensure_future(play.carrier.stop(30))
    await play.wait(1)
    link.ask(receipt("id-1"))
    await play.settle()
    play.commit()
    await play.settle()
    assert len(link.acknowledged) == 1
    await play.answer_held()
    await ended(play, stopping)
