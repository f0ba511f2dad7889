"""A carrier that says how full it is: we go no faster, slower, or stop."""

from random import Random
from typing import Any

import pytest

from heliograph.core import retry
from heliograph.core.consent import Rulebook
from heliograph.core.message import Message, Outcome, Submission
from heliograph.core.prices import PriceBook
from heliograph.engine.dispatch import Desk, Link, Paused
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


class Played:
    """A link to a carrier that takes so many segments a second."""

    def __init__(self) -> None:
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
        self.link = Link("telco", nothing, desk, window=1_000, segments_per_second=0, policy=retry.DEFAULT)
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
