"""Never a promise that a message did not leave when it did: answers that stay away, and parts that were taken."""

import asyncio
from collections import Counter

import pytest

from heliograph.smpp.status import CODES
from tests.carriers.smpp.centre import (
    HELD,
    LOST,
    THREE_PARTS,
    THROTTLED,
    TIMED_OUT,
    TWO_PARTS,
    UNSENT,
    Play,
    ended,
    hold,
    text,
    texts,
)

# -- no answer, lost connections


@pytest.mark.asyncio
async def test_without_an_answer_in_time_nobody_knows() -> None:
    play = await Play(response_timeout_s=5).opened()
    play.centre.verdict = hold
    await play.submit(text())
    await play.wait(4.9)
    assert play.answers == []
    await play.wait(0.7)
    assert play.outcome() == TIMED_OUT
    assert play.is_up()  # a link that answers enquire_link is not to blame


@pytest.mark.parametrize("status", [0, THROTTLED, CODES["RINVDSTADR"]])
@pytest.mark.asyncio
async def test_an_answer_after_its_time_changes_nothing(status: int) -> None:
    play = await Play(response_timeout_s=5).opened()
    play.centre.verdict = hold
    await play.submit(text(), text(2, TWO_PARTS))
    await play.wait(6)
    await play.answer_held(status)
    await play.wait(60)
    assert play.outcomes(1, 2) == [TIMED_OUT] * 2
    assert len(play.centre.taken) == 3


@pytest.mark.asyncio
async def test_a_silent_part_stops_the_others() -> None:
    play = await Play(window=1, response_timeout_s=5).opened()
    play.centre.verdict = hold
    await play.submit(text(1, THREE_PARTS), text(2, "Later"))
    await play.wait(6)
    assert play.outcome(1) == TIMED_OUT
    assert play.centre.texts[1:] == ["Later"]  # it has the window for itself


@pytest.mark.asyncio
async def test_a_lost_connection_leaves_the_sent_unknown_and_the_others_unsent() -> None:
    play = await Play(window=3).opened()
    play.centre.verdict = hold
    await play.submit(*texts(5))
    play.centre.link().drop(ConnectionResetError("reset by peer"))
    assert play.outcomes(1, 2, 3) == [LOST] * 3
    assert play.outcomes(4, 5) == [UNSENT] * 2
    assert play.links[-1] == (False, "reset by peer")


@pytest.mark.asyncio
async def test_messages_on_other_binds_do_not_mind() -> None:
    play = await Play(binds=2, window=2).opened()
    play.centre.verdict = hold
    await play.submit(*texts(8))
    gone, left = play.centre.open_links
    gone.drop()
    assert Counter(outcome.state for _, outcome in play.answers) == {"unknown": 2, "unsent": 2}
    play.centre.verdict = lambda taken: 0
    play.centre.held = [taken for taken in play.centre.held if taken.link is left]
    await play.answer_held()
    assert Counter(outcome.state for _, outcome in play.answers) == {"unknown": 2, "unsent": 2, "accepted": 4}


@pytest.mark.parametrize(
    ("answered", "window"), [(0, 1), (1, 1), (1, 3), (2, 3)], ids=["first sent", "first taken", "one of three", "two"]
)
@pytest.mark.asyncio
async def test_a_message_of_which_a_part_has_left_is_unknown_when_the_link_goes(answered: int, window: int) -> None:
    play = await Play(window=window).opened()
    play.centre.verdict = lambda taken: 0 if len(play.centre.taken) <= answered else HELD
    await play.submit(text(1, THREE_PARTS))
    play.centre.link().drop()
    assert play.outcome() == LOST


@pytest.mark.asyncio
async def test_a_message_of_which_no_part_has_left_is_unsent_when_the_link_goes() -> None:
    play = await Play(window=1).opened()
    play.centre.verdict = hold
    await play.submit(text(1), text(2, THREE_PARTS))
    play.centre.link().drop()
    assert play.outcomes(1, 2) == [LOST, UNSENT]


@pytest.mark.asyncio
async def test_what_was_unknown_or_unsent_is_not_sent_by_itself_after_a_reconnect() -> None:
    play = await Play(window=2).opened()
    play.centre.verdict = hold
    await play.submit(*texts(4))
    play.centre.link().drop()
    play.centre.verdict = lambda taken: 0
    await play.wait(60)
    assert play.is_up()
    assert len(play.centre.taken) == 2 and len(play.answers) == 4


# -- messages that the carrier has in part


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        # Another try would send the first part twice, unless there is none.
        (CODES["RSYSERR"], ("unknown", "unknown", "partly_taken", "RSYSERR (0x00000008)")),
        (CODES["RINVBNDSTS"], ("unknown", "unknown", "partly_taken", "RINVBNDSTS (0x00000004)")),
        (CODES["RINVDSTADR"], ("refused", "permanent", "invalid_number", "RINVDSTADR (0x0000000B)")),
    ],
)
@pytest.mark.parametrize("window", [1, 10])
@pytest.mark.asyncio
async def test_when_a_part_is_taken_and_another_refused_its_class_decides(
    window: int, status: int, expected: tuple[str, str, str, str]
) -> None:
    play = await Play(window=window).opened()
    play.centre.verdict = lambda taken: status if taken.part == 2 else 0
    await play.submit(text(1, TWO_PARTS))
    outcome = play.outcome()
    assert (outcome.state, outcome.failure, outcome.code, outcome.carrier_code) == expected


@pytest.mark.parametrize("first", [0, HELD], ids=["taken", "without an answer"])
@pytest.mark.parametrize("status", ["RINVSRCADR", "RINVDCS"])
@pytest.mark.asyncio
async def test_no_other_connector_gets_a_message_of_which_a_part_may_be_here(status: str, first: int) -> None:
    """The first part would be sent twice; without the others no phone shows it, so nothing is lost by failing."""
    play = await Play(response_timeout_s=5).opened()
    play.centre.verdict = lambda taken: CODES[status] if taken.part == 2 else first
    await play.submit(text(1, TWO_PARTS))
    await play.wait(6)
    assert not play.outcome().elsewhere


@pytest.mark.parametrize("how", ["silence", "drop", "stop"])
@pytest.mark.asyncio
async def test_a_refusal_for_now_beside_a_part_without_an_answer_leaves_the_message_unknown(how: str) -> None:
    play = await Play(response_timeout_s=5).opened()
    play.centre.verdict = lambda taken: CODES["RSYSERR"] if taken.part == 2 else HELD
    await play.submit(text(1, TWO_PARTS))
    assert play.answers == []
    if how == "silence":
        await play.wait(6)
    elif how == "drop":
        play.centre.link().drop()
    else:
        await ended(play, asyncio.ensure_future(play.carrier.stop(1)))
    assert play.outcome() == (TIMED_OUT if how == "silence" else LOST)


@pytest.mark.asyncio
async def test_a_part_that_was_taken_without_an_id_was_taken() -> None:
    play = await Play().opened()
    play.centre.verdict = hold
    await play.submit(text(1, TWO_PARTS))
    first, second = play.centre.held
    play.centre.answer(first, fields={})
    play.centre.answer(second, CODES["RSYSERR"])
    await play.settle()
    assert (play.outcome().state, play.outcome().code) == ("unknown", "partly_taken")


@pytest.mark.parametrize(("window", "sent"), [(1, 1), (2, 2), (10, 3)])
@pytest.mark.asyncio
async def test_a_refused_part_stops_those_that_have_not_left(window: int, sent: int) -> None:
    play = await Play(window=window).opened()
    play.centre.verdict = lambda taken: CODES["RINVDSTADR"]
    await play.submit(text(1, THREE_PARTS), text(2, "Later"))
    assert len(play.centre.taken) == sent + 1
    assert [outcome.code for outcome in play.outcomes(1, 2)] == ["invalid_number"] * 2


@pytest.mark.asyncio
async def test_the_first_refusal_of_several_counts() -> None:
    play = await Play().opened()
    statuses = iter([CODES["RINVSRCADR"], CODES["RSYSERR"], THROTTLED])
    play.centre.verdict = lambda taken: next(statuses)
    await play.submit(text(1, THREE_PARTS))
    assert play.outcome().code == "sender_refused"
    await play.wait(60)
    assert len(play.centre.taken) == 3
