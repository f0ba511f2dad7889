"""What is told of messages, batches and events."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to an accepted message."""

    id: str
    status: str
    to: str
    segments: int
    encoding: str
    country: str
    kind: str


class Rehearsed(msgspec.Struct, frozen=True, kw_only=True):
    """What would happen to a message: how it would look, over which connectors it would go, and why."""

    dry_run: bool
    to: str
    country: str
    channel: str = "sms"
    kind: str
    sender: str | None = None
    text: str | None = None
    template: str | None = None
    encoding: str
    segments: int
    price: Decimal | None = None
    currency: str | None = None
    route: list[str]
    decision: Any = None


class BatchItem(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one item of a batch: an accepted message, or why it was refused (status `refused`)."""

    status: str
    id: str | None = None
    to: str | None = None
    segments: int | None = None
    encoding: str | None = None
    country: str | None = None
    kind: str | None = None
    code: str | None = None
    detail: str | None = None
    pointer: str | None = None


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a batch: an outcome for each item, in order, and when the last will probably be sent."""

    batch_id: str
    estimated_end: datetime
    data: list[BatchItem]


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Why a message did not arrive."""

    failure: str | None = None
    code: str | None = None
    carrier_code: str | None = None


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A message as the public API shows it."""

    id: str
    status: str
    to: str
    country: str
    channel: str = "sms"
    kind: str
    sender: str | None = None
    text: str | None = None
    encoding: str
    segments: int
    created_at: datetime
    updated_at: datetime
    send_at: datetime | None = None
    next_attempt_at: datetime | None = None
    valid_until: datetime
    sent_at: datetime | None = None
    final_at: datetime | None = None
    retry_count: int
    connector: str | None = None
    price: Decimal | None = None
    currency: str | None = None
    error: Failure | None = None
    possible_duplicate: bool
    batch_id: str | None = None
    correlation_id: str | None = None
    tags: list[str] | None = None
    metadata: dict[str, str] | None = None
    template: str | None = None
    content: Any = None  # what the channel takes beside the text


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One part of one attempt."""

    attempt: int
    part: int
    connector: str
    status: str
    carrier_id: str | None = None
    failure: str | None = None
    code: str | None = None
    carrier_code: str | None = None
    handed_at: datetime
    answered_at: datetime | None = None
    receipt_at: datetime | None = None


class MessageDetail(Message, frozen=True, kw_only=True):
    """A message with its attempts and the decision that sent it its way."""

    network: str | None = None
    surcharge: Decimal | None = None
    billed_segments: int | None = None
    attempts: list[Attempt]
    decision: Any = None


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """An event as the public API and webhooks show it."""

    id: str
    type: str
    created_at: datetime
    data: Any = None


class TimelineEvent(Event, frozen=True, kw_only=True):
    """An event of a message, with what it means in words, and what a carrier or a rule said of it."""

    says: str = ""
    detail: str | None = None


class BatchProgress(msgspec.Struct, frozen=True, kw_only=True):
    """A batch: how many messages are in which state."""

    id: str
    total: int
    states: dict[str, int]
    is_done: bool


class Canceled(msgspec.Struct, frozen=True, kw_only=True):
    """How many messages of a batch were taken back, and how many could not be."""

    canceled: int
    too_late: int


class MessageState(msgspec.Struct, frozen=True, kw_only=True):
    """Where a message stands."""

    id: str
    status: str
    final: bool
    updated_at: datetime


class MessageStates(msgspec.Struct, frozen=True, kw_only=True):
    """States of the messages that exist; ids that are none of yours."""

    data: list[MessageState]
    unknown: list[str]


class Click(msgspec.Struct, frozen=True, kw_only=True):
    """One click. `bot` says why it was no person."""

    at: datetime
    agent: str
    bot: str | None = None


class ShortLink(msgspec.Struct, frozen=True, kw_only=True):
    """A short link of a message; `clicks` by people, `bot_clicks` by programs."""

    token: str
    url: str | None = None
    expires_at: datetime
    clicks: int
    bot_clicks: int
    last_clicks: list[Click]


class Conversion(msgspec.Struct, frozen=True, kw_only=True):
    """What was kept: told twice, the first time counts."""

    id: str
    kind: str
    at: datetime
