"""The outside world as types. Nothing here runs; `world` has the real ones and the tests have theirs.

Time and chance are always handed in: the engine must be able to live in simulated time.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from heliograph.core.message import Delivery, Message, Outcome


class Clock(Protocol):
    """Tells and awaits time."""

    def now_ms(self) -> int:
        """Milliseconds since 1970, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never run backwards, for measuring spans."""
        ...

    def later(self, seconds: float, do: Callable[[], None]) -> "Timer":
        """Call `do` once, on the event loop, after `seconds`."""
        ...


class Timer(Protocol):
    """A call that is still to come."""

    def cancel(self) -> None: ...


class Chance(Protocol):
    """Randomness for jitter and simulation, never for secrets."""

    def random(self) -> float:
        """At least 0, below 1."""
        ...


class Answer(Protocol):
    """What a server said to one request; `status` 0: no answer, `reason` says why."""

    status: int
    reason: str
    detail: str
    body: bytes
    latency_ms: int
    retry_after: float | None


NOT_HERE: Final = "not_here"  # the reason of an answer: this process can't post there at the moment, another may


class WebTarget(Protocol):
    """A URL that was read once."""

    origin: str


class WebClient(Protocol):
    """Calls customers' URLs, with the guard against inner addresses. Never redirects, never blocks."""

    def target(self, url: str) -> WebTarget | None:
        """The URL, read; None when it can't be one."""
        ...

    def is_here(self, url: str) -> bool:
        """Can this process post there now? An SMPP account is where it is bound, which may be another process."""
        ...

    def post(
        self, target: WebTarget, headers: bytes, body: bytes, timeout_s: float, done: Callable[[Answer], None]
    ) -> None:
        """One POST; `headers` are whole header lines with their line ends. `done` is called exactly once."""
        ...

    def get(self, target: WebTarget, headers: bytes, timeout_s: float, done: Callable[[Answer], None]) -> None:
        """The same as a GET, for receivers that expect one."""
        ...


class WebCall(Protocol):
    """One request to a provider, sent at most once. Never redirects, never blocks."""

    def __call__(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        timeout_s: float,
        done: Callable[[Answer], None],
    ) -> None:
        """`done` is called exactly once."""
        ...


class Mail(Protocol):
    """Sends an e-mail to one person."""

    async def send(self, to: str, subject: str, text: str) -> str | None:
        """None once a mail server has it; else why not."""
        ...


class Watch(Protocol):
    """What the engine says of its work, in batches: metrics and logs listen."""

    def accepted(self, messages: Sequence[Message]) -> None: ...

    def refused(self, code: str, count: int = 1) -> None: ...

    def answered(self, connector: str, answers: Sequence[tuple[Message, Outcome]]) -> None: ...

    def ended(self, messages: Sequence[Message]) -> None: ...

    def delivery(self, delivery: Delivery, answer: Answer) -> None: ...

    def defect(self, error: BaseException) -> None:
        """Something of ours broke: an alarm, never silence."""
        ...

    def note(self, what: str, **facts: object) -> None:
        """A rare event that an operator wants to read."""
        ...


class Record(NamedTuple):
    """An event on its way out: `id` tells repeated ones apart, those of one `key` keep their order."""

    id: str
    key: str
    type: str
    at: int
    body: bytes


class NotTaken(Exception):
    """A server did not take events; the text says why, without a secret."""


class Sink(Protocol):
    """A server that takes events."""

    keeps_order: bool  # of what is taken together; else it is given nothing together that has the same key

    async def take(self, records: Sequence[Record]) -> None:
        """Returns when all of them are kept there. Raises `NotTaken`: some of them may be."""
        ...

    async def close(self) -> None: ...


class Unavailable(Exception):
    """The ledger can't be reached at the moment: full disk, lost connection."""
