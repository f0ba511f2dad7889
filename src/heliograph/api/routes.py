"""A route: where a resource is, who may ask, what goes in and what comes out. One literal list of them is the API; the
server and the OpenAPI document read the same list.

A handler is a coroutine of a request. It gives back what is to be answered, or raises `Refused`:

    async def show(request: Request) -> MessageView:
        message = await find(request, request.place["id"])
        return message_view(message)

    ROUTES = (Route("GET", "/v1/messages/{id}", show, "messages:read", answer=MessageView, summary="Show a message"),)
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl

import msgspec

from heliograph.api.call import Call, Content, Door
from heliograph.api.context import Context
from heliograph.api.problems import decode
from heliograph.api.shape import Shape, read
from heliograph.core.failures import Refusal, Refused
from heliograph.engine.audit import Actor
from heliograph.engine.clients import ADMIN, Client
from heliograph.engine.declared import OPERATOR
from heliograph.engine.explain import explained
from heliograph.engine.users.throttle import TooSoon
from heliograph.ports import Unavailable

T = TypeVar("T")

_encode: Final = msgspec.json.Encoder().encode
_JSON: Final = b"application/json"


class Request:
    """What a handler is given: a call with its place, query and body read."""

    def __init__(self, call: Call, place: Mapping[str, str], query: Any, body: Any) -> None:
        self.call = call
        self.context: Context = call.context
        self.now = call.now
        self.place = place
        self.query = query
        self.body = body

    @property
    def client(self) -> Client:
        """Who asks; at open routes nobody."""
        assert self.call.client is not None
        return self.call.client

    @property
    def actor(self) -> str:
        return Actor(self.client.actor, self.call.address)


class Route(msgspec.Struct, frozen=True):
    """One method of one resource."""

    method: str
    path: str
    handler: Callable[[Request], Awaitable[Any]] | None  # None: a hot door serves it
    scope: str | None  # None: any key, any session
    or_scope: str | None = None  # another one that opens it too
    body: type | None = None
    text: tuple[str, str] | None = None  # (media type, field): a body of this type is read as this field
    query: type | None = None
    answer: Any = None
    or_answer: Any = None  # another one that is possible
    status: int = 200
    summary: str = ""
    is_open: bool = False  # nobody need be known
    is_stream: bool = False  # its body, of the media type in `text`, is read by the handler as it arrives
    shape: Shape | None = None  # of a drop-in door
    also: dict[int, Any] = {}  # other good answers, by status
    files: tuple[str, ...] = ()  # media types that it may answer with, beside JSON
    is_idempotent: bool = False  # heeds Idempotency-Key

    @property
    def steps(self) -> tuple[str, ...]:
        return tuple(self.path.strip("/").split("/"))


def by_get_too(route: Route) -> tuple[Route, Route]:
    """A route that takes its fields by POST or, as older gateways had it, in the query of a GET."""
    return msgspec.structs.replace(route, method="GET", body=None, query=route.body), route


def refuse(code: str, detail: str, pointer: str = "", status: int = 422) -> Refused:
    """To be raised."""
    return Refused(Refusal(code, detail, pointer, status))


def not_found(what: str, name: str) -> Refused:
    return refuse("not_found", f"there is no {what} {name[:60]!r}", status=404)


def operator_only(request: Request) -> None:
    """For what concerns every workspace. Raises `Refused`."""
    if not request.client.is_operator:
        raise refuse("foreign_workspace", f"only the workspace {OPERATOR!r} may do that", status=403)


def door(route: Route, place: Mapping[str, str], query_string: bytes, tasks: set[asyncio.Task[None]]) -> Door:
    """The route as a door."""

    def enter(call: Call) -> None:
        task = asyncio.ensure_future(_serve(route, place, query_string, call))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    return enter


async def _serve(route: Route, place: Mapping[str, str], query_string: bytes, call: Call) -> None:
    try:
        call.answer(route.status, await _answer(route, place, query_string, call))
    except TooSoon as too_soon:
        call.headers.append((b"retry-after", b"%d" % too_soon.wait_s))
        call.refuse(*too_soon.refusals)
    except Refused as refused:
        call.refuse(*refused.refusals)
    except Unavailable:
        detail = "the ledger can't be reached; nothing was changed: try again in a moment"
        call.refuse(Refusal("ledger_unavailable", detail, status=503))
    except Exception as error:  # the edge of a request: it gets an answer, the log gets the rest
        call.broke(error)


async def _answer(route: Route, place: Mapping[str, str], query_string: bytes, call: Call) -> Content:
    assert route.handler is not None
    if route.shape is not None:
        return await _shaped(route, route.shape, place, query_string, call)
    if refusal := _lacks(route, call) or (
        call.unreadable(_media_type(route, call)) if route.body or route.is_stream else None
    ):
        raise Refused(refusal)
    query = _query(query_string, route.query)
    body = call.pieces if route.is_stream else _required(_body(route, call, route.body)) if route.body else None
    answer = await route.handler(Request(call, place, query, body))
    return answer if isinstance(answer, bytes | AsyncIterator) else _encode(answer)


async def _shaped(route: Route, shape: Shape, place: Mapping[str, str], query_string: bytes, call: Call) -> bytes:
    """At a drop-in door: fields come by query or body, and what is not known of them is left alone."""
    assert route.handler is not None
    call.headers[0] = (b"content-type", shape.media_type)
    if refusal := _lacks(route, call):
        raise Refused(refusal)
    fields = _required(read(query_string, call.content_type, call.body, shape.encoding))
    asked = _required(_converted(fields, cls)) if (cls := route.body or route.query) else None
    answer = await route.handler(Request(call, place, asked, asked))
    return answer if isinstance(answer, bytes) else _encode(answer)


def _converted(fields: Mapping[str, Any], cls: type[T]) -> T | Refusal:
    try:
        return msgspec.convert(fields, cls, strict=False)
    except msgspec.ValidationError as error:
        return explained(str(error), cls)


def may(route: Route, scopes: frozenset[str]) -> bool:
    """Do these scopes open the route?"""
    return route.is_open or route.scope is None or not scopes.isdisjoint({route.scope, route.or_scope, ADMIN})


def _lacks(route: Route, call: Call) -> Refusal | None:
    if route.is_open:
        return None
    assert call.client is not None
    refusal = None if may(route, call.client.scopes) else call.lacks(route.scope)
    if refusal is None or route.or_scope is None:
        return refusal
    return msgspec.structs.replace(refusal, detail=f"{refusal.detail} or {route.or_scope}")


def _media_type(route: Route, call: Call) -> bytes:
    """What the body is read as."""
    text = route.text[0].encode() if route.text else _JSON
    return text if route.is_stream or (call.content_type or b"").startswith(text) else _JSON


def _body(route: Route, call: Call, cls: type[T]) -> T | Refusal:
    if route.text is None or _media_type(route, call) == _JSON:
        return decode(call.body, cls)
    try:
        return msgspec.convert({route.text[1]: call.body.decode()}, cls)
    except UnicodeDecodeError:
        return Refusal("bad_utf8", "the body is not UTF-8", status=400)


def _required(value: T | Refusal) -> T:
    if isinstance(value, Refusal):
        raise Refused(value)
    return value


def _query(query_string: bytes, cls: type | None) -> Any:
    given = dict(parse_qsl(query_string.decode("latin-1"), keep_blank_values=True))
    if cls is None:
        if given:
            name = next(iter(given))
            raise refuse("unknown_parameter", f"there is no query parameter {name[:60]!r} here", f"/{name[:60]}", 400)
        return None
    if any("\0" in value for value in given.values()):
        raise refuse("nul_character", "a query parameter holds a NUL character; leave it out", status=400)
    try:
        return msgspec.convert(given, cls, strict=False)
    except msgspec.ValidationError as error:
        refusal = explained(str(error), cls)
        code = "unknown_parameter" if refusal.code == "unknown_field" else refusal.code
        detail = refusal.detail.replace("there is no field", "there is no query parameter")
        raise Refused(msgspec.structs.replace(refusal, code=code, detail=detail, status=400)) from None
