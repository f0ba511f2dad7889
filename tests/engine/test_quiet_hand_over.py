"""The last look before a carrier is called: a commit that took its time must not carry a message into quiet hours."""

from typing import Any

from heliograph.carriers.port import Capabilities
from heliograph.core import retry
from heliograph.core.consent import Rulebook
from heliograph.core.message import Message, Submission
from heliograph.core.prices import PriceBook
from heliograph.core.quiet import Answer
from heliograph.engine.dispatch import Link
from heliograph.engine.dispatching import Desk, Paused
from heliograph.store.port import Moves
from tests.carriers.network import NOW, Clock, message

CLOSES = NOW + 1_000


class Told:
    """A ledger and a carrier that write down what they are given."""

    capabilities = Capabilities()

    process = 1

    def __init__(self) -> None:
        self.operations: list[Any] = []
        self.submitted: list[Submission] = []
        self.add = self.operations.append
        self.submit = self.submitted.extend


def closed(found: Message, at: int) -> Answer | None:
    return Answer(False, NOW + 3_600_000, "FR", "Fri 22:00 in Europe/Paris") if at >= CLOSES else None


def rig() -> tuple[Link, Clock, Told]:
    clock, told, nothing = Clock(), Told(), lambda *_: None
    chance: Any = type("Chance", (), {"random": staticmethod(lambda: 0.5)})
    outside: Any = told
    desk = Desk(
        *(outside, clock, chance, nothing, nothing, nothing, nothing, nothing),  # type: ignore[arg-type]
        repriced=lambda message, before: None,
        paused=Paused,
        prices=PriceBook,
        rules=Rulebook,
        quiet_kinds=lambda: frozenset({"promotional"}),
        closed=closed,
        link_changed=lambda: None,
    )
    clock.ms -= 2_000  # the first second of a connector counts as spent
    link = Link("telco", outside, desk, window=10, segments_per_second=5, policy=retry.DEFAULT)
    clock.ms += 2_000
    link.up = True
    return link, clock, told


def subject(number: int, kind: str, lane: int) -> Message:
    facts = {"connector": "telco", "plan": '["telco"]', "kind": kind, "lane": lane, "state": "sending"}
    return message(number, **facts | {"attempts": 1, "owner": 1, "valid_until": NOW + 86_400_000})


def test_quiet_hours_that_began_during_the_commit_are_kept() -> None:
    link, clock, told = rig()
    promotion, code = subject(1, "promotional", 2), subject(2, "otp", 0)
    assert link.reserve(promotion) and link.reserve(code)
    clock.pass_ms(1_000)
    link.hand_over(promotion)
    link.hand_over(code)
    clock.pass_ms(0)
    assert [submission.message.id for submission in told.submitted] == [code.id]
    (moves,) = told.operations
    assert isinstance(moves, Moves)
    (move,) = moves.moves
    assert (move.message.id, move.was, move.state) == (promotion.id, "sending", "queued")
    assert (promotion.attempts, promotion.owner) == (0, 0) and '"never left: quiet hours"' in str(move.events[0].data)
    assert link.in_flight == 1, "its place in the window is free again"
    assert link.cap.free(clock.monotonic()) == 4, "and so are its units of the rate"


def test_inside_the_hours_everything_goes() -> None:
    link, clock, told = rig()
    promotion = subject(1, "promotional", 2)
    assert link.reserve(promotion)
    link.hand_over(promotion)
    clock.pass_ms(0)
    assert [submission.message.id for submission in told.submitted] == [promotion.id] and told.operations == []
