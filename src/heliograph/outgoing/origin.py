"""One scheme, host and port: its connections, and the requests that wait for one of them.

A free connection takes the oldest waiting request; otherwise it lies idle, and the last used is taken first, so
that those not needed grow old and close. When no connection can be had, all that wait are told so at once.
"""

from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Final, NamedTuple

from heliograph.outgoing.http1 import Answer, Connection, Request
from heliograph.outgoing.url import Target, Unreachable

WAITING_MAX: Final = 1024


class Limits(NamedTuple):
    """Of one origin."""

    connections: int
    idle_s: float
    age_s: float


class Room(NamedTuple):
    """How an origin asks for a connection, which comes through `opened`, and gives it back."""

    open: Callable[["Origin"], bool]  # False: there is none to have now
    give_back: Callable[[], None]


class Origin:
    """Lives as long as it has anything to do. It is the owner of its connections."""

    __slots__ = ("_connections", "_idle", "_limits", "_opening", "_room", "_waiting", "target")

    def __init__(self, to: Target, limits: Limits, room: Room) -> None:
        self.target = to
        self._limits = limits
        self._room = room
        self._connections: set[Connection] = set()  # all that are open
        self._idle: list[Connection] = []  # the longest idle first
        self._opening = 0
        self._waiting: deque[Request] = deque()

    @property
    def is_unused(self) -> bool:
        return not (self._connections or self._opening or self._waiting)

    def take(self, request: Request) -> bool:
        """Send a request, now or when a connection is free; False when too many wait already."""
        if self._idle:
            self._idle.pop().send(request)
            return True
        if len(self._waiting) >= WAITING_MAX:
            return False
        self._waiting.append(request)
        self._open_more()
        return True

    def answered(self, connection: Connection, request: Request, answer: Answer, reusable: bool) -> None:
        if reusable:
            self._release(connection)
        else:
            self._drop(connection)
            self._open_more()
        request.finish(answer)

    def opened(self, connection: Connection | Unreachable) -> None:
        """What became of a connection that was asked for."""
        self._opening -= 1
        if isinstance(connection, Connection) and not connection.is_lost:
            self._connections.add(connection)
            self._release(connection)
            return
        self._room.give_back()
        if self._connections or self._opening:
            return  # what waits will be served by those
        if isinstance(connection, Connection):
            connection = Unreachable("reset", "the server closed the connection at once")
        waiting, self._waiting = self._waiting, deque()
        for request in waiting:
            request.fail(connection.reason, connection.detail)

    def lost(self, connection: Connection, request: Request | None) -> None:
        self._drop(connection)
        if request is None:
            return
        if request.retried:
            request.fail("reset", "the server closed the connection before it answered")
        else:
            request.retried = True
            while self._idle:  # most likely closed as well: the retry shall not meet another one
                self._drop(self._idle[0])
            self._waiting.appendleft(request)
        self._open_more()

    def sweep(self) -> None:
        """Tell requests whose time is up, close what was idle for long, try again what found no room."""
        now = monotonic()
        for connection in [*self._connections]:
            request = connection.request
            if request is not None and request.deadline <= now:
                self._drop(connection)
                request.fail("timeout", "no answer in time")
        expired = [one for one in self._waiting if one.deadline <= now]
        if expired:
            self._waiting = deque(one for one in self._waiting if one.deadline > now)
        for request in expired:
            request.fail("busy", "no connection was free in time")
        while self._idle and self._idle[0].idle_since + self._limits.idle_s <= now:
            self._drop(self._idle[0])
        self._open_more()

    def close_an_idle_one(self) -> bool:
        if self._idle:
            self._drop(self._idle[0])
            return True
        return False

    def close(self) -> list[Request]:
        """Close everything; what is left without an answer."""
        unanswered = [one.request for one in self._connections if one.request is not None]
        unanswered += self._waiting
        self._waiting.clear()
        for connection in [*self._connections]:
            self._drop(connection)
        return unanswered

    def _open_more(self) -> None:
        wanted = min(len(self._waiting), self._limits.connections - len(self._connections)) - self._opening
        for _ in range(wanted):
            if not self._room.open(self):
                return  # the sweep comes back to it
            self._opening += 1

    def _release(self, connection: Connection) -> None:
        now = monotonic()
        if connection.served and connection.opened + self._limits.age_s <= now:
            self._drop(connection)
            self._open_more()
        elif self._waiting:
            connection.send(self._waiting.popleft())
        else:
            connection.idle_since = now
            self._idle.append(connection)

    def _drop(self, connection: Connection) -> None:
        connection.abort()
        if connection in self._connections:
            self._connections.remove(connection)
            self._room.give_back()
        if connection in self._idle:
            self._idle.remove(connection)
