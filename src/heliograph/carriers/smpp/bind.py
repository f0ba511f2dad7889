"""One bind: a socket with a session on it, opened again and again for as long as it is wanted."""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import Any, Final, Protocol, cast

from heliograph.carriers.port import World
from heliograph.carriers.recorder import IN, OUT, Recorder
from heliograph.carriers.smpp.dialling import trouble_of
from heliograph.carriers.smpp.settings import Settings
from heliograph.core.rates import Cap
from heliograph.ports import Timer
from heliograph.smpp.codec import Pdu
from heliograph.smpp.session import (
    Answered,
    Asked,
    Bound,
    Event,
    Late,
    Over,
    Refused,
    Session,
    Silent,
    Timers,
)
from heliograph.smpp.status import CODES, describe, status_of

_TICK_S: Final = 0.5
_STEADY_S: Final = 60.0  # a bind that lived so long, or that took something, was a good one: soon again after it
_REFUSED_FIRST_S: Final = 60.0  # refused credentials or certificates: slowly, fast retries lock accounts
_REFUSED_LONGEST_S: Final = 900.0
_NOT_BOUND: Final = CODES["RINVBNDSTS"]
# The peer ended a handshake of TLS: it may be about to restart, which says nothing of certificates.
_HUNG_UP: Final = (ssl.SSLEOFError, ssl.SSLZeroReturnError)
_NOT_CREDENTIALS: Final = frozenset({"RALYBND", "RSYSERR", "RTHROTTLED", "RMSGQFUL"})
_UNSENT_MAX: Final = 1 << 20  # octets that wait for a peer that does not read: then nothing more is asked of it


class Owner(Protocol):
    """Whom a bind tells. Tokens are the owner's own."""

    cap: Cap  # of all binds together
    recorder: Recorder

    def opened(self, bind: "Bind") -> None: ...

    def closed(self, bind: "Bind", reason: str, unanswered: Sequence[Any], unsent: Sequence[Any]) -> None:
        """The bind is gone. `unanswered`: nobody knows what became of them; `unsent`: they never left."""
        ...

    def answered(self, bind: "Bind", token: Any, pdu: Pdu) -> None: ...

    def unwritable(self, bind: "Bind", token: Any, why: str) -> None:
        """The request can't be written as a PDU: it never left."""
        ...

    def silent(self, bind: "Bind", token: Any) -> None: ...

    def asked(self, bind: "Bind", pdus: Sequence[Pdu]) -> None: ...

    def late(self, bind: "Bind", pdu: Pdu) -> None: ...


class _Connection(asyncio.Protocol):
    """One connection of a bind.

    Its end may come long after the bind has given it up (with TLS half a minute, with a full buffer hours), when the
    next one is at work: then it means nothing any more.
    """

    def __init__(self, bind: "Bind") -> None:
        self._bind = bind
        self.transport: asyncio.Transport | None = None

    @property
    def _counts(self) -> bool:
        return self._bind.connection is self

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(_UNSENT_MAX)
        self._bind.connected(self)

    def pause_writing(self) -> None:
        if self._counts:
            self._bind.pause_writing()

    def resume_writing(self) -> None:
        if self._counts:
            self._bind.resume_writing()

    def data_received(self, data: bytes) -> None:
        if self._counts:
            self._bind.received(data)

    def connection_lost(self, error: Exception | None) -> None:
        if self._counts:
            self._bind.lost(str(error or "the carrier closed the connection"))


class Bind:
    """Keeps one bind open, sends what it is given as its window allows."""

    def __init__(self, number: int, command: int, settings: Settings, world: World, owner: Owner) -> None:
        self.number = number
        self.command = command
        self.reason = "not started"
        self.connection: _Connection | None = None
        self._settings = settings
        self._clock = world.clock
        self._chance = world.chance
        self._dial = world.dial
        self._owner = owner
        self._timers = Timers(
            settings.bind_timeout_s,
            settings.response_timeout_s,
            settings.enquire_link_s,
            min(settings.enquire_link_s, settings.bind_timeout_s),
        )
        self._record, self._stream = owner.recorder.octets, 0
        self._session: Session | None = None
        self._ready: deque[tuple[Pdu, Any]] = deque()
        self._wanted = True
        self._tries = 0
        self._pause_first, self._pause_longest = settings.reconnect_first_s, settings.reconnect_longest_s
        self._opened_at = 0.0
        self._ticking: Timer | None = None
        self._retrying: Timer | None = None
        self._task: asyncio.Task[None] | None = None
        self._paused_until = 0.0
        self._waiting: Timer | None = None
        self._is_full = False
        self._leaving = ""  # why nothing more goes out by this session

    # -- what the owner asks

    @property
    def may_submit(self) -> bool:
        return self._session is not None and self._session.may_submit and not self._leaving

    @property
    def takes_tlvs(self) -> bool:
        return self._session is not None and self._session.takes_tlvs

    @property
    def may_receive(self) -> bool:
        return self._session is not None and self._session.may_deliver

    @property
    def load(self) -> int:
        """Requests that wait here, for an answer or for their turn."""
        return len(self._ready) + (self._session.in_flight if self._session else 0)

    def open(self) -> None:
        """Connect and bind; returns at once."""
        self._retrying = None
        if self._wanted:
            self._task = asyncio.ensure_future(self._connect())

    def send(self, pdu: Pdu, token: Any) -> None:
        """Take a request with its token, to leave at the next `pump`."""
        self._ready.append((pdu, token))

    def put_back(self, pdu: Pdu, token: Any) -> None:
        """Take a request that left once already: before those that never did, in the order of the first time."""
        earlier = takewhile(lambda waiting: 0 < waiting[0].sequence < pdu.sequence, self._ready)
        self._ready.insert(sum(1 for _ in earlier), (pdu, token))

    def drop(self, unwanted: Callable[[Any], bool]) -> list[Any]:
        """Forget requests that have not left yet; gives back their tokens."""
        dropped = [token for _, token in self._ready if unwanted(token)]
        if dropped:
            self._ready = deque((pdu, token) for pdu, token in self._ready if not unwanted(token))
        return dropped

    def pause(self, seconds: float) -> None:
        """Send nothing for a while; what is under way goes on."""
        until = self._clock.monotonic() + seconds
        if until > self._paused_until:
            self._paused_until = until
            self._clock.later(seconds, self.pump)

    def renew(self, reason: str) -> None:
        """Send nothing more by this session, let what is under way be answered, then connect and bind anew."""
        self._leaving = reason

    def pump(self) -> None:
        """Send as much as the window has room for, in one write."""
        session = self._session
        if session is None:
            return
        now = self._clock.monotonic()
        if self._leaving:
            self._leave(session)
        elif self._ready and not self._is_full and now >= self._paused_until:
            request = session.request
            for _ in range(self._allowed(min(session.room, len(self._ready)), now)):
                if not self._ready:  # one that can't be written took its other parts with it
                    break
                pdu, token = self._ready.popleft()
                try:
                    request(pdu, token, now)
                except ValueError as error:
                    self._owner.unwritable(self, token, str(error))
        self.flush()

    def _leave(self, session: Session) -> None:
        if not session.in_flight:
            self.lost(self._leaving)

    def _allowed(self, wanted: int, now: float) -> int:
        """How many may leave now; for the others it comes back when there is room in the rate."""
        cap = self._owner.cap
        if not cap.per_second or not wanted:
            return wanted
        count = max(0, min(wanted, cap.free(now)))
        if count:
            cap.hold(count, now)
            cap.use(count, now)
        if count < wanted and self._waiting is None:
            self._waiting = self._clock.later(max(cap.wait(now), 0.001), self._go_on)
        return count

    def _go_on(self) -> None:
        self._waiting = None
        self.pump()

    def respond(self, pdus: Sequence[Pdu], session: Session, status: int = 0) -> None:
        """Answer requests of the carrier, if the session that they came by still stands."""
        if session is self._session:
            session.respond_to_all(pdus, status, {"message_id": ""})
            self.flush()

    @property
    def session(self) -> Session | None:
        return self._session

    def flush(self) -> None:
        if self._session is not None and (octets := self._session.output()) and (transport := self._transport):
            transport.write(octets)
            self._record(OUT, octets, self._stream)

    @property
    def _transport(self) -> asyncio.Transport | None:
        return self.connection.transport if self.connection is not None else None

    async def close(self, grace_s: float) -> None:
        """Let what is in flight be answered, unbind, close."""
        self._wanted = False
        if self._retrying is not None:
            self._retrying.cancel()
        end = self._clock.monotonic() + grace_s
        while self._session is not None and self.load and self._clock.monotonic() < end:
            await asyncio.sleep(0.02)
        if (session := self._session) is not None:
            session.unbind(self._clock.monotonic())
            self.flush()
            end = max(end, self._clock.monotonic() + 0.2)
        while self.session is not None and self._clock.monotonic() < end:
            await asyncio.sleep(0.01)
        if self._task is not None and not self._task.done():
            self._task.cancel()
        self.lost("stopped")

    # -- the connection

    async def _connect(self) -> None:
        hosts = self._settings.host
        host = hosts if isinstance(hosts, str) else hosts[self._tries % len(hosts)]
        self._tries += 1
        dialling = self._dial(lambda: _Connection(self), host, self._settings)
        error = await trouble_of(dialling, self._settings.bind_timeout_s)
        if error is not None:
            self.reason = f"{host}:{self._settings.port}: {str(error) or 'no connection in time'}"
            if isinstance(error, ssl.SSLError) and not isinstance(error, _HUNG_UP):
                self._pause_first, self._pause_longest = _REFUSED_FIRST_S, _REFUSED_LONGEST_S
            self._owner.closed(self, self.reason, (), ())
            self._try_again()

    def _try_again(self) -> None:
        if not self._wanted or self._retrying is not None:
            return
        longest = min(self._pause_longest, self._pause_first * 2 ** min(max(self._tries - 1, 0), 20))
        self._retrying = self._clock.later(longest * (0.5 + self._chance.random() / 2), self.open)

    def connected(self, connection: _Connection) -> None:
        self.connection, self.reason, self._leaving = connection, "", ""
        now = self._clock.monotonic()
        session = self._session = Session(now, window=self._settings.window, timers=self._timers)
        settings = self._settings
        fields = {
            "system_id": settings.system_id,
            "password": settings.password,
            "system_type": settings.system_type,
            "interface_version": settings.interface_version,
        }
        session.bind(self.command, fields, now)
        self._stream = next(self._owner.recorder.streams)
        self.flush()
        self._ticking = self._clock.later(_TICK_S, self._tick)

    def pause_writing(self) -> None:
        self._is_full = True

    def resume_writing(self) -> None:
        self._is_full = False
        self.pump()

    def received(self, data: bytes) -> None:
        self._record(IN, data, self._stream)
        if self._session is not None:
            self._handle(self._session.receive(data, self._clock.monotonic()))

    def _tick(self) -> None:
        if self._session is None:
            return
        self._ticking = self._clock.later(_TICK_S, self._tick)
        self._handle(self._session.tick(self._clock.monotonic()))

    def _handle(self, events: Sequence[Event]) -> None:
        asked: list[Pdu] = []
        for event in events:
            if type(event) is Answered:
                pdu = event.pdu
                if pdu.status != _NOT_BOUND:
                    self._tries = 0
                self._owner.answered(self, event.token, pdu)
            elif type(event) is Asked:
                asked.append(event.pdu)
            elif type(event) is Silent:
                self._owner.silent(self, event.token)
            elif type(event) is Late:
                self._owner.late(self, event.pdu)
            elif type(event) is Bound:
                self._is_bound()
            elif type(event) is Refused:
                self._was_refused(event.pdu.status)
            elif type(event) is Over:
                self._over(event)
                return
        if asked:
            self._owner.asked(self, asked)
        self.pump()

    def _is_bound(self) -> None:
        self._opened_at = self._clock.monotonic()
        self._pause_first, self._pause_longest = self._settings.reconnect_first_s, self._settings.reconnect_longest_s
        self._owner.opened(self)

    def _was_refused(self, status: int) -> None:
        self.reason = f"the carrier refused the bind: {describe(status)}"
        if status_of(status).name not in _NOT_CREDENTIALS:
            self._pause_first, self._pause_longest = _REFUSED_FIRST_S, _REFUSED_LONGEST_S

    def lost(self, reason: str) -> None:
        """The connection is gone, or nobody wants it any more."""
        if self._session is not None:
            self._over(self._session.lost(reason))

    def _over(self, over: Over) -> None:
        """The session has ended, from whatever side."""
        self.flush()
        transport, self.connection, self._session = self._transport, None, None
        if self._ticking is not None:
            self._ticking.cancel()
        if transport is not None:
            transport.close()
        if self._opened_at and self._clock.monotonic() - self._opened_at > _STEADY_S:
            self._tries = 0
        self._opened_at = 0.0
        self.reason = self.reason or over.reason  # why the bind was refused says more than that it was
        unsent = [token for _, token in self._ready]
        self._ready.clear()
        self._is_full = False
        self._owner.closed(self, self.reason, over.unanswered, unsent)
        self._try_again()
