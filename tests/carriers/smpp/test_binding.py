"""When a link is up, and how it ends."""

import asyncio
from collections import Counter

import pytest

from heliograph.core.message import Outcome, Submission
from heliograph.smpp.commands import BIND_RECEIVER, BIND_TRANSCEIVER, BIND_TRANSMITTER
from heliograph.smpp.status import CODES
from tests.carriers.smpp.centre import HELD, LOST, PASSWORD, UNSENT, Play, ended, hold, text, texts

# -- the link


@pytest.mark.asyncio
async def test_the_link_is_up_when_it_is_bound_and_not_before() -> None:
    play = Play()
    play.centre.answer_to_binds = HELD
    await play.opened()
    assert play.links == [] and play.centre.links[0].binding is not None
    play.centre.links[0].answer_bind(0)
    await play.settle()
    assert play.links == [(True, "")]


@pytest.mark.asyncio
async def test_a_bind_says_what_the_settings_say() -> None:
    play = await Play(system_type="VMA", interface_version=0x50).opened()
    [link] = play.centre.links
    assert link.binding is not None
    assert link.binding.command == BIND_TRANSCEIVER
    fields = link.binding.fields
    assert [fields[name] for name in ("system_id", "password", "system_type", "interface_version")] == [
        *("acme", PASSWORD, "VMA", 0x50),
    ]
    assert (fields["address_range"], fields["addr_ton"], fields["addr_npi"]) == ("", 0, 0)


@pytest.mark.parametrize("binds", [1, 3])
@pytest.mark.parametrize(
    ("bind", "modes"),
    [("transceiver", [BIND_TRANSCEIVER]), ("separate", [BIND_RECEIVER, BIND_TRANSMITTER])],
    ids=["transceiver", "separate"],
)
@pytest.mark.asyncio
async def test_as_many_binds_are_opened_as_the_settings_say(bind: str, modes: list[int], binds: int) -> None:
    play = await Play(bind=bind, binds=binds, window=5).opened()
    assert Counter(link.session.mode for link in play.centre.open_links) == dict.fromkeys(modes, binds)
    assert play.carrier.window == 5 * binds
    assert play.links == [(True, "")]


@pytest.mark.parametrize("first", [BIND_RECEIVER, BIND_TRANSMITTER], ids=["receiver first", "transmitter first"])
@pytest.mark.asyncio
async def test_separate_binds_are_up_only_when_both_ways_are_open(first: int) -> None:
    """What is sent before anybody listens has its receipts go who knows where."""
    play = Play(bind="separate")
    play.centre.answer_to_binds = HELD
    await play.opened()
    one, other = sorted(play.centre.links, key=lambda link: link.binding is not None and link.binding.command != first)
    one.answer_bind(0)
    await play.settle()
    assert play.links == []
    other.answer_bind(0)
    await play.settle()
    assert play.links == [(True, "")]


@pytest.mark.parametrize("gone", [BIND_RECEIVER, BIND_TRANSMITTER], ids=["receiver", "transmitter"])
@pytest.mark.asyncio
async def test_half_of_a_separate_pair_is_no_link(gone: int) -> None:
    play = await Play(bind="separate").opened()
    play.centre.link(gone).drop(ConnectionResetError("reset by peer"))
    assert play.links == [(True, ""), (False, "reset by peer")]
    await play.wait(2)
    assert play.links[2:] == [(True, "")]


@pytest.mark.asyncio
async def test_the_link_is_up_as_long_as_one_of_several_binds_is() -> None:
    play = await Play(binds=3).opened()
    play.centre.answer_to_binds = HELD  # none comes back
    first, second, third = play.centre.open_links
    first.drop()
    second.drop()
    assert play.links == [(True, "")]
    await play.submit(text())
    assert play.outcome() == Outcome("accepted", ("id-1",))
    third.drop()
    assert play.links == [(True, ""), (False, "the carrier closed the connection")]


@pytest.mark.asyncio
async def test_while_nothing_is_bound_nothing_leaves() -> None:
    play = Play()
    play.centre.answer_to_binds = HELD
    await play.opened()
    await play.submit(text())
    assert play.outcome() == UNSENT
    assert play.centre.taken == []


@pytest.mark.asyncio
async def test_a_receiver_takes_no_messages_to_send() -> None:
    play = await Play(bind="separate").opened()
    await play.submit(*texts(4))
    assert {taken.link.session.mode for taken in play.centre.taken} == {BIND_TRANSMITTER}
    assert len(play.centre.taken) == 4


# -- the end


@pytest.mark.parametrize("bind", ["transceiver", "separate"])
@pytest.mark.asyncio
async def test_stopping_unbinds_every_bind_and_opens_none_again(bind: str) -> None:
    play = await Play(bind=bind, binds=2).opened()
    links = play.centre.open_links
    await ended(play, asyncio.ensure_future(play.carrier.stop(5)))
    assert {link.ended_with for link in links} == {"the peer unbound"}
    assert not any(link.is_open for link in links)
    assert play.links[-1] == (False, "unbound")
    dialled = len(play.centre.dialled)
    await play.wait(3_600)
    assert len(play.centre.dialled) == dialled == len(links)


@pytest.mark.asyncio
async def test_stopping_lets_what_is_under_way_be_answered() -> None:
    play = await Play(window=2).opened()
    play.centre.verdict = hold
    await play.submit(*texts(4))
    stopping = asyncio.ensure_future(play.carrier.stop(10))
    while play.centre.held:
        await play.wait(1)
        assert play.centre.link().ended_with == ""
        await play.answer_held()
    await ended(play, stopping)
    assert {outcome.state for outcome in play.outcomes(1, 2, 3, 4)} == {"accepted"}


@pytest.mark.asyncio
async def test_stopping_waits_no_longer_than_it_may() -> None:
    play = await Play(window=2).opened()
    play.centre.verdict = hold
    await play.submit(*texts(3))
    took = await ended(play, asyncio.ensure_future(play.carrier.stop(2)))
    assert 2 <= took <= 3
    assert play.outcomes(1, 2, 3) == [LOST, LOST, UNSENT]
    assert play.centre.links[0].ended_with == "the peer unbound"


@pytest.mark.asyncio
async def test_stopping_does_not_need_the_carrier() -> None:
    play = await Play().opened()
    play.centre.is_deaf = True
    took = await ended(play, asyncio.ensure_future(play.carrier.stop(2)))
    assert took <= 3
    assert not play.is_up()


@pytest.mark.parametrize("status", [HELD, CODES["RINVPASWD"]])
@pytest.mark.asyncio
async def test_stopping_ends_a_link_that_never_was(status: int) -> None:
    play = Play()
    play.centre.answer_to_binds = status
    await play.opened()
    assert await ended(play, asyncio.ensure_future(play.carrier.stop(5))) <= 6
    dialled = len(play.centre.dialled)
    await play.wait(3_600)
    assert len(play.centre.dialled) == dialled


@pytest.mark.asyncio
async def test_after_the_stop_nothing_leaves() -> None:
    play = await Play().opened()
    await ended(play, asyncio.ensure_future(play.carrier.stop(5)))
    await play.submit(text())
    assert play.outcome() == UNSENT
    assert play.centre.taken == []


@pytest.mark.asyncio
async def test_it_cannot_be_asked_what_became_of_a_message() -> None:
    play = await Play().opened()
    assert await play.carrier.query(Submission(text(), 1), ["id-1"]) is None
    assert not play.carrier.capabilities.query
