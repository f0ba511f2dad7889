"""What GET answers and webhooks carry of a message and of an event: the fields and their types."""

from typing import Any

import msgspec


class Failure(msgspec.Struct, gc=False):
    """Why a message did not arrive."""

    failure: str | None  # class of the taxonomy
    code: str | None
    carrier_code: str | None


class MessageView(msgspec.Struct, gc=False):
    """A message as the public API shows it."""

    id: str
    status: str
    channel: str
    to: str
    country: str
    kind: str
    sender: str | None
    text: str | None
    encoding: str
    segments: int
    created_at: str
    updated_at: str
    send_at: str | None
    next_attempt_at: str | None
    valid_until: str
    sent_at: str | None
    final_at: str | None
    retry_count: int
    connector: str | None
    price: str | None
    currency: str | None
    error: Failure | None
    possible_duplicate: bool
    batch_id: str | None
    correlation_id: str | None
    tags: msgspec.Raw | None
    metadata: msgspec.Raw | None
    template: str | None
    content: msgspec.Raw | None


class EventData(msgspec.Struct, gc=False):
    """The message part of a webhook: as MessageView, without what it says."""

    id: str
    status: str
    channel: str
    to: str
    country: str
    kind: str
    sender: str | None
    encoding: str
    segments: int
    created_at: str
    connector: str | None
    price: str | None
    currency: str | None
    error: Failure | None
    possible_duplicate: bool
    correlation_id: str | None
    tags: msgspec.Raw | None
    metadata: msgspec.Raw | None
    template: str | None


class EventView(msgspec.Struct, gc=False):
    """An event as the public API and webhooks show it."""

    id: str
    type: str
    created_at: str
    data: Any


class Facts(msgspec.Struct, gc=False):
    """What an event of a message may say beyond the message itself."""

    connector: str | None = None
    price: str | None = None
    currency: str | None = None
    failure: str | None = None
    code: str | None = None
    carrier_code: str | None = None
    possible_duplicate: bool = False
