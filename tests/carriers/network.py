"""A sandbox connector under a clock that the test moves, and what it was heard to say."""

import heapq
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from heliograph.carriers import catalogue
from heliograph.carriers.port import World
from heliograph.carriers.sandbox.carrier import SandboxCarrier
from heliograph.core.message import Inbound, Message, Outcome, Receipt, Submission

NOW = 1_700_000_000_000
ORDINARY = "+447911123456"  # no number of fiction


class Timer:
    """A call that is still to come."""

    def __init__(self, do: Callable[[], None]) -> None:
        self.do: Callable[[], None] | None = do

    def cancel(self) -> None:
        self.do = None


class Clock:
    """Time stands still until it is moved on."""

    def __init__(self) -> None:
        self.ms = float(NOW)
        self._order = count()
        self._timers: list[tuple[float, int, Timer]] = []

    def now_ms(self) -> int:
        return int(self.ms)

    def monotonic(self) -> float:
        return self.ms / 1_000

    def later(self, seconds: float, do: Callable[[], None]) -> Timer:
        timer = Timer(do)
        heapq.heappush(self._timers, (self.ms + max(0.0, seconds) * 1_000, next(self._order), timer))
        return timer

    def pass_ms(self, ms: float) -> None:
        """Let time pass, and everything happen that is due meanwhile."""
        end = self.ms + ms
        while self._timers and self._timers[0][0] <= end:
            at, _, timer = heapq.heappop(self._timers)
            self.ms = max(self.ms, at)
            if timer.do is not None:
                timer.do()
        self.ms = end


class Network:
    """A sandbox carrier at work, and everything that it reports, with its time."""

    def __init__(self, clock: Clock, carrier: SandboxCarrier) -> None:
        self.clock = clock
        self.carrier = carrier
        self.said: list[tuple[int, str, Any]] = []  # (ms since the test began, what, …)

    # -- carriers.port.Events

    def answered(self, submission: Submission, outcome: Outcome) -> None:
        self._note("answer", (submission, outcome))

    def receipts(self, receipts: Sequence[Receipt], committed: Callable[[], None] | None = None) -> None:
        for receipt in receipts:
            self._note("receipt", receipt)

    def inbound(self, messages: Sequence[Inbound], committed: Callable[[], None] | None = None) -> None:
        for message in messages:
            self._note("inbound", message)

    def link(self, up: bool, reason: str = "") -> None:
        self._note("link", (up, reason))

    def _note(self, what: str, value: Any) -> None:
        self.said.append((self.clock.now_ms() - NOW, what, value))

    # -- what the test asks

    def submit(self, *messages: Message, attempt: int = 1) -> None:
        self.carrier.submit([Submission(message, attempt) for message in messages])

    def heard(self, what: str) -> list[Any]:
        return [value for _, kind, value in self.said if kind == what]

    def times(self, what: str) -> list[int]:
        return [at for at, kind, _ in self.said if kind == what]

    def outcome_of(self, message: Message, attempt: int = 1) -> Outcome:
        """The answer to one attempt: there must be exactly one."""
        outcomes = [
            outcome for submission, outcome in self.heard("answer") if submission == Submission(message, attempt)
        ]
        assert len(outcomes) == 1, f"answered {len(outcomes)} times"
        return outcomes[0]

    def facts(self) -> list[str]:
        return [receipt.fact for receipt in self.heard("receipt")]

    def texts(self) -> list[str]:
        """What phones wrote."""
        return [message.text for message in self.heard("inbound")]


def build(*, after_ms: int = 0, **settings: Any) -> Network:
    """A connector as a file would declare it, not yet started."""
    clock = Clock()
    clock.pass_ms(after_ms)
    wrong = catalogue.check("sandbox", {"kind": "sandbox", **settings})
    assert wrong is None, wrong
    carrier = catalogue.build("sandbox", "play", settings, World(clock, Random(0)))
    assert isinstance(carrier, SandboxCarrier)
    return Network(clock, carrier)


async def opened(*, after_ms: int = 0, **settings: Any) -> Network:
    """A connector that has just been started, so long after the test began."""
    network = build(after_ms=after_ms, **settings)
    await network.carrier.start(network)
    return network


def message(number: int = 1, **changes: Any) -> Message:
    """A message on its way, in one part, to a number of no meaning."""
    fields: dict[str, Any] = dict.fromkeys(Message.__struct_fields__)
    fields |= {
        "id": number,
        "accepted_at": NOW,
        "updated_at": NOW,
        "to": ORDINARY,
        "country": "GB",
        "kind": "transactional",
        "sender": "Acme",
        "text": "Hello",
        "encoding": "GSM-7",
        "segments": 1,
        "state": "sending",
        "attempts": 1,
        "connector": "play",
    }
    return Message(**fields | changes)


def scenario(folder: Path, text: str) -> str:
    """A scenario file; its path as a setting wants it."""
    path = folder / "scenario.toml"
    path.write_text(text, "utf-8")
    return str(path)
