"""What the engine asks of a carrier.

An adapter must: answer every submission exactly once through `Events.answered` (also with `unknown`, after its own
time-out); report receipts and inbound messages through `Events`; translate foreign codes by a literal table, with
the foreign code kept; never block the event loop. It may answer inside `submit`. It need not: retry, cap its rate,
keep a queue, log, or know any rule: the engine does that. Nothing here may be called from another thread.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeAlias

import msgspec

from heliograph.core.message import Inbound, Outcome, Receipt, Submission
from heliograph.ports import Chance, Clock, WebCall

# (what makes the protocol, host, the connector's settings: port and what TLS needs)
Dial: TypeAlias = Callable[[Callable[[], asyncio.Protocol], str, Any], Awaitable[object]]


async def no_way_out(protocol: object, host: str, settings: object) -> None:
    """For carriers that open no connections."""
    raise OSError("no connections are possible here")


class Capabilities(msgspec.Struct, frozen=True):
    """What this kind of carrier can do. Routing, docs and console read the same truth."""

    receipts: bool = True  # reports what became of a message
    inbound: bool = False  # brings messages from phones
    query: bool = False  # can be asked what became of an attempt
    idempotent: bool = False  # takes our id and refuses a second submission of the same
    concatenates: bool = False  # splits long texts itself; else we hand over parts
    alphanumeric: bool = True


class Events(Protocol):
    """Where a carrier reports to."""

    def answered(self, submission: Submission, outcome: Outcome) -> None: ...

    def receipts(self, receipts: Sequence[Receipt], committed: Callable[[], None] | None = None) -> None:
        """`committed` is called once the receipts are durable: acknowledge them to the network only then."""
        ...

    def inbound(self, messages: Sequence[Inbound], committed: Callable[[], None] | None = None) -> None: ...

    def link(self, up: bool, reason: str = "") -> None:
        """The way to the carrier opened or closed; while closed nothing is submitted."""
        ...


class Carrier(Protocol):
    """A configured link to a network, a connector at work."""

    name: str
    capabilities: Capabilities
    window: int | None  # how many attempts it has room for at once, when it knows better than the settings

    async def start(self, events: Events) -> None:
        """Open the link; returns at once, `events.link(True)` says when submissions may come."""
        ...

    def submit(self, submissions: Sequence[Submission]) -> None:
        """Hand attempts over. The engine never exceeds the connector's window."""
        ...

    async def query(self, submission: Submission, carrier_ids: Sequence[str]) -> Sequence[Receipt] | None:
        """What became of an attempt, as receipts; None when the carrier can't say. Only with `capabilities.query`."""
        ...

    async def stop(self, grace_s: float) -> None:
        """Close the link; give what is in flight up to `grace_s` to be answered, then answer `unknown` for the rest."""
        ...


class World(msgspec.Struct, frozen=True):
    """What a carrier is given of the outside."""

    clock: Clock
    chance: Chance
    dial: Dial = no_way_out  # a TCP or TLS connection
    call: WebCall | None = None  # a request to a provider
    public_url: str | None = None  # where providers reach us
