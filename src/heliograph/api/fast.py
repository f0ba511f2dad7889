"""The short way to the hot doors: from the HTTP parser straight into the door, past ASGI and its task per request.

uvicorn's own protocol, which it extends, serves everything else: other paths, callers that are not remembered,
pipelined and unusual requests. Both ways go through the same doors and give the same answers.

A program that calls often begins each of its requests with the same bytes. What they mean is remembered, so that the
parser reads each such beginning only once.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from heliograph.api.call import Call, Content, Door, Header, Heading, body_too_large
from heliograph.api.context import Context
from heliograph.core.failures import Refusal
from heliograph.engine.clients import Client
from heliograph.engine.requests.log import Asked


class _Nobody:
    """Nobody waits for an exchange's body by an event, as a cycle of uvicorn's does."""

    def set(self) -> None: ...


_NOBODY: Final = _Nobody()
_END_OF_HEAD: Final = b"\r\n\r\n"
_HEADS_REMEMBERED: Final = 1_024


class Hot(NamedTuple):
    """A hot door, and how what comes to it is noted."""

    door: Door
    asked: Asked


class Head(NamedTuple):
    """What the bytes before a body say."""

    hot: Hot
    heading: Heading
    length: int  # of the body


Heads = dict[bytes, Head]


class Exchange:
    """A request on the short way and its answer; what uvicorn's protocol asks of a cycle, it finds here too."""

    __slots__ = (
        "_protocol",
        "body",
        "client",
        "disconnected",
        "heading",
        "hot",
        "keep_alive",
        "message_event",
        "response_complete",
        "size",
    )

    def __init__(
        self, protocol: "FastProtocol", hot: Hot, heading: Heading, client: Client | Refusal, keep_alive: bool
    ) -> None:
        self._protocol = protocol
        self.hot = hot
        self.heading = heading
        self.client = client
        self.keep_alive = keep_alive
        self.body = b""
        self.size = 0
        self.disconnected = False
        self.response_complete = False
        self.message_event = _NOBODY

    def reply(self, status: int, headers: list[Header], body: Content) -> None:
        assert isinstance(body, bytes)  # no hot door pours
        if self.disconnected or self.response_complete:
            return
        self.response_complete = True
        protocol = self._protocol
        protocol.write(status, headers, body, self.keep_alive)
        protocol.on_response_complete()


class FastProtocol(HttpToolsProtocol):
    """One connection."""

    # Not beside uvicorn's own: of more than 30 attributes an object has, Python finds each more slowly.
    __slots__ = (
        *("_address", "_chunk", "_context", "_doors", "_exchange", "_fixed", "_heads", "_idle_since"),
        "_is_parsing",
    )

    def __init__(
        self, context: Context, doors: Mapping[bytes, Hot], fixed: bytes, heads: Heads, *args: Any, **more: Any
    ) -> None:
        """`fixed`: the header lines that every answer has. `heads`: what all connections have learnt."""
        super().__init__(*args, **more)
        self._context = context
        self._doors = doors
        self._fixed = fixed
        self._heads = heads
        self._is_parsing = False  # a message has begun and not ended
        self._chunk: bytes | None = None  # what is being parsed, when a message begins with it
        self._address = ""
        self._exchange: Exchange | None = None  # whose body is being read
        self._idle_since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._address = self.client[0] if self.client else ""

    def data_received(self, data: bytes) -> None:
        if self._is_parsing:
            self._chunk = None
        elif not self._is_busy():
            body = data.find(_END_OF_HEAD) + len(_END_OF_HEAD)
            head = self._heads.get(data[:body])
            if head is not None and len(data) - body == head.length:
                exchange = self._take(head.hot, head.heading, True)
                if exchange is not None:
                    exchange.body, exchange.size = data[body:], head.length
                    self._enter(exchange)
                    return
            self._chunk = data
        super().data_received(data)

    def _remember(self, exchange: Exchange) -> None:
        """The chunk that was parsed may be one whole request of which there will be more."""
        chunk, heading = self._chunk, exchange.heading
        if chunk is None or heading.key is not None or heading.request_id is not None or not exchange.keep_alive:
            return
        length = len(chunk) - exchange.size
        if chunk.find(_END_OF_HEAD) + len(_END_OF_HEAD) == length:
            if len(self._heads) >= _HEADS_REMEMBERED:
                self._heads.clear()
            self._heads[chunk[:length]] = Head(exchange.hot, heading, exchange.size)

    # -- what the parser reports

    def on_message_begin(self) -> None:
        self._is_parsing = True
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self._exchange = None

    def on_headers_complete(self) -> None:
        hot = self._doors.get(self.url)
        if hot is not None and self._is_plain():
            self._exchange = self._take(hot, Heading(self.headers), self.parser.should_keep_alive())
        if self._exchange is None:
            url, headers, expects = self.url, self.headers, self.expect_100_continue
            super().on_message_begin()
            self.url, self.headers, self.expect_100_continue = url, headers, expects
            self.scope["headers"] = headers
            super().on_headers_complete()

    def _is_plain(self) -> bool:
        parser = self.parser
        return (
            parser.get_method() == b"POST"
            and not self._is_busy()
            and not self.expect_100_continue
            and not parser.should_upgrade()
            and parser.get_http_version() == "1.1"
        )

    def _is_busy(self) -> bool:
        cycle: Any = self.cycle  # ours or uvicorn's; None before the first request
        return cycle is not None and not cycle.response_complete

    def _take(self, hot: Hot, heading: Heading, keep_alive: bool) -> Exchange | None:
        """Begin an exchange, if the caller is remembered."""
        client = self._context.clients.authenticate(heading.authorization, self._address)
        if client is None:
            return None
        exchange = Exchange(self, hot, heading, client, keep_alive)
        self.cycle = exchange  # type: ignore[assignment]
        return exchange

    def on_body(self, body: bytes) -> None:
        exchange = self._exchange
        if exchange is None:
            super().on_body(body)
            return
        exchange.size += len(body)
        if exchange.size <= self._context.max_body_bytes:
            exchange.body = exchange.body + body if exchange.body else body

    def on_message_complete(self) -> None:
        self._is_parsing = False
        exchange = self._exchange
        if exchange is None:
            super().on_message_complete()
            return
        self._exchange = None
        self._remember(exchange)
        self._enter(exchange)

    def _enter(self, exchange: Exchange) -> None:
        """The request is whole: through its door."""
        context, client = self._context, exchange.client
        caller = None if isinstance(client, Refusal) else client
        call = Call(context, exchange.hot.asked, exchange.heading, caller, exchange.body, exchange.reply)
        try:
            if isinstance(client, Refusal):
                call.turn_away(client)
            elif exchange.size > context.max_body_bytes:
                call.refuse(body_too_large(context))
            else:
                exchange.hot.door(call)
        except Exception as error:  # the edge of a request: it gets an answer, the log gets the rest
            call.broke(error)

    # -- how long a connection may rest: one timer for all of its requests, not one for each

    def on_response_complete(self) -> None:
        if self.pipeline or self.transport.is_closing():
            super().on_response_complete()
            return
        self.server_state.total_requests += 1
        if self.flow.read_paused:
            self.flow.resume_reading()
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._rest_for(self.timeout_keep_alive)

    def _unset_keepalive_if_required(self) -> None:
        if self.transport.is_closing():
            super()._unset_keepalive_if_required()

    def _rest_for(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def timeout_keep_alive_handler(self) -> None:
        if self.transport.is_closing():
            return
        is_busy = self._is_busy()
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if is_busy or left > 0:
            self._rest_for(self.timeout_keep_alive if is_busy else left)
        else:
            self.transport.close()

    # -- answers

    def write(self, status: int, headers: list[Header], body: bytes, keep_alive: bool) -> None:
        lines = b""
        for header in headers:
            lines += b"%b: %b\r\n" % header
        end = _END if keep_alive else _LAST
        self.transport.write(b"%b%b%b%b%d\r\n\r\n%b" % (STATUS_LINE[status], self._fixed, lines, end, len(body), body))
        if not keep_alive:
            self.transport.close()


_END: Final = b"content-length: "
_LAST: Final = b"connection: close\r\ncontent-length: "
