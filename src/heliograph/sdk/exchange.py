"""A request to the gateway from its first try to its answer, without I/O: what to send, when to try again, what came.

`exchange` is a generator. It yields what its driver is to do (send a `Request`, sleep through a `Pause`) and is sent
what came of it (an `Answer`, or `NoAnswer`); it returns the answer as a value, or raises a `HeliographError`.

A request that is repeated must not do things twice. Repeated freely: what only reads, what sets or removes, and what
bears an idempotency key, which stays the same over all tries. Everything else is only repeated when it is known that
nothing was done: the connection never came about, or the gateway said so (429, 503).
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, Generic, NamedTuple, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from heliograph.sdk.errors import HeliographError, NotReached, Problem, UnreadableAnswer, refused

T = TypeVar("T")

JSON: Final = "application/json"
_PROBLEM: Final = "application/problem+json"
_REPEATABLE: Final = frozenset({"GET", "PUT", "PATCH", "DELETE"})
_NOTHING_DONE: Final = frozenset({429, 503})
_PASSING: Final = frozenset({429, 500, 502, 503, 504})


class Request(NamedTuple):
    """What is to be sent."""

    method: str
    path: str  # with its query
    headers: dict[str, str]
    content: bytes


class Answer(NamedTuple):
    """What came. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class NoAnswer(NamedTuple):
    """Nothing came. `was_sent`: the request may have arrived."""

    why: str
    was_sent: bool


class Pause(NamedTuple):
    """Time to let pass."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Ask(Generic[T]):
    """One question to the gateway: where, what, and the type of its answer."""

    method: str
    path: str
    answer: type[T]
    query: Mapping[str, object] = field(default_factory=dict)
    body: object = None  # None: none; bytes: as they are
    media_type: str = JSON
    key: str | None = None  # makes repeating safe
    can_wait: bool = True  # False: a person waits for the answer; "too soon" is told at once, not slept over

    def after(self, cursor: str) -> "Ask[T]":
        """The same list, from there on."""
        return replace(self, query={**self.query, "cursor": cursor})


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a request is tried again, and how long is waited in between: twice as long each time, and some of it
    left to chance, so that many who were turned away together don't come back together."""

    retries: int = 4
    first_pause_s: float = 0.5
    longest_pause_s: float = 30.0


@dataclass(frozen=True, slots=True)
class World:
    """What is not the exchange's own: chance (from 0 to 1) and the wall clock."""

    chance: Callable[[], float]
    now: Callable[[], float]


Steps = Generator[Request | Pause, Answer | NoAnswer | None, T]


def at(*steps: str) -> str:
    """The path of a resource; each step is one, whatever is in it."""
    return "/".join(("", "v1", *(quote(step, safe="+") for step in steps)))


def given(**fields: object) -> dict[str, object]:
    """The fields that were given."""
    return {name: value for name, value in fields.items() if value is not None}


def exchange(ask: Ask[T], headers: Mapping[str, str], patience: Patience, world: World) -> Steps[T]:
    """The whole of it; see above."""
    request, tried, may_be_done = _request(ask, headers), 0, False
    while True:
        outcome = yield request
        assert outcome is not None
        tried += 1
        if isinstance(outcome, NoAnswer):
            may_be_done |= outcome.was_sent
            outcome = outcome._replace(was_sent=may_be_done)  # by this try or by one before
        pause = _pause(ask, outcome, tried, patience, world) if tried <= patience.retries else None
        if pause is None:
            return _read(ask, outcome, world)
        yield Pause(pause)


# -- what is sent


def _request(ask: Ask[Any], headers: Mapping[str, str]) -> Request:
    sent = {**headers, "accept": JSON}
    content = b""
    if ask.body is not None:
        content = ask.body if isinstance(ask.body, bytes) else msgspec.json.encode(ask.body)
        sent["content-type"] = ask.media_type
    if ask.key is not None:
        sent["idempotency-key"] = ask.key
    query = {name: _word(value) for name, value in ask.query.items() if value is not None}
    return Request(ask.method, f"{ask.path}?{urlencode(query)}" if query else ask.path, sent, content)


def _word(value: object) -> str:
    """A value as it stands in a query."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, datetime) else str(value)


# -- whether to try again


def _pause(ask: Ask[Any], outcome: Answer | NoAnswer, tried: int, patience: Patience, world: World) -> float | None:
    """How long to wait for the next try; None: what came stands."""
    is_repeatable = ask.method in _REPEATABLE or ask.key is not None
    backoff: float = min(patience.longest_pause_s, patience.first_pause_s * 2 ** (tried - 1))
    backoff *= 0.5 + world.chance() / 2
    if isinstance(outcome, NoAnswer):
        return backoff if is_repeatable or not outcome.was_sent else None
    if outcome.status not in (_PASSING if is_repeatable else _NOTHING_DONE):
        return None
    if outcome.status == 429 and not ask.can_wait:
        return None
    wanted = _retry_after(outcome, world)
    if wanted is None:
        return backoff
    return max(wanted, backoff) if wanted <= patience.longest_pause_s else None


def _retry_after(answer: Answer, world: World) -> float | None:
    """What Retry-After asks for, in seconds: it is a number, or a date."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    date = date if date.tzinfo is not None else date.replace(tzinfo=UTC)
    return max(0.0, date.timestamp() - world.now())


# -- what came


def _read(ask: Ask[T], outcome: Answer | NoAnswer, world: World) -> T:
    if isinstance(outcome, NoAnswer):
        raise NotReached(outcome.why, is_unknown=outcome.was_sent)
    if outcome.status >= 400:
        raise _error(outcome, world)
    try:
        return msgspec.json.decode(outcome.content, type=ask.answer)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnreadableAnswer(f"{ask.method} {ask.path}: {error}") from None


def _error(answer: Answer, world: World) -> HeliographError:
    if not answer.headers.get("content-type", "").startswith(_PROBLEM):
        return UnreadableAnswer(f"status {answer.status} without a problem: is there a gateway at that address?")
    try:
        problem = msgspec.json.decode(answer.content, type=Problem)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return UnreadableAnswer(f"status {answer.status}: {error}")
    return refused(problem, _retry_after(answer, world))
