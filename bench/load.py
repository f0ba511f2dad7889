"""Sends messages over kept-alive connections, as fast as answers come or at a rate; tells what it saw as JSON.

Run as a process of its own: `python -m bench.load URL KEY HOOK --count N …`.
"""

import argparse
import asyncio
import json
import sys
import time
from typing import Any, cast
from urllib.parse import urlsplit

import uvloop

_PATIENCE_S = 120


class Caller(asyncio.Protocol):
    """One connection: a request, its answer, the next one."""

    def __init__(self, load: "Load") -> None:
        self._load = load
        self._buffer = b""
        self._sent_at = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but name
        self._load.free(self)

    def send(self, request: bytes) -> None:
        assert self._transport is not None
        self._sent_at = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        if len(body) < length:
            return
        self._buffer = b""
        self._load.answered(head.startswith(b"HTTP/1.1 202"), time.perf_counter() - self._sent_at, body)
        self._load.free(self)

    def connection_lost(self, error: Exception | None) -> None:
        if not self._load.done.done():
            self._load.done.set_exception(ConnectionError(f"the server hung up: {error}"))


class Load:
    """All connections, and what they have seen."""

    def __init__(self, asked: argparse.Namespace) -> None:
        place = urlsplit(asked.url)
        self.host, self.port = str(place.hostname), int(place.port or 80)
        path = "/v1/messages/batch" if asked.batch > 1 else "/v1/messages"
        self._head = (
            f"POST {path} HTTP/1.1\r\nHost: {place.netloc}\r\nAuthorization: Bearer {asked.key}\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        )
        self._asked = asked
        self._next = asked.start
        self._end = asked.start + asked.count
        self._idle: list[Caller] = []
        self._due = 0 if asked.rate else 1 << 62
        self.good = self.bad = 0
        self.spans: list[float] = []
        self.first_bad = b""
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def free(self, caller: Caller) -> None:
        if self._next < self._end and self._due > 0:
            self._due -= 1
            caller.send(self._request())
        else:
            self._idle.append(caller)

    def tick(self) -> None:
        """One more may go: only with a rate."""
        self._due += 1
        if self._idle:
            self.free(self._idle.pop())

    def answered(self, is_good: bool, span: float, body: bytes) -> None:
        self.spans.append(span)
        if is_good:
            self.good += self._asked.batch
        else:
            self.bad += self._asked.batch
            self.first_bad = self.first_bad or body
        if self.good + self.bad >= self._asked.count and not self.done.done():
            self.done.set_result(None)

    def _recipient(self, number: int) -> int:
        """Everybody once; or of so many known people those who have opted in, scattered as in real life."""
        half = self._asked.people // 2
        return number * 7919 % half * 2 if half else number

    def _request(self) -> bytes:
        first, self._next = self._next, self._next + self._asked.batch
        messages: list[dict[str, Any]] = [
            {
                "to": f"+4474{self._recipient(number):08d}",
                "text": f"Your verification code is 482913. It expires in 5 minutes. {number}",
            }
            for number in range(first, first + self._asked.batch)
        ]
        shared: dict[str, Any] = {"sender": "Acme", "kind": self._asked.kind}
        if self._asked.hook:
            shared |= {"callback_url": self._asked.hook, "callback_events": ["message.delivered"]}
        whole = {"defaults": shared, "messages": messages} if self._asked.batch > 1 else {**messages[0], **shared}
        body = json.dumps(whole)
        return f"{self._head}{len(body)}\r\n\r\n{body}".encode()


async def run(asked: argparse.Namespace) -> dict[str, Any]:
    load = Load(asked)
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    for _ in range(asked.connections):
        await loop.create_connection(lambda: Caller(load), load.host, load.port)
    if asked.rate:
        for number in range(asked.count):
            await asyncio.sleep(max(0.0, began + number / asked.rate - time.perf_counter()))
            load.tick()
    await asyncio.wait_for(load.done, _PATIENCE_S + (asked.count / asked.rate if asked.rate else 0))
    spans = sorted(load.spans)
    return {
        "accepted": load.good,
        "bad": load.bad,
        "first_bad": load.first_bad.decode(errors="replace")[:300],
        "seconds": time.perf_counter() - began,
        "p50_ms": round(spans[len(spans) // 2] * 1000, 2),
        "p99_ms": round(spans[int(len(spans) * 0.99)] * 1000, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("key")
    parser.add_argument("--hook", default="")
    parser.add_argument("--count", type=int, default=1_000)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--kind", default="transactional")
    parser.add_argument("--people", type=int, default=0)
    parser.add_argument("--rate", type=float, default=0.0)
    sys.stdout.write(json.dumps(uvloop.run(run(parser.parse_args()))) + "\n")


if __name__ == "__main__":
    main()
