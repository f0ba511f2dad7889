"""From the ledger to the carriers: who goes next, through which connector, and what its answer means.

The queue is the ledger. In memory there is only what a connector has credit for: a place in its window and units of
its rate. A message that finds credit at intake is stored as already on its way and is handed over straight from the
commit (`reserve`, `hand_over`); every other one waits in the ledger until a claim takes it, lane by lane and fair
between workspaces. Either way the intent is durable before the carrier is called.
"""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from heliograph.carriers.port import Carrier
from heliograph.core import retry
from heliograph.core.consent import Rulebook
from heliograph.core.failures import THROTTLED
from heliograph.core.message import WAITING, Inbound, Message, Outcome, Receipt, Submission
from heliograph.core.prices import PriceBook
from heliograph.core.rates import Cap
from heliograph.engine.outcomes import not_taken, taken
from heliograph.ports import Chance, Clock, Timer
from heliograph.store.port import Backlog, Claim, Ledger, Move, Moves, Notice, Share

# The part of a window that a lane may fill; the rest stays free for the lanes before it.
_LANE_PART: Final = (1.0, 0.9, 0.7)
_CLAIM_AT_MOST: Final = 500
# A carrier that throttles: we keep to so much of what it took, then try so much more each second; until it has not
# complained for so long.
_SLOWER: Final = 0.9
_FASTER: Final = 0.1
_SECOND_MS: Final = 1_000
_FORGIVEN_MS: Final = 60_000
# How full a carrier says that it is (congestion_state of SMPP 5.0).
_BEST: Final = 80
_BEST_MAX: Final = 90
_FULL: Final = 100
_NOTHING: Final = (0, 0)


class Desk(msgspec.Struct, frozen=True):
    """What links report to, and what they work with."""

    ledger: Ledger
    clock: Clock
    chance: Chance
    told: Callable[[list[Notice]], None]
    answered: Callable[[str, Sequence[tuple[Message, Outcome]]], None]  # for metrics and logs
    receipts: Callable[[Sequence[Receipt], Callable[[], None] | None], None]
    expect: Callable[[Sequence[Move]], None]  # parts that will have receipts
    inbound: Callable[[Sequence[Inbound], Callable[[], None] | None], None]
    paused: Callable[[], "Paused"]
    prices: Callable[[], PriceBook]
    rules: Callable[[], Rulebook]
    link_changed: Callable[[], None]


class Paused(msgspec.Struct, frozen=True):
    """What is stopped by hand at the moment. Nothing is lost by it: everything waits in the ledger."""

    everything: bool = False
    workspaces: frozenset[int] = frozenset()
    connectors: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()

    def covers(self, message: Message) -> bool:
        return self.everything or message.workspace in self.workspaces or message.kind in self.kinds


class Link:
    """A connector at work: its window, its rate, its backlog, its carrier."""

    def __init__(
        self, name: str, carrier: Carrier, desk: Desk, *, window: int, segments_per_second: int, policy: retry.Policy
    ) -> None:
        self.name = name
        self.carrier = carrier
        self.window = window
        self.cap = Cap(segments_per_second, desk.clock.monotonic())
        self.in_flight = 0
        self.up = False
        self.reason = "not started"
        self.since = desk.clock.now_ms()  # when it went up or down
        self._desk = desk
        self._ledger = desk.ledger
        self._clock = desk.clock
        self._policy = policy
        self._backlog: dict[tuple[int, int], None] = {}  # (lane, workspace) that wait, in the order of their turns
        self._claiming = False
        self._wanting = _NOTHING  # (lane, segments) of a message for which too little of the rate was left
        self._blocked_until = 0
        self._throttled = 0
        self._timer: Timer | None = None
        self._ready: list[Submission] = []
        self._answers: list[tuple[Submission, Outcome]] = []
        self._waiting = 0  # about how many messages wait in the ledger; for estimates only
        self._answered = 0
        self._taken = self._taken_before = 0  # segments that the carrier took in this second, and in the one before
        self._pace = 0.0  # answers a second of late
        self._configured = segments_per_second
        self._slowed_at = 0  # when the carrier said "too fast" the last time
        self._eased_at = 0  # when we went slower because it was nearly full
        self._lane_room = tuple(max(1, int(window * part)) for part in _LANE_PART)

    # -- credit

    def reserve(self, message: Message) -> bool:
        """Is there credit to hand this message over at once? Nobody in its lane or before it may be waiting."""
        lane = message.lane
        if self.in_flight >= self._lane_room[lane] or not self._open():
            return False
        paused = self._desk.paused()
        if self.name in paused.connectors or paused.covers(message):
            return False
        for waiting_lane, _ in self._backlog:
            if waiting_lane <= lane:
                return False
        now = self._clock.monotonic()
        if (lane and self.cap.even(now) <= 0) or not self.cap.reserve(message.segments, now):
            return False
        self.in_flight += 1
        return True

    def release(self, message: Message) -> None:
        """Give back credit that was not used: the message could not be kept."""
        self.in_flight -= 1
        self.cap.give_back(message.segments)

    def _open(self) -> bool:
        return self.up and (not self._blocked_until or self._blocked_until <= self._clock.now_ms())

    # -- hand-over

    def hand_over(self, message: Message) -> None:
        """Submit a message whose intent is durable and whose credit is reserved; gathered per turn of the loop."""
        self._ready.append(Submission(message, message.attempts))
        if len(self._ready) == 1:
            self._clock.later(0, self._submit)

    def _submit(self) -> None:
        ready, self._ready = self._ready, []
        now = self._clock.monotonic()
        for submission in ready:
            self.cap.use(submission.message.segments, now)
        self.carrier.submit(ready)

    # -- claims

    def waits(self, lane: int, workspace: int, count: int = 1) -> None:
        """Messages of this lane and workspace wait in the ledger."""
        self._backlog.setdefault((lane, workspace))
        self._waiting += count
        self.pump()

    def tick(self) -> None:
        """Once a second: how fast are we?"""
        if self._answered:
            self._pace = self._pace * 0.7 + self._answered * 0.3 if self._pace else float(self._answered)
        self._answered = 0
        if not self._backlog:
            self._waiting = 0
        self._faster()
        self._taken, self._taken_before = 0, self._taken

    def _faster(self) -> None:
        """What was slowed by the carrier tries a little more each second, up to what is configured."""
        now = self._clock.now_ms()
        if not self._slowed_at or now - self._slowed_at <= _SECOND_MS:
            return
        rate = self.cap.per_second + max(1, int(self.cap.per_second * _FASTER))
        over = now - self._slowed_at > _FORGIVEN_MS
        if over or (self._configured and rate >= self._configured):
            self._slowed_at, rate = 0, self._configured
        self.cap.learn(rate)

    def seconds_for(self, messages: int, segments: int) -> float:
        """About how long so many more messages will take, behind what waits already."""
        pace = self._pace or 500.0
        seconds = (self._waiting + messages) / pace
        if self.cap.per_second:
            seconds = max(seconds, (self._waiting + segments) / self.cap.per_second)
        return seconds

    def found(self, backlog: Sequence[Backlog]) -> None:
        """What the ledger says is due; keeps the turns of those that are known already."""
        for entry in backlog:
            self._backlog.setdefault((entry.lane, entry.workspace))
        self.pump()

    def pump(self) -> None:
        """Claim as much as there is credit for."""
        if self._claiming or not self._backlog or not self._open():
            return
        paused = self._desk.paused()
        if paused.everything or self.name in paused.connectors:
            return
        now = self._clock.monotonic()
        free = self.cap.free(now)
        if self._must_wait(free):
            self._wake_in(self.cap.wait(now, self._wanting[1]))
            return
        shares = self._shares(paused, min(free, _CLAIM_AT_MOST), self.cap.even(now)) if free > 0 else []
        if not shares:
            if wait := self.cap.wait(now):
                self._wake_in(wait)
            return
        self._claiming, self._wanting = True, _NOTHING
        self.in_flight += sum(share.limit for share in shares)  # held while the claim is under way, as are the units
        self.cap.hold(free, now)
        self._ledger.add(
            Claim(
                done=self._claimed,
                connector=self.name,
                shares=shares,
                segments=free,
                now=self._clock.now_ms(),
                owner=self._ledger.process,
                rules=self._desk.rules(),
                paused_kinds=paused.kinds,
                is_idle=free == self.cap.per_second,
            )
        )

    def _must_wait(self, free: int) -> bool:
        """A message of several parts waits for enough of the rate; only an earlier lane may go before it."""
        lane, segments = self._wanting
        return free < min(segments, self.cap.per_second) and all(waiting >= lane for waiting, _ in self._backlog)

    def _shares(self, paused: Paused, at_most: int, even: int) -> list[Share]:
        """Lanes in order; inside a lane every waiting workspace gets the same, and what is left over goes by turns.

        Only the first lane may spend all credit at once; the others go evenly, so that it never has long to wait.
        """
        shares: list[Share] = []
        taken = self.in_flight
        for lane, room in enumerate(self._lane_room):
            turns = [w for (waiting, w) in self._backlog if waiting == lane and w not in paused.workspaces]
            free = min(room - taken, at_most, even if lane else at_most)
            if not turns or free <= 0:
                continue
            at_most -= free
            even -= free
            each, more = divmod(free, len(turns))
            for place, workspace in enumerate(turns):
                if place < more:
                    self._backlog[lane, workspace] = self._backlog.pop((lane, workspace))  # to the end of the turns
                if limit := each + (place < more):
                    shares.append(Share(lane, workspace, limit))
            taken += free
        return shares

    def _claimed(self, claim: Claim) -> None:
        self._claiming = False
        self.in_flight -= sum(share.limit for share in claim.shares)
        self.cap.give_back(claim.segments)
        if claim.error is not None:
            self._wake_in(1.0)
            return
        self._desk.told(claim.notices)
        got: dict[tuple[int, int], int] = {}
        for message in (*claim.messages, *claim.ended):
            got[message.lane, message.workspace] = got.get((message.lane, message.workspace), 0) + 1
        if claim.wanting is not None:
            self._wanting = claim.wanting
        else:
            for share in claim.shares:  # who gave less than he might has no more
                if got.get((share.lane, share.workspace), 0) < share.limit:
                    self._backlog.pop((share.lane, share.workspace), None)
        now = self._clock.monotonic()
        self._waiting = max(0, self._waiting - sum(got.values()))
        for message in claim.messages:
            self.in_flight += 1
            self.cap.hold(message.segments, now)
            self.hand_over(message)
        self.pump()

    def _wake_in(self, seconds: float) -> None:
        if self._timer is None:
            self._timer = self._clock.later(max(seconds, 0.001), self._woken)

    def _woken(self) -> None:
        self._timer = None
        self.pump()

    # -- what the carrier says (carriers.port.Events)

    def link(self, up: bool, reason: str = "") -> None:
        if up != self.up:
            self.since = self._clock.now_ms()
        self.up, self.reason = up, reason
        self._desk.link_changed()
        if up:
            self.pump()

    def receipts(self, receipts: Sequence[Receipt], committed: Callable[[], None] | None = None) -> None:
        self._keep_answers()  # a fast carrier reports in the same breath: its answers go first
        self._desk.receipts(receipts, committed)

    def inbound(self, messages: Sequence[Inbound], committed: Callable[[], None] | None = None) -> None:
        self._desk.inbound(messages, committed)

    def answered(self, submission: Submission, outcome: Outcome) -> None:
        """Gathered per turn of the loop: one operation for all answers that came together."""
        self.in_flight -= 1
        self._answers.append((submission, outcome))
        if len(self._answers) == 1:
            self._clock.later(0, self._keep_answers)

    def _keep_answers(self) -> None:
        answers, self._answers = self._answers, []
        if not answers:
            return
        self._answered += len(answers)
        now = self._clock.now_ms()
        moves = [self._judge(submission, outcome, now) for submission, outcome in answers]
        self._ledger.add(Moves(done=self._kept, moves=moves))
        self._desk.expect(moves)
        self._desk.answered(self.name, [(submission.message, outcome) for submission, outcome in answers])
        self.pump()

    def _kept(self, operation: Moves) -> None:
        if operation.error is not None:
            raise operation.error
        self._desk.told(operation.notices)
        if operation.unparked:
            self._desk.receipts(operation.unparked, None)
        for move in operation.moves:
            if move.message.owner == WAITING and move.message.connector == self.name:
                self._due_later(move.message)

    def _due_later(self, message: Message) -> None:
        """Come back for a message that is to be tried again through this connector."""
        wait = message.due_at - self._clock.now_ms()
        self._clock.later(max(0, wait) / 1000, lambda: self.waits(message.lane, message.workspace))

    def _judge(self, submission: Submission, outcome: Outcome, now: int) -> Move:
        if outcome.state == "accepted":
            self._taken += submission.message.segments
            if outcome.congestion < _BEST:
                self._throttled = 0
            else:
                self._ease_off(outcome.congestion, now)
            return taken(submission, outcome, self.name, now)
        if outcome.failure == THROTTLED:
            self._hold_back(outcome.retry_after_ms, now)
        chance, prices = self._desk.chance.random(), self._desk.prices()
        return not_taken(submission, outcome, self.name, now, chance, self._policy, prices)

    def _ease_off(self, congestion: int, now: int) -> None:
        """The carrier took it, and is busy: at its best we go no faster, above that slower, and when it is full we stop
        for a moment, as if it had said "too fast"."""
        if congestion >= _FULL:
            self._hold_back(None, now)
        elif congestion > _BEST_MAX:
            if now - self._eased_at > _SECOND_MS:  # it says so with every answer
                self._eased_at = now
                self._slower()
            self._slowed_at = now
        elif self._slowed_at:
            self._slowed_at = now

    def _hold_back(self, retry_after_ms: int | None, now: int) -> None:
        """The carrier says "too fast": stop for as long as it asks, or a little longer each time; and then keep to what
        it took in this second."""
        self._throttled += now >= self._blocked_until  # what was under way when it began is no further complaint
        if now - self._slowed_at > _SECOND_MS:
            self._slower()
        self._slowed_at = now
        pause = retry_after_ms or min(100 * 2 ** min(self._throttled, 10), 30_000)
        self._blocked_until = max(self._blocked_until, now + pause)
        self._wake_in(pause / 1000)

    def _slower(self) -> None:
        """Keep to a little less than what the carrier took in this second."""
        self.cap.learn(max(1, int(max(self._taken, self._taken_before) * _SLOWER)))
