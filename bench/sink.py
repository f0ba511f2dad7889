"""Receives webhooks, counts them, checks a sample of their signatures: `python -m bench.sink PORT [SECRET]`.

GET tells how it stands as JSON. Events may come one in a body or several.
"""

import asyncio
import json
import re
import sys
import time
from typing import cast

import httptools
import uvloop

from heliograph.core.signing import verify

_NUMBER = re.compile(rb'"to":"\+4474(\d{8})"')
_SAMPLE = 50  # one of so many signatures is checked
_OK = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


class Counts:
    """What was heard so far."""

    def __init__(self, secret: str) -> None:
        self.secret = secret
        self.posts = self.again = self.checked = self.forged = 0
        self.numbers: set[bytes] = set()
        self.last = 0.0

    def take(self, headers: dict[bytes, bytes], body: bytes) -> None:
        self.posts += 1
        for number in _NUMBER.findall(body):
            self.again += number in self.numbers
            self.numbers.add(number)
        self.last = time.time()
        if self.secret and self.posts % _SAMPLE == 0:
            self.checked += 1
            said = {name.decode(): value.decode() for name, value in headers.items()}
            self.forged += verify([self.secret], said, body, int(time.time())) is not None

    def tell(self) -> bytes:
        names = ("posts", "again", "checked", "forged", "last")
        return json.dumps({"unique": len(self.numbers), **{n: getattr(self, n) for n in names}}).encode()


class Peer(asyncio.Protocol):
    """One connection."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._parser = httptools.HttpRequestParser(self)
        self._headers: dict[bytes, bytes] = {}
        self._body = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but name

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.lower()] = value

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        assert self._transport is not None
        if self._parser.get_method() == b"GET":
            told = self._counts.tell()
            self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(told) + told)
        else:
            self._counts.take(self._headers, self._body)
            self._transport.write(_OK)
        self._headers, self._body = {}, b""


async def serve(port: int, secret: str) -> None:
    counts = Counts(secret)
    server = await asyncio.get_running_loop().create_server(lambda: Peer(counts), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else ""))
