"""What is told of webhooks: endpoints and deliveries."""

from datetime import datetime
from typing import Any

import msgspec


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint as it stands. `secret` is shown once, when it was made here."""

    name: str
    url: str
    events: list[str]
    format: str
    is_disabled: bool
    failing_since: datetime | None = None
    reason: str | None = None
    secrets: int
    secret: str | None = None


class Queued(msgspec.Struct, frozen=True, kw_only=True):
    """What was set going."""

    deliveries: int


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One event on its way to one place."""

    id: str
    event_id: str
    event_type: str
    target: str
    status: str
    tries: int
    next_try_at: datetime | None = None
    answered_at: datetime | None = None
    http_status: int | None = None
    latency_ms: int | None = None
    error: str | None = None
    is_replay: bool


class FailedTry(msgspec.Struct, frozen=True, kw_only=True):
    """A try that was not answered well."""

    number: int
    at: datetime
    http_status: int | None = None
    latency_ms: int | None = None
    error: str | None = None


class DeliveryDetail(Delivery, frozen=True, kw_only=True):
    """One delivery with what is sent, to where, and every try that failed."""

    url: str | None = None
    format: str
    event: Any = None
    failed_tries: list[FailedTry]
