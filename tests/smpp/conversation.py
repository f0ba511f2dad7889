"""A client and a server that talk in memory: the clock is moved by hand."""

from typing import Final

import pytest

from heliograph.smpp.codec import Frames, Pdu, decode, encode
from heliograph.smpp.commands import (
    BIND_TRANSCEIVER,
    BINDS,
    CANCEL_SM,
    DATA_SM,
    QUERY_SM,
    REPLACE_SM,
    RESPONSE,
    SUBMIT_MULTI,
    SUBMIT_SM,
    name_of,
)
from heliograph.smpp.session import BINDING, BOUND, OPEN, UNBINDING, Event, Session, Timers

NO_TIMERS: Final = Timers(0, 0, 0, 0, 0, 0)
STILL: Final = Timers(enquire=0)  # so that silence alone says nothing
LAST: Final = 0x7FFFFFFF
EVERY_MODE: Final = pytest.mark.parametrize("mode", sorted(BINDS), ids=name_of)
EITHER_SIDE: Final = pytest.mark.parametrize("is_server", [False, True], ids=["client", "server"])
FROM_CLIENT: Final = (SUBMIT_SM, SUBMIT_MULTI, DATA_SM, QUERY_SM, CANCEL_SM, REPLACE_SM)


def pdus(octets: bytes) -> list[Pdu]:
    return [decode(frame) for frame in Frames().feed(octets)]


class Link:
    """A client and a server, the wire between them, and their clock."""

    def __init__(self, timers: Timers = STILL, *, window: int = 10) -> None:
        self.now = 1_000.0
        self.client = Session(self.now, window=window, timers=timers)
        self.server = Session(self.now, window=window, timers=timers, is_server=True)

    def exchange(self) -> tuple[list[Event], list[Event]]:
        """Carry octets to and fro until nobody has any; what the client saw, and the server."""
        client: list[Event] = []
        server: list[Event] = []
        while (up := self.client.output()) + (down := self.server.output()):
            server += self.server.receive(up, self.now)
            client += self.client.receive(down, self.now)
        return client, server

    def wait(self, seconds: float) -> tuple[list[Event], list[Event]]:
        """Time goes by; no octet arrives."""
        self.now += seconds
        return self.client.tick(self.now), self.server.tick(self.now)

    def bind(self, mode: int = BIND_TRANSCEIVER, version: int = 0x34) -> "Link":
        self.client.bind(mode, {"system_id": "acme", "interface_version": version}, self.now)
        self.exchange()
        self.server.accept("server", self.now)
        self.exchange()
        assert (self.client.state, self.server.state) == (BOUND, BOUND)
        return self

    def side(self, is_server: bool) -> tuple[Session, Session]:
        """One side, and its peer."""
        return (self.server, self.client) if is_server else (self.client, self.server)


def ask(session: Session, token: object, now: float, command: int = SUBMIT_SM) -> Pdu:
    pdu = Pdu(command)
    session.request(pdu, token, now)
    return pdu


def opened(session: Session) -> None:
    """Not bound yet."""


def binding(session: Session) -> None:
    if session._is_server:
        session.receive(encode(Pdu(BIND_TRANSCEIVER, sequence=1)), 0.0)
    else:
        session.bind(BIND_TRANSCEIVER, {}, 0.0)


def bound(session: Session) -> None:
    binding(session)
    if session._is_server:
        session.accept("server", 0.0)
    else:
        session.receive(encode(Pdu(BIND_TRANSCEIVER | RESPONSE, {"system_id": ""}, sequence=1)), 0.0)


def unbinding(session: Session) -> None:
    bound(session)
    session.unbind(0.0)


EVERY_STATE: Final = pytest.mark.parametrize(
    ("prepare", "state"),
    [(opened, {OPEN}), (binding, {OPEN, BINDING}), (bound, {BOUND}), (unbinding, {UNBINDING})],
    ids=["open", "binding", "bound", "unbinding"],
)
