"""The request log, read: newest first, narrowed, of one environment."""

from typing import Any, Final

import msgspec

from heliograph.core import ids
from heliograph.core.failures import Refusal, Refused
from heliograph.core.views import moment
from heliograph.engine.requests.log import COLUMNS
from heliograph.store.port import Ledger

PREFIX: Final = "rql"
_SELECT: Final = f"SELECT r.id, k.key_id, k.name, {', '.join(f'r.{name}' for name in COLUMNS[3:])}"


class Narrowed(msgspec.Struct, frozen=True, kw_only=True):
    """Which requests."""

    client: str | None = None  # a key's id or name
    statuses: tuple[int, int] | None = None  # from, up to
    method: str | None = None
    path: str | None = None  # how the path or the route begins
    code: str | None = None
    request_id: str | None = None
    since: int | None = None
    until: int | None = None


class RequestError(msgspec.Struct, frozen=True):
    """What was wrong: a pointer to the field, and the code."""

    pointer: str
    code: str


class LoggedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request and its answer. `times`: so many of its kind came in the same second, of which this is the last that
    has a line of its own; `took_ms`: the longest of them."""

    id: str
    at: str
    key_id: str
    key_name: str
    method: str
    route: str | None
    path: str
    query: list[str]
    status: int
    code: str | None
    type: str | None
    errors: list[RequestError]
    took_ms: int
    request_id: str
    user_agent: str | None
    bytes_in: int
    bytes_out: int | None
    has_idempotency_key: bool
    times: int


def read_statuses(text: str) -> tuple[int, int]:
    """`404` or a class such as `4xx`. Raises `Refused`."""
    if text.isascii() and len(text) == 3 and text[0] in "12345":
        if text[1:].lower() == "xx":
            return int(text[0]) * 100, int(text[0]) * 100 + 99
        if text.isdigit():
            return int(text), int(text)
    detail = f"{text[:20]!r} is no status: give one such as 404, or a class such as 4xx"
    raise Refused(Refusal("bad_value", detail, "/status", 400))


async def entries(
    ledger: Ledger, workspace: int, environment: int, narrowed: Narrowed, *, cursor: str | None, limit: int
) -> tuple[list[LoggedRequest], str | None]:
    """A page of requests, newest first, and the next page's cursor. Raises `Refused`."""
    place = ids.parse(PREFIX, cursor) if cursor else None
    if cursor and place is None:
        raise Refused(
            Refusal("bad_cursor", "cursor is none of ours: take next_cursor of the page before", "/cursor", 400)
        )
    conditions = ["r.workspace = $1 AND r.environment = $2"]
    values: list[object] = [workspace, environment]

    def add(condition: str, *given: object) -> None:
        marks = [f"${len(values) + at}" for at in range(1, len(given) + 1)]
        if None not in given:
            values.extend(given)
            conditions.append(condition.format(*marks))

    add("r.id < {}", place[1] if place else None)
    add("(k.key_id = {0} OR k.name = {0})", narrowed.client)
    add("r.status BETWEEN {} AND {}", *(narrowed.statuses or (None,)))
    add("r.method = {}", narrowed.method)
    path = narrowed.path
    add("(substr(r.path, 1, {1}) = {0} OR substr(r.route, 1, {1}) = {0})", path, None if path is None else len(path))
    add("r.code = {}", narrowed.code)
    add("r.request_id = {}", narrowed.request_id)
    add("r.at >= {}", narrowed.since)
    add("r.at < {}", narrowed.until)
    values.append(limit + 1)
    rows = await ledger.fetch(
        f"{_SELECT} FROM requests r JOIN clients k ON k.id = r.client WHERE {' AND '.join(conditions)} "
        f"ORDER BY r.id DESC LIMIT ${len(values)}",
        *values,
    )
    page = [_view(*row) for row in rows[:limit]]
    return page, page[-1].id if len(rows) > limit else None


def _view(number: int, key_id: str, key_name: str, at: int, *row: Any) -> LoggedRequest:
    method, route, path, query, status, code, errors, took, request_id, agent, came, went, has_key, times = row
    return LoggedRequest(
        id=ids.make(PREFIX, at, number),
        at=moment(at),
        key_id=key_id,
        key_name=key_name,
        method=method,
        route=route or None,
        path=path,
        query=msgspec.json.decode(query),
        status=status,
        code=code,
        type=None if code is None else f"/docs/errors#{code}",
        errors=[RequestError(*error) for error in msgspec.json.decode(errors)],
        took_ms=took,
        request_id=request_id,
        user_agent=agent,
        bytes_in=came,
        bytes_out=went,
        has_idempotency_key=bool(has_key),
        times=times,
    )
