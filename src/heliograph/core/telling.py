"""The history of a message in sentences, for people who want to know what happened and when.

Pure: the same events give the same sentences. A sentence says how long after the step before something came, because
that is what one looks for; and it says nothing that the events don't.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

import msgspec

from heliograph.core.meanings import CLASSES, CODES
from heliograph.core.message import Event

_SOON_MS: Final = 60_000  # a phone that had a message so soon was not off
_PARTS: Final = ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s"))


class Told(NamedTuple):
    """One step. `tone`: good, bad, warn, info or wait; `detail`: what the carrier or a rule said, verbatim."""

    seq: int
    at: int
    words: str
    tone: str
    detail: str = ""


class Facts(msgspec.Struct, frozen=True):
    """What events say; each says a part of it."""

    attempt: int | None = None
    connector: str | None = None
    failure: str | None = None
    code: str | None = None
    carrier_code: str | None = None
    why: str | None = None
    rule: str | None = None
    next_attempt_at: int | None = None
    correction: bool = False
    possible_duplicate: bool = False
    estimated_price: str | None = None
    price: str | None = None
    currency: str | None = None
    billed_segments: int | None = None
    fact: str | None = None
    part: int | None = None
    ignored: str | None = None
    receipt: str | None = None
    url: str | None = None


_read: Final = msgspec.json.Decoder(Facts).decode
_OPEN_PARTS: Final = "other parts are still open"


def told(events: Sequence[Event]) -> list[Told]:
    """The steps, in the order of the events."""
    steps: list[Told] = []
    sent_at = waiting_since = None
    before = events[0].at if events else 0
    for event in events:
        facts = facts_of(event)
        if event.type == "receipt.ignored" and facts.fact == "buffered":
            waiting_since = waiting_since or event.at
        words, tone = _words(event, facts, event.at - before, sent_at, waiting_since)
        steps.append(Told(event.seq, event.at, words, tone, _detail(facts)))
        if event.type == "message.sent":
            sent_at = event.at
        before = event.at
    return steps


def facts_of(event: Event) -> Facts:
    try:
        return _read(event.data) if event.data else Facts()
    except msgspec.ValidationError:  # an event of another kind that happens to use one of these words differently
        return Facts()


def span(ms: float) -> str:
    """How long something took, as people say it."""
    if ms < 100:
        return f"{ms:.0f} ms"
    seconds = ms / 1_000
    if seconds < 60:
        return f"{seconds:.1f} s"
    for size, name, smaller, smaller_name in _PARTS:
        if seconds >= size:
            whole, rest = divmod(int(seconds), size)
            more = rest // smaller
            return f"{whole} {name} {more} {smaller_name}" if more else f"{whole} {name}"
    return f"{seconds:.1f} s"


def clock(at: int) -> str:
    return datetime.fromtimestamp(at / 1_000, UTC).strftime("%H:%M")


def _words(event: Event, facts: Facts, after: int, sent_at: int | None, waiting_since: int | None) -> tuple[str, str]:
    later = f" {span(after)} later" if after > 0 else " at once"
    carrier = f"The carrier {facts.connector!r}".replace("'", "") if facts.connector else "The carrier"
    kind = event.type
    if kind == "message.sent":
        again = f", at attempt {facts.attempt}" if (facts.attempt or 1) > 1 else ""
        flagged = (
            ". It may arrive twice: of an earlier attempt nobody knows the outcome" if facts.possible_duplicate else ""
        )
        return f"{carrier} took it{later}{again}{flagged}.", "info"
    if kind in ("message.delivered", "message.read"):
        return _arrived(event, facts, later, sent_at, waiting_since), "good"
    if kind in ("message.undelivered", "message.failed", "message.expired", "message.rejected"):
        return _ended(kind, facts, later), "bad" if kind in ("message.undelivered", "message.failed") else "warn"
    if kind in ("attempt.failed", "attempt.unknown"):
        return _attempt(kind, facts, carrier, later), "warn"
    if kind == "receipt.ignored":
        return _noted(facts), "wait"
    return _ours(event, facts, later)


def _arrived(event: Event, facts: Facts, later: str, sent_at: int | None, waiting_since: int | None) -> str:
    if event.type == "message.read":
        return f"It was opened{later}."
    mended = " An earlier report was wrong." if facts.correction else ""
    if waiting_since is not None and event.at - waiting_since >= _SOON_MS:
        return f"It arrived. The phone could not be reached until {clock(event.at)}.{mended}"
    took = (
        f" {span(event.at - sent_at)} after the carrier had it" if sent_at is not None and event.at > sent_at else later
    )
    return f"It arrived on the phone{took}.{mended}"


def _ended(kind: str, facts: Facts, later: str) -> str:
    known = CODES.get(facts.code or "") or CLASSES.get(facts.failure or "")
    reason = f" {known.means}" if known is not None else ""
    if kind == "message.undelivered":
        return f"It did not arrive; the carrier said so{later}.{reason}"
    if kind == "message.failed":
        tried = f" after {facts.attempt} attempts" if (facts.attempt or 1) > 1 else later
        return f"It failed{tried}.{reason}"
    if kind == "message.expired":
        return f"Its time was over{later}.{reason}"
    return f"It was held back by a rule{later}.{reason}"


def _attempt(kind: str, facts: Facts, carrier: str, later: str) -> str:
    when = f" The next attempt is due at {clock(facts.next_attempt_at)}." if facts.next_attempt_at is not None else ""
    if kind == "attempt.unknown":
        return f"{carrier} gave no clear answer: it may have it, or not.{when}"
    known = CODES.get(facts.code or "") or CLASSES.get(facts.failure or "")
    reason = f" {known.means}" if known is not None else ""
    return f"{carrier} did not take it{later}.{reason}{when}"


def _noted(facts: Facts) -> str:
    if facts.fact == "buffered":
        return "The carrier is still trying: the phone can't be reached right now."
    if facts.ignored == _OPEN_PARTS:
        became = "arrived" if facts.fact in ("delivered", "read") else f"ended as {facts.fact}"
        return f"Part {facts.part or 1} {became}; of other parts nothing was known yet."
    part = f" of part {facts.part}" if (facts.part or 1) > 1 else ""
    if facts.ignored == "duplicate":
        return f"A report{part} ({facts.fact}) said what was known already."
    return f"A report{part} ({facts.fact}) came, which changed nothing: {facts.ignored}."


def _ours(event: Event, facts: Facts, later: str) -> tuple[str, str]:
    """What we did ourselves, and what happened beside it."""
    if event.type == "message.held":
        until = f" until {clock(facts.next_attempt_at)}" if facts.next_attempt_at is not None else ""
        return f"It was held back{until}: {facts.why or facts.rule}.", "warn"
    if event.type == "message.rerouted":
        return f"It was put on another way, over {facts.connector}: {facts.why}.", "warn"
    simple = {
        "message.accepted": ("We accepted it and kept it.", "info"),
        "message.scheduled": ("It waits for the time that was set.", "wait"),
        "message.queued": ("It got its place in the queue.", "wait"),
        "message.canceled": (f"It was taken back{later}.", "wait"),
        "message.replaced": ("It was changed while it waited.", "info"),
        "link.clicked": (f"Its link was opened{later}.", "good"),
    }
    return simple.get(event.type, (f"{event.type.replace('.', ' ').replace('_', ' ').capitalize()}{later}.", "info"))


def _detail(facts: Facts) -> str:
    code = facts.code if facts.carrier_code is None else f"{facts.code or 'no code'} ({facts.carrier_code})"
    cost = ""
    if facts.price is not None and facts.estimated_price is not None:
        cost = f"price {facts.price} {facts.currency or ''} instead of {facts.estimated_price}".strip()
    return "; ".join(part for part in (code, facts.why if facts.failure else None, cost) if part)
