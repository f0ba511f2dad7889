"""Binds that the carrier has forgotten, certificates that do not fit, peers before SMPP 3.4, carriers that are full."""

import ssl

import pytest

from heliograph.core.failures import TRANSIENT
from heliograph.smpp.codec import Pdu
from heliograph.smpp.commands import SUBMIT_SM, Tag
from heliograph.smpp.parts import payload
from heliograph.smpp.status import CODES
from tests.carriers.smpp.centre import HELD, Play, Taken, hold, text, texts

NOT_BOUND = CODES["RINVBNDSTS"]
REASON = "the carrier no longer knows the bind: RINVBNDSTS (0x00000004)"
LONG = "All of this is one message. " * 10


@pytest.mark.asyncio
async def test_a_bind_that_the_carrier_has_forgotten_is_made_anew() -> None:
    play = await Play().opened()
    play.centre.verdict = lambda taken: NOT_BOUND
    await play.submit(text())
    outcome = play.outcome()
    assert (outcome.state, outcome.failure, outcome.code) == ("unsent", TRANSIENT, "not_bound"), "it may go again"
    assert play.links[-1] == (False, REASON)
    assert not play.centre.open_links
    play.centre.verdict = lambda taken: 0
    await play.wait(1.1)
    assert play.is_up() and len(play.centre.links) == 2
    await play.submit(text(2))
    assert play.outcome(2).state == "accepted"


@pytest.mark.asyncio
async def test_what_is_under_way_on_a_forgotten_bind_is_still_answered() -> None:
    play = await Play(window=10).opened()
    play.centre.verdict = lambda taken: NOT_BOUND if taken.text.endswith("2") else HELD
    await play.submit(*texts(3))
    await play.wait(1)
    assert [submission.message.id for submission, _ in play.answers] == [2]
    assert len(play.centre.open_links) == 1, "not before the others have their ends"
    play.carrier.submit([])
    await play.answer_held()
    assert [outcome.state for outcome in play.outcomes(1, 3)] == ["accepted", "accepted"]
    assert not play.centre.open_links


@pytest.mark.asyncio
async def test_a_forgotten_bind_whose_answers_never_come_is_left_all_the_same() -> None:
    play = await Play(window=10, response_timeout_s=5).opened()
    play.centre.verdict = lambda taken: NOT_BOUND if taken.text.endswith("2") else HELD
    await play.submit(*texts(2))
    await play.wait(7)
    assert play.outcome(1).code == "answer_timeout"
    assert len(play.centre.links) == 2 and play.is_up()


@pytest.mark.asyncio
async def test_only_the_forgotten_bind_is_made_anew() -> None:
    play = await Play(binds=2).opened()
    first = play.centre.links[0]
    play.centre.verdict = lambda taken: NOT_BOUND if taken.link is first else 0
    await play.submit(*texts(4))
    assert play.is_up() and len(play.centre.open_links) == 1
    await play.submit(text(9))
    assert play.outcome(9).state == "accepted"
    await play.wait(1.1)
    assert len(play.centre.open_links) == 2


@pytest.mark.asyncio
async def test_a_carrier_that_forgets_every_bind_is_asked_less_and_less_often() -> None:
    play = await Play().opened()
    play.centre.verdict = lambda taken: NOT_BOUND
    for number in range(1, 300):
        await play.submit(text(number))
        await play.wait(1)
    pauses = play.centre.pauses
    assert pauses[-1] > 8 * pauses[0]


@pytest.mark.asyncio
async def test_no_part_follows_one_that_a_forgotten_bind_refused() -> None:
    play = await Play(window=1).opened()
    play.centre.verdict = lambda taken: NOT_BOUND
    await play.submit(text(1, LONG))
    assert len(play.centre.taken) == 1 and play.outcome().state == "unsent"


@pytest.mark.asyncio
async def test_certificates_that_do_not_fit_are_tried_again_slowly() -> None:
    play = Play(tls=True)
    play.centre.unreachable = ssl.SSLCertVerificationError(1, "certificate verify failed")
    await play.opened()
    assert "certificate verify failed" in play.links[0][1]
    await play.wait(3_600)
    longest = 60.0
    for pause in play.centre.pauses:
        assert longest / 2 <= pause <= longest + 0.001
        longest = min(900.0, 2 * longest)


@pytest.mark.asyncio
async def test_a_peer_that_hangs_up_in_the_handshake_is_tried_again_soon() -> None:
    play = Play(tls=True)
    play.centre.unreachable = ssl.SSLEOFError(8, "EOF occurred in violation of protocol")
    await play.opened()
    await play.wait(20)
    assert play.centre.pauses[0] <= 1.001 and len(play.centre.pauses) >= 4


@pytest.mark.parametrize("way", ["udh8", "udh16", "sar", "payload"])
@pytest.mark.asyncio
async def test_a_peer_before_3_4_gets_no_optional_parameters(way: str) -> None:
    play = await Play(interface_version=0x33, long_messages=way, tlvs={"0x1400": "entity"}).opened()
    await play.submit(text(1), text(2, LONG))
    pdus = [taken.pdu for taken in play.centre.taken]
    assert not any(pdu.tlvs for pdu in pdus)
    assert payload(pdus[0]).text == b"Hello"
    assert [part.number for pdu in pdus[1:] if (part := payload(pdu).part)] == [1, 2]
    assert b"".join(payload(pdu).text for pdu in pdus[1:]).decode() == LONG


@pytest.mark.asyncio
async def test_a_text_that_needs_an_optional_parameter_is_unwritable_before_3_4() -> None:
    play = await Play(interface_version=0x33, default_alphabet="utf-8").opened()
    await play.submit(text(1, "è" * 150))
    assert (play.outcome().state, play.outcome().code) == ("refused", "unwritable")


@pytest.mark.parametrize(
    ("octets", "expected"), [(b"\x00", 0), (b"\x5a", 90), (b"\x64", 100), (b"\xff", 100), (b"", 0)]
)
@pytest.mark.asyncio
async def test_the_carrier_says_how_full_it_is(octets: bytes, expected: int) -> None:
    play = await Play().opened()
    play.centre.verdict = hold
    await play.submit(text())
    [taken] = play.centre.held
    _answer(taken, octets)
    await play.settle()
    assert (play.outcome().state, play.outcome().congestion) == ("accepted", expected)


@pytest.mark.asyncio
async def test_of_several_parts_the_fullest_counts() -> None:
    play = await Play().opened()
    play.centre.verdict = hold
    await play.submit(text(1, LONG))
    for taken, octets in zip(play.centre.held, (b"\x5f", b"\x0a"), strict=True):
        _answer(taken, octets)
    await play.settle()
    assert play.outcome().congestion == 95


def _answer(taken: Taken, congestion: bytes) -> None:
    assert taken.pdu.command == SUBMIT_SM
    fields = {"message_id": f"id-{taken.pdu.sequence}"}
    taken.link.session.respond(
        Pdu(SUBMIT_SM, sequence=taken.pdu.sequence), 0, fields, tlvs={Tag.CONGESTION_STATE: congestion}
    )
