"""Never faster than the carrier takes: parts that it throttles, and our own cap."""

from collections import Counter
from itertools import pairwise
from random import Random

import pytest

from heliograph.core.message import Message, Outcome
from tests.carriers.network import NOW
from tests.carriers.smpp.centre import THREE_PARTS, THROTTLED, TWO_PARTS, UNSENT, Play, Taken, refuse, text, texts
from tests.process.smsc import most_in_a_second

# -- too fast


@pytest.mark.asyncio
async def test_a_throttled_message_in_one_part_goes_back_to_its_queue() -> None:
    play = await Play().opened()
    play.centre.verdict = refuse("1", status=THROTTLED)
    await play.submit(*texts(3))
    throttled = Outcome("refused", failure="throttled", code="too_fast", carrier_code="RTHROTTLED (0x00000058)")
    assert play.outcomes(1, 2, 3) == [throttled, Outcome("accepted", ("id-1",)), Outcome("accepted", ("id-2",))]
    await play.wait(60)
    assert len(play.centre.taken) == 3


@pytest.mark.parametrize("throttled", [1, 2, 3])
@pytest.mark.asyncio
async def test_a_throttled_part_waits_and_is_sent_again(throttled: int) -> None:
    """The engine can't send one part of a message: going back to the queue would send the others twice."""
    play = await Play().opened()
    times = Counter[int]()

    def verdict(taken: Taken) -> int:
        times[taken.part] += 1
        return THROTTLED if (taken.part, times[taken.part]) == (throttled, 1) else 0

    play.centre.verdict = verdict
    await play.submit(text(1, THREE_PARTS))
    assert play.answers == [] and len(play.centre.taken) == 3
    await play.wait(2)
    assert times == {number: 1 + (number == throttled) for number in (1, 2, 3)}
    assert len(play.outcome().carrier_ids) == 3
    first, again = (taken for taken in play.centre.taken if taken.part == throttled)
    assert again.at - first.at > 0.09
    assert again.pdu.fields == first.pdu.fields and again.link is first.link


@pytest.mark.asyncio
async def test_while_a_part_waits_nothing_overtakes_it_on_its_bind() -> None:
    play = await Play(window=1).opened()
    play.centre.verdict = lambda taken: THROTTLED if len(play.centre.taken) == 1 else 0
    await play.submit(text(1, TWO_PARTS), text(2, "Later"))
    assert len(play.centre.taken) == 1
    await play.wait(2)
    assert [taken.part for taken in play.centre.taken] == [1, 1, 2, 0]


def in_order(play: Play) -> list[tuple[str, int]]:
    """What the centre got: to whom, and which part."""
    return [(taken.pdu.fields["destination_addr"], taken.part) for taken in play.centre.taken]


@pytest.mark.asyncio
async def test_throttled_parts_are_sent_again_in_their_order() -> None:
    play = await Play().opened()
    play.centre.verdict = lambda taken: THROTTLED if len(play.centre.taken) <= 5 else 0
    await play.submit(text(1, THREE_PARTS, to="+447700900001"), text(2, TWO_PARTS, to="+447700900002"))
    await play.wait(60)
    one, two = "447700900001", "447700900002"
    assert in_order(play)[:5] == in_order(play)[5:] == [(one, 1), (one, 2), (one, 3), (two, 1), (two, 2)]


@pytest.mark.asyncio
async def test_a_carrier_that_goes_on_throttling_is_asked_less_and_less_often() -> None:
    play = await Play(window=1).opened()
    play.centre.verdict = lambda taken: THROTTLED
    await play.submit(text(1, TWO_PARTS))
    await play.wait(300)
    pauses = [round(after.at - before.at, 1) for before, after in pairwise(play.centre.taken)]
    assert pauses[0] < 1 and pauses == sorted(pauses)
    assert 29 < pauses[-1] < 32  # and no longer than that
    play.centre.verdict = lambda taken: 0
    await play.wait(60)
    assert play.outcome().state == "accepted"
    play.centre.verdict = lambda taken: THROTTLED if len(play.centre.taken) == asked + 1 else 0
    asked = len(play.centre.taken)
    await play.submit(text(2, TWO_PARTS))
    await play.wait(1)
    assert play.outcome(2).state == "accepted"  # one that took something is asked soon again


@pytest.mark.asyncio
async def test_parts_that_are_throttled_together_are_one_complaint() -> None:
    play = await Play().opened()
    play.centre.verdict = lambda taken: THROTTLED if len(play.centre.taken) <= 9 else 0
    await play.submit(*(text(number, THREE_PARTS) for number in (1, 2, 3)))
    await play.wait(2)
    assert {outcome.state for outcome in play.outcomes(1, 2, 3)} == {"accepted"}


@pytest.mark.asyncio
async def test_a_throttled_part_waits_no_longer_than_its_message_is_good_for() -> None:
    play = await Play().opened()
    play.centre.verdict = lambda taken: THROTTLED
    await play.submit(text(1, TWO_PARTS, valid_until=NOW + 5_000))
    await play.wait(4)
    assert play.answers == []
    await play.wait(40)
    outcome = play.outcome()
    assert (outcome.state, outcome.failure) == ("refused", "throttled")


@pytest.mark.asyncio
async def test_a_message_of_which_a_part_was_taken_never_goes_back_as_throttled() -> None:
    play = await Play().opened()
    play.centre.verdict = lambda taken: THROTTLED if taken.part == 2 else 0
    await play.submit(text(1, TWO_PARTS, valid_until=NOW + 5_000))
    await play.wait(60)
    outcome = play.outcome()
    assert (outcome.state, outcome.failure, outcome.code) == ("unknown", "unknown", "partly_taken")


@pytest.mark.asyncio
async def test_a_part_that_waits_when_the_link_goes_has_left_nothing_behind() -> None:
    play = await Play().opened()
    play.centre.verdict = lambda taken: THROTTLED
    await play.submit(text(1, TWO_PARTS))
    play.centre.link().drop()
    assert play.outcome() == UNSENT  # all of it was refused: no phone will see it


# -- the cap


def mixed(count: int) -> list[Message]:
    """Messages in one part, two and three."""
    return [text(number, ("Hello", TWO_PARTS, THREE_PARTS)[number % 3]) for number in range(count)]


@pytest.mark.parametrize(("cap", "binds"), [(1, 1), (3, 2), (10, 1), (10, 3), (50, 4)])
@pytest.mark.parametrize("delay", [0.0, 0.7])
@pytest.mark.asyncio
async def test_no_second_ever_holds_more_than_the_cap_over_all_binds(delay: float, cap: int, binds: int) -> None:
    play = await Play(max_segments_per_second=cap, binds=binds, window=100).opened()
    await play.wait(delay)
    given_messages = mixed(6 * cap)
    parts = sum(one.segments for one in given_messages)
    for start in range(0, len(given_messages), 7):  # some at once, some while others wait
        await play.submit(*given_messages[start : start + 7])
        await play.wait(0.01)
    await play.wait(parts / cap * 1.1 + 3)
    assert len(play.centre.taken) == parts and len(play.answers) == len(given_messages)
    times = [taken.at for taken in play.centre.taken]
    assert most_in_a_second(times) <= cap
    assert times[-1] - times[0] <= parts / cap * 1.05 + 1  # and is used


@pytest.mark.asyncio
async def test_the_first_second_after_a_start_is_taken_for_spent() -> None:
    """Nobody knows what the process before sent in its last one."""
    play = await Play(max_segments_per_second=5).opened()
    await play.submit(*texts(5))
    await play.wait(0.99)
    assert play.centre.taken == []
    await play.wait(0.1)
    assert len(play.centre.taken) == 5


@pytest.mark.asyncio
async def test_the_cap_counts_parts_that_are_sent_again() -> None:
    play = await Play(max_segments_per_second=4, binds=2).opened()
    chance = Random(3)
    play.centre.verdict = lambda taken: THROTTLED if chance.random() < 0.3 else 0
    await play.submit(*(text(number, THREE_PARTS) for number in range(1, 11)))
    await play.wait(600)
    assert {outcome.state for _, outcome in play.answers} == {"accepted"}
    assert len(play.centre.taken) > 30
    assert most_in_a_second([taken.at for taken in play.centre.taken]) <= 4


@pytest.mark.asyncio
async def test_the_cap_holds_over_a_reconnect() -> None:
    play = await Play(max_segments_per_second=5, reconnect_first_s=0.05, reconnect_longest_s=0.05).opened()
    await play.wait(2)
    for start in range(1, 30, 6):
        await play.submit(*(text(number) for number in range(start, start + 6)))
        play.centre.link().drop()
        await play.wait(0.2)
    assert most_in_a_second([taken.at for taken in play.centre.taken]) <= 5
    assert len(play.answers) == 30


@pytest.mark.asyncio
async def test_without_a_cap_only_the_window_bounds() -> None:
    play = await Play(window=100).opened()
    await play.submit(*texts(500))
    assert len(play.centre.taken) == 500
