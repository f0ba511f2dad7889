"""Web servers of the tests' own on real sockets: scripted answers, and all requests are written down."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from ipaddress import ip_network
from types import TracebackType
from typing import Any, NamedTuple, Self

from heliograph.outgoing.http1 import Answer
from heliograph.outgoing.pool import Pool
from heliograph.outgoing.url import Target, target

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Got(NamedTuple):
    """A request as it arrived: on which connection, and its number there, both from 1."""

    connection: int
    number: int
    head: str
    body: bytes


class Peer(NamedTuple):
    """What a script is given."""

    got: Got
    server: "Server"
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()


Script = Callable[[Peer], Awaitable[bool | None]]  # True: close this connection


async def answer_ok(peer: Peer) -> None:
    await peer.send(OK)


async def keep_silent(peer: Peer) -> None:
    await peer.server.closing.wait()


def answering(data: bytes, *, close: bool = False) -> Script:
    async def script(peer: Peer) -> bool:
        await peer.send(data)
        return close

    return script


class Server:
    """`async with Server(script) as server`."""

    def __init__(self, script: Script = answer_ok, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        self.requests: list[Got] = []
        self.connections = 0
        self.open = 0
        self.open_max = 0
        self.changed = asyncio.Condition()  # something above did
        self.closing = asyncio.Event()
        self._script, self._tls, self._host = script, tls, host
        self._tasks: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, self._host, 0, ssl=self._tls, backlog=1024)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def target(self, path: str = "/hook", host: str = "127.0.0.1", scheme: str = "http") -> Target:
        to = target(f"{scheme}://{host}:{self.port}{path}")
        assert isinstance(to, Target)
        return to

    async def until(self, what: Callable[["Server"], bool]) -> None:
        async with asyncio.timeout(10), self.changed:
            await self.changed.wait_for(lambda: what(self))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        self.open += 1
        self.open_max = max(self.open, self.open_max)
        connection = self.connections
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):  # cancelled at the end
                await self._converse(connection, reader, writer)
        finally:
            self.open -= 1
            self._tasks.discard(task)
            writer.close()
            async with self.changed:
                self.changed.notify_all()

    async def _converse(self, connection: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        closes: bool | None = False
        number = 0
        while not closes:
            number += 1
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            length = int(head.lower().split("content-length: ")[1].split("\r\n")[0])
            got = Got(connection, number, head, await reader.readexactly(length))
            self.requests.append(got)
            async with self.changed:
                self.changed.notify_all()
            closes = await self._script(Peer(got, self, writer))


class Sender:
    """A pool for one test, awaited; counts how often each request was answered."""

    def __init__(self, **settings: Any) -> None:
        self.pool = Pool(asyncio.get_running_loop(), **({"allow_networks": LOOPBACK} | settings))
        self.answers: list[Answer] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.pool.close()

    def start(self, to: Target, body: bytes = b"{}", timeout_s: float = 5.0) -> asyncio.Future[Answer]:
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

        def done(answer: Answer) -> None:
            self.answers.append(answer)
            future.set_result(answer)  # raises when it is told twice

        self.pool.post(to, b"content-type: application/json\r\n", body, timeout_s, done)
        assert not future.done()
        return future

    async def post(self, to: Target, body: bytes = b"{}", timeout_s: float = 5.0) -> Answer:
        return await self.start(to, body, timeout_s)
