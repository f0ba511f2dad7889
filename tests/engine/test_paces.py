"""How fast a sender may go: its rate, its day, its turns. How processes share it is tried in tests/process."""

from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from heliograph.core.senders import Sender
from heliograph.engine.days import day_of, is_zone
from heliograph.engine.paces import Pace, Paces
from heliograph.store.sqlite import SqliteLedger

HOUR = 3_600_000


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize(
    ("now", "zone", "begin", "hours"),
    [
        ("2026-07-01T12:00:00Z", "UTC", "2026-07-01T00:00:00Z", 24),
        ("2026-07-01T00:00:00Z", "UTC", "2026-07-01T00:00:00Z", 24),
        ("2026-06-30T23:59:59.999Z", "UTC", "2026-06-30T00:00:00Z", 24),
        ("2026-07-01T06:59:59Z", "America/Los_Angeles", "2026-06-30T00:00:00-07:00", 24),
        ("2026-07-01T07:00:00Z", "America/Los_Angeles", "2026-07-01T00:00:00-07:00", 24),
        ("2026-03-08T20:00:00Z", "America/Los_Angeles", "2026-03-08T00:00:00-08:00", 23),
        ("2026-11-01T20:00:00Z", "America/Los_Angeles", "2026-11-01T00:00:00-07:00", 25),
    ],
)
def test_a_day_goes_from_midnight_to_midnight_where_the_sender_counts(
    now: str, zone: str, begin: str, hours: int
) -> None:
    assert day_of(ms(now), zone) == (ms(begin), ms(begin) + hours * HOUR)


@pytest.mark.parametrize(("name", "good"), [("Europe/Berlin", True), ("UTC", True), ("", False), ("../etc", False)])
def test_a_zone_is_known_or_not(name: str, good: bool) -> None:
    assert is_zone(name) == good


class Clock:
    """Time as the test sets it, in seconds; a second of it has passed, which a new rate counts as spent."""

    def __init__(self) -> None:
        self.s = 0.0

    def monotonic(self) -> float:
        return self.s

    def now_ms(self) -> int:
        return ms("2026-07-01T12:00:00Z") + int(self.s * 1000)


def message(lane: int = 1, segments: int = 1) -> Any:
    return SimpleNamespace(workspace=1, sender="Acme", lane=lane, segments=segments)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def pace(clock: Any, **limits: Any) -> Pace:
    made = Pace(Sender("Acme", "alphanumeric", **limits), clock, is_alone=True)
    clock.s += 1.1
    return made


def test_bulk_goes_at_a_steady_pace_and_codes_as_long_as_there_is_any(clock: Clock) -> None:
    acme = pace(clock, max_segments_per_second=10)
    assert [acme.reserve(message(lane=2)) for _ in range(3)] == [True, False, False]
    assert [acme.reserve(message(lane=0)) for _ in range(10)] == [True] * 9 + [False]


def test_who_comes_later_has_its_turn_later_and_codes_have_turns_of_their_own(clock: Clock) -> None:
    acme = pace(clock, max_segments_per_second=10)
    now = clock.now_ms()
    assert [acme.turn(message(segments=2)) - now for _ in range(3)] == [210, 420, 630]
    assert acme.turn(message(lane=0)) - now == 105
    clock.s += 0.3
    assert not acme.reserve(message()), "those that wait go first"
    clock.s += 0.4
    assert acme.reserve(message())


def test_what_a_claim_may_take_nobody_else_takes_meanwhile(clock: Clock) -> None:
    acme = pace(clock, max_segments_per_second=10)
    allowance = acme.allowance()
    assert (allowance.units, acme.free(), acme.reserve(message(lane=0))) == (10, 0, False)
    assert allowance.take(0, 4) and not allowance.take(0, 7)
    acme.returned(allowance, clock.now_ms())
    assert acme.free() == 10, "what was taken is held anew by the hand-over"


def test_a_rate_that_is_not_ours_lets_nothing_go(clock: Clock) -> None:
    acme = Pace(Sender("Acme", "alphanumeric", max_segments_per_second=10), clock, is_alone=False)  # type: ignore[arg-type]
    clock.s += 1.1
    assert not acme.reserve(message(lane=0))
    acme.until = clock.now_ms() + 1_000
    assert acme.reserve(message(lane=0))
    acme.is_leaving = True
    assert not acme.reserve(message(lane=0))


@pytest.mark.asyncio
async def test_what_is_given_back_after_midnight_is_not_of_the_new_day(clock: Clock, tmp_path: Path) -> None:
    ledger = await SqliteLedger.open(tmp_path / "ledger.db", now_ms=clock.now_ms, report=print, serving=True)
    paces = Paces(ledger, clock)  # type: ignore[arg-type]
    paces.learn([(1, Sender("Acme", "alphanumeric", max_segments_per_day=12))])
    acme = paces.of(message())
    assert acme is not None and not acme.reserve(message(lane=0)), "nothing goes before a lot was taken"
    await paces.tick()
    assert acme.left_today == 10
    allowance = acme.allowance()
    clock.s += 24 * 3_600
    acme.asked_at = clock.now_ms()
    await paces.tick()
    acme.returned(allowance, clock.now_ms())
    assert acme.free() == 0
    await paces.tick()
    assert (acme.free(), acme.left_today) == (10, 10)
    while acme.reserve(message(lane=0)):
        acme.use(1)
    await paces.tick()
    assert (acme.left_today, acme.day_is_over) == (2, True)
    await paces.give_back()
    rows = await ledger.fetch("SELECT taken FROM sender_days")
    assert rows == [(10,)], "of twelve, ten were sent; what went before midnight is another day's"
    await ledger.close()


def test_a_new_rate_holds_at_once_and_a_sender_without_one_is_not_counted(clock: Clock) -> None:
    ledger: Any = SimpleNamespace(is_alone=True)
    paces = Paces(ledger, clock)  # type: ignore[arg-type]
    assert not paces.are_any
    paces.learn([(1, Sender("Acme", "alphanumeric", max_segments_per_second=10)), (1, Sender("Free", "alphanumeric"))])
    acme = paces.of(message())
    assert acme is not None and len(paces.allowances([1, 1, 2])) == 1
    paces.learn([(1, Sender("Acme", "alphanumeric", max_segments_per_second=3))])
    clock.s += 1.1
    assert paces.of(message()) is acme and acme.cap.per_second == 3
    paces.learn([(1, Sender("Acme", "alphanumeric"))])
    assert not paces.are_any and paces.of(message()) is None
