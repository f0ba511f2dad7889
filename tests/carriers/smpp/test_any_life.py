"""Whatever happens to a connector, every submission is answered once, and truly."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from hypothesis import example, given
from hypothesis import strategies as st

from heliograph.smpp.status import CODES
from tests.carriers.smpp.centre import HELD, THROTTLED, Play, Taken, ended, text
from tests.process.smsc import most_in_a_second

VERDICTS: Final = st.sampled_from(
    [0, 0, 0, HELD, THROTTLED, CODES["RSYSERR"], CODES["RINVDSTADR"], CODES["RINVSRCADR"]]
)
STEPS: Final = st.lists(
    st.one_of(
        st.tuples(st.just("submit"), st.integers(1, 3)),
        st.tuples(st.just("wait"), st.floats(0.01, 8)),
        st.tuples(st.just("answer"), VERDICTS),
        st.tuples(st.just("drop"), st.integers(0, 1)),
        st.tuples(st.just("unbind"), st.integers(0, 1)),
        st.tuples(st.just("reach"), st.booleans()),
    ),
    min_size=3,
    max_size=25,
)


SETTINGS: Final = st.fixed_dictionaries(
    {
        "window": st.sampled_from([1, 2, 10]),
        "binds": st.integers(1, 2),
        "max_segments_per_second": st.sampled_from([0, 2]),
    }
)
LIVES: Final = given(steps=STEPS, verdicts=st.lists(VERDICTS, min_size=1, max_size=8), settings=SETTINGS)


async def live(
    steps: Sequence[tuple[str, Any]], verdicts: Sequence[int], settings: dict[str, Any]
) -> tuple[Play, Counter[str]]:
    """A life of a connector, and how many parts for each recipient the centre has taken, or may still take."""
    play = await Play(response_timeout_s=5, **settings).opened()
    with_centre: Counter[str] = Counter()
    centre, count = play.centre, 0

    def judged(taken: Taken) -> int:
        status = verdicts[len(centre.taken) % len(verdicts)]
        with_centre[f"+{taken.pdu.fields['destination_addr']}"] += status in (0, HELD)
        return status

    centre.verdict = judged
    for what, value in steps:
        if what == "submit":
            count += 1
            await play.submit(text(count, "Ten letters" * (1, 20, 40)[value - 1], to=f"+4479111{count:05}"))
        elif what == "wait":
            await play.wait(value)
        elif what == "answer":
            if value not in (0, HELD):
                with_centre.subtract(f"+{taken.pdu.fields['destination_addr']}" for taken in centre.held)
            await play.answer_held(value)
        elif what == "reach":
            centre.unreachable = None if value else OSError("nobody there")
        elif centre.open_links:
            link = centre.open_links[value % len(centre.open_links)]
            if what == "drop":
                link.drop()
            else:
                link.session.unbind(play.clock.monotonic())
            await play.settle()
    await ended(play, asyncio.ensure_future(play.carrier.stop(1)))
    assert sorted(submission.message.id for submission, _ in play.answers) == list(range(1, count + 1))
    return play, with_centre


@LIVES
def test_whatever_happens_every_submission_is_answered_once(
    steps: list[tuple[str, Any]], verdicts: list[int], settings: dict[str, Any]
) -> None:
    play, with_centre = asyncio.run(live(steps, verdicts, settings))
    for submission, outcome in play.answers:
        if outcome.state == "accepted":
            assert len(set(outcome.carrier_ids)) == submission.message.segments
            assert set(outcome.carrier_ids) <= set(play.centre.accepted)
        elif outcome.state == "unsent":
            assert with_centre[submission.message.to] == 0
    cap = settings["max_segments_per_second"]
    assert not cap or most_in_a_second([taken.at for taken in play.centre.taken]) <= cap


@example(
    steps=[("submit", 1), ("submit", 1), ("submit", 2)],
    verdicts=[HELD, CODES["RSYSERR"]],
    settings={"window": 2, "binds": 2, "max_segments_per_second": 0},
)
@LIVES
def test_whatever_happens_nothing_is_sent_again_unmarked_that_the_carrier_may_have(
    steps: list[tuple[str, Any]], verdicts: list[int], settings: dict[str, Any]
) -> None:
    play, with_centre = asyncio.run(live(steps, verdicts, settings))
    for submission, outcome in play.answers:
        if outcome.failure in ("throttled", "transient", "unauthorised") or outcome.elsewhere:
            assert with_centre[submission.message.to] == 0
