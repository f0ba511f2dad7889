"""How soon a lost link is opened again, and what is told of it meanwhile."""

from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from heliograph.smpp.status import CODES
from tests.carriers.smpp.centre import HELD, LOST, UNSENT, Play, hold, text, texts


@pytest.mark.asyncio
async def test_an_unreachable_carrier_is_tried_with_growing_pauses() -> None:
    play = Play(reconnect_first_s=1, reconnect_longest_s=60)
    play.centre.unreachable = ConnectionRefusedError("nobody there")
    await play.opened()
    await play.wait(600)
    longest = 1.0
    for pause in play.centre.pauses:  # with jitter, so that not all of a carrier's clients come at once
        assert longest / 2 <= pause <= longest + 0.001
        longest = min(60.0, 2 * longest)
    assert len(play.centre.pauses) > 10
    assert play.links[-1] == (False, "smsc.example:2775: nobody there")
    play.centre.unreachable = None
    await play.wait(60)
    assert play.is_up()


@pytest.mark.asyncio
async def test_several_hosts_are_tried_in_turn() -> None:
    play = Play(host=["a.example", "b.example", "c.example"], reconnect_longest_s=1)
    play.centre.unreachable = OSError("nobody there")
    await play.opened()
    await play.wait(6)
    hosts = [host for _, host in play.centre.dialled]
    assert hosts[:6] == ["a.example", "b.example", "c.example"] * 2


@pytest.mark.parametrize(
    ("error", "reason"), [(TimeoutError(), "no connection in time"), (OSError("no route to host"), "no route to host")]
)
@pytest.mark.asyncio
async def test_why_there_is_no_connection_is_told(error: Exception, reason: str) -> None:
    play = Play(port=3550)
    play.centre.unreachable = error
    await play.opened()
    assert play.links == [(False, f"smsc.example:3550: {reason}")]


@pytest.mark.asyncio
async def test_a_host_that_is_no_name_is_told_and_tried_again() -> None:
    """getaddrinfo raises this for `smsc..example`, before anything is resolved."""
    play = Play(host=["smsc..example", "smsc.example"])
    play.centre.unreachable = UnicodeError("label empty or too long")
    await play.opened()
    assert play.links == [(False, "smsc..example:2775: label empty or too long")]
    play.centre.unreachable = None
    await play.wait(2)
    assert play.is_up()


async def cut_again_and_again(play: Play, seconds: float, before: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Each bind is lost as soon as `before` is done with it."""
    end = play.clock.monotonic() + seconds
    while play.clock.monotonic() < end:
        if play.centre.open_links:
            await before()
            play.centre.link().drop()
        await play.wait(0.25)


@pytest.mark.asyncio
async def test_binds_that_carry_nothing_and_are_lost_are_opened_with_growing_pauses() -> None:
    play = await Play().opened()

    async def nothing() -> None:
        pass

    await cut_again_and_again(play, 120, nothing)
    assert len(play.centre.pauses) < 12
    assert max(play.centre.pauses) > 15


@pytest.mark.asyncio
async def test_a_bind_that_carried_something_is_opened_again_soon() -> None:
    """A carrier that drops its clients after some messages would be waited for longer and longer."""
    play = await Play().opened()

    async def one() -> None:
        await play.submit(text(len(play.answers) + 1))

    await cut_again_and_again(play, 60, one)
    assert max(play.centre.pauses) <= 1.3
    assert {outcome.state for _, outcome in play.answers} == {"accepted"}


@pytest.mark.asyncio
async def test_a_bind_that_lasted_is_opened_again_soon() -> None:
    play = Play()
    play.centre.unreachable = OSError("nobody there")
    await play.opened()
    await play.wait(200)
    play.centre.unreachable = None
    await play.wait(61)
    assert play.is_up()
    await play.wait(61)
    play.centre.link().drop()
    await play.wait(1.1)
    assert play.is_up()


@pytest.mark.parametrize("refusal", ["RBINDFAIL", "RINVPASWD", "RINVSYSID", "RINVSYSTYP", "RX_P_APPN"])
@pytest.mark.asyncio
async def test_refused_credentials_are_tried_again_slowly(refusal: str) -> None:
    """Fast retries lock accounts."""
    play = Play()
    play.centre.answer_to_binds = CODES[refusal]
    await play.opened()
    assert play.links == [(False, f"the carrier refused the bind: {refusal} (0x{CODES[refusal]:08X})")]
    await play.wait(7_200)
    longest = 60.0
    for pause in play.centre.pauses:
        assert longest / 2 <= pause <= longest + 0.001
        longest = min(900.0, 2 * longest)
    assert len(play.centre.pauses) > 8


@pytest.mark.parametrize("refusal", ["RALYBND", "RSYSERR", "RTHROTTLED", "RMSGQFUL"])
@pytest.mark.asyncio
async def test_a_refusal_for_now_is_tried_again_as_after_a_lost_connection(refusal: str) -> None:
    play = Play()
    play.centre.answer_to_binds = CODES[refusal]
    await play.opened()
    await play.wait(20)
    assert play.centre.pauses[0] <= 1.001 and len(play.centre.pauses) >= 4


@pytest.mark.asyncio
async def test_credentials_that_are_taken_again_end_the_slow_pauses() -> None:
    play = Play()
    play.centre.answer_to_binds = CODES["RINVPASWD"]
    await play.opened()
    play.centre.answer_to_binds = 0
    await play.wait(61)
    await play.submit(text())
    play.centre.link().drop()
    await play.wait(1.1)
    assert play.is_up()


@pytest.mark.asyncio
async def test_a_bind_without_an_answer_is_given_up() -> None:
    play = Play(bind_timeout_s=3)
    play.centre.answer_to_binds = HELD
    await play.opened()
    await play.wait(3.1)
    assert play.links == [(False, "no answer to the bind")]
    play.centre.answer_to_binds = 0
    await play.wait(1)
    assert play.is_up()


@pytest.mark.asyncio
async def test_the_reason_is_that_of_the_last_try() -> None:
    play = Play(bind_timeout_s=3)
    play.centre.answer_to_binds = CODES["RSYSERR"]
    await play.opened()
    play.centre.answer_to_binds = HELD
    await play.wait(5)
    assert play.links[-1] == (False, "no answer to the bind")


@pytest.mark.asyncio
async def test_a_link_that_is_silent_is_asked_and_ended_when_it_says_nothing() -> None:
    """TCP may look healthy for hours when the way is gone."""
    play = await Play(enquire_link_s=20, bind_timeout_s=5).opened()
    play.centre.verdict = hold
    await play.wait(300)
    assert play.links == [(True, "")]
    await play.submit(text())
    play.centre.is_deaf = True
    await play.wait(27)
    assert play.links[1:2] == [(False, "no answer to enquire_link")]
    assert play.outcome() == LOST
    play.centre.is_deaf = False
    await play.wait(10)
    assert play.is_up()


@pytest.mark.asyncio
async def test_the_carrier_may_unbind() -> None:
    play = await Play(window=1).opened()
    play.centre.verdict = hold
    await play.submit(text(1), text(2))
    link = play.centre.link()
    link.session.unbind(play.clock.monotonic())
    await play.settle()
    assert link.ended_with == "unbound" and not link.is_open
    assert play.links[-1] == (False, "the peer unbound")
    assert play.outcomes(1, 2) == [LOST, UNSENT]
    await play.wait(2)
    assert play.is_up()


@pytest.mark.parametrize("octets", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0\0\0\x01" * 8, b"\xff" * 64])
@pytest.mark.asyncio
async def test_what_is_no_smpp_ends_the_connection_and_no_more(octets: bytes) -> None:
    play = await Play().opened()
    play.centre.link().protocol.data_received(octets)
    assert not play.is_up()
    await play.wait(2)
    assert play.is_up()
    await play.submit(text())
    assert play.outcome().state == "accepted"


@pytest.mark.asyncio
async def test_the_late_end_of_an_old_connection_is_nothing_to_the_new_one() -> None:
    """With TLS the end of a dead connection comes half a minute after `close`, with a full buffer hours."""
    play = await Play(enquire_link_s=20, bind_timeout_s=5).opened()
    play.centre.is_deaf = play.centre.lingers = True
    while play.is_up():
        await play.wait(0.1)
    [old] = play.centre.links
    assert not old.is_open
    play.centre.is_deaf = False
    await play.wait(2)
    assert play.is_up()
    play.centre.verdict = hold
    await play.submit(text())
    old.protocol.connection_lost(None)
    assert play.is_up()
    await play.answer_held()
    assert play.outcome().state == "accepted"


@pytest.mark.asyncio
async def test_a_peer_that_does_not_read_is_asked_nothing_more() -> None:
    play = await Play().opened()
    link = play.centre.link()
    link.protocol.pause_writing()
    await play.submit(*texts(3))
    await play.wait(5)
    assert play.centre.taken == [] and play.answers == []
    link.protocol.resume_writing()
    await play.settle()
    assert len(play.centre.taken) == 3
