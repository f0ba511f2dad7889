"""A message centre in memory, and a connector that speaks to it: no sockets, and a clock that the test moves."""

import asyncio
from collections.abc import Callable, Sequence
from itertools import pairwise
from random import Random
from typing import Any, Final, NamedTuple

from heliograph.carriers import catalogue
from heliograph.carriers.port import World
from heliograph.carriers.smpp.carrier import SmppCarrier
from heliograph.core import segments
from heliograph.core.message import Inbound, Message, Outcome, Receipt, Submission
from heliograph.smpp.codec import Pdu
from heliograph.smpp.commands import BIND_TRANSCEIVER, DATA_SM, DELIVER_SM, SUBMIT_SM, Tag
from heliograph.smpp.parts import payload
from heliograph.smpp.session import Answered, Asked, Binding, Over, Session, Timers
from heliograph.smpp.status import CODES
from tests.carriers.network import NOW, Clock, message

DAY_MS: Final = 86_400_000
PASSWORD: Final = "s3cret-word"
PHONE: Final = "447700900123"
TWO_PARTS: Final = "Ten letters" * 20
THREE_PARTS: Final = "Ten letters" * 40
THROTTLED: Final = CODES["RTHROTTLED"]
LOST: Final = Outcome("unknown", failure="unknown", code="link_lost")
UNSENT: Final = Outcome("unsent", failure="transient", code="link_down")
TIMED_OUT: Final = Outcome("unknown", failure="unknown", code="answer_timeout")
NO_TIMERS: Final = Timers(0, 0, 0, 0, 0, 0)
HELD: Final = -1  # a message centre that does not answer yet


class ByHand(Clock):
    """A clock that can tell when it is needed next."""

    def monotonic(self) -> float:
        return 1.0 + (self.ms - NOW) / 1_000

    def due(self) -> float | None:
        """When the next call is due that still is to come."""
        while self._timers and self._timers[0][2].do is None:
            self._timers.pop(0)
            self._timers.sort()
        return self._timers[0][0] if self._timers else None


class Wire(asyncio.Transport):
    """The connector's end of a connection; what it writes gets to the centre at the next turn."""

    def __init__(self, link: "Link") -> None:
        super().__init__()
        self.link = link
        self.is_closed = False

    def write(self, data: Any) -> None:
        self.link.up.append(bytes(data))

    def close(self) -> None:
        if not self.is_closed:
            self.is_closed = True
            if not self.link.centre.lingers:
                asyncio.get_running_loop().call_soon(self.link.protocol.connection_lost, None)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Nothing is kept here."""


class Link:
    """One connection, as the centre sees it."""

    def __init__(self, centre: "Centre", protocol: asyncio.Protocol) -> None:
        self.centre = centre
        self.protocol = protocol
        self.session = Session(centre.clock.monotonic(), is_server=True, window=1_000, timers=NO_TIMERS)
        self.up: list[bytes] = []
        self.wire = Wire(self)
        self.binding: Pdu | None = None
        self.acknowledged: list[Pdu] = []
        self.ended_with = ""

    @property
    def is_open(self) -> bool:
        return not self.wire.is_closed

    def carry(self) -> bool:
        """Octets both ways, once; was there anything?"""
        up, now = b"".join(self.up), self.centre.clock.monotonic()
        self.up.clear()
        for event in self.session.receive(up, now) if up and not self.centre.is_deaf else ():
            if isinstance(event, Binding):
                self.binding = event.pdu
                self.answer_bind(self.centre.answer_to_binds)
            elif isinstance(event, Asked):
                self.centre.asked(self, event.pdu)
            elif isinstance(event, Answered):
                self.acknowledged.append(event.pdu)
            elif isinstance(event, Over):
                self.ended_with = event.reason
        down = self.session.output()
        if down and self.is_open:
            self.protocol.data_received(down)
        return bool(up or down)

    def answer_bind(self, status: int) -> None:
        now = self.centre.clock.monotonic()
        if status == 0:
            self.session.accept("centre", now)
        elif status != HELD:
            self.session.refuse(status, now)

    def ask(self, *pdus: Pdu) -> None:
        """Send requests to the connector, in one piece."""
        for pdu in pdus:
            self.session.request(pdu, pdu, self.centre.clock.monotonic())

    def drop(self, error: Exception | None = None) -> None:
        """The connection breaks."""
        if self.is_open:
            self.wire.is_closed = True
            self.protocol.connection_lost(error)


class Taken(NamedTuple):
    """A submit_sm as the centre got it."""

    at: float
    link: Link
    pdu: Pdu

    @property
    def text(self) -> str:
        return payload(self.pdu).text.decode("latin-1")

    @property
    def part(self) -> int:
        """Its number; 0 for a whole message."""
        part = payload(self.pdu).part
        return part.number if part else 0


class Centre:
    """Takes every bind and every message, unless it is told otherwise."""

    def __init__(self, clock: ByHand) -> None:
        self.clock = clock
        self.links: list[Link] = []
        self.dialled: list[tuple[float, str]] = []
        self.unreachable: Exception | None = None
        self.answer_to_binds = 0  # a command_status, or HELD
        self.verdict: Callable[[Taken], int] = lambda taken: 0
        self.taken: list[Taken] = []
        self.held: list[Taken] = []
        self.accepted: list[str] = []  # ids that were given out
        self.is_deaf = False
        self.lingers = False  # connections that the connector closes are lost much later

    async def dial(self, protocol: Callable[[], asyncio.Protocol], host: str, settings: Any) -> None:
        self.dialled.append((self.clock.monotonic(), host))
        if self.unreachable is not None:
            raise self.unreachable
        link = Link(self, protocol())
        self.links.append(link)
        link.protocol.connection_made(link.wire)

    def asked(self, link: Link, pdu: Pdu) -> None:
        assert pdu.command == SUBMIT_SM
        taken = Taken(self.clock.monotonic(), link, pdu)
        self.taken.append(taken)
        self.answer(taken, self.verdict(taken))

    def answer(self, taken: Taken, status: int = 0, fields: dict[str, Any] | None = None, **tlvs: Any) -> None:
        if status == HELD:
            self.held.append(taken)
        elif status:
            taken.link.session.respond(taken.pdu, status, fields, **tlvs)
        else:
            self.accepted.append(f"id-{len(self.accepted) + 1}")
            taken.link.session.respond(taken.pdu, 0, {"message_id": self.accepted[-1]} if fields is None else fields)

    def carry(self) -> bool:
        return sum(link.carry() for link in self.links) > 0  # every one

    @property
    def open_links(self) -> list[Link]:
        return [link for link in self.links if link.is_open and link.session.state == "bound"]

    def link(self, command: int = BIND_TRANSCEIVER) -> Link:
        """The last one that is bound so."""
        return [link for link in self.open_links if link.session.mode == command][-1]

    @property
    def texts(self) -> list[str]:
        return [taken.text for taken in self.taken]

    @property
    def pauses(self) -> list[float]:
        """Between one connection and the next."""
        return [after - before for (before, _), (after, _) in pairwise(self.dialled)]


class Play:
    """A connector, the centre that it speaks to, and all that it reports."""

    def __init__(self, **settings: Any) -> None:
        spec = {"host": "smsc.example", "system_id": "acme", "password": PASSWORD, **settings}
        wrong = catalogue.check("smpp", {"kind": "smpp", **spec})
        assert wrong is None, wrong
        self.clock = ByHand()
        self.centre = Centre(self.clock)
        self.started_at = self.clock.monotonic()
        carrier = catalogue.build("smpp", "telco", spec, World(self.clock, Random(7), self.centre.dial))
        assert isinstance(carrier, SmppCarrier)
        self.carrier = carrier
        self.answers: list[tuple[Submission, Outcome]] = []
        self.links: list[tuple[bool, str]] = []
        self.heard: list[list[Receipt | Inbound]] = []  # as they came together
        self.commits: list[Callable[[], None]] = []

    # -- carriers.port.Events

    def answered(self, submission: Submission, outcome: Outcome) -> None:
        self.answers.append((submission, outcome))

    def receipts(self, receipts: Sequence[Receipt], committed: Callable[[], None] | None = None) -> None:
        self.heard.append([*receipts])
        self.commits.append(committed or (lambda: None))

    def inbound(self, messages: Sequence[Inbound], committed: Callable[[], None] | None = None) -> None:
        self.heard.append([*messages])
        self.commits.append(committed or (lambda: None))

    def link(self, up: bool, reason: str = "") -> None:
        self.links.append((up, reason))

    # -- what the test does

    async def opened(self) -> "Play":
        await self.carrier.start(self)
        await self.settle()
        return self

    async def settle(self) -> None:
        """Until nothing is left to be done at this moment."""
        while True:
            for _ in range(8):
                await asyncio.sleep(0)
            if not self.centre.carry():
                return

    async def wait(self, seconds: float) -> None:
        """Time passes; what is due happens in its order."""
        end = self.clock.ms + seconds * 1_000
        await self.settle()
        while (due := self.clock.due()) is not None and due <= end:
            self.clock.pass_ms(max(0.0, due - self.clock.ms))
            await self.settle()
        self.clock.pass_ms(end - self.clock.ms)
        await self.settle()

    async def submit(self, *messages: Message) -> None:
        self.carrier.submit([Submission(one, 1) for one in messages])
        await self.settle()

    async def answer_held(self, status: int = 0) -> None:
        """Now the centre answers what it has held back."""
        held, self.centre.held = self.centre.held, []
        for taken in held:
            self.centre.answer(taken, status)
        await self.settle()

    def commit(self) -> None:
        """All that was reported so far is durable."""
        commits, self.commits = self.commits, []
        for committed in commits:
            committed()

    # -- what the test asks

    def outcome(self, number: int = 1) -> Outcome:
        """The answer to a message: there must be exactly one."""
        outcomes = [outcome for submission, outcome in self.answers if submission.message.id == number]
        assert len(outcomes) == 1, f"answered {len(outcomes)} times"
        return outcomes[0]

    def outcomes(self, *numbers: int) -> list[Outcome]:
        return [self.outcome(number) for number in numbers]

    def is_up(self) -> bool:
        return bool(self.links) and self.links[-1][0]


def text(number: int = 1, body: str = "Hello", **changes: Any) -> Message:
    encoding, count = segments.measure(body)
    fields = {"encoding": encoding, "segments": count, "valid_until": NOW + DAY_MS, **changes}
    return message(number, text=body, **fields)


def texts(count: int, body: str = "Hello") -> list[Message]:
    return [text(number, f"{body} {number}") for number in range(1, count + 1)]


def receipt(carrier_id: str = "id-1", stat: str = "DELIVRD", command: int = DELIVER_SM, esm_class: int = 4) -> Pdu:
    octets = f"id:{carrier_id} stat:{stat} err:000 text:".encode()
    fields: dict[str, Any] = {"source_addr": PHONE, "destination_addr": "72345", "esm_class": esm_class}
    if command == DATA_SM:
        return Pdu(DATA_SM, fields, tlvs={Tag.MESSAGE_PAYLOAD: octets})
    return Pdu(command, fields | {"short_message": octets})


def reply(body: str = "Yes", command: int = DELIVER_SM) -> Pdu:
    fields: dict[str, Any] = {"source_addr_ton": 1, "source_addr": PHONE, "destination_addr": "72345"}
    if command == DATA_SM:
        return Pdu(DATA_SM, fields, tlvs={Tag.MESSAGE_PAYLOAD: body.encode()})
    return Pdu(DELIVER_SM, fields | {"short_message": body.encode()})


def hold(taken: Taken) -> int:
    return HELD


def refuse(*which: str, status: int = CODES["RINVDSTADR"], others: int = 0) -> Callable[[Taken], int]:
    """Refuses what contains one of these."""
    return lambda taken: status if any(word in taken.text for word in which) else others


async def ended(play: Play, stopping: "asyncio.Future[None]", seconds: float = 60) -> float:
    """Let time pass until it has stopped; how long that took."""
    start = play.clock.monotonic()
    while not stopping.done() and play.clock.monotonic() < start + seconds:
        await asyncio.sleep(0.005)  # its own pauses are those of the event loop
        await play.wait(0.05)
    assert stopping.done()
    await stopping
    return play.clock.monotonic() - start
