"""An SMPP connector: messages to parts, parts to binds, answers back to outcomes."""

import asyncio
from collections.abc import Sequence
from operator import attrgetter
from typing import Final

import msgspec

from heliograph.carriers.port import Capabilities, Events, World
from heliograph.carriers.recorder import Recorder
from heliograph.carriers.smpp import settings as speech
from heliograph.carriers.smpp.bind import Bind
from heliograph.carriers.smpp.reports import Reader
from heliograph.carriers.smpp.settings import Settings
from heliograph.carriers.smpp.spelling import Speller
from heliograph.core.failures import INVALID_NUMBER, PERMANENT, THROTTLED, TRANSIENT, UNAUTHORISED, UNKNOWN
from heliograph.core.message import Inbound, Message, Outcome, Receipt, Submission
from heliograph.core.rates import Cap
from heliograph.smpp.codec import Pdu
from heliograph.smpp.commands import (
    BIND_RECEIVER,
    BIND_TRANSCEIVER,
    BIND_TRANSMITTER,
    DATA_SM,
    DELIVER_SM,
    SUBMIT_SM_RESP,
    Tag,
)
from heliograph.smpp.status import BIND, CODES, CONFIG, OPERATION, PROTOCOL, ROUTE, THROTTLE, describe
from heliograph.smpp.status import PERMANENT as FOR_GOOD
from heliograph.smpp.status import TRANSIENT as FOR_NOW

# What a kind of command_status is in our taxonomy: failure, our code, may another connector take it?
_REFUSALS: Final = {
    THROTTLE: (THROTTLED, "too_fast", False),
    FOR_NOW: (TRANSIENT, "carrier_busy", False),
    FOR_GOOD: (PERMANENT, "refused_by_carrier", False),
    ROUTE: (PERMANENT, "sender_refused", True),
    CONFIG: (PERMANENT, "connector_misconfigured", True),
    BIND: (UNAUTHORISED, "not_bound", False),
    PROTOCOL: (TRANSIENT, "not_understood", False),
    OPERATION: (PERMANENT, "refused_by_carrier", False),
}
_DELIVERIES: Final = frozenset({DELIVER_SM, DATA_SM})
_NO_SUCH_NUMBER: Final = CODES["RINVDSTADR"]
_load: Final = attrgetter("load")
_OK: Final = "accepted"
_TIMED_OUT: Final = Outcome("unknown", failure=UNKNOWN, code="answer_timeout")
_LINK_LOST: Final = Outcome("unknown", failure=UNKNOWN, code="link_lost")
_UNSENT: Final = Outcome("unsent", failure=TRANSIENT, code="link_down")
_NOT_BOUND: Final = CODES["RINVBNDSTS"]
_NOT_TAKEN: Final = Outcome("unsent", failure=TRANSIENT, code="not_bound", carrier_code=describe(_NOT_BOUND))
_THROTTLE_FIRST_S: Final = 0.1
_THROTTLE_LONGEST_S: Final = 30.0


class _Job:
    """A submission on its way, in one or more parts."""

    __slots__ = ("congestion", "ids", "left", "outcome", "pdus", "submission", "unknown")

    def __init__(self, submission: Submission, pdus: list[Pdu]) -> None:
        self.submission = submission
        self.pdus = pdus
        self.ids: list[str | None] = [None] * len(pdus)
        self.left = len(pdus)  # parts without an end
        self.congestion = 0  # what the carrier said of itself
        self.outcome: Outcome | None = None  # set by the first part that was not accepted
        self.unknown: Outcome | None = None  # set by the first part of which nobody knows whether it was

    @property
    def may_be_there(self) -> bool:
        """Has the carrier parts of it, or may it have some?"""
        return self.unknown is not None or any(one is not None for one in self.ids)


class SmppCarrier:
    """One SMPP connector with its binds."""

    def __init__(self, name: str, settings: Settings, world: World, capabilities: Capabilities) -> None:
        self.name = name
        self.capabilities = capabilities
        self.window: int | None = settings.window * settings.binds
        self._settings = settings
        self._clock = world.clock
        reference = int(world.chance.random() * 0xFFFF)
        self._speller = Speller(settings, reference)
        self._plain = Speller(speech.without_tlvs(settings), reference)  # for a peer before SMPP 3.4
        self._reader = Reader(name, settings)
        self._kinds = speech.kinds(settings)
        self._events: Events
        self._is_up = False
        self._throttled, self._slow_until = 0, 0.0
        commands = (
            (BIND_TRANSCEIVER,) if settings.bind == "transceiver" else (BIND_RECEIVER, BIND_TRANSMITTER)
        ) * settings.binds
        host = settings.host if isinstance(settings.host, str) else settings.host[0]
        self.recorder = Recorder(world.clock.now_ms, end=(host, settings.port), secrets=(settings.password,))
        # The engine keeps to the rate by messages and lanes; what leaves in the end is counted here, part by part.
        self.cap = Cap(settings.max_segments_per_second, world.clock.monotonic())
        self._binds = [Bind(number, command, settings, world, self) for number, command in enumerate(commands, 1)]

    # -- carriers.port.Carrier

    async def start(self, events: Events) -> None:
        self._events = events
        for bind in self._binds:
            bind.open()

    def submit(self, submissions: Sequence[Submission]) -> None:
        now = self._clock.now_ms()
        binds = [bind for bind in self._binds if bind.may_submit]
        without_tlvs = [bind for bind in binds if not bind.takes_tlvs]
        for submission in submissions:
            if not binds:
                self._events.answered(submission, _UNSENT)
                continue
            bind = min(binds, key=_load) if len(binds) > 1 else binds[0]
            try:
                spell = self._spelled_plainly if bind in without_tlvs else self._speller.pdus
                pdus = spell(submission.message, now)
            except ValueError as error:  # a sender or text that this link can't write
                self._events.answered(submission, _unwritable(str(error)))
                continue
            job = _Job(submission, pdus)
            for place, pdu in enumerate(pdus):
                bind.send(pdu, (job, place))
        for bind in self._binds:
            bind.pump()

    def _spelled_plainly(self, message: Message, now: int) -> list[Pdu]:
        pdus = self._plain.pdus(message, now)
        if any(pdu.tlvs for pdu in pdus):
            raise ValueError("the text is too long for a peer without optional parameters")
        return pdus

    async def query(self, submission: Submission, carrier_ids: Sequence[str]) -> Sequence[Receipt] | None:
        return None  # query_sm is dead at nearly all carriers: receipts are what there is

    async def stop(self, grace_s: float) -> None:
        await asyncio.gather(*(bind.close(grace_s) for bind in self._binds))

    # -- carriers.smpp.bind.Owner

    def opened(self, bind: Bind) -> None:
        self._look()

    def closed(
        self, bind: Bind, reason: str, unanswered: Sequence[tuple[_Job, int]], unsent: Sequence[tuple[_Job, int]]
    ) -> None:
        for job, _ in unanswered:
            self._ended(job, _LINK_LOST)
        for job, _ in unsent:
            self._ended(job, _LINK_LOST if job.may_be_there else _UNSENT)
        self._look(reason)

    def answered(self, bind: Bind, token: tuple[_Job, int], pdu: Pdu) -> None:
        job, place = token
        if not pdu.status and pdu.command == SUBMIT_SM_RESP:
            self._throttled = 0
            if pdu.tlvs:
                job.congestion = max(job.congestion, min(pdu.number(Tag.CONGESTION_STATE) or 0, 100))
            job.ids[place] = pdu.fields.get("message_id") or ""  # some carriers give none
            self._ended(job, None)
            return
        kind = self._kinds.get(pdu.status, FOR_NOW) if pdu.status else PROTOCOL  # an answer of another kind
        if kind == THROTTLE:
            self._too_fast(bind, job, place, pdu)
            return
        if pdu.status == _NOT_BOUND and kind == BIND:
            self._lost_bind(bind, job)
            return
        failure, code, elsewhere = _REFUSALS[kind]
        if kind == FOR_GOOD and pdu.status == _NO_SUCH_NUMBER:
            code = INVALID_NUMBER
        told = pdu.string(Tag.ADDITIONAL_STATUS_INFO_TEXT)
        carrier_code = describe(pdu.status) + (f": {told}" if told else "")
        self._refused(bind, job, Outcome("refused", (), failure, code, carrier_code, elsewhere=elsewhere))

    def unwritable(self, bind: Bind, token: tuple[_Job, int], why: str) -> None:
        self._refused(bind, token[0], _unwritable(why))

    def silent(self, bind: Bind, token: tuple[_Job, int]) -> None:
        self._refused(bind, token[0], _TIMED_OUT)

    def late(self, bind: Bind, pdu: Pdu) -> None:
        """Its message has gone on already; a receipt will find it by its number, or nothing will."""

    def asked(self, bind: Bind, pdus: Sequence[Pdu]) -> None:
        """Receipts and messages from phones that came together; each is acknowledged once it is durable."""
        session = bind.session
        assert session is not None
        now = self._clock.now_ms()
        receipts: list[Receipt] = []
        inbound: list[Inbound] = []
        of_receipts: list[Pdu] = []
        of_inbound: list[Pdu] = []
        unread: list[Pdu] = []
        for pdu in pdus:
            if pdu.command not in _DELIVERIES:
                continue  # alert_notification: a phone is back; nobody waits for it
            receipt = self._reader.receipt(pdu, now)
            if receipt is not None:
                receipts.append(receipt)
                of_receipts.append(pdu)
            elif self._reader.is_receipt(pdu):
                unread.append(pdu)
            else:
                inbound.append(self._reader.inbound(pdu, now))
                of_inbound.append(pdu)
        if receipts:
            self._events.receipts(receipts, lambda: bind.respond(of_receipts, session))
        if inbound:
            self._events.inbound(inbound, lambda: bind.respond(of_inbound, session))
        if unread:  # an unanswered one would come again and again
            bind.respond(unread, session)

    # -- outcomes

    def _ended(self, job: _Job, outcome: Outcome | None) -> None:
        """One part has its end; None: it was accepted. The message has its own with the last of them."""
        job.left -= 1
        if outcome is not None and job.outcome is None:
            job.outcome = outcome
        if outcome is not None and job.unknown is None and outcome.state == "unknown":
            job.unknown = outcome
        if job.left:
            return
        if job.outcome is None:
            ids = tuple(job.ids)  # of each part by now
            self._events.answered(job.submission, Outcome(_OK, ids, congestion=job.congestion))  # type: ignore[arg-type]
        else:
            self._events.answered(job.submission, self._of_parts(job, job.outcome))

    def _of_parts(self, job: _Job, outcome: Outcome) -> Outcome:
        """When the carrier may have some parts, a second try would send those twice: its kind decides."""
        if outcome.state == "unknown" or not job.may_be_there:
            return outcome
        if outcome.failure == PERMANENT:
            return msgspec.structs.replace(outcome, elsewhere=False)
        told = outcome.carrier_code
        return job.unknown or Outcome("unknown", failure=UNKNOWN, code="partly_taken", carrier_code=told)

    def _refused(self, bind: Bind, job: _Job, outcome: Outcome) -> None:
        """The parts that have not left yet must not leave any more."""
        if job.left > 1:
            for _ in bind.drop(lambda token: token[0] is job):
                self._ended(job, outcome)
        self._ended(job, outcome)

    def _lost_bind(self, bind: Bind, job: _Job) -> None:
        """The carrier has forgotten the bind: it took nothing, and takes nothing until we bind anew."""
        reason = f"the carrier no longer knows the bind: {describe(_NOT_BOUND)}"
        bind.renew(reason)
        self._refused(bind, job, _NOT_TAKEN)
        self._look(reason)

    def _too_fast(self, bind: Bind, job: _Job, place: int, pdu: Pdu) -> None:
        """A message in one part goes back to its queue; a part of several stays first in line here."""
        now = self._clock.monotonic()
        self._throttled += now >= self._slow_until  # what was under way when it began is no further complaint
        seconds = min(_THROTTLE_FIRST_S * 2 ** min(self._throttled - 1, 10), _THROTTLE_LONGEST_S)
        self._slow_until = now + seconds
        if len(job.pdus) == 1 or job.outcome is not None or job.submission.message.valid_until <= self._clock.now_ms():
            outcome = Outcome("refused", failure=THROTTLED, code="too_fast", carrier_code=describe(pdu.status))
            self._refused(bind, job, outcome)
            return
        bind.pause(seconds)
        bind.put_back(job.pdus[place], (job, place))  # leaves when the pause is over

    # -- the link

    def _look(self, reason: str = "") -> None:
        """Up while something can be sent, and what comes of it be heard."""
        is_up = any(bind.may_submit for bind in self._binds) and any(bind.may_receive for bind in self._binds)
        if is_up != self._is_up or (reason and not is_up):
            self._is_up = is_up
            self._events.link(is_up, "" if is_up else reason)


def _unwritable(why: str) -> Outcome:
    return Outcome("refused", failure=PERMANENT, code="unwritable", carrier_code=why[:80])
