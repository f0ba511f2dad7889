"""Messages, batches of them, and their events."""

from collections.abc import Sequence
from datetime import datetime
from typing import Required, TypedDict, Unpack
from uuid import uuid4

from heliograph.sdk.asking import D, Resource, asks, lists
from heliograph.sdk.exchange import Ask, at, given
from heliograph.sdk.models import Page
from heliograph.sdk.models.messages import (
    Accepted,
    Batch,
    BatchProgress,
    Canceled,
    Conversion,
    Event,
    Message,
    MessageDetail,
    MessageStates,
    Rehearsed,
    ShortLink,
    TimelineEvent,
)


class MessageFields(TypedDict, total=False):
    """What may be said of a message beyond its recipient and text."""

    template: str  # instead of a text: NAME or NAME@VERSION
    variables: dict[str, str]
    locale: str
    sender: str
    kind: str  # otp, transactional (what is taken when it is left out), support, promotional
    channel: str
    content: dict[str, object]  # what the channel takes beside the text
    send_at: datetime | str
    valid_until: datetime | str
    valid_for: int | str  # seconds, or as in "10m"
    time_zone: str
    default_country: str
    encoding: str
    smart_encoding: bool
    max_segments: int
    callback_url: str
    callback_events: list[str]
    topic: str
    tags: list[str]
    metadata: dict[str, str]
    correlation_id: str
    shorten_links: bool


class NewMessage(MessageFields, total=False):
    """One message of a batch."""

    to: Required[str]
    text: str


class Defaults(MessageFields, total=False):
    """What holds for all messages of a batch that say nothing else."""

    text: str


class MessageFilter(TypedDict, total=False):
    """What a list of messages is narrowed to."""

    to: str
    status: str
    kind: str
    country: str
    network: str
    channel: str
    sender: str
    tag: str
    batch_id: str
    correlation_id: str
    created_after: datetime | str
    created_before: datetime | str
    limit: int  # of one page
    cursor: str


class Changes(TypedDict, total=False):
    """What can still be changed of a message that waits."""

    text: str
    encoding: str
    smart_encoding: bool
    max_segments: int
    send_at: datetime | str
    valid_until: datetime | str


def new_key() -> str:
    """An idempotency key that nobody else has."""
    return f"sdk-{uuid4().hex}"


class Messages(Resource[D]):
    """One message each."""

    @asks
    def send(
        self,
        to: str,
        text: str | None = None,
        *,
        idempotency_key: str | None = None,
        **more: Unpack[MessageFields],
    ) -> Ask[Accepted]:
        """Send a message. Retries are safe: they bear the same idempotency key, yours or one made here."""
        body = {"to": to, **given(text=text), **more}
        return Ask("POST", at("messages"), Accepted, body=body, key=idempotency_key or new_key())

    @asks
    def rehearse(self, to: str, text: str | None = None, **more: Unpack[MessageFields]) -> Ask[Rehearsed]:
        """Say what would happen to a message, with the trace of the decision; nothing is sent."""
        body = {"to": to, **given(text=text), **more, "dry_run": True}
        return Ask("POST", at("messages"), Rehearsed, body=body, key=new_key())

    @asks
    def send_batch(
        self,
        messages: Sequence[NewMessage],
        *,
        defaults: Defaults | None = None,
        all_or_none: bool = False,
        idempotency_key: str | None = None,
    ) -> Ask[Batch]:
        """Send up to 10,000 messages. The answer tells of each, in order; those that are refused have a `code`."""
        body = {"messages": messages, "all_or_none": all_or_none, **given(defaults=defaults)}
        return Ask("POST", at("messages", "batch"), Batch, body=body, key=idempotency_key or new_key())

    @asks
    def get(self, message_id: str) -> Ask[MessageDetail]:
        """A message with its attempts and the decision behind it."""
        return Ask("GET", at("messages", message_id), MessageDetail)

    @asks
    def list(self, **narrowed: Unpack[MessageFilter]) -> Ask[Page[Message]]:
        """One page of messages, the newest first."""
        return Ask("GET", at("messages"), Page[Message], query=narrowed)

    @lists
    def iterate(self, **narrowed: Unpack[MessageFilter]) -> Ask[Page[Message]]:
        """All messages, the newest first, page by page."""
        return Ask("GET", at("messages"), Page[Message], query=narrowed)

    @asks
    def states(self, message_ids: Sequence[str]) -> Ask[MessageStates]:
        """Where these messages stand."""
        return Ask("POST", at("messages", "states"), MessageStates, body={"ids": message_ids}, key=new_key())

    @asks
    def events(self, message_id: str) -> Ask[Page[TimelineEvent]]:
        """The timeline of a message, in words too."""
        return Ask("GET", at("messages", message_id, "events"), Page[TimelineEvent])

    @asks
    def links(self, message_id: str) -> Ask[Page[ShortLink]]:
        """The short links of a message and their clicks."""
        return Ask("GET", at("messages", message_id, "links"), Page[ShortLink])

    @asks
    def cancel(self, message_id: str) -> Ask[Message]:
        """Take a message back that was not handed over yet. Raises `Conflict` when it is too late."""
        return Ask("POST", at("messages", message_id, "cancel"), Message)

    @asks
    def change(self, message_id: str, **fields: Unpack[Changes]) -> Ask[Message]:
        """Change a message while it waits."""
        return Ask("PATCH", at("messages", message_id), Message, body=fields)

    @asks
    def converted(self, message_id: str, kind: str, at_time: datetime | str | None = None) -> Ask[Conversion]:
        """Tell what followed of a message: `clicked`, `replied`, `verified` or `other`."""
        body = {"kind": kind, **given(at=at_time)}
        return Ask("POST", at("messages", message_id, "conversion"), Conversion, body=body)


class Batches(Resource[D]):
    """Messages that were sent together."""

    @asks
    def get(self, batch_id: str) -> Ask[BatchProgress]:
        """How many messages of a batch are in which state."""
        return Ask("GET", at("batches", batch_id), BatchProgress)

    @asks
    def cancel(self, batch_id: str) -> Ask[Canceled]:
        """Take back what was not handed over yet."""
        return Ask("POST", at("batches", batch_id, "cancel"), Canceled)


class Events(Resource[D]):
    """All events, in an order in which none can be missed."""

    @asks
    def read(self, cursor: str = "", *, limit: int = 100) -> Ask[Page[Event]]:
        """The events after a place; keep `next_cursor` to read on from there, also when there was nothing new."""
        return Ask("GET", at("events"), Page[Event], query={"cursor": cursor, "limit": limit})
