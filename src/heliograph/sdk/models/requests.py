"""What is told of requests that programs made."""

from datetime import datetime

import msgspec


class RequestError(msgspec.Struct, frozen=True, kw_only=True):
    """What was wrong: a pointer to the field, and the code."""

    pointer: str
    code: str


class LoggedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request and its answer. `times`: so many of its kind came in the same second."""

    id: str
    at: datetime
    key_id: str
    key_name: str
    method: str
    route: str | None = None
    path: str
    query: list[str]
    status: int
    code: str | None = None
    type: str | None = None
    errors: list[RequestError]
    took_ms: int
    request_id: str
    user_agent: str | None = None
    bytes_in: int
    bytes_out: int | None = None
    has_idempotency_key: bool
    times: int
