"""A carrier that says how full it is: we go no faster, slower, or stop."""

from random import Random
from typing import Any

import pytest

from heliograph.carriers.port import Capabilities
from heliograph.core import retry
from heliograph.core.consent import Rulebook
from heliograph.core.message import Message, Outcome, Submission
from heliograph.core.prices import PriceBook
from heliograph.engine.dispatch import Link
from heliograph.engine.dispatching import Desk, Paused
from heliograph.store.port import never_closed
from tests.store.making import message

TOOK = 100  # segments a second, before it complains


class Hand:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.ms = 1_700_000_000_000
        self._due: list[Any] = []

    def now_ms(self) -> int:
        return self.ms

    def monotonic(self) -> float:
        return self.ms / 1_000

    def later(self, seconds: float, do: Any) -> Any:
        self._due.append(do)
        return self

    def cancel(self) -> None: ...

    def run(self) -> None:
        due, self._due = self._due, []
        for do in due:
            do()


class Kept:
    """A ledger that keeps nothing: what is written is not the question here."""

    process = 7

    def next_id(self, kind: str) -> int:
        return 1

    def add(self, operation: Any) -> None: ...


class Carrier:
    """Takes what it is given."""

    name, window, capabilities = "telco", None, Capabilities()

    async def start(self, events: Any) -> None: ...

    def submit(self, submissions: Any) -> None: ...

    async def query(self, submission: Any, carrier_ids: Any) -> None: ...

    async def stop(self, grace_s: float) -> None: ...


class Played:
    """A link to a carrier that takes so many segments a second."""

    def __init__(self, configured: int = 0) -> None:
        self.clock = Hand()
        nothing: Any = lambda *_: None  # noqa: E731
        desk = Desk(
            repriced=lambda message, before: None,
            ledger=Kept(),  # type: ignore[arg-type]
            clock=self.clock,
            chance=Random(1),
            told=nothing,
            answered=nothing,
            receipts=nothing,
            expect=nothing,
            inbound=nothing,
            paused=Paused,
            prices=PriceBook,
            rules=Rulebook,
            quiet_kinds=frozenset,
            closed=never_closed,
            link_changed=nothing,
        )
        self.link = Link("telco", Carrier(), desk, window=1_000, segments_per_second=configured, policy=retry.DEFAULT)
        self.link.up = True

    def second(self, congestion: int, count: int = TOOK) -> None:
        """The carrier takes so many over a second, and says each time how full it is."""
        for number in range(count):
            self.link.answered(Submission(self._sending(number + 1), 1), Outcome("accepted", congestion=congestion))
            if number in (count // 2, count - 1):
                self.clock.run()
                self.clock.ms += 501
        self.link.tick()

    def _sending(self, number: int) -> Message:
        made: Message = message(Kept(), state="sending", owner=7, attempts=1, segments=1)
        made.id = number
        return made

    @property
    def rate(self) -> int:
        return self.link.cap.per_second

    def may_send(self) -> bool:
        return self.link.reserve(self._sending(9_999))


@pytest.mark.parametrize("congestion", [0, 1, 50, 79, 80, 90])
def test_a_carrier_that_is_not_near_its_end_is_not_slowed(congestion: int) -> None:
    play = Played()
    play.second(congestion)
    assert play.rate == 0 and play.may_send(), "no cap"


@pytest.mark.parametrize("congestion", [91, 99])
def test_near_its_end_it_gets_less_than_it_took(congestion: int) -> None:
    play = Played()
    play.second(0)
    play.second(congestion)
    assert 0 < play.rate < TOOK and play.may_send()


def test_at_its_best_the_pace_is_kept_and_below_it_grows_again() -> None:
    play = Played()
    play.second(0)
    play.second(95)
    slowed = play.rate
    for _ in range(3):
        play.second(85, count=slowed)
        assert play.rate == slowed
    for _ in range(3):
        play.second(10, count=slowed)
    assert play.rate > slowed


def test_each_second_near_its_end_slows_further() -> None:
    play = Played()
    play.second(0)
    rates = []
    for _ in range(4):
        play.second(95, count=play.rate or TOOK)
        rates.append(play.rate)
    assert rates == sorted(rates, reverse=True) and rates[-1] < rates[0]


def test_when_it_is_full_nothing_leaves_for_a_moment() -> None:
    play = Played()
    play.second(0)
    for number in range(TOOK):
        play.link.answered(Submission(play._sending(number + 1), 1), Outcome("accepted", congestion=100))
    play.clock.run()
    assert not play.may_send()
    play.clock.ms += 30_000
    assert play.may_send()


TOO_FAST = Outcome("refused", failure="throttled", code="too_fast", retry_after_ms=200)


def complain(play: Played, count: int) -> None:
    for number in range(count):
        play.link.answered(Submission(play._sending(number + 1), 1), TOO_FAST)
    play.clock.run()


def test_one_complaint_of_an_idle_carrier_is_a_pause_and_no_cap() -> None:
    """It took one message in that second: a cap of one in a second would hold up hundreds for minutes."""
    play = Played()
    play.second(0, count=1)
    complain(play, 1)
    assert play.rate == 0 and not play.may_send()
    play.clock.ms += 201
    assert play.may_send()


@pytest.mark.parametrize(("took", "complaints"), [(TOOK, 1), (1, 3), (0, 50)])
def test_a_carrier_that_was_offered_much_gets_what_it_took(took: int, complaints: int) -> None:
    play = Played()
    play.second(0, count=took)
    complain(play, complaints)
    assert 0 < play.rate <= max(1, took)


def test_what_was_learnt_of_a_bad_second_is_forgotten_in_some_more() -> None:
    play = Played()
    play.second(0, count=12)
    complain(play, 1)
    assert play.rate < 12
    for _ in range(10):
        play.second(0, count=play.rate)
    assert play.rate > 500


def test_a_carrier_at_its_limit_is_not_pressed_beyond_a_little_more() -> None:
    play = Played()
    play.second(0)
    complain(play, 1)
    for _ in range(20):
        play.second(0, count=min(play.rate, TOOK))
        assert play.rate < 2 * TOOK
        if play.rate > TOOK:
            complain(play, 1)


def test_a_complaint_never_makes_it_faster_than_configured() -> None:
    """Answers of what left in two seconds may come in one: nine went where eight were allowed."""
    play = Played(configured=8)
    play.second(0, count=20)
    complain(play, 1)
    assert play.rate <= 8
