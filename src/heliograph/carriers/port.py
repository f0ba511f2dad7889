"""What the engine asks of a carrier.

An adapter must: answer every submission exactly once through `Events.answered` (also with `unknown`, after its own
time-out); report receipts and inbound messages through `Events`; translate foreign codes by a literal table, with
the foreign code kept; never block the event loop. It may answer inside `submit`. It need not: retry, cap its rate,
keep a queue, log, or know any rule: the engine does that. Nothing here may be called from another thread.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias
from urllib.parse import parse_qsl, urlsplit

import msgspec

from heliograph.core.channels import SMS
from heliograph.core.message import Inbound, Message, Outcome, Receipt, Submission
from heliograph.ports import Chance, Clock, WebCall

# (what makes the protocol, host, the connector's settings: port and what TLS needs)
Dial: TypeAlias = Callable[[Callable[[], asyncio.Protocol], str, Any], Awaitable[object]]

# (connection, protocol, host, the same settings) → the same connection under TLS
Secure: TypeAlias = Callable[[Any, asyncio.Protocol, str, Any], Awaitable[object]]


def no_web(
    method: str, url: str, headers: Mapping[str, str], body: bytes, timeout_s: float, done: Callable[[Any], None]
) -> None:
    """For carriers that make no requests."""
    raise OSError("no requests are possible here")


async def no_way_out(protocol: object, host: str, settings: object) -> None:
    """For carriers that open no connections."""
    raise OSError("no connections are possible here")


async def no_tls(transport: object, protocol: object, host: str, settings: object) -> None:
    """For carriers whose connections begin as they go on."""
    raise OSError("no connections are possible here")


def no_page(message: Message) -> str | None:
    """For carriers whose messages name no page of ours."""
    return None


class Subscription(msgspec.Struct, frozen=True):
    """Where a browser's notifications go, and what they are encrypted with."""

    endpoint: str
    p256dh: str
    auth: str


async def no_subscription(message: Message) -> Subscription | None:
    """For carriers that write to no browsers."""
    return None


def _forget(message: Message) -> None:
    """For the same."""


class Capabilities(msgspec.Struct, frozen=True):
    """What this kind of carrier can do. Routing, docs and console read the same truth."""

    receipts: bool = True  # reports what became of a message
    inbound: bool = False  # brings messages from phones
    query: bool = False  # can be asked what became of an attempt
    idempotent: bool = False  # takes our id and refuses a second submission of the same
    concatenates: bool = False  # splits long texts itself; else we hand over parts
    alphanumeric: bool = True
    channels: frozenset[str] = frozenset({SMS})


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


class Callback(msgspec.Struct, frozen=True):
    """A request that a provider sends us."""

    method: str
    url: str  # as the provider knows it: our public URL, with the query
    headers: Mapping[str, str]  # names in lower case
    body: bytes
    at: int  # when it came: milliseconds

    @property
    def path_url(self) -> str:
        """The URL without its query."""
        return self.url.partition("?")[0]

    def query(self) -> list[tuple[str, str]]:
        return parse_qsl(urlsplit(self.url).query, keep_blank_values=True)

    def form_pairs(self) -> list[tuple[str, str]]:
        """A form-encoded body, in its order; empty for any other."""
        if not self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return []
        return parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True)

    def form(self) -> dict[str, str]:
        return dict(self.form_pairs())

    def json(self) -> Any:
        """The body as JSON; None when it is none."""
        return json_of(self.body)

    def ref(self) -> str | None:
        """Our reference, when it stands in the URL."""
        return dict(self.query()).get("ref")


class Heard(msgspec.Struct, frozen=True):
    """What a callback says. A callback of which nothing is understood says nothing: it is kept raw, and no error."""

    receipts: Sequence[Receipt] = ()
    inbound: Sequence[Inbound] = ()
    opted_out: Sequence[str] = ()  # numbers, in E.164, that said no to the provider


class Thanks(msgspec.Struct, frozen=True):
    """What the provider wants to hear when it has called."""

    status: int = 200
    media_type: str = "text/plain"
    body: bytes = b""


class Listener(Protocol):
    """What understands the calls that a provider makes to us. Pure."""

    def verify(self, callback: Callback) -> str | None:
        """Why a callback can't be genuine; None when it is."""
        ...

    def read(self, callback: Callback) -> Heard: ...

    def thanks(self, callback: Callback) -> Thanks: ...


def json_of(body: bytes) -> Any:
    """A body as JSON; None when it is none."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


class World(msgspec.Struct, frozen=True):
    """What a carrier is given of the outside."""

    clock: Clock
    chance: Chance
    dial: Dial = no_way_out  # a TCP or TLS connection
    call: WebCall = no_web  # a request to a provider
    public_url: str | None = None  # where providers reach us
    secure: Secure = no_tls
    call_out: WebCall = no_web  # a request to an address that a customer gave: with the guard against inner ones
    subscription: Callable[[Message], Awaitable[Subscription | None]] = no_subscription
    subscription_gone: Callable[[Message], None] = _forget
    leave_url: Callable[[Message], str | None] = no_page  # where a recipient says no with one click
