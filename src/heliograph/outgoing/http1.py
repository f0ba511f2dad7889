"""One connection to a web server: HTTP/1.1 kept alive, one request at a time, no pipelining.

It sends bytes that are ready to go, reads one answer, and tells its owner. It knows no time-outs and retries. An
answer that is not clearly over, or more than one answer, ends the connection: what comes after it must never be
taken for the answer to the next request. Redirects are answers like any other.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from time import monotonic, time
from typing import Final, Protocol, cast

import httptools

from heliograph.outgoing.url import Target

ANSWER_BYTES_MAX: Final = 256 * 1024  # head and body; nobody needs more to say "received"
BODY_BYTES_KEPT: Final = 64 * 1024
_REPEATED_BYTES_MAX: Final = 1024  # of an answer that is remembered
METHODS: Final = frozenset({"DELETE", "GET", "PATCH", "POST", "PUT"})  # HEAD's answer has another form
_OURS: Final = frozenset({"connection", "content-length", "host", "transfer-encoding", "upgrade"})
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE: Final = re.compile(r"[\t -~\x80-\xff]*")
_LINES: Final = re.compile(rb"(?:[!-9;-~]++:[^\r\n\0]*+\r\n)*+")


@dataclass(slots=True)
class Answer:
    """What became of a request.

    `reason` is `ok` when a whole answer came, whatever its status. Otherwise: `timeout`, `dns_failed`,
    `blocked_address`, `port_not_allowed`, `connect_failed`, `tls_failed`, `reset`, `bad_answer`, `too_large`,
    `busy`, `closed`, or the code of a `BadUrl`. `status` is 0 unless the answer's head has come.
    """

    status: int
    reason: str
    detail: str = ""
    body: bytes = b""  # its first 64 kB
    latency_ms: int = 0
    retry_after: float | None = None  # seconds that the server asks us to stay away


Done = Callable[[Answer], None]


class Request:
    """A request on its way, and whom to tell. Times are those of `monotonic`."""

    __slots__ = ("deadline", "done", "retried", "started", "target", "wire")

    def __init__(self, target: Target, wire: bytes, started: float, deadline: float, done: Done) -> None:
        self.target, self.wire, self.started, self.deadline, self.done = target, wire, started, deadline, done
        self.retried = False

    def finish(self, answer: Answer) -> None:
        try:
            self.done(answer)
        except Exception as error:  # a defect of the caller's: it must not cost others their answers
            context = {"message": "the callback of a request raised", "exception": error}
            asyncio.get_running_loop().call_exception_handler(context)

    def age_ms(self) -> int:
        return round((monotonic() - self.started) * 1000)

    def fail(self, reason: str, detail: str) -> None:
        """No answer came."""
        self.finish(Answer(0, reason, detail, latency_ms=self.age_ms()))


class Owner(Protocol):
    """Whom a connection tells."""

    def answered(self, connection: "Connection", request: Request, answer: Answer, reusable: bool) -> None:
        """The request is over; the connection is free when it is `reusable`, else gone."""
        ...

    def lost(self, connection: "Connection", request: Request | None) -> None:
        """The connection is gone. It had served before; `request`, if any, got no byte of an answer."""
        ...


class Connection(asyncio.Protocol):
    """One socket. `request` is what it waits to be answered, if anything."""

    def __init__(self, owner: Owner) -> None:
        self.request: Request | None = None
        self.served = 0
        self.is_lost = False
        self.opened = self.idle_since = monotonic()
        self._owner = owner
        self._transport: asyncio.Transport
        self._received = self._status = 0
        self._is_complete = self._is_last = False
        self._headers: dict[bytes, bytes] = {}
        self._body: list[bytes] = []
        # A server mostly answers as it did before, byte for byte: the last good answer is not read again.
        self._before, self._meant = b"", (0, b"")
        # What the parser calls; the two of the C level cost no frame of ours.
        self.on_header = self._headers.__setitem__
        self.on_body = self._body.append
        self._parser = httptools.HttpResponseParser(self)
        self._feed = self._parser.feed_data

    def send(self, request: Request) -> None:
        self.request = request
        self._transport.write(request.wire)

    def abort(self) -> None:
        """Close at once and tell nobody: the owner knows."""
        self.request = None
        self.is_lost = True
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        request = self.request
        if request is None:
            if not self.is_lost:
                self._lose()  # nobody asked
            return
        if data == self._before and not self._received:
            status, body = self._meant
            self.request = None
            self.served += 1
            self._owner.answered(self, request, Answer(status, "ok", "", body, request.age_ms()), True)
            return
        self._received += len(data)
        try:
            self._feed(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if not self._is_complete:
                self._end("bad_answer", str(error) or "the server wants another protocol")
                return
            self._is_last = True  # something follows a whole answer
        if self._received > ANSWER_BYTES_MAX:
            self._end("too_large", f"the answer has more than {ANSWER_BYTES_MAX} bytes")
        elif self._is_complete:
            if self._received == len(data) <= _REPEATED_BYTES_MAX and 200 <= self._status < 300 and not self._is_last:
                self._before, self._meant = data, (self._status, b"".join(self._body))
            self._end("ok")

    def eof_received(self) -> None:
        self._lose()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.is_lost:
            self._lose(error)

    def on_message_begin(self) -> None:
        if self._is_complete:
            raise ValueError("more than one answer")  # makes the parser stop

    def on_headers_complete(self) -> None:
        self._status = self._parser.get_status_code()

    def on_message_complete(self) -> None:
        if self._status >= 200:
            self._is_complete = True
            self._is_last = not self._parser.should_keep_alive()  # the parser forgets it when this returns
        else:  # 1xx: only a foreword
            self._status = 0
            self._headers.clear()

    def _end(self, reason: str, detail: str = "") -> None:
        """The answer is as complete as it gets: tell the owner, who may send the next request at once."""
        request = self.request
        assert request is not None
        answer = Answer(
            self._status,
            reason,
            detail,
            b"".join(self._body)[:BODY_BYTES_KEPT],
            request.age_ms(),
            self._retry_after() if self._status >= 300 else None,
        )
        reusable = reason == "ok" and not (self._is_last or self.is_lost)
        self.request = None
        self.served += 1
        self._received = self._status = 0
        self._is_complete = False
        self._headers.clear()
        self._body.clear()
        if not reusable:
            self.abort()
        self._owner.answered(self, request, answer, reusable)

    def _lose(self, error: Exception | None = None) -> None:
        """The server closed, or sent what nobody asked for."""
        self.is_lost = True
        request = self.request
        if request is None or (self.served and not self._received):
            self.abort()
            self._owner.lost(self, request)
        elif error is None and self._ends_with_connection():
            self._end("ok")
        else:
            self._end("reset", str(error or "the server closed the connection before its answer was complete"))

    def _ends_with_connection(self) -> bool:
        """True for a body without length (HTTP/1.0 and `connection: close`): the close is its end."""
        framed = (b"content-length", b"transfer-encoding")
        return self._status >= 200 and not any(name.lower() in framed for name in self._headers)

    def _retry_after(self) -> float | None:
        for name, value in self._headers.items():
            if name.lower() == b"retry-after":
                return _seconds(value.decode("latin-1"))
        return None


def header_lines(headers: Mapping[str, str]) -> bytes:
    """Headers as the block that a request takes; ValueError for what ends a line or is the connection's."""
    for name, value in headers.items():
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise ValueError(f"the header {name!r} has characters that a header must not have")
        if name.lower() in _OURS:
            raise ValueError(f"the header {name!r} is not the caller's to set")
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode("latin-1")


def request_bytes(head: bytes, headers: bytes, body: bytes) -> bytes:
    """A request as it goes over the wire; ValueError when `headers` are not whole lines."""
    if not _LINES.fullmatch(headers):
        raise ValueError("headers are lines of name, colon and value, each ended by CR LF")
    return b"%b%bcontent-length: %d\r\n\r\n%b" % (head, headers, len(body), body)


def _seconds(text: str) -> float | None:
    """The value of `Retry-After`, which is a number of seconds or a date."""
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time())
    except (ValueError, OverflowError):
        return None
