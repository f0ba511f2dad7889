"""The general way to a hot door: a request that comes by ASGI, its body, and the answer as ASGI wants it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

from heliograph.api.call import Call, Content, Door, Header, Heading, Scope, body_too_large
from heliograph.api.context import Context
from heliograph.api.shape import Shape
from heliograph.api.visits import CROSS_SITE, Visit
from heliograph.core.failures import Refusal, Refused
from heliograph.engine.clients import Client
from heliograph.engine.requests.log import Asked

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


async def through_asgi(
    context: Context,
    scope: Scope,
    receive: Receive,
    send: Send,
    door: Door,
    asked: Asked,
    *,
    is_open: bool = False,
    is_stream: bool = False,
    shape: Shape | None = None,
) -> None:
    """The general way to a door. `is_open`: nobody need be known; `is_stream`: the door reads the body itself;
    `shape`: it speaks as another gateway does."""
    heading = Heading(scope["headers"])
    future: asyncio.Future[tuple[int, list[Header], Content]] = asyncio.get_running_loop().create_future()

    def reply(status: int, headers: list[Header], body: Content) -> None:
        if not future.done():  # the caller may have hung up
            future.set_result((status, headers, body))

    body = b"" if is_stream else await read_body(receive, context.max_body_bytes)
    address = scope["client"][0] if scope.get("client") else ""
    if shape is not None:
        given = shape.authorization(scope.get("query_string", b""), heading.content_type, body or b"")
        heading.authorization = given or heading.authorization
    client, visit = await _caller(context, scope, heading, address, is_open, keys_only=shape is not None)
    known = None if isinstance(client, Refusal) else client
    call = Call(context, asked, heading, known, body or b"", reply, address=address, visit=visit)
    if shape is not None:
        call.tell = shape.tell
    if is_stream:
        call.pieces = pieces(receive, context.max_upload_bytes)
    if isinstance(client, Refusal):
        call.turn_away(client)
    elif body is None:
        call.refuse(body_too_large(context))
    else:
        door(call)
    status, headers, content = await future
    if not isinstance(content, bytes):
        await _pour(context, receive, send, status, headers, content)
        return
    headers.append((b"content-length", b"%d" % len(content)))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


async def _pour(
    context: Context, receive: Receive, send: Send, status: int, headers: list[Header], content: AsyncIterator[bytes]
) -> None:
    """An answer as it comes, at the pace of who reads it. When it breaks, the connection ends without its last piece:
    nobody takes what is there for the whole."""
    await send({"type": "http.response.start", "status": status, "headers": headers})
    gone = asyncio.ensure_future(_until_gone(receive))
    try:
        async for piece in content:
            if gone.done():
                return
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    except Exception as error:  # the status is out already: only the log can tell
        context.defect(error)
        return
    finally:
        gone.cancel()
        if isinstance(content, AsyncGenerator):
            await content.aclose()
    await send({"type": "http.response.body", "body": b""})


async def _until_gone(receive: Receive) -> None:
    """Until the caller has hung up."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _caller(
    context: Context, scope: Scope, heading: Heading, address: str, is_open: bool, *, keys_only: bool
) -> tuple[Client | Refusal | None, Visit | None]:
    """Who calls: by a key, by a session cookie, or nobody in particular."""
    if (is_open or heading.authorization is None) and not keys_only:
        visit = Visit(context, scope)
        if is_open:
            return (CROSS_SITE if visit.is_foreign() else None), visit
        if visit.token is not None:
            session = await visit.enter()
            if isinstance(session, Refusal):
                return session, visit
            await context.clients.meet(session.client.environment)
            return session.client, visit
    client = context.clients.authenticate(heading.authorization, address)
    if client is None:
        client = await context.clients.authenticate_slow(heading.authorization, address)
    return client, None


async def pieces(receive: Receive, limit: int) -> AsyncIterator[bytes]:
    """A body as it arrives, never held as a whole. Raises `Refused` when it is too large or breaks off."""
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise Refused(Refusal("incomplete_upload", "the upload broke off; send the file again", status=400))
        piece, more = message.get("body", b""), bool(message.get("more_body"))
        size += len(piece)
        if size > limit:
            raise Refused(Refusal("body_too_large", f"an upload may take {limit} bytes; split the file", status=413))
        yield piece


async def read_body(receive: Receive, limit: int) -> bytes | None:
    """The whole body, or None when it is too large; what is too large is read to its end but not kept."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        part = message.get("body", b"")
        size += len(part)
        if size <= limit:
            parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts) if size <= limit else None
