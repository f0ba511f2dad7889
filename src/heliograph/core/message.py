"""The nouns that the whole gateway speaks of.

One `Message` is one intent to one recipient; its fields stand in the order of the ledger's columns, so
that a row becomes a message and back without naming each. Times are integers: milliseconds since 1970, UTC.
"""

from typing import Final, NamedTuple

import msgspec

from heliograph.core.ids import read_reference

OTP: Final = "otp"
TRANSACTIONAL: Final = "transactional"
SUPPORT: Final = "support"
PROMOTIONAL: Final = "promotional"

# Kind → lane. A lower lane goes first and keeps capacity that higher ones can't take.
LANES: Final[dict[str, int]] = {OTP: 0, TRANSACTIONAL: 1, SUPPORT: 1, PROMOTIONAL: 2}
LANE_NAMES: Final = ("otp", "transactional", "promotional")

# Who looks after an open message: a process (> 0), nobody yet (it waits for a claim), or, once it has ended, None.
WAITING: Final = 0
ANYBODY: Final = 1  # a process of long ago: whoever asks next what became of it takes it over


class Message(msgspec.Struct, gc=False):
    """One intent to one recipient, as the ledger keeps it."""

    id: int
    workspace: int
    environment: int
    client: int
    accepted_at: int
    to: str  # E.164, or what its channel has for addresses
    country: str
    kind: str
    lane: int
    sender: str | None
    text: str | None  # None once the retention period has passed; sealed, unless the ledger opened it
    encoding: str
    segments: int
    state: str
    updated_at: int
    due_at: int  # not before this: send_at at first, then the time of the next attempt
    valid_until: int
    connector: str  # the connector of the current or next attempt
    plan: str  # JSON list of connector names, in the order of the route
    attempts: int  # attempts begun
    owner: int | None
    decision: int  # the trace of the decision, in the ledger's `decisions`
    batch: int | None
    callback_url: str | None
    callback_events: str | None  # comma-separated event types; None: `sent` and every end
    callback_format: str | None  # None: JSON; else as the door tells it that it came through (engine.notify.formats)
    tags: str | None  # JSON list of strings
    metadata: str | None  # JSON object of strings
    correlation_id: str | None
    price: str | None  # decimal, for all segments, surcharges included
    currency: str | None
    failure: str | None  # class of our taxonomy
    failure_code: str | None  # our stable code
    carrier_code: str | None  # the carrier's own, verbatim
    sent_at: int | None
    final_at: int | None
    possible_duplicate: int  # 1: submitted again although an earlier attempt's outcome is not known
    topic: str | None = None  # what it is about, in the words of the consent record
    time_zone: str | None = None  # in which the recipient is known to be; None: what the number tells
    template: str | None = None  # NAME@VERSION of the template that gave the text
    surcharge: str | None = None  # the part of its price that is passed-through fees
    billed_segments: int | None = None  # how many the carrier says that it made of the text
    channel: str | None = None  # of core.channels; None: sms
    content: str | None = None  # JSON: what the channel takes beside the text; kept and forgotten as the text is
    network: str | None = None  # to which the range of the number was given out; None: nobody can tell


MESSAGE_COLUMNS: Final = tuple("to_number" if name == "to" else name for name in Message.__struct_fields__)


class Submission(NamedTuple):
    """One attempt of a message on its way to a carrier: the message, the attempt's number, when it was handed over."""

    message: Message
    attempt: int
    handed_at: int = 0


class Outcome(msgspec.Struct, gc=False, frozen=True):
    """What a carrier said to one attempt. `unknown` means that nobody can tell (time-out, crash)."""

    state: str  # accepted | refused | unknown | unsent (it never left us)
    carrier_ids: tuple[str, ...] = ()  # one for each part that the carrier took
    failure: str | None = None  # class of our taxonomy, when not accepted
    code: str | None = None  # our stable code
    carrier_code: str | None = None  # verbatim
    retry_after_ms: int | None = None
    price: str | None = None  # for all parts
    currency: str | None = None
    parts: int | None = None  # how many the carrier says that it made of it
    elsewhere: bool = False  # refused here for good, but another connector of the plan may take it
    congestion: int = 0  # how full the carrier says that it is, in percent


class Receipt(msgspec.Struct, gc=False, frozen=True):
    """What a carrier reports about a part that it took earlier."""

    connector: str
    carrier_id: str
    fact: str  # a fact of core.lifecycle: delivered | undelivered | expired | refused | buffered | read
    at: int
    failure: str | None = None
    code: str | None = None
    carrier_code: str | None = None
    price: str | None = None
    currency: str | None = None
    raw: str | None = None  # the report as it came, secrets left out
    ref: str | None = None  # our own reference, when the carrier gives it back
    parts: int | None = None  # how many the carrier says that it made of the text

    @property
    def attempt(self) -> tuple[int, int] | None:
        """The message's row number and the attempt that our reference names."""
        return read_reference(self.ref) if self.ref is not None else None

    @property
    def message(self) -> int | None:
        named = self.attempt
        return named[0] if named is not None else None


class Part(msgspec.Struct, gc=False, frozen=True):
    """Which part of a long message from a phone."""

    reference: str  # with sender and recipient it names the message
    total: int
    number: int


class Inbound(msgspec.Struct, gc=False, frozen=True):
    """A message from a phone."""

    connector: str
    sender: str
    to: str
    text: str
    at: int
    carrier_id: str | None = None
    raw: str | None = None
    part: Part | None = None  # absent: the whole
    environment: int | None = None  # whose it is, where that is known; else the number that was texted tells


class Event(msgspec.Struct, gc=False):
    """An append-only fact. `seq` is its place in the ledger, given at the commit."""

    seq: int
    workspace: int
    environment: int
    message: int | None
    type: str
    at: int
    data: str | None  # JSON: what this fact adds to the message as it was accepted


class Delivery(msgspec.Struct, gc=False):
    """One event on its way to one webhook. `target` is the endpoint's key, or the origin of a callback URL."""

    id: int
    workspace: int
    environment: int
    event: int  # seq
    message: int | None
    endpoint: int | None  # None: the message's own callback_url
    target: str
    state: str  # pending | done | failed | canceled
    tries: int
    next_at: int
    created_at: int
    answered_at: int | None
    status: int | None
    latency_ms: int | None
    error: str | None
    replay: int  # 1: sent again on request


DELIVERY_COLUMNS: Final = Delivery.__struct_fields__
