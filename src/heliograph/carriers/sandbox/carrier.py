"""The sandbox at work: takes submissions, answers and reports as their fates say. Never sleeps, never blocks but for
the journal, which rehearsals of crashes count."""

import os
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

from msgspec.structs import replace

from heliograph.carriers.port import Capabilities, Events, World
from heliograph.carriers.sandbox.fates import (
    ALL,
    FATES,
    LAST,
    MARK,
    OTHERS,
    Fate,
    Report,
    asked_for,
    looked,
    reply_asked_for,
)
from heliograph.carriers.sandbox.settings import Rule, Scenario, Settings, read_scenario
from heliograph.core.lifecycle import NOTES
from heliograph.core.lookups import Looked
from heliograph.core.message import Inbound, Message, Outcome, Receipt, Submission

_BUCKET_MS: Final = 5  # what is due within so many milliseconds of each other shares a timer
_THROTTLED: Final = Outcome("refused", failure="throttled", code="too_fast", carrier_code="SB-80", retry_after_ms=200)
_FAILING: Final = Outcome("refused", failure="transient", code="carrier_error", carrier_code="SB-OUT")
_TIMED_OUT: Final = Outcome("unknown", failure="unknown", code="answer_timeout")
_OUT: Final = Outcome("unknown", failure="unknown", code="link_lost")
_TURNS: Final = 100_000  # so many messages are remembered for rules that meet each nth
_MASK: Final = (1 << 64) - 1
_DELIVERED: Final = Report("delivered")
_LYING_ID: Final = "sandbox-never-sent-this"


class SandboxCarrier:
    """One sandbox connector."""

    def __init__(self, name: str, settings: Settings, world: World, capabilities: Capabilities) -> None:
        self.name = name
        self.capabilities = capabilities
        self.window: int | None = None
        self._settings = settings
        self._clock = world.clock
        self._traits = settings.personalities
        self._scenario = read_scenario(settings.scenario)
        self._turns: OrderedDict[tuple[int, int], int] = OrderedDict()  # (rule, message) → it was the nth that fitted
        self._fitted: dict[int, int] = {}  # rule → how many messages have fitted
        self._slow = 1.0  # how much a period of the scenario slows it
        self._out = settings.outage
        self._fails = False
        self._events: Events
        self._next_id = world.clock.now_ms() * 1_000  # rises over restarts: nobody sends a million a second
        self._silent: dict[tuple[int, int], Submission] = {}  # taken, and never to be answered
        self._buckets: dict[int, list[Callable[[], None]]] = {}
        self._second = 0
        self._in_second = 0
        self._journal: int | None = None
        # Nothing to wait for, nothing to decide: what no number or text asks otherwise is delivered at once.
        self._is_plain = (
            self._traits == {"honest"}
            and self._scenario == Scenario()
            and settings.max_parts == 255
            and not (settings.answer_delay_ms or settings.receipt_delay_ms or settings.messages_per_second)
        )

    # -- life

    async def start(self, events: Events) -> None:
        self._events = events
        if self._settings.journal is not None:
            self._journal = os.open(self._settings.journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        for period in self._scenario.periods:
            self._clock.later(period.from_s, lambda p=period: self._enter(p.outage, p.slow))  # type: ignore[misc]
            self._clock.later(period.to_s, lambda: self._enter(self._settings.outage, 1.0))
        events.link(not self._out, "outage" if self._out else "")

    async def stop(self, grace_s: float) -> None:
        """What was to be answered later is answered now: nobody waits for a network that is gone."""
        for submission in [*self._silent.values()]:
            self._answer(submission, _OUT)
        self._silent.clear()
        if self._journal is not None:
            os.close(self._journal)
            self._journal = None

    async def look_up(self, e164: str) -> Looked:
        """What it knows of a number: the fate that the number asks for."""
        return looked(e164)

    def set_outage(self, out: bool) -> None:
        """The switch: while the network is out nothing is taken, and what it holds is lost from sight."""
        self._enter(out, self._slow)

    def set_failing(self, fails: bool) -> None:
        """Another switch: the network is there, and refuses everything for the time being."""
        self._fails = fails

    def _enter(self, out: bool, slow: float) -> None:
        self._slow = slow
        if out == self._out:
            return
        self._out = out
        self._events.link(not out, "outage" if out else "")
        if out:
            silent, self._silent = self._silent, {}
            for submission in silent.values():
                self._answer(submission, _OUT)

    # -- messages out

    def submit(self, submissions: Sequence[Submission]) -> None:
        if self._journal is not None:
            self._write_down(submissions)
        receipts: list[Receipt] = []
        for submission in submissions:
            self._take(submission, receipts)
        if receipts:
            self._events.receipts(receipts)

    def _take(self, submission: Submission, now_receipts: list[Receipt]) -> None:
        """Answer, now or later; receipts that are due now are gathered."""
        message, attempt = submission.message, submission.attempt
        asked = asked_for(message.to, message.text)
        if self._is_plain and asked is None and not (self._out or self._fails) and MARK not in (message.text or ""):
            ids = self._new_ids(message.segments)
            self._events.answered(submission, Outcome("accepted", ids))
            now_receipts += self._receipts_of(_DELIVERED, ids)
            return
        fate = self._fate(asked, message, attempt)
        if self._out or fate.answer == "silent" or "half_open" in self._traits:
            self._silent[message.id, attempt] = submission
            self._later(self._settings.answer_timeout_ms, lambda: self._time_out(submission))
            return
        if self._is_too_fast(message, attempt):
            self._after_answer_delay(submission, _THROTTLED, (), ())
            return
        if self._fails:
            self._after_answer_delay(submission, _FAILING, (), ())
            return
        if fate.answer == "refused":
            outcome = Outcome("refused", failure=fate.failure, code=fate.code, carrier_code=fate.carrier_code)
            self._after_answer_delay(submission, outcome, (), ())
            return
        ids = self._new_ids(message.segments)
        outcome = Outcome("accepted", ids)
        delay = self._delay(self._settings.answer_delay_ms, message, attempt)
        reports = self._reports(fate, message, attempt)
        early = tuple(report for report in reports if report.early)
        if early:
            early_receipts: list[Receipt] = []
            self._report(early, ids, message, attempt, early_receipts)
            self._events.receipts(early_receipts)
            reports = tuple(report for report in reports if not report.early)
        if delay == 0:
            self._answer(submission, outcome)
            self._report(reports, ids, message, attempt, now_receipts)
        else:
            self._after_answer_delay(submission, outcome, reports, ids)

    def _after_answer_delay(
        self, submission: Submission, outcome: Outcome, reports: Sequence[Report], ids: Sequence[str]
    ) -> None:
        message, attempt = submission.message, submission.attempt

        def answer() -> None:
            if self._silent.pop((message.id, attempt), None) is None:
                return  # the network went out meanwhile and has answered already
            self._answer(submission, outcome)
            self._report(reports, ids, message, attempt, None)

        self._silent[message.id, attempt] = submission
        self._later(self._delay(self._settings.answer_delay_ms, message, attempt), answer)

    def _answer(self, submission: Submission, outcome: Outcome) -> None:
        self._events.answered(submission, outcome)

    def _time_out(self, submission: Submission) -> None:
        if self._silent.pop((submission.message.id, submission.attempt), None) is not None:
            self._answer(submission, _TIMED_OUT)

    def _write_down(self, submissions: Sequence[Submission]) -> None:
        """A line for each submission, in one unbuffered write: it stands even if we are killed in the next moment."""
        assert self._journal is not None
        now = self._clock.now_ms()
        lines = (
            f"{m.id} {attempt} {m.possible_duplicate} {now} {m.kind} {m.accepted_at}\n" for m, attempt, _ in submissions
        )
        os.write(self._journal, "".join(lines).encode())

    # -- what becomes of them

    def _fate(self, asked: str | None, message: Message, attempt: int) -> Fate:
        name = asked or self._by_rule(message) or "delivered"
        if "filtering" in self._traits and self._is_filtered(message):
            name = "content"
        if message.segments > self._settings.max_parts:
            name = "content"
        fate = FATES[name]
        return FATES["delivered"] if fate.attempts and attempt > fate.attempts else fate

    def _by_rule(self, message: Message) -> str | None:
        for number, rule in enumerate(self._scenario.rules):
            if _fits(rule, message) and (rule.every == 1 or self._turn(number, message) % rule.every == 0):
                return rule.fate
        return None

    def _turn(self, rule: int, message: Message) -> int:
        """The how-manieth it was that fitted a rule; later attempts and questions don't count again."""
        turn = self._turns.get((rule, message.id))
        if turn is None:
            turn = self._fitted[rule] = self._fitted.get(rule, 0) + 1
            self._turns[rule, message.id] = turn
            if len(self._turns) > _TURNS:
                self._turns.popitem(last=False)
        return turn

    def _is_filtered(self, message: Message) -> bool:
        text = (message.text or "").lower()
        return any(word.lower() in text for word in self._settings.filtered_words)

    def _is_too_fast(self, message: Message, attempt: int) -> bool:
        if "throttling" in self._traits and self._chance(message.id, attempt, 1) < 0.1:
            return True
        limit = self._settings.messages_per_second
        if not limit:
            return False
        second = self._clock.now_ms() // 1_000
        if second != self._second:
            self._second, self._in_second = second, 0
        self._in_second += 1
        return self._in_second > limit

    # -- receipts

    def _reports(self, fate: Fate, message: Message, attempt: int) -> tuple[Report, ...]:
        """The reports of a fate, as this network's personality tells them."""
        traits, reports = self._traits, fate.reports
        if "honest" in traits:
            return reports
        if "losing" in traits and self._chance(message.id, attempt, 2) < 0.1:
            return ()
        if "doubling" in traits:
            reports = (*reports, *(_again(report) for report in reports))
        if "reordering" in traits:
            reports = (*reports, Report("buffered", 1.5))
        if "lying" in traits and self._chance(message.id, attempt, 3) < 0.1:
            reports = (Report("delivered", 0.5, unknown_id=True), *reports)
        if "eager" in traits and reports:
            first = reports[0]
            reports = (replace(first, after=0.0, early=True), *reports[1:])
        return reports

    def _report(
        self,
        reports: Sequence[Report],
        ids: Sequence[str],
        message: Message,
        attempt: int,
        now_receipts: list[Receipt] | None,
    ) -> None:
        for report in reports:
            delay = self._delay(self._settings.receipt_delay_ms * report.after, message, attempt)
            if delay == 0 and now_receipts is not None:
                now_receipts += self._receipts_of(report, ids)
            else:
                self._later(
                    delay,
                    lambda report=report: self._events.receipts(  # type: ignore[misc]
                        self._receipts_of(report, ids)
                    ),
                )
            if report.reaches_phone:
                self._reply(message, delay)

    def _receipts_of(self, report: Report, ids: Sequence[str]) -> list[Receipt]:
        now = self._clock.now_ms()
        parts = {ALL: ids, LAST: ids[-1:], OTHERS: ids[:-1]}[report.parts]
        return [
            Receipt(
                self.name,
                _LYING_ID if report.unknown_id else self._as_reported(carrier_id),
                report.fact,
                now,
                report.failure,
                report.code,
                report.carrier_code,
                self._settings.price_per_part,
                self._settings.price_currency,
            )
            for carrier_id in parts
        ]

    async def query(self, submission: Submission, carrier_ids: Sequence[str]) -> Sequence[Receipt] | None:
        """The last report, if its time has come; None when there never will be one."""
        message, attempt = submission.message, submission.attempt
        reports = [
            report
            for report in self._fate(asked_for(message.to, message.text), message, attempt).reports
            if not report.unknown_id and report.fact not in NOTES
        ]
        if not reports or not carrier_ids:
            return None
        last = max(reports, key=lambda report: report.after)
        due = (message.sent_at or message.updated_at) + self._settings.receipt_delay_ms * last.after
        return self._receipts_of(last, carrier_ids) if self._clock.now_ms() >= due else []

    def _new_ids(self, count: int) -> tuple[str, ...]:
        first = self._next_id
        self._next_id += count
        return (str(first),) if count == 1 else tuple(str(first + part) for part in range(count))

    def _as_reported(self, carrier_id: str) -> str:
        if "hex_ids" in self._traits:
            return format(int(carrier_id), "X")
        if "padded_ids" in self._traits:
            return carrier_id.zfill(20)
        return carrier_id

    # -- phones

    def receive(self, sender: str, to: str, text: str, environment: int) -> None:
        """A phone sends a message. It is a phone of this environment: what it says is heard in no other."""
        self._next_id += 1
        number, now = str(self._next_id), self._clock.now_ms()
        self._events.inbound([Inbound(self.name, sender, to, text, now, number, environment=environment)])

    def _reply(self, message: Message, delay_ms: float) -> None:
        """The phone answers, if the text or the scenario asks for it."""
        words = reply_asked_for(message.text)
        if words is not None:
            self._later(
                delay_ms + 1, lambda: self.receive(message.to, message.sender or "", words, message.environment)
            )
        for reply in self._scenario.replies:
            if message.to.startswith(reply.prefix) and reply.text in (message.text or ""):
                self._later(
                    delay_ms + reply.after_ms,
                    lambda reply=reply: self.receive(  # type: ignore[misc]
                        message.to, message.sender or "", reply.reply, message.environment
                    ),
                )

    # -- time and chance

    def _delay(self, base_ms: float, message: Message, attempt: int) -> float:
        if not base_ms:
            return 0
        spread = self._settings.spread
        vary = 1.0 + spread * (2 * self._chance(message.id, attempt, 4) - 1) if spread else 1.0
        return base_ms * vary * self._slow * (10 if "slow" in self._traits else 1)

    def _chance(self, message: int, attempt: int, salt: int) -> float:
        """At least 0, below 1; the same for the same seed, message, attempt and salt."""
        mixed = (message * 0x9E37_79B9_7F4A_7C15 + attempt * 0xBF58_476D_1CE4_E5B9 + self._settings.seed + salt) & _MASK
        mixed = ((mixed ^ mixed >> 30) * 0x94D0_49BB_1331_11EB) & _MASK
        return ((mixed ^ mixed >> 31) >> 11) / (1 << 53)

    def _later(self, delay_ms: float, do: Callable[[], None]) -> None:
        due = int(self._clock.now_ms() + delay_ms) // _BUCKET_MS + 1
        bucket = self._buckets.get(due)
        if bucket is None:
            bucket = self._buckets[due] = []
            self._clock.later(delay_ms / 1_000, lambda: self._run(due))
        bucket.append(do)

    def _run(self, due: int) -> None:
        for do in self._buckets.pop(due):
            do()


def _fits(rule: Rule, message: Message) -> bool:
    return message.to.startswith(rule.prefix) and rule.text in (message.text or "") and rule.kind in ("", message.kind)


def _again(report: Report) -> Report:
    return replace(report, after=report.after + 0.2, reaches_phone=False)
