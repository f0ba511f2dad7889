"""One connection to a relay: a socket with a session on it, with one message at a time."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Protocol, cast

from heliograph.carriers.port import World
from heliograph.carriers.smtp.mime import Letter
from heliograph.carriers.smtp.session import Answered, Over, Ready, Reply, Secure, Session, Stage
from heliograph.carriers.smtp.settings import Settings, way_of
from heliograph.core.message import Submission
from heliograph.ports import Timer


class Owner(Protocol):
    """Whom a connection tells."""

    def ready(self, connection: "Connection") -> None: ...

    def decided(self, submission: Submission, reply: Reply, stage: Stage) -> None: ...

    def gone(self, connection: "Connection", reason: str, *, is_refused: bool) -> None:
        """It is over; `connection.carried` and its `stage` say what it had in hand."""
        ...


class Connection(asyncio.Protocol):
    """From the dial to the end."""

    def __init__(self, settings: Settings, world: World, owner: Owner) -> None:
        login = None if settings.username is None else (settings.username, settings.password or "")
        self.session = Session(hello=settings.hello, starttls=settings.security == "starttls", login=login)
        self.stage = Stage.GREETING  # when it ended
        self.carried: Submission | None = None
        self.count = 0
        self._settings = settings
        self._world = world
        self._owner = owner
        self._transport: asyncio.Transport | None = None
        self._timer: Timer | None = None
        self._is_over = False
        self._tasks: set[asyncio.Task[None]] = set()

    def open(self) -> None:
        self._wait(self._settings.timeout_s, "the relay does not answer")
        self._start(self._dial())

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _dial(self) -> None:
        try:
            await self._world.dial(lambda: self, self._settings.host, way_of(self._settings))
        except (OSError, ValueError) as error:  # no host, no TLS; a CA file that is none
            self._end(str(error) or type(error).__name__)

    async def _secure(self) -> None:
        assert self._transport is not None
        try:
            secured = await self._world.secure(self._transport, self, self._settings.host, way_of(self._settings))
        except (OSError, ValueError) as error:
            self._end(str(error) or type(error).__name__)
            return
        if not self._is_over:
            self._transport = cast(asyncio.Transport, secured)
            self.session.secured()
            self._write()

    def send(self, submission: Submission, letter: Letter) -> None:
        self.carried = submission
        self.count += 1
        self.session.send(*letter)
        self._write()

    def close(self) -> None:
        """Politely, if nothing is in hand."""
        if self.session.stage is Stage.IDLE:
            self.session.quit()
            self._write()
        self._end("closed")

    # -- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if self._is_over:
            transport.close()

    def data_received(self, data: bytes) -> None:
        if self._is_over:
            return
        for event in self.session.receive(data):
            match event:
                case Secure():
                    self._start(self._secure())
                case Ready():
                    self._wait(self._settings.idle_s, "idle")
                    self._owner.ready(self)
                case Answered(reply, stage):
                    submission, self.carried = self.carried, None
                    if submission is not None:
                        self._owner.decided(submission, reply, stage)
                case Over(reason, is_refused):
                    self._end(reason, is_refused=is_refused)
                    return
        self._write()

    def connection_lost(self, error: Exception | None) -> None:
        self._end(str(error or "the relay closed the connection"))
        self._transport = None

    @property
    def is_leaving(self) -> bool:
        """It is over, but the relay has not let go of it yet."""
        return self._transport is not None

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _write(self) -> None:
        octets = self.session.output()
        if not octets or self._transport is None:
            return
        self._transport.write(octets)
        if self.session.stage is not Stage.OVER:
            self._wait(self._settings.timeout_s, "the relay does not answer")

    # -- its end

    def _wait(self, seconds: float, reason: str) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._world.clock.later(seconds, lambda: self._too_long(reason))

    def _too_long(self, reason: str) -> None:
        if self.session.stage is Stage.IDLE:
            self.close()
        else:
            self._end(reason)

    def _end(self, reason: str, *, is_refused: bool = False) -> None:
        if self._is_over:
            return
        self._is_over = True
        if self._timer is not None:
            self._timer.cancel()
        self.stage, self.session.stage = self.session.stage, Stage.OVER
        if self._transport is not None:
            self._transport.close()
        self._owner.gone(self, reason, is_refused=is_refused)
