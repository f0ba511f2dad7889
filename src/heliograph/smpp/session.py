"""One SMPP session, either side of it, without I/O: octets and ticks go in, events and octets come out.

    session = Session(now, window=10)
    session.bind(BIND_TRANSCEIVER, {"system_id": "acme", "password": "secret"}, now)
    transport.write(session.output())
    ...
    for event in session.receive(octets, now):
        match event:
            case Bound(): session.request(Pdu(SUBMIT_SM, {...}), token="message 1", now=now)
            case Answered(token, pdu): ...
            case Asked(pdu): session.respond(pdu)
            case Over(): transport.close()
    transport.write(session.output())

It looks after sequence numbers, the window, response times, enquire_link in both directions, unbind, requests in a
wrong state and PDUs that can't be read. It never closes anything: `Over` says that the transport must be closed, once
what `output` gives is written. Every token of a request comes back exactly once: in `Answered`, `Silent` or `Over`.
"""

from collections.abc import Mapping, Sequence
from math import inf
from typing import Any, Final

from heliograph.smpp.codec import (
    INVALID_COMMAND_ID,
    INVALID_COMMAND_LENGTH,
    BadPdu,
    BrokenStream,
    Frames,
    Pdu,
    decode,
    encode,
)
from heliograph.smpp.commands import (
    ALERT_NOTIFICATION,
    BIND_RECEIVER,
    BIND_TRANSCEIVER,
    BIND_TRANSMITTER,
    BINDS,
    CANCEL_SM,
    DATA_SM,
    DELIVER_SM,
    ENQUIRE_LINK,
    GENERIC_NACK,
    LAYOUTS,
    NO_RESPONSE,
    OUTBIND,
    QUERY_SM,
    REPLACE_SM,
    RESPONSE,
    SUBMIT_MULTI,
    SUBMIT_SM,
    UNBIND,
    Tag,
    name_of,
)
from heliograph.smpp.events import (
    Answered,
    Asked,
    Binding,
    Bound,
    Event,
    Invited,
    Late,
    Over,
    Refused,
    Silent,
    Timers,
)

__all__ = [
    "MODES",
    "Answered",
    "Asked",
    "Binding",
    "Bound",
    "Event",
    "Invited",
    "Late",
    "Over",
    "Refused",
    "Session",
    "Silent",
    "Timers",
]

OPEN: Final = "open"
BINDING: Final = "binding"
BOUND: Final = "bound"
UNBINDING: Final = "unbinding"
CLOSED: Final = "closed"

INVALID_BIND_STATUS: Final = 0x04
ALREADY_BOUND: Final = 0x05
_SEQUENCE_MAX: Final = 0x7FFFFFFF
_FROM_CLIENT: Final = frozenset({SUBMIT_SM, SUBMIT_MULTI, DATA_SM, QUERY_SM, CANCEL_SM, REPLACE_SM})
_FROM_SERVER: Final = frozenset({DELIVER_SM, DATA_SM, ALERT_NOTIFICATION})
_VERSION_WITH_TLVS: Final = 0x34


class Session:
    """One session. Times are seconds of any clock that never runs back."""

    def __init__(self, now: float, *, is_server: bool = False, window: int = 10, timers: Timers | None = None) -> None:
        self.state = OPEN
        self.mode = 0  # the command of the bind
        self.peer_version = self._own_version = _VERSION_WITH_TLVS
        self.window = window
        self._is_server = is_server
        self._timers = timers or Timers()
        self._patience = self._timers.response or inf
        self._frames = Frames()
        self._out: list[bytes] = []
        self._sequence = 0
        self._waiting: dict[int, tuple[Any, float]] = {}  # tokens and deadlines, the earliest first
        self._enquired: tuple[int, float] | None = None  # sequence and deadline
        self._opened = self._heard = self._used = now
        self._half_since: float | None = None
        self._bind_sequence = 0
        self._binding: Pdu | None = None

    # -- what the owner asks

    @property
    def room(self) -> int:
        """How many requests may still be sent."""
        return self.window - len(self._waiting) if self.state == BOUND else 0

    @property
    def in_flight(self) -> int:
        return len(self._waiting)

    @property
    def may_submit(self) -> bool:
        return self.state == BOUND and self.mode != BIND_RECEIVER

    @property
    def may_deliver(self) -> bool:
        return self.state == BOUND and self.mode != BIND_TRANSMITTER

    @property
    def takes_tlvs(self) -> bool:
        """Before 3.4 there were no optional parameters; a server that was told so by its client sends none either."""
        return min(self.peer_version, self._own_version) >= _VERSION_WITH_TLVS

    def output(self) -> bytes:
        """What is to be written to the transport."""
        out = b"".join(self._out)
        self._out.clear()
        return out

    # -- client

    def bind(self, command: int, fields: Mapping[str, Any], now: float) -> None:
        """Ask to be bound."""
        sequence = self._next_sequence()
        fields = {"interface_version": _VERSION_WITH_TLVS, **fields}
        self._own_version = fields["interface_version"]
        self._out.append(encode(Pdu(command, fields, sequence=sequence)))
        self.state, self.mode, self._opened, self._bind_sequence = BINDING, command, now, sequence

    # -- server

    def accept(self, system_id: str, now: float, *, version: int = _VERSION_WITH_TLVS) -> None:
        """Take the client's bind; nothing happens if the session has ended in the meantime."""
        pdu = self._binding
        if self.state == CLOSED:
            return
        assert pdu is not None
        given = pdu.fields["interface_version"]
        self.peer_version = given if given <= 0x50 else _VERSION_WITH_TLVS
        self.mode, self.state, self._binding, self._used = pdu.command, BOUND, None, now
        tlvs = {Tag.SC_INTERFACE_VERSION: bytes((version,))} if self.takes_tlvs else None
        self._out.append(
            encode(Pdu(pdu.command | RESPONSE, {"system_id": system_id}, sequence=pdu.sequence, tlvs=tlvs))
        )

    def refuse(self, status: int, now: float) -> Over:
        """Refuse the client's bind; the session is over."""
        pdu = self._binding
        if self.state == CLOSED:
            return Over("over already", ())
        assert pdu is not None
        self._out.append(encode(Pdu(pdu.command | RESPONSE, status=status, sequence=pdu.sequence)))
        return self._over(f"bind refused with {status}")

    # -- both sides

    def request(self, pdu: Pdu, token: Any, now: float) -> None:
        """Send a request; the caller has looked at `room`."""
        pdu.sequence = sequence = self._next_sequence()
        self._out.append(encode(pdu))
        self._waiting[sequence] = token, now + self._patience
        self._used = now

    def notify(self, pdu: Pdu) -> None:
        """Send what has no response: outbind, alert_notification."""
        pdu.sequence = self._next_sequence()
        self._out.append(encode(pdu))

    def respond(
        self,
        pdu: Pdu,
        status: int = 0,
        fields: Mapping[str, Any] | None = None,
        tlvs: Mapping[int, bytes] | None = None,
    ) -> None:
        """Answer a request of the peer."""
        self._out.append(encode(Pdu(pdu.command | RESPONSE, fields, status, pdu.sequence, tlvs)))

    def respond_to_all(self, pdus: Sequence[Pdu], status: int = 0, fields: Mapping[str, Any] | None = None) -> None:
        """Answer requests of the peer that came together, each the same: only the sequence number differs."""
        written: dict[int, tuple[bytes, bytes]] = {}  # by command: what stands before the number and behind it
        for pdu in pdus:
            parts = written.get(pdu.command)
            if parts is None:
                octets = encode(Pdu(pdu.command | RESPONSE, fields, status=status))
                parts = written[pdu.command] = octets[:12], octets[16:]
            before, behind = parts
            self._out.append(before + pdu.sequence.to_bytes(4, "big") + behind)

    def unbind(self, now: float) -> None:
        """Ask to end in order; `Over` follows when the peer has answered or its time is up."""
        if self.state == BOUND:
            self.state = UNBINDING
            self._bind_sequence = self._next_sequence()
            self._opened = now
            self._out.append(encode(Pdu(UNBIND, sequence=self._bind_sequence)))

    def lost(self, reason: str) -> Over:
        """The transport is gone."""
        return self._over(reason)

    def tick(self, now: float) -> list[Event]:
        """Look at the timers; about once a second."""
        events: list[Event] = []
        if self.state == CLOSED:
            return events
        while self._waiting:
            sequence, (token, deadline) = next(iter(self._waiting.items()))
            if deadline > now:
                break
            del self._waiting[sequence]
            events.append(Silent(token))
        if reason := self._out_of_time(now):
            events.append(self._over(reason))
        elif self._timers.enquire and self._enquired is None and now - self._heard >= self._timers.enquire:
            sequence = self._next_sequence()
            self._enquired = sequence, now + (self._timers.enquire_response or inf)
            self._out.append(encode(Pdu(ENQUIRE_LINK, sequence=sequence)))
        return events

    def _out_of_time(self, now: float) -> str | None:
        timers = self._timers
        if self._enquired is not None and self._enquired[1] <= now:
            return "no answer to enquire_link"
        if self.state in (OPEN, BINDING) and timers.bind and now - self._opened >= timers.bind:
            return "no bind in time" if self._is_server else "no answer to the bind"
        if self.state == UNBINDING and timers.enquire_response and now - self._opened >= timers.enquire_response:
            return "no answer to unbind"
        if self._half_since is not None and timers.half and now - self._half_since >= timers.half:
            return "half a PDU, and nothing more"
        if self.state == BOUND and timers.inactivity and now - self._used >= timers.inactivity:
            return "not used for too long"
        return None

    # -- what the peer sends

    def receive(self, octets: bytes, now: float) -> list[Event]:
        """Read what came."""
        events: list[Event] = []
        if self.state == CLOSED:
            return events
        self._heard = now
        try:
            for frame in self._frames.feed(octets):
                self._half_since = None
                try:
                    event = self._take(decode(frame), now)
                except BadPdu as bad:
                    self._nack(bad)
                    continue
                if event is None:
                    continue
                events.append(event)
                if type(event) is Over:
                    return events
                if type(event) is Refused:
                    events.append(self._over(f"bind refused with {event.pdu.status}"))
                    return events
        except BrokenStream as broken:
            self._out.append(encode(Pdu(GENERIC_NACK, status=INVALID_COMMAND_LENGTH)))
            events.append(self._over(str(broken)))
            return events
        if not self._frames.has_half:
            self._half_since = None
        elif self._half_since is None:
            self._half_since = now
        return events

    def _nack(self, bad: BadPdu) -> None:
        """Answer what can't be read; a response that can't be read is as good as none."""
        if bad.command in LAYOUTS and bad.command not in NO_RESPONSE and not bad.command & RESPONSE:
            command = bad.command | RESPONSE
        elif bad.command & RESPONSE:
            return
        else:
            command = GENERIC_NACK
        self._out.append(encode(Pdu(command, status=bad.status, sequence=bad.sequence)))

    def _take(self, pdu: Pdu, now: float) -> Event | None:
        command = pdu.command
        if command & RESPONSE:
            return self._take_response(pdu, now)
        if (self.state == BOUND or self.state == UNBINDING) and self._may_ask(command):
            self._used = now
            return Asked(pdu)
        if command == ENQUIRE_LINK:
            self._out.append(encode(Pdu(ENQUIRE_LINK | RESPONSE, sequence=pdu.sequence)))
            return None
        if command == UNBIND:
            self._out.append(encode(Pdu(UNBIND | RESPONSE, sequence=pdu.sequence)))
            return self._over("the peer unbound")
        self._used = now
        if command in BINDS and self._is_server:
            if self.state != OPEN or self._binding is not None:
                self.respond(pdu, ALREADY_BOUND)
                return None
            self._binding = pdu
            return Binding(pdu)
        if command == OUTBIND and not self._is_server and self.state == OPEN:
            return Invited(pdu)
        if command in (_FROM_CLIENT | _FROM_SERVER) and command not in NO_RESPONSE:
            self.respond(pdu, INVALID_BIND_STATUS)
        elif command not in NO_RESPONSE:
            self._out.append(encode(Pdu(GENERIC_NACK, status=INVALID_COMMAND_ID, sequence=pdu.sequence)))
        return None

    def _may_ask(self, command: int) -> bool:
        """A server that reports on a bind that only transmits is let do so."""
        if not self._is_server:
            return command in _FROM_SERVER
        return command in _FROM_CLIENT and self.mode != BIND_RECEIVER

    def _take_response(self, pdu: Pdu, now: float) -> Event | None:
        sequence = pdu.sequence
        waiting = self._waiting.pop(sequence, None)
        if waiting is not None:
            self._used = now
            return Answered(waiting[0], pdu)
        if self._enquired is not None and sequence == self._enquired[0]:
            self._enquired = None
            return None
        if (
            sequence == self._bind_sequence
            and self.state == BINDING
            and pdu.command in (self.mode | RESPONSE, GENERIC_NACK)
        ):
            if pdu.status or pdu.command == GENERIC_NACK:
                return Refused(pdu)
            self.state, self._used = BOUND, now
            self.peer_version = pdu.number(Tag.SC_INTERFACE_VERSION) or _VERSION_WITH_TLVS
            return Bound(pdu)
        if sequence == self._bind_sequence and self.state == UNBINDING:
            return self._over("unbound")
        if pdu.command == ENQUIRE_LINK | RESPONSE:
            return None
        return Late(pdu)

    # -- parts of the above

    def _over(self, reason: str) -> Over:
        self.state = CLOSED
        unanswered = tuple(token for token, _ in self._waiting.values())
        self._waiting.clear()
        return Over(reason, unanswered)

    def _next_sequence(self) -> int:
        sequence, enquired = self._sequence, self._enquired
        while True:
            sequence = sequence % _SEQUENCE_MAX + 1
            if sequence not in self._waiting and (enquired is None or sequence != enquired[0]):
                self._sequence = sequence
                return sequence

    def __repr__(self) -> str:
        return f"<Session {self.state} {name_of(self.mode) if self.mode else ''} in flight {len(self._waiting)}>"


MODES: Final = {
    "transmitter": BIND_TRANSMITTER,
    "receiver": BIND_RECEIVER,
    "transceiver": BIND_TRANSCEIVER,
}
