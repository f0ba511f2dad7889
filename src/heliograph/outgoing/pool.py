"""The sender of webhooks: many requests to many servers over few kept-alive connections.

Each request is answered exactly once, within its time, and never from inside the call that handed it over.
Nothing grows without bound: connections per origin and in all, requests waiting per origin. A slow or dead server
keeps only its own requests waiting. One timer sweeps all deadlines; no task, future or timer per request.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from time import monotonic
from typing import Final

from heliograph.outgoing.dial import Dialler
from heliograph.outgoing.guard import Guard, Network
from heliograph.outgoing.http1 import METHODS, Answer, Done, Request, header_lines, request_bytes
from heliograph.outgoing.origin import Limits, Origin, Room
from heliograph.outgoing.resolve import Lookup
from heliograph.outgoing.url import BadUrl, Target, target

_SWEEP_S: Final = 0.1  # deadlines are kept to within this


class Pool:
    """All outgoing connections of a process. Lives on one event loop; call it from no other thread."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        allow_networks: Sequence[Network] = (),
        allow_ports: Collection[int] = (),
        connect_timeout_s: float = 3.0,
        idle_s: float = 30.0,
        age_s: float = 300.0,  # so that a name's new address is found in the end
        max_connections_per_origin: int = 32,
        max_connections: int = 1024,
        ca_file: str | None = None,
        lookup: Lookup | None = None,
    ) -> None:
        self._loop = loop
        guard = Guard(allow_networks, allow_ports)
        self._dialler = Dialler(loop, guard, timeout_s=connect_timeout_s, ca_file=ca_file, lookup=lookup)
        self._limits = Limits(max_connections_per_origin, idle_s, age_s)
        self._room = Room(self._open_for, self._give_back)
        self._max_connections = max_connections
        self._open_count = 0  # open or being opened
        self._opening: set[asyncio.Task[None]] = set()
        self._origins: dict[str, Origin] = {}
        self._sweeping: asyncio.TimerHandle | None = None
        self._is_closed = False

    def post(self, to: Target, headers: bytes, body: bytes, timeout_s: float, done: Done) -> None:
        """Send a POST; `done` hears the answer. ValueError when `headers` are not as `header_lines` makes them."""
        now = monotonic()
        self._send(Request(to, request_bytes(to.post_head, headers, body), now, now + timeout_s, done))

    def get(self, to: Target, headers: bytes, timeout_s: float, done: Done) -> None:
        """Send a GET, as `post` does."""
        now = monotonic()
        self._send(Request(to, request_bytes(b"GET" + to.tail, headers, b""), now, now + timeout_s, done))

    def call(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, timeout_s: float, done: Done
    ) -> None:
        """Any request, sent at most once: when the server closes before it answers, nobody tries again."""
        if method not in METHODS:
            raise ValueError(f"not a method that we send: {method!r}")
        to = target(url)
        if isinstance(to, BadUrl):
            self._loop.call_soon(done, Answer(0, "bad_url", to.detail))
            return
        now = monotonic()
        wire = request_bytes(method.encode() + to.tail, header_lines(headers), body)
        request = Request(to, wire, now, now + timeout_s, done)
        request.retried = True
        self._send(request)

    async def request(self, method: str, url: str, headers: Mapping[str, str], body: bytes, timeout_s: float) -> Answer:
        """Any request, for code that may wait; ValueError for a method or headers that we don't send."""
        if method not in METHODS:
            raise ValueError(f"not a method that we send: {method!r}")
        to = target(url)
        if isinstance(to, BadUrl):
            return Answer(0, to.code, to.detail)
        answered: asyncio.Future[Answer] = self._loop.create_future()

        def done(answer: Answer) -> None:
            if not answered.done():  # the caller may have been cancelled
                answered.set_result(answer)

        now = monotonic()
        wire = request_bytes(method.encode() + to.tail, header_lines(headers), body)
        self._send(Request(to, wire, now, now + timeout_s, done))
        return await answered

    def close(self) -> None:
        """End everything now; what is not answered yet is answered `closed`."""
        self._is_closed = True
        if self._sweeping is not None:
            self._sweeping.cancel()
        for task in self._opening:
            task.cancel()
        self._dialler.close()
        origins, self._origins = self._origins, {}
        for origin in origins.values():
            for request in origin.close():
                request.fail("closed", "the sender is closing")

    def _send(self, request: Request) -> None:
        if self._is_closed:
            self._loop.call_soon(request.fail, "closed", "the sender is closed")
            return
        origin = self._origins.get(request.target.origin)
        if origin is None:
            origin = self._origins[request.target.origin] = Origin(request.target, self._limits, self._room)
        if not origin.take(request):
            self._loop.call_soon(request.fail, "busy", "too many requests wait for this server")
        if self._sweeping is None:
            self._sweeping = self._loop.call_later(_SWEEP_S, self._sweep)

    def _sweep(self) -> None:
        for key, origin in [*self._origins.items()]:
            origin.sweep()
            if origin.is_unused:
                self._origins.pop(key, None)
        rests = self._is_closed or not self._origins
        self._sweeping = None if rests else self._loop.call_later(_SWEEP_S, self._sweep)

    def _open_for(self, origin: Origin) -> bool:
        if self._open_count >= self._max_connections and not self._close_an_idle_one():
            return False
        self._open_count += 1
        task = self._loop.create_task(self._open(origin))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)
        return True

    async def _open(self, origin: Origin) -> None:
        origin.opened(await self._dialler.connect(origin.target, origin))

    def _give_back(self) -> None:
        self._open_count -= 1

    def _close_an_idle_one(self) -> bool:
        return any(origin.close_an_idle_one() for origin in self._origins.values())
