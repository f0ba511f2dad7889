"""What the recorder of an SMPP connector holds."""

import asyncio

import pytest

from heliograph.carriers.recorder import IN, OUT
from heliograph.smpp.status import CODES
from tests.carriers.smpp.centre import PASSWORD, Play, ended, receipt, text


@pytest.mark.asyncio
async def test_the_recorder_holds_what_went_over_the_wire_in_its_order() -> None:
    play = await Play(enquire_link_s=5).opened()
    await play.submit(text())
    play.centre.link().ask(receipt("id-1"))
    await play.settle()
    play.commit()
    await play.wait(5.6)
    await ended(play, asyncio.ensure_future(play.carrier.stop(1)))
    assert [(pdu.direction, pdu.name) for pdu in play.carrier.recorder.pdus()] == [
        (OUT, "bind_transceiver"),
        (IN, "bind_transceiver_resp"),
        (OUT, "submit_sm"),
        (IN, "submit_sm_resp"),
        (IN, "deliver_sm"),
        (OUT, "deliver_sm_resp"),
        (OUT, "enquire_link"),
        (IN, "enquire_link_resp"),
        (OUT, "unbind"),
        (IN, "unbind_resp"),
    ]


@pytest.mark.parametrize("texts_too", [False, True])
@pytest.mark.asyncio
async def test_no_record_holds_the_password(texts_too: bool) -> None:
    play = Play()
    play.centre.answer_to_binds = CODES["RINVPASWD"]
    await play.opened()
    play.centre.answer_to_binds = 0
    await play.wait(61)
    await play.submit(text(1, f"My password is {PASSWORD}"))
    recorder = play.carrier.recorder
    written = b"".join(recorder.jsonl(texts=texts_too)) + recorder.pcap(texts=texts_too)
    assert b"acme" in written and b"bind_transceiver" in written
    assert PASSWORD.encode() not in written
    assert PASSWORD not in repr([*recorder.pdus(texts=texts_too)])


@pytest.mark.asyncio
async def test_each_connection_is_a_stream_of_its_own() -> None:
    play = await Play(binds=2).opened()
    play.centre.open_links[0].drop()
    await play.wait(2)
    binds = [pdu.stream for pdu in play.carrier.recorder.pdus() if pdu.name == "bind_transceiver"]
    assert len(binds) == 3 and len(set(binds)) == 3
