"""An SMPP connector against a message centre in memory: no sockets, and a clock that the test moves.

Every submission is answered exactly once, and never with a promise that the message did not leave when it did.
"""

import asyncio
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from heliograph.carriers import catalogue
from heliograph.carriers.port import World
from heliograph.carriers.recorder import IN, OUT
from heliograph.carriers.smpp.carrier import SmppCarrier
from heliograph.carriers.smpp.settings import KINDS, Settings
from heliograph.core import segments
from heliograph.core.message import Inbound, Message, Outcome, Receipt, Submission
from heliograph.engine.receipts import FORMS
from heliograph.smpp.codec import Pdu, encode
from heliograph.smpp.commands import (
    ALERT_NOTIFICATION,
    BIND_RECEIVER,
    BIND_TRANSCEIVER,
    BIND_TRANSMITTER,
    DATA_SM,
    DELIVER_SM,
    GENERIC_NACK,
    RESPONSE,
    SUBMIT_SM,
    Tag,
)
from heliograph.smpp.parts import payload
from heliograph.smpp.session import Answered, Asked, Binding, Over, Session, Timers
from heliograph.smpp.status import CODES
from tests.carriers.network import NOW, Clock, message
from tests.process.smsc import most_in_a_second

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

# -- the message centre


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


# -- the link


@pytest.mark.asyncio
async def test_the_link_is_up_when_it_is_bound_and_not_before() -> None:
    play = Play()
    play.centre.answer_to_binds = HELD
    await play.opened()
    assert play.links == [] and play.centre.links[0].binding is not None
    play.centre.links[0].answer_bind(0)
    await play.settle()
    assert play.links == [(True, "")]


@pytest.mark.asyncio
async def test_a_bind_says_what_the_settings_say() -> None:
    play = await Play(system_type="VMA", interface_version=0x50).opened()
    [link] = play.centre.links
    assert link.binding is not None
    assert link.binding.command == BIND_TRANSCEIVER
    fields = link.binding.fields
    assert [fields[name] for name in ("system_id", "password", "system_type", "interface_version")] == [
        *("acme", PASSWORD, "VMA", 0x50),
    ]
    assert (fields["address_range"], fields["addr_ton"], fields["addr_npi"]) == ("", 0, 0)


@pytest.mark.parametrize("binds", [1, 3])
@pytest.mark.parametrize(
    ("bind", "modes"),
    [("transceiver", [BIND_TRANSCEIVER]), ("separate", [BIND_RECEIVER, BIND_TRANSMITTER])],
    ids=["transceiver", "separate"],
)
@pytest.mark.asyncio
async def test_as_many_binds_are_opened_as_the_settings_say(bind: str, modes: list[int], binds: int) -> None:
    play = await Play(bind=bind, binds=binds, window=5).opened()
    assert Counter(link.session.mode for link in play.centre.open_links) == dict.fromkeys(modes, binds)
    assert play.carrier.window == 5 * binds
    assert play.links == [(True, "")]


@pytest.mark.parametrize("first", [BIND_RECEIVER, BIND_TRANSMITTER], ids=["receiver first", "transmitter first"])
@pytest.mark.asyncio
async def test_separate_binds_are_up_only_when_both_ways_are_open(first: int) -> None:
    """What is sent before anybody listens has its receipts go who knows where."""
    play = Play(bind="separate")
    play.centre.answer_to_binds = HELD
    await play.opened()
    one, other = sorted(play.centre.links, key=lambda link: link.binding is not None and link.binding.command != first)
    one.answer_bind(0)
    await play.settle()
    assert play.links == []
    other.answer_bind(0)
    await play.settle()
    assert play.links == [(True, "")]


@pytest.mark.parametrize("gone", [BIND_RECEIVER, BIND_TRANSMITTER], ids=["receiver", "transmitter"])
@pytest.mark.asyncio
async def test_half_of_a_separate_pair_is_no_link(gone: int) -> None:
    play = await Play(bind="separate").opened()
    play.centre.link(gone).drop(ConnectionResetError("reset by peer"))
    assert play.links == [(True, ""), (False, "reset by peer")]
    await play.wait(2)
    assert play.links[2:] == [(True, "")]


@pytest.mark.asyncio
async def test_the_link_is_up_as_long_as_one_of_several_binds_is() -> None:
    play = await Play(binds=3).opened()
    play.centre.answer_to_binds = HELD  # none comes back
    first, second, third = play.centre.open_links
    first.drop()
    second.drop()
    assert play.links == [(True, "")]
    await play.submit(text())
    assert play.outcome() == Outcome("accepted", ("id-1",))
    third.drop()
    assert play.links == [(True, ""), (False, "the carrier closed the connection")]


@pytest.mark.asyncio
async def test_while_nothing_is_bound_nothing_leaves() -> None:
    play = Play()
    play.centre.answer_to_binds = HELD
    await play.opened()
    await play.submit(text())
    assert play.outcome() == UNSENT
    assert play.centre.taken == []


@pytest.mark.asyncio
async def test_a_receiver_takes_no_messages_to_send() -> None:
    play = await Play(bind="separate").opened()
    await play.submit(*texts(4))
    assert {taken.link.session.mode for taken in play.centre.taken} == {BIND_TRANSMITTER}
    assert len(play.centre.taken) == 4


# -- submits


@pytest.mark.asyncio
async def test_an_accepted_message_has_the_carriers_id() -> None:
    play = await Play().opened()
    await play.submit(text())
    assert play.outcome() == Outcome("accepted", ("id-1",))
    assert play.centre.texts == ["Hello"]


@pytest.mark.asyncio
async def test_submits_are_spread_over_the_binds() -> None:
    play = await Play(binds=3).opened()
    play.centre.verdict = hold
    await play.submit(*texts(12))
    assert sorted(Counter(id(taken.link) for taken in play.centre.taken).values()) == [4, 4, 4]


@pytest.mark.asyncio
async def test_the_bind_with_the_least_to_do_gets_the_next() -> None:
    play = await Play(binds=2).opened()
    slow, fast = play.centre.open_links
    play.centre.verdict = lambda taken: HELD if taken.link is slow else 0
    for number in range(1, 7):
        await play.submit(text(number))
    assert Counter(taken.link is slow for taken in play.centre.taken) == {True: 1, False: 5}
    assert fast.is_open


@pytest.mark.asyncio
async def test_the_parts_of_a_message_leave_in_order_on_one_bind() -> None:
    play = await Play(binds=3).opened()
    await play.submit(*(text(number, f"{number} {THREE_PARTS}") for number in range(1, 4)))
    for number in range(1, 4):
        mine = [
            taken
            for taken in play.centre.taken
            if payload(taken.pdu).part and taken.link is play.centre.links[number - 1]
        ]
        assert [part.number for taken in mine if (part := payload(taken.pdu).part)] == [1, 2, 3]
        assert len(play.outcome(number).carrier_ids) == 3


@pytest.mark.parametrize("window", [1, 4])
@pytest.mark.asyncio
async def test_the_window_is_kept(window: int) -> None:
    play = await Play(window=window, binds=2).opened()
    play.centre.verdict = hold
    await play.submit(*texts(20))
    seen = 0
    while play.centre.held:
        per_link = Counter(id(taken.link) for taken in play.centre.held)
        assert max(per_link.values()) <= window
        assert len(play.centre.taken) == min(20, seen + 2 * window)
        seen += len(play.centre.held)
        await play.answer_held()
    assert seen == 20
    assert {outcome.state for outcome in play.outcomes(*range(1, 21))} == {"accepted"}


@pytest.mark.asyncio
async def test_each_answer_that_comes_lets_the_next_leave() -> None:
    play = await Play(window=2).opened()
    play.centre.verdict = hold
    await play.submit(*texts(4))
    assert play.centre.texts == ["Hello 1", "Hello 2"]
    play.centre.answer(play.centre.held.pop(1))
    await play.settle()
    assert play.centre.texts == ["Hello 1", "Hello 2", "Hello 3"]


@pytest.mark.asyncio
async def test_answers_may_come_in_any_order() -> None:
    play = await Play().opened()
    play.centre.verdict = hold
    await play.submit(*texts(5))
    held = {taken.text: taken for taken in play.centre.held}
    for number in (3, 1, 5, 2, 4):
        play.centre.answer(held[f"Hello {number}"], fields={"message_id": f"x{number}"})
        await play.settle()
    assert [outcome.carrier_ids for outcome in play.outcomes(1, 2, 3, 4, 5)] == [(f"x{n}",) for n in range(1, 6)]
    assert [submission.message.id for submission, _ in play.answers] == [3, 1, 5, 2, 4]


@pytest.mark.asyncio
async def test_the_ids_of_parts_stand_in_the_order_of_the_parts() -> None:
    play = await Play().opened()
    play.centre.verdict = hold
    await play.submit(text(1, THREE_PARTS))
    for place in (2, 0, 1):
        assert play.answers == []  # a message is answered once, when all of its parts are
        play.centre.answer(play.centre.held[place], fields={"message_id": f"part {place + 1}"})
        await play.settle()
    assert play.outcome() == Outcome("accepted", ("part 1", "part 2", "part 3"))


@pytest.mark.asyncio
async def test_an_answer_without_an_id_is_an_answer() -> None:
    play = await Play().opened()
    play.centre.verdict = hold
    await play.submit(text(1), text(2))
    first, second = play.centre.held
    first.link.session.respond(first.pdu, 0, {"message_id": ""})
    play.centre.answer(second, fields={})
    await play.settle()
    assert play.outcomes(1, 2) == [Outcome("accepted", ("",))] * 2


# -- refusals

THROTTLE: Final = ("throttled", "too_fast", False)
TRANSIENT: Final = ("transient", "carrier_busy", False)
PERMANENT: Final = ("permanent", "refused_by_carrier", False)
ROUTE: Final = ("permanent", "sender_refused", True)
CONFIG: Final = ("permanent", "connector_misconfigured", True)


@pytest.mark.parametrize(
    ("status", "error_codes", "expected"),
    [
        (CODES["RTHROTTLED"], {}, THROTTLE),
        (CODES["RMSGQFUL"], {}, THROTTLE),
        (CODES["RSYSERR"], {}, TRANSIENT),
        (CODES["RSUBMITFAIL"], {}, TRANSIENT),
        (CODES["RX_T_APPN"], {}, TRANSIENT),
        (CODES["RINVDSTADR"], {}, PERMANENT),
        (CODES["RX_P_APPN"], {}, PERMANENT),
        (CODES["RINVSRCADR"], {}, ROUTE),
        (CODES["RINVSRCTON"], {}, ROUTE),
        (CODES["RINVDCS"], {}, CONFIG),
        (CODES["RINVTLVVAL"], {}, CONFIG),
        (CODES["RINVCMDID"], {}, ("transient", "not_understood", False)),
        (CODES["RQUERYFAIL"], {}, PERMANENT),
        (0x400, {}, TRANSIENT),  # a carrier's own, which may mean anything
        (1375, {}, TRANSIENT),
        (0xFFFFFFFF, {}, TRANSIENT),
        *((0x411, {"0x411": kind}, expected) for kind, expected in (
            *(("throttle", THROTTLE), ("transient", TRANSIENT), ("permanent", PERMANENT)),
            *(("route", ROUTE), ("config", CONFIG)),
        )),
        (1375, {"1375": "permanent"}, PERMANENT),
        (CODES["RSUBMITFAIL"], {"RSUBMITFAIL": "permanent"}, PERMANENT),
        (CODES["RINVDSTADR"], {"ESME_RINVDSTADR": "route"}, ROUTE),
        (CODES["RSYSERR"], {"rsyserr": "throttle"}, THROTTLE),
        (CODES["RTHROTTLED"], {"0x58": "transient"}, TRANSIENT),
        pytest.param(CODES["RMSGQFUL"], {"RMSGQFUL": "transient"}, TRANSIENT),
        pytest.param(CODES["RMSGQFUL"], {"0x14": "permanent"}, PERMANENT),
    ],
)  # fmt: skip
@pytest.mark.asyncio
async def test_what_a_refusal_means_is_told_by_its_class(
    status: int, error_codes: dict[str, str], expected: tuple[str, str, bool]
) -> None:
    play = await Play(error_codes=error_codes).opened()
    play.centre.verdict = lambda taken: status
    await play.submit(text())
    outcome = play.outcome()
    assert (outcome.state, outcome.carrier_ids) == ("refused", ())
    assert (outcome.failure, outcome.code, outcome.elsewhere) == expected
    await play.wait(60)
    assert len(play.centre.taken) == 1  # trying again is the engine's business


@pytest.mark.parametrize(
    ("status", "told", "expected"),
    [
        (CODES["RINVDSTADR"], None, "RINVDSTADR (0x0000000B)"),
        (0x55F, None, "0x0000055F (1375)"),
        (0x55F, b"no credit left\0", "0x0000055F (1375): no credit left"),
        (CODES["RSYSERR"], b"", "RSYSERR (0x00000008)"),
    ],
)
@pytest.mark.asyncio
async def test_the_carriers_own_words_are_kept(status: int, told: bytes | None, expected: str) -> None:
    play = await Play().opened()
    play.centre.verdict = hold
    await play.submit(text())
    tlvs = None if told is None else {Tag.ADDITIONAL_STATUS_INFO_TEXT: told}
    play.centre.answer(play.centre.held[0], status, {}, tlvs=tlvs)
    await play.settle()
    assert play.outcome().carrier_code == expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (CODES["RINVCMDID"], ("refused", "transient", "not_understood")),
        (CODES["RTHROTTLED"], ("refused", "throttled", "too_fast")),
        (0, ("refused", "transient", "not_understood")),  # no answer to a submit: nothing was taken
    ],
)
@pytest.mark.asyncio
async def test_a_generic_nack_is_an_answer(status: int, expected: tuple[str, str, str]) -> None:
    play = await Play().opened()
    play.centre.verdict = hold
    await play.submit(text())
    [taken] = play.centre.held
    taken.link.protocol.data_received(encode(Pdu(GENERIC_NACK, status=status, sequence=taken.pdu.sequence)))
    outcome = play.outcome()
    assert (outcome.state, outcome.failure, outcome.code) == expected


# -- too fast


@pytest.mark.asyncio
async def test_a_throttled_message_in_one_part_goes_back_to_its_queue() -> None:
    play = await Play().opened()
    play.centre.verdict = refuse("1", status=THROTTLED)
    await play.submit(*texts(3))
    throttled = Outcome("refused", failure="throttled", code="too_fast", carrier_code="RTHROTTLED (0x00000058)")
    assert play.outcomes(1, 2, 3) == [throttled, Outcome("accepted", ("id-1",)), Outcome("accepted", ("id-2",))]
    await play.wait(60)
    assert len(play.centre.taken) == 3


@pytest.mark.parametrize("throttled", [1, 2, 3])
@pytest.mark.asyncio
async def test_a_throttled_part_waits_and_is_sent_again(throttled: int) -> None:
    """The engine can't send one part of a message: going back to the queue would send the others twice."""
    play = await Play().opened()
    times = Counter[int]()

    def verdict(taken: Taken) -> int:
        times[taken.part] += 1
        return THROTTLED if (taken.part, times[taken.part]) == (throttled, 1) else 0

    play.centre.verdict = verdict
    await play.submit(text(1, THREE_PARTS))
    assert play.answers == [] and len(play.centre.taken) == 3
    await play.wait(2)
    assert times == {number: 1 + (number == throttled) for number in (1, 2, 3)}
    assert len(play.outcome().carrier_ids) == 3
    first, again = (taken for taken in play.centre.taken if taken.part == throttled)
    assert again.at - first.at > 0.09
    assert again.pdu.fields == first.pdu.fields and again.link is first.link


@pytest.mark.asyncio
async def test_while_a_part_waits_nothing_overtakes_it_on_its_bind() -> None:
    play = await Play(window=1).opened()
    play.centre.verdict = lambda taken: THROTTLED if len(play.centre.taken) == 1 else 0
    await play.submit(text(1, TWO_PARTS), text(2, "Later"))
    assert len(play.centre.taken) == 1
    await play.wait(2)
    assert [taken.part for taken in play.centre.taken] == [1, 1, 2, 0]


def in_order(play: Play) -> list[tuple[str, int]]:
    """What the centre got: to whom, and which part."""
    return [(taken.pdu.fields["destination_addr"], taken.part) for taken in play.centre.taken]


@pytest.mark.asyncio
async def test_throttled_parts_are_sent_again_in_their_order() -> None:
    play = await Play().opened()
    play.centre.verdict = lambda taken: THROTTLED if len(play.centre.taken) <= 5 else 0
    await play.submit(text(1, THREE_PARTS, to="+447700900001"), text(2, TWO_PARTS, to="+447700900002"))
    await play.wait(60)
    one, two = "447700900001", "447700900002"
    assert in_order(play)[:5] == in_order(play)[5:] == [(one, 1), (one, 2), (one, 3), (two, 1), (two, 2)]


@pytest.mark.asyncio
async def test_a_carrier_that_goes_on_throttling_is_asked_less_and_less_often() -> None:
    play = await Play(window=1).opened()
    play.centre.verdict = lambda taken: THROTTLED
    await play.submit(text(1, TWO_PARTS))
    await play.wait(300)
    pauses = [round(after.at - before.at, 1) for before, after in pairwise(play.centre.taken)]
    assert pauses[0] < 1 and pauses == sorted(pauses)
    assert 29 < pauses[-1] < 32  # and no longer than that
    play.centre.verdict = lambda taken: 0
    await play.wait(60)
    assert play.outcome().state == "accepted"
    play.centre.verdict = lambda taken: THROTTLED if len(play.centre.taken) == asked + 1 else 0
    asked = len(play.centre.taken)
    await play.submit(text(2, TWO_PARTS))
    await play.wait(1)
    assert play.outcome(2).state == "accepted"  # one that took something is asked soon again


@pytest.mark.asyncio
async def test_parts_that_are_throttled_together_are_one_complaint() -> None:
    play = await Play().opened()
    play.centre.verdict = lambda taken: THROTTLED if len(play.centre.taken) <= 9 else 0
    await play.submit(*(text(number, THREE_PARTS) for number in (1, 2, 3)))
    await play.wait(2)
    assert {outcome.state for outcome in play.outcomes(1, 2, 3)} == {"accepted"}


@pytest.mark.asyncio
async def test_a_throttled_part_waits_no_longer_than_its_message_is_good_for() -> None:
    play = await Play().opened()
    play.centre.verdict = lambda taken: THROTTLED
    await play.submit(text(1, TWO_PARTS, valid_until=NOW + 5_000))
    await play.wait(4)
    assert play.answers == []
    await play.wait(40)
    outcome = play.outcome()
    assert (outcome.state, outcome.failure) == ("refused", "throttled")


@pytest.mark.asyncio
async def test_a_message_of_which_a_part_was_taken_never_goes_back_as_throttled() -> None:
    play = await Play().opened()
    play.centre.verdict = lambda taken: THROTTLED if taken.part == 2 else 0
    await play.submit(text(1, TWO_PARTS, valid_until=NOW + 5_000))
    await play.wait(60)
    outcome = play.outcome()
    assert (outcome.state, outcome.failure, outcome.code) == ("unknown", "unknown", "partly_taken")


@pytest.mark.asyncio
async def test_a_part_that_waits_when_the_link_goes_has_left_nothing_behind() -> None:
    play = await Play().opened()
    play.centre.verdict = lambda taken: THROTTLED
    await play.submit(text(1, TWO_PARTS))
    play.centre.link().drop()
    assert play.outcome() == UNSENT  # all of it was refused: no phone will see it


# -- no answer, lost connections


@pytest.mark.asyncio
async def test_without_an_answer_in_time_nobody_knows() -> None:
    play = await Play(response_timeout_s=5).opened()
    play.centre.verdict = hold
    await play.submit(text())
    await play.wait(4.9)
    assert play.answers == []
    await play.wait(0.7)
    assert play.outcome() == TIMED_OUT
    assert play.is_up()  # a link that answers enquire_link is not to blame


@pytest.mark.parametrize("status", [0, THROTTLED, CODES["RINVDSTADR"]])
@pytest.mark.asyncio
async def test_an_answer_after_its_time_changes_nothing(status: int) -> None:
    play = await Play(response_timeout_s=5).opened()
    play.centre.verdict = hold
    await play.submit(text(), text(2, TWO_PARTS))
    await play.wait(6)
    await play.answer_held(status)
    await play.wait(60)
    assert play.outcomes(1, 2) == [TIMED_OUT] * 2
    assert len(play.centre.taken) == 3


@pytest.mark.asyncio
async def test_a_silent_part_stops_the_others() -> None:
    play = await Play(window=1, response_timeout_s=5).opened()
    play.centre.verdict = hold
    await play.submit(text(1, THREE_PARTS), text(2, "Later"))
    await play.wait(6)
    assert play.outcome(1) == TIMED_OUT
    assert play.centre.texts[1:] == ["Later"]  # it has the window for itself


@pytest.mark.asyncio
async def test_a_lost_connection_leaves_the_sent_unknown_and_the_others_unsent() -> None:
    play = await Play(window=3).opened()
    play.centre.verdict = hold
    await play.submit(*texts(5))
    play.centre.link().drop(ConnectionResetError("reset by peer"))
    assert play.outcomes(1, 2, 3) == [LOST] * 3
    assert play.outcomes(4, 5) == [UNSENT] * 2
    assert play.links[-1] == (False, "reset by peer")


@pytest.mark.asyncio
async def test_messages_on_other_binds_do_not_mind() -> None:
    play = await Play(binds=2, window=2).opened()
    play.centre.verdict = hold
    await play.submit(*texts(8))
    gone, left = play.centre.open_links
    gone.drop()
    assert Counter(outcome.state for _, outcome in play.answers) == {"unknown": 2, "unsent": 2}
    play.centre.verdict = lambda taken: 0
    play.centre.held = [taken for taken in play.centre.held if taken.link is left]
    await play.answer_held()
    assert Counter(outcome.state for _, outcome in play.answers) == {"unknown": 2, "unsent": 2, "accepted": 4}


@pytest.mark.parametrize(
    ("answered", "window"), [(0, 1), (1, 1), (1, 3), (2, 3)], ids=["first sent", "first taken", "one of three", "two"]
)
@pytest.mark.asyncio
async def test_a_message_of_which_a_part_has_left_is_unknown_when_the_link_goes(answered: int, window: int) -> None:
    play = await Play(window=window).opened()
    play.centre.verdict = lambda taken: 0 if len(play.centre.taken) <= answered else HELD
    await play.submit(text(1, THREE_PARTS))
    play.centre.link().drop()
    assert play.outcome() == LOST


@pytest.mark.asyncio
async def test_a_message_of_which_no_part_has_left_is_unsent_when_the_link_goes() -> None:
    play = await Play(window=1).opened()
    play.centre.verdict = hold
    await play.submit(text(1), text(2, THREE_PARTS))
    play.centre.link().drop()
    assert play.outcomes(1, 2) == [LOST, UNSENT]


@pytest.mark.asyncio
async def test_what_was_unknown_or_unsent_is_not_sent_by_itself_after_a_reconnect() -> None:
    play = await Play(window=2).opened()
    play.centre.verdict = hold
    await play.submit(*texts(4))
    play.centre.link().drop()
    play.centre.verdict = lambda taken: 0
    await play.wait(60)
    assert play.is_up()
    assert len(play.centre.taken) == 2 and len(play.answers) == 4


# -- messages that the carrier has in part


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        # Another try would send the first part twice, unless there is none.
        (CODES["RSYSERR"], ("unknown", "unknown", "partly_taken", "RSYSERR (0x00000008)")),
        (CODES["RINVBNDSTS"], ("unknown", "unknown", "partly_taken", "RINVBNDSTS (0x00000004)")),
        (CODES["RINVDSTADR"], ("refused", "permanent", "refused_by_carrier", "RINVDSTADR (0x0000000B)")),
    ],
)
@pytest.mark.parametrize("window", [1, 10])
@pytest.mark.asyncio
async def test_when_a_part_is_taken_and_another_refused_its_class_decides(
    window: int, status: int, expected: tuple[str, str, str, str]
) -> None:
    play = await Play(window=window).opened()
    play.centre.verdict = lambda taken: status if taken.part == 2 else 0
    await play.submit(text(1, TWO_PARTS))
    outcome = play.outcome()
    assert (outcome.state, outcome.failure, outcome.code, outcome.carrier_code) == expected


@pytest.mark.parametrize("first", [0, HELD], ids=["taken", "without an answer"])
@pytest.mark.parametrize("status", ["RINVSRCADR", "RINVDCS"])
@pytest.mark.asyncio
async def test_no_other_connector_gets_a_message_of_which_a_part_may_be_here(status: str, first: int) -> None:
    """The first part would be sent twice; without the others no phone shows it, so nothing is lost by failing."""
    play = await Play(response_timeout_s=5).opened()
    play.centre.verdict = lambda taken: CODES[status] if taken.part == 2 else first
    await play.submit(text(1, TWO_PARTS))
    await play.wait(6)
    assert not play.outcome().elsewhere


@pytest.mark.parametrize("how", ["silence", "drop", "stop"])
@pytest.mark.asyncio
async def test_a_refusal_for_now_beside_a_part_without_an_answer_leaves_the_message_unknown(how: str) -> None:
    play = await Play(response_timeout_s=5).opened()
    play.centre.verdict = lambda taken: CODES["RSYSERR"] if taken.part == 2 else HELD
    await play.submit(text(1, TWO_PARTS))
    assert play.answers == []
    if how == "silence":
        await play.wait(6)
    elif how == "drop":
        play.centre.link().drop()
    else:
        await ended(play, asyncio.ensure_future(play.carrier.stop(1)))
    assert play.outcome() == (TIMED_OUT if how == "silence" else LOST)


@pytest.mark.asyncio
async def test_a_part_that_was_taken_without_an_id_was_taken() -> None:
    play = await Play().opened()
    play.centre.verdict = hold
    await play.submit(text(1, TWO_PARTS))
    first, second = play.centre.held
    play.centre.answer(first, fields={})
    play.centre.answer(second, CODES["RSYSERR"])
    await play.settle()
    assert (play.outcome().state, play.outcome().code) == ("unknown", "partly_taken")


@pytest.mark.parametrize(("window", "sent"), [(1, 1), (2, 2), (10, 3)])
@pytest.mark.asyncio
async def test_a_refused_part_stops_those_that_have_not_left(window: int, sent: int) -> None:
    play = await Play(window=window).opened()
    play.centre.verdict = lambda taken: CODES["RINVDSTADR"]
    await play.submit(text(1, THREE_PARTS), text(2, "Later"))
    assert len(play.centre.taken) == sent + 1
    assert [outcome.code for outcome in play.outcomes(1, 2)] == ["refused_by_carrier"] * 2


@pytest.mark.asyncio
async def test_the_first_refusal_of_several_counts() -> None:
    play = await Play().opened()
    statuses = iter([CODES["RINVSRCADR"], CODES["RSYSERR"], THROTTLED])
    play.centre.verdict = lambda taken: next(statuses)
    await play.submit(text(1, THREE_PARTS))
    assert play.outcome().code == "sender_refused"
    await play.wait(60)
    assert len(play.centre.taken) == 3


# -- what can't be written


@pytest.mark.asyncio
async def test_a_text_in_more_parts_than_can_be_counted_is_refused() -> None:
    play = await Play().opened()
    await play.submit(text(1, "a" * 153 * 256), text(2))
    outcome = play.outcome()
    assert (outcome.state, outcome.failure, outcome.code) == ("refused", "permanent", "unwritable")
    assert play.outcome(2).state == "accepted"


@pytest.mark.parametrize(
    ("settings", "changes"),
    [
        ({}, {"sender": "Ωmega"}),
        ({}, {"sender": "A" * 21}),
        ({}, {"to": "+" + "4" * 30}),
        ({"long_messages": "payload", "default_alphabet": "ascii"}, {"body": "a" * 153 * 250 + "é"}),  # 76 kB in UCS-2
    ],
)
@pytest.mark.asyncio
async def test_what_the_protocol_cannot_write_is_refused_and_all_else_goes_on(
    settings: dict[str, Any], changes: dict[str, Any]
) -> None:
    play = await Play(window=2, **settings).opened()
    await play.submit(text(1), text(2, **changes), text(3), text(4))
    outcome = play.outcome(2)
    assert (outcome.state, outcome.failure, outcome.code) == ("refused", "permanent", "unwritable")
    assert [outcome.state for outcome in play.outcomes(1, 3, 4)] == ["accepted"] * 3


# -- reconnecting


@pytest.mark.asyncio
async def test_an_unreachable_carrier_is_tried_with_growing_pauses() -> None:
    play = Play(reconnect_first_s=1, reconnect_longest_s=60)
    play.centre.unreachable = ConnectionRefusedError("nobody there")
    await play.opened()
    await play.wait(600)
    longest = 1.0
    for pause in play.centre.pauses:  # with jitter, so that not all of a carrier's clients come at once
        assert longest / 2 <= pause <= longest + 0.001
        longest = min(60.0, 2 * longest)
    assert len(play.centre.pauses) > 10
    assert play.links[-1] == (False, "smsc.example:2775: nobody there")
    play.centre.unreachable = None
    await play.wait(60)
    assert play.is_up()


@pytest.mark.asyncio
async def test_several_hosts_are_tried_in_turn() -> None:
    play = Play(host=["a.example", "b.example", "c.example"], reconnect_longest_s=1)
    play.centre.unreachable = OSError("nobody there")
    await play.opened()
    await play.wait(6)
    hosts = [host for _, host in play.centre.dialled]
    assert hosts[:6] == ["a.example", "b.example", "c.example"] * 2


@pytest.mark.parametrize(
    ("error", "reason"), [(TimeoutError(), "no connection in time"), (OSError("no route to host"), "no route to host")]
)
@pytest.mark.asyncio
async def test_why_there_is_no_connection_is_told(error: Exception, reason: str) -> None:
    play = Play(port=3550)
    play.centre.unreachable = error
    await play.opened()
    assert play.links == [(False, f"smsc.example:3550: {reason}")]


@pytest.mark.asyncio
async def test_a_host_that_is_no_name_is_told_and_tried_again() -> None:
    """getaddrinfo raises this for `smsc..example`, before anything is resolved."""
    play = Play(host=["smsc..example", "smsc.example"])
    play.centre.unreachable = UnicodeError("label empty or too long")
    await play.opened()
    assert play.links == [(False, "smsc..example:2775: label empty or too long")]
    play.centre.unreachable = None
    await play.wait(2)
    assert play.is_up()


async def cut_again_and_again(play: Play, seconds: float, before: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Each bind is lost as soon as `before` is done with it."""
    end = play.clock.monotonic() + seconds
    while play.clock.monotonic() < end:
        if play.centre.open_links:
            await before()
            play.centre.link().drop()
        await play.wait(0.25)


@pytest.mark.asyncio
async def test_binds_that_carry_nothing_and_are_lost_are_opened_with_growing_pauses() -> None:
    play = await Play().opened()

    async def nothing() -> None:
        pass

    await cut_again_and_again(play, 120, nothing)
    assert len(play.centre.pauses) < 12
    assert max(play.centre.pauses) > 15


@pytest.mark.asyncio
async def test_a_bind_that_carried_something_is_opened_again_soon() -> None:
    """A carrier that drops its clients after some messages would be waited for longer and longer."""
    play = await Play().opened()

    async def one() -> None:
        await play.submit(text(len(play.answers) + 1))

    await cut_again_and_again(play, 60, one)
    assert max(play.centre.pauses) <= 1.3
    assert {outcome.state for _, outcome in play.answers} == {"accepted"}


@pytest.mark.asyncio
async def test_a_bind_that_lasted_is_opened_again_soon() -> None:
    play = Play()
    play.centre.unreachable = OSError("nobody there")
    await play.opened()
    await play.wait(200)
    play.centre.unreachable = None
    await play.wait(61)
    assert play.is_up()
    await play.wait(61)
    play.centre.link().drop()
    await play.wait(1.1)
    assert play.is_up()


@pytest.mark.parametrize("refusal", ["RBINDFAIL", "RINVPASWD", "RINVSYSID", "RINVSYSTYP", "RX_P_APPN"])
@pytest.mark.asyncio
async def test_refused_credentials_are_tried_again_slowly(refusal: str) -> None:
    """Fast retries lock accounts."""
    play = Play()
    play.centre.answer_to_binds = CODES[refusal]
    await play.opened()
    assert play.links == [(False, f"the carrier refused the bind: {refusal} (0x{CODES[refusal]:08X})")]
    await play.wait(7_200)
    longest = 60.0
    for pause in play.centre.pauses:
        assert longest / 2 <= pause <= longest + 0.001
        longest = min(900.0, 2 * longest)
    assert len(play.centre.pauses) > 8


@pytest.mark.parametrize("refusal", ["RALYBND", "RSYSERR", "RTHROTTLED", "RMSGQFUL"])
@pytest.mark.asyncio
async def test_a_refusal_for_now_is_tried_again_as_after_a_lost_connection(refusal: str) -> None:
    play = Play()
    play.centre.answer_to_binds = CODES[refusal]
    await play.opened()
    await play.wait(20)
    assert play.centre.pauses[0] <= 1.001 and len(play.centre.pauses) >= 4


@pytest.mark.asyncio
async def test_credentials_that_are_taken_again_end_the_slow_pauses() -> None:
    play = Play()
    play.centre.answer_to_binds = CODES["RINVPASWD"]
    await play.opened()
    play.centre.answer_to_binds = 0
    await play.wait(61)
    await play.submit(text())
    play.centre.link().drop()
    await play.wait(1.1)
    assert play.is_up()


@pytest.mark.asyncio
async def test_a_bind_without_an_answer_is_given_up() -> None:
    play = Play(bind_timeout_s=3)
    play.centre.answer_to_binds = HELD
    await play.opened()
    await play.wait(3.1)
    assert play.links == [(False, "no answer to the bind")]
    play.centre.answer_to_binds = 0
    await play.wait(1)
    assert play.is_up()


@pytest.mark.asyncio
async def test_the_reason_is_that_of_the_last_try() -> None:
    play = Play(bind_timeout_s=3)
    play.centre.answer_to_binds = CODES["RSYSERR"]
    await play.opened()
    play.centre.answer_to_binds = HELD
    await play.wait(5)
    assert play.links[-1] == (False, "no answer to the bind")


@pytest.mark.asyncio
async def test_a_link_that_is_silent_is_asked_and_ended_when_it_says_nothing() -> None:
    """TCP may look healthy for hours when the way is gone."""
    play = await Play(enquire_link_s=20, bind_timeout_s=5).opened()
    play.centre.verdict = hold
    await play.wait(300)
    assert play.links == [(True, "")]
    await play.submit(text())
    play.centre.is_deaf = True
    await play.wait(27)
    assert play.links[1:2] == [(False, "no answer to enquire_link")]
    assert play.outcome() == LOST
    play.centre.is_deaf = False
    await play.wait(10)
    assert play.is_up()


@pytest.mark.asyncio
async def test_the_carrier_may_unbind() -> None:
    play = await Play(window=1).opened()
    play.centre.verdict = hold
    await play.submit(text(1), text(2))
    link = play.centre.link()
    link.session.unbind(play.clock.monotonic())
    await play.settle()
    assert link.ended_with == "unbound" and not link.is_open
    assert play.links[-1] == (False, "the peer unbound")
    assert play.outcomes(1, 2) == [LOST, UNSENT]
    await play.wait(2)
    assert play.is_up()


@pytest.mark.parametrize("octets", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0\0\0\x01" * 8, b"\xff" * 64])
@pytest.mark.asyncio
async def test_what_is_no_smpp_ends_the_connection_and_no_more(octets: bytes) -> None:
    play = await Play().opened()
    play.centre.link().protocol.data_received(octets)
    assert not play.is_up()
    await play.wait(2)
    assert play.is_up()
    await play.submit(text())
    assert play.outcome().state == "accepted"


@pytest.mark.asyncio
async def test_the_late_end_of_an_old_connection_is_nothing_to_the_new_one() -> None:
    """With TLS the end of a dead connection comes half a minute after `close`, with a full buffer hours."""
    play = await Play(enquire_link_s=20, bind_timeout_s=5).opened()
    play.centre.is_deaf = play.centre.lingers = True
    while play.is_up():
        await play.wait(0.1)
    [old] = play.centre.links
    assert not old.is_open
    play.centre.is_deaf = False
    await play.wait(2)
    assert play.is_up()
    play.centre.verdict = hold
    await play.submit(text())
    old.protocol.connection_lost(None)
    assert play.is_up()
    await play.answer_held()
    assert play.outcome().state == "accepted"


@pytest.mark.asyncio
async def test_a_peer_that_does_not_read_is_asked_nothing_more() -> None:
    play = await Play().opened()
    link = play.centre.link()
    link.protocol.pause_writing()
    await play.submit(*texts(3))
    await play.wait(5)
    assert play.centre.taken == [] and play.answers == []
    link.protocol.resume_writing()
    await play.settle()
    assert len(play.centre.taken) == 3


# -- receipts and messages from phones


@pytest.mark.parametrize("command", [DELIVER_SM, DATA_SM], ids=["deliver_sm", "data_sm"])
@pytest.mark.asyncio
async def test_a_receipt_is_acknowledged_when_it_is_durable_and_not_before(command: int) -> None:
    play = await Play().opened()
    link = play.centre.link()
    link.ask(receipt("id-7", command=command))
    await play.wait(60)
    [[found]] = play.heard
    assert isinstance(found, Receipt)
    assert (found.connector, found.carrier_id, found.fact) == ("telco", "id-7", "delivered")
    assert link.acknowledged == []
    play.commit()
    await play.settle()
    assert [(pdu.command, pdu.status) for pdu in link.acknowledged] == [(command | RESPONSE, 0)]


@pytest.mark.parametrize("command", [DELIVER_SM, DATA_SM], ids=["deliver_sm", "data_sm"])
@pytest.mark.asyncio
async def test_a_message_from_a_phone_is_acknowledged_when_it_is_durable_and_not_before(command: int) -> None:
    play = await Play().opened()
    link = play.centre.link()
    link.ask(reply("Yes", command))
    await play.wait(60)
    assert play.heard == [[Inbound("telco", f"+{PHONE}", "72345", "Yes", NOW)]]
    assert link.acknowledged == []
    play.commit()
    await play.settle()
    assert [(pdu.command, pdu.status) for pdu in link.acknowledged] == [(command | RESPONSE, 0)]


@pytest.mark.asyncio
async def test_what_comes_together_is_reported_together() -> None:
    play = await Play().opened()
    link = play.centre.link()
    link.ask(receipt("id-1"), reply("Yes"), receipt("id-2"), reply("No"), receipt("id-3"))
    await play.settle()
    reported, written = play.heard
    assert [one.carrier_id for one in reported] == ["id-1", "id-2", "id-3"]
    assert [one.text for one in written if isinstance(one, Inbound)] == ["Yes", "No"]
    for committed, count in zip(play.commits, (3, 5), strict=True):
        committed()
        await play.settle()
        assert len(link.acknowledged) == count


@pytest.mark.asyncio
async def test_receipts_on_another_bind_are_acknowledged_there() -> None:
    play = await Play(binds=2).opened()
    await play.submit(text())
    sender = play.centre.taken[0].link
    [other] = [link for link in play.centre.open_links if link is not sender]
    other.ask(receipt("id-1"))
    await play.settle()
    play.commit()
    await play.settle()
    assert (len(sender.acknowledged), len(other.acknowledged)) == (0, 1)


@pytest.mark.parametrize("mode", [BIND_RECEIVER, BIND_TRANSMITTER], ids=["receiver", "transmitter"])
@pytest.mark.asyncio
async def test_receipts_on_either_of_separate_binds_are_taken(mode: int) -> None:
    """Some carriers report on the transmitter, which the standard doesn't allow."""
    play = await Play(bind="separate").opened()
    link = play.centre.link(mode)
    link.ask(receipt("id-1"))
    await play.settle()
    play.commit()
    await play.settle()
    assert len(play.heard) == len(link.acknowledged) == 1


@pytest.mark.asyncio
async def test_a_receipt_before_its_answer_is_reported_before_it() -> None:
    """On another bind it overtakes the answer: the engine parks it."""
    play = await Play(binds=2).opened()
    play.centre.verdict = hold
    await play.submit(text())
    play.centre.open_links[1].ask(receipt("id-1"))
    await play.settle()
    assert len(play.heard) == 1 and play.answers == []
    await play.answer_held()
    assert play.outcome() == Outcome("accepted", ("id-1",))


@pytest.mark.asyncio
async def test_receipts_come_through_a_full_window() -> None:
    play = await Play(window=1).opened()
    play.centre.verdict = hold
    await play.submit(*texts(3))
    link = play.centre.link()
    link.ask(receipt("id-1"))
    await play.settle()
    play.commit()
    await play.settle()
    assert len(link.acknowledged) == 1


@pytest.mark.asyncio
async def test_a_receipt_that_becomes_durable_on_a_lost_connection_is_acknowledged_nowhere() -> None:
    """Its number means something else, or nothing, on the next connection; the carrier sends it again there."""
    play = await Play().opened()
    old = play.centre.link()
    old.ask(receipt("id-1"))
    await play.settle()
    old.drop()
    await play.wait(2)
    new = play.centre.link()
    new.ask(reply("Yes"))  # with the same sequence number
    await play.settle()
    receipt_kept, reply_kept = play.commits
    receipt_kept()
    await play.settle()
    assert new.acknowledged == []
    reply_kept()
    await play.settle()
    assert [pdu.command for pdu in new.acknowledged] == [DELIVER_SM | RESPONSE]


@pytest.mark.parametrize("esm_class", [0x04, 0x20])
@pytest.mark.parametrize("octets", [b"", b"Your message was delivered", b"id:7", b"\xff\xfei\0d\0"])
@pytest.mark.asyncio
async def test_a_receipt_that_cannot_be_read_is_acknowledged_and_forgotten(octets: bytes, esm_class: int) -> None:
    """Unanswered it would come again for ever, and block the carrier's window."""
    play = await Play().opened()
    link = play.centre.link()
    fields = {"source_addr": PHONE, "destination_addr": "72345", "esm_class": esm_class, "short_message": octets}
    link.ask(Pdu(DELIVER_SM, fields), receipt("id-2"))
    await play.settle()
    assert [[one.carrier_id for one in some] for some in play.heard] == [["id-2"]]
    assert [pdu.status for pdu in link.acknowledged] == [0]
    play.commit()
    await play.settle()
    assert [pdu.status for pdu in link.acknowledged] == [0, 0]


@pytest.mark.asyncio
async def test_intermediate_notifications_are_reported_as_progress() -> None:
    play = await Play().opened()
    play.centre.link().ask(receipt("id-1", "ENROUTE", esm_class=0x20), receipt("id-1", "DELIVRD"))
    await play.settle()
    assert [one.fact for some in play.heard for one in some if isinstance(one, Receipt)] == ["buffered", "delivered"]


@pytest.mark.asyncio
async def test_an_alert_notification_is_let_pass() -> None:
    play = await Play().opened()
    link = play.centre.link()
    link.session.notify(Pdu(ALERT_NOTIFICATION, {"source_addr": PHONE, "esme_addr": "acme"}))
    link.ask(reply("Yes"))
    await play.settle()
    play.commit()
    await play.wait(60)
    assert len(play.heard) == 1 and play.is_up()
    assert [pdu.command for pdu in link.acknowledged] == [DELIVER_SM | RESPONSE]


@pytest.mark.asyncio
async def test_receipts_are_acknowledged_to_the_very_end() -> None:
    play = await Play().opened()
    play.centre.verdict = hold
    await play.submit(text())
    link = play.centre.link()
    stopping = asyncio.ensure_future(play.carrier.stop(30))
    await play.wait(1)
    link.ask(receipt("id-1"))
    await play.settle()
    play.commit()
    await play.settle()
    assert len(link.acknowledged) == 1
    await play.answer_held()
    await ended(play, stopping)


# -- the cap


def mixed(count: int) -> list[Message]:
    """Messages in one part, two and three."""
    return [text(number, ("Hello", TWO_PARTS, THREE_PARTS)[number % 3]) for number in range(count)]


@pytest.mark.parametrize(("cap", "binds"), [(1, 1), (3, 2), (10, 1), (10, 3), (50, 4)])
@pytest.mark.parametrize("delay", [0.0, 0.7])
@pytest.mark.asyncio
async def test_no_second_ever_holds_more_than_the_cap_over_all_binds(delay: float, cap: int, binds: int) -> None:
    play = await Play(max_segments_per_second=cap, binds=binds, window=100).opened()
    await play.wait(delay)
    given_messages = mixed(6 * cap)
    parts = sum(one.segments for one in given_messages)
    for start in range(0, len(given_messages), 7):  # some at once, some while others wait
        await play.submit(*given_messages[start : start + 7])
        await play.wait(0.01)
    await play.wait(parts / cap * 1.1 + 3)
    assert len(play.centre.taken) == parts and len(play.answers) == len(given_messages)
    times = [taken.at for taken in play.centre.taken]
    assert most_in_a_second(times) <= cap
    assert times[-1] - times[0] <= parts / cap * 1.05 + 1  # and is used


@pytest.mark.asyncio
async def test_the_first_second_after_a_start_is_taken_for_spent() -> None:
    """Nobody knows what the process before sent in its last one."""
    play = await Play(max_segments_per_second=5).opened()
    await play.submit(*texts(5))
    await play.wait(0.99)
    assert play.centre.taken == []
    await play.wait(0.1)
    assert len(play.centre.taken) == 5


@pytest.mark.asyncio
async def test_the_cap_counts_parts_that_are_sent_again() -> None:
    play = await Play(max_segments_per_second=4, binds=2).opened()
    chance = Random(3)
    play.centre.verdict = lambda taken: THROTTLED if chance.random() < 0.3 else 0
    await play.submit(*(text(number, THREE_PARTS) for number in range(1, 11)))
    await play.wait(600)
    assert {outcome.state for _, outcome in play.answers} == {"accepted"}
    assert len(play.centre.taken) > 30
    assert most_in_a_second([taken.at for taken in play.centre.taken]) <= 4


@pytest.mark.asyncio
async def test_the_cap_holds_over_a_reconnect() -> None:
    play = await Play(max_segments_per_second=5, reconnect_first_s=0.05, reconnect_longest_s=0.05).opened()
    await play.wait(2)
    for start in range(1, 30, 6):
        await play.submit(*(text(number) for number in range(start, start + 6)))
        play.centre.link().drop()
        await play.wait(0.2)
    assert most_in_a_second([taken.at for taken in play.centre.taken]) <= 5
    assert len(play.answers) == 30


@pytest.mark.asyncio
async def test_without_a_cap_only_the_window_bounds() -> None:
    play = await Play(window=100).opened()
    await play.submit(*texts(500))
    assert len(play.centre.taken) == 500


# -- the end


async def ended(play: Play, stopping: "asyncio.Future[None]", seconds: float = 60) -> float:
    """Let time pass until it has stopped; how long that took."""
    start = play.clock.monotonic()
    while not stopping.done() and play.clock.monotonic() < start + seconds:
        await asyncio.sleep(0.005)  # its own pauses are those of the event loop
        await play.wait(0.05)
    assert stopping.done()
    await stopping
    return play.clock.monotonic() - start


@pytest.mark.parametrize("bind", ["transceiver", "separate"])
@pytest.mark.asyncio
async def test_stopping_unbinds_every_bind_and_opens_none_again(bind: str) -> None:
    play = await Play(bind=bind, binds=2).opened()
    links = play.centre.open_links
    await ended(play, asyncio.ensure_future(play.carrier.stop(5)))
    assert {link.ended_with for link in links} == {"the peer unbound"}
    assert not any(link.is_open for link in links)
    assert play.links[-1] == (False, "unbound")
    dialled = len(play.centre.dialled)
    await play.wait(3_600)
    assert len(play.centre.dialled) == dialled == len(links)


@pytest.mark.asyncio
async def test_stopping_lets_what_is_under_way_be_answered() -> None:
    play = await Play(window=2).opened()
    play.centre.verdict = hold
    await play.submit(*texts(4))
    stopping = asyncio.ensure_future(play.carrier.stop(10))
    while play.centre.held:
        await play.wait(1)
        assert play.centre.link().ended_with == ""
        await play.answer_held()
    await ended(play, stopping)
    assert {outcome.state for outcome in play.outcomes(1, 2, 3, 4)} == {"accepted"}


@pytest.mark.asyncio
async def test_stopping_waits_no_longer_than_it_may() -> None:
    play = await Play(window=2).opened()
    play.centre.verdict = hold
    await play.submit(*texts(3))
    took = await ended(play, asyncio.ensure_future(play.carrier.stop(2)))
    assert 2 <= took <= 3
    assert play.outcomes(1, 2, 3) == [LOST, LOST, UNSENT]
    assert play.centre.links[0].ended_with == "the peer unbound"


@pytest.mark.asyncio
async def test_stopping_does_not_need_the_carrier() -> None:
    play = await Play().opened()
    play.centre.is_deaf = True
    took = await ended(play, asyncio.ensure_future(play.carrier.stop(2)))
    assert took <= 3
    assert not play.is_up()


@pytest.mark.parametrize("status", [HELD, CODES["RINVPASWD"]])
@pytest.mark.asyncio
async def test_stopping_ends_a_link_that_never_was(status: int) -> None:
    play = Play()
    play.centre.answer_to_binds = status
    await play.opened()
    assert await ended(play, asyncio.ensure_future(play.carrier.stop(5))) <= 6
    dialled = len(play.centre.dialled)
    await play.wait(3_600)
    assert len(play.centre.dialled) == dialled


@pytest.mark.asyncio
async def test_after_the_stop_nothing_leaves() -> None:
    play = await Play().opened()
    await ended(play, asyncio.ensure_future(play.carrier.stop(5)))
    await play.submit(text())
    assert play.outcome() == UNSENT
    assert play.centre.taken == []


@pytest.mark.asyncio
async def test_it_cannot_be_asked_what_became_of_a_message() -> None:
    play = await Play().opened()
    assert await play.carrier.query(Submission(text(), 1), ["id-1"]) is None
    assert not play.carrier.capabilities.query


# -- the recorder


@pytest.mark.asyncio
async def test_the_recorder_holds_what_went_over_the_wire_in_its_order() -> None:
    play = await Play(enquire_link_s=5).opened()
    await play.submit(text())
    play.centre.link().ask(receipt("id-1"))
    await play.settle()
    play.commit()
    await play.wait(5.6)
    await ended(play, asyncio.ensure_future(play.carrier.stop(1)))
    assert [(pdu.direction, pdu.name) for pdu in play.carrier.recorder.pdus()] == [
        (OUT, "bind_transceiver"),
        (IN, "bind_transceiver_resp"),
        (OUT, "submit_sm"),
        (IN, "submit_sm_resp"),
        (IN, "deliver_sm"),
        (OUT, "deliver_sm_resp"),
        (OUT, "enquire_link"),
        (IN, "enquire_link_resp"),
        (OUT, "unbind"),
        (IN, "unbind_resp"),
    ]


@pytest.mark.parametrize("texts_too", [False, True])
@pytest.mark.asyncio
async def test_no_record_holds_the_password(texts_too: bool) -> None:
    play = Play()
    play.centre.answer_to_binds = CODES["RINVPASWD"]
    await play.opened()
    play.centre.answer_to_binds = 0
    await play.wait(61)
    await play.submit(text(1, f"My password is {PASSWORD}"))
    recorder = play.carrier.recorder
    written = b"".join(recorder.jsonl(texts=texts_too)) + recorder.pcap(texts=texts_too)
    assert b"acme" in written and b"bind_transceiver" in written
    assert PASSWORD.encode() not in written
    assert PASSWORD not in repr([*recorder.pdus(texts=texts_too)])


@pytest.mark.asyncio
async def test_each_connection_is_a_stream_of_its_own() -> None:
    play = await Play(binds=2).opened()
    play.centre.open_links[0].drop()
    await play.wait(2)
    binds = [pdu.stream for pdu in play.carrier.recorder.pdus() if pdu.name == "bind_transceiver"]
    assert len(binds) == 3 and len(set(binds)) == 3


# -- whatever happens

VERDICTS: Final = st.sampled_from(
    [0, 0, 0, HELD, THROTTLED, CODES["RSYSERR"], CODES["RINVDSTADR"], CODES["RINVSRCADR"]]
)
STEPS: Final = st.lists(
    st.one_of(
        st.tuples(st.just("submit"), st.integers(1, 3)),
        st.tuples(st.just("wait"), st.floats(0.01, 8)),
        st.tuples(st.just("answer"), VERDICTS),
        st.tuples(st.just("drop"), st.integers(0, 1)),
        st.tuples(st.just("unbind"), st.integers(0, 1)),
        st.tuples(st.just("reach"), st.booleans()),
    ),
    min_size=3,
    max_size=25,
)


SETTINGS: Final = st.fixed_dictionaries(
    {
        "window": st.sampled_from([1, 2, 10]),
        "binds": st.integers(1, 2),
        "max_segments_per_second": st.sampled_from([0, 2]),
    }
)
LIVES: Final = given(steps=STEPS, verdicts=st.lists(VERDICTS, min_size=1, max_size=8), settings=SETTINGS)


async def live(
    steps: Sequence[tuple[str, Any]], verdicts: Sequence[int], settings: dict[str, Any]
) -> tuple[Play, Counter[str]]:
    """A life of a connector, and how many parts for each recipient the centre has taken, or may still take."""
    play = await Play(response_timeout_s=5, **settings).opened()
    with_centre: Counter[str] = Counter()
    centre, count = play.centre, 0

    def judged(taken: Taken) -> int:
        status = verdicts[len(centre.taken) % len(verdicts)]
        with_centre[f"+{taken.pdu.fields['destination_addr']}"] += status in (0, HELD)
        return status

    centre.verdict = judged
    for what, value in steps:
        if what == "submit":
            count += 1
            await play.submit(text(count, "Ten letters" * (1, 20, 40)[value - 1], to=f"+4479111{count:05}"))
        elif what == "wait":
            await play.wait(value)
        elif what == "answer":
            if value not in (0, HELD):
                with_centre.subtract(f"+{taken.pdu.fields['destination_addr']}" for taken in centre.held)
            await play.answer_held(value)
        elif what == "reach":
            centre.unreachable = None if value else OSError("nobody there")
        elif centre.open_links:
            link = centre.open_links[value % len(centre.open_links)]
            if what == "drop":
                link.drop()
            else:
                link.session.unbind(play.clock.monotonic())
            await play.settle()
    await ended(play, asyncio.ensure_future(play.carrier.stop(1)))
    assert sorted(submission.message.id for submission, _ in play.answers) == list(range(1, count + 1))
    return play, with_centre


@LIVES
def test_whatever_happens_every_submission_is_answered_once(
    steps: list[tuple[str, Any]], verdicts: list[int], settings: dict[str, Any]
) -> None:
    play, with_centre = asyncio.run(live(steps, verdicts, settings))
    for submission, outcome in play.answers:
        if outcome.state == "accepted":
            assert len(set(outcome.carrier_ids)) == submission.message.segments
            assert set(outcome.carrier_ids) <= set(play.centre.accepted)
        elif outcome.state == "unsent":
            assert with_centre[submission.message.to] == 0
    cap = settings["max_segments_per_second"]
    assert not cap or most_in_a_second([taken.at for taken in play.centre.taken]) <= cap


@example(
    steps=[("submit", 1), ("submit", 1), ("submit", 2)],
    verdicts=[HELD, CODES["RSYSERR"]],
    settings={"window": 2, "binds": 2, "max_segments_per_second": 0},
)
@LIVES
def test_whatever_happens_nothing_is_sent_again_unmarked_that_the_carrier_may_have(
    steps: list[tuple[str, Any]], verdicts: list[int], settings: dict[str, Any]
) -> None:
    play, with_centre = asyncio.run(live(steps, verdicts, settings))
    for submission, outcome in play.answers:
        if outcome.failure in ("throttled", "transient", "unauthorised") or outcome.elsewhere:
            assert with_centre[submission.message.to] == 0


# -- the page for operators

PAGE: Final = (Path(__file__).parents[3] / "docs/smpp-connector.md").read_text("utf-8")


def rows(heading: str) -> list[list[str]]:
    """The table of a section, without its head."""
    [section] = re.findall(rf"^## {heading}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    lines = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("|")]
    return lines[2:]


def test_the_example_of_the_page_can_be_declared() -> None:
    examples = re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    connectors = [item for example in examples for item in tomllib.loads(example)["connectors"].items()]
    assert [name for name, _ in connectors] == ["telco"]
    for _, spec in connectors:
        assert catalogue.check(spec["kind"], spec) is None


def test_the_page_explains_each_setting_with_its_default() -> None:
    explained = {name.strip("`"): default for name, default, _ in rows("What to ask the carrier")}
    assert list(explained) == list(Settings.__struct_fields__)
    for field in msgspec.structs.fields(Settings):
        default = field.default_factory() if field.default_factory is not msgspec.NODEFAULT else field.default
        if default is msgspec.NODEFAULT:
            assert explained[field.name] == "needed"
        elif default is None:
            assert explained[field.name] == "none"
        else:
            assert tomllib.loads(f"x = {explained[field.name].strip('`')}")["x"] == default


def test_the_page_names_every_form_of_ids_and_every_class_of_refusals() -> None:
    forms = [name for row in rows("How receipts find their messages") for name in re.findall(r"`(\w+)`", row[0])]
    assert forms == [*FORMS]
    classes = rows("What a refusal means")
    assert [row[0].strip("`") for row in classes] == [*KINDS]
    assert {name for row in classes for name in re.findall(r"\bR[A-Z_]{4,}\b", row[1])} <= CODES.keys()
