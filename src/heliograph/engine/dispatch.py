"""From the ledger to the carriers: who goes next, through which connector, and what its answer means.

The queue is the ledger. In memory there is only what a connector has credit for: a place in its window and units of
its rate. A message that finds credit at intake is stored as already on its way and is handed over straight from the
commit (`reserve`, `hand_over`); every other one waits in the ledger until a claim takes it, lane by lane and fair
between workspaces. Either way the intent is durable before the carrier is called.
"""

from collections.abc import Callable, Sequence
from typing import Final

from heliograph.carriers.port import Carrier
from heliograph.core import retry
from heliograph.core.channels import SMS
from heliograph.core.failures import PERMANENT, THROTTLED, TRANSIENT
from heliograph.core.message import WAITING, Inbound, Message, Outcome, Receipt, Submission
from heliograph.core.rates import Cap
from heliograph.engine.dispatching import Desk, Paused
from heliograph.engine.heed import Heed
from heliograph.engine.outcomes import not_taken, taken
from heliograph.engine.paces import Paces
from heliograph.ports import Timer
from heliograph.store.port import Backlog, Claim, Move, Moves, Share

# The part of a window that a lane may fill; the rest stays free for the lanes before it.
_LANE_PART: Final[tuple[float, ...]] = (1.0, 0.9, 0.7)
_CLAIM_AT_MOST: Final = 500
_NOTHING: Final = (0, 0)
_NOT_CARRIED: Final = Outcome("refused", failure=PERMANENT, code="channel_not_carried", elsewhere=True)
_QUIET_HOURS: Final = Outcome("unsent", failure=TRANSIENT, code="quiet_hours")


class Link:
    """A connector at work: its window, its rate, its backlog, its carrier."""

    def __init__(
        self,
        name: str,
        carrier: Carrier,
        desk: Desk,
        *,
        window: int,
        segments_per_second: int,
        policy: retry.Policy,
        paces: Paces | None = None,  # of senders that have a rate of their own; None: nobody counts what goes this way
    ) -> None:
        self.name = name
        self.carrier = carrier
        self.window = window
        self.cap = Cap(segments_per_second, desk.clock.monotonic())
        self._heed = Heed(self.cap, segments_per_second)
        self.in_flight = 0
        self.up = False
        self.reason = "not started"
        self.since = desk.clock.now_ms()  # when it went up or down
        self._desk = desk
        self._ledger = desk.ledger
        self._clock = desk.clock
        self._policy = policy
        self._paces = paces
        self._coming_back: set[tuple[int, int]] = set()  # (lane, workspace) with a timer
        self._backlog: dict[tuple[int, int], None] = {}  # (lane, workspace) that wait, in the order of their turns
        self._claiming = False
        self._wanting = _NOTHING  # (lane, segments) of a message for which too little of the rate was left
        self._timer: Timer | None = None
        self._ready: list[Message] = []
        self._answers: list[tuple[Submission, Outcome]] = []
        self._waiting = 0  # about how many messages wait in the ledger; for estimates only
        self._answered = 0
        self._pace = 0.0  # answers a second of late
        self._lane_room = tuple(max(1, int(window * part)) for part in _LANE_PART)
        # By what a message calls its channel: SMS has no name there.
        self._channels = frozenset(None if name == SMS else name for name in carrier.capabilities.channels)

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
        pace = self._paces.of(message) if self._paces is not None and self._paces.are_any else None
        if pace is not None and not pace.reserve(message):
            message.due_at = pace.turn(message)
            return False
        if self.cap.per_second:
            now = self._clock.monotonic()
            if (lane and self.cap.even(now) <= 0) or not self.cap.reserve(message.segments, now):
                if pace is not None:
                    pace.give_back(message.segments)
                return False
        self.in_flight += 1
        return True

    def release(self, message: Message) -> None:
        """Give back credit that was not used: the message could not be kept."""
        self.in_flight -= 1
        self.cap.give_back(message.segments)
        if self._paces is not None and (pace := self._paces.of(message)):
            pace.give_back(message.segments)

    def _open(self) -> bool:
        return self.up and not (self._heed.blocks and self._heed.is_blocked(self._clock.now_ms()))

    # -- hand-over

    def hand_over(self, message: Message) -> None:
        """Submit a message whose intent is durable and whose credit is reserved; gathered per turn of the loop."""
        self._ready.append(message)
        if len(self._ready) == 1:
            self._clock.later(0, self._submit)

    def _submit(self) -> None:
        messages, self._ready = self._ready, []
        now_ms = self._clock.now_ms()
        ready = [Submission(message, message.attempts, now_ms) for message in messages]
        if quiet_kinds := self._desk.quiet_kinds():
            ready = self._without_closed(ready, quiet_kinds, now_ms)
        for strange in [one for one in ready if one.message.channel not in self._channels]:
            ready.remove(strange)  # the connector was declared anew since the route was
            self.answered(strange, _NOT_CARRIED)
        if self.cap.per_second or (self._paces is not None and self._paces.are_any):
            now = self._clock.monotonic()
            for submission in ready:
                self.cap.use(submission.message.segments, now)
                if self._paces is not None and (pace := self._paces.of(submission.message)):
                    pace.use(submission.message.segments)
        if ready:
            self.carrier.submit(ready)

    def _without_closed(self, ready: list[Submission], quiet_kinds: frozenset[str], now: int) -> list[Submission]:
        """The commit took time, and quiet hours may have begun: what they cover goes back to where it waited."""
        may_go: list[Submission] = []
        for submission in ready:
            message = submission.message
            if message.kind in quiet_kinds and self._desk.closed(message, now) is not None:
                self.cap.give_back(message.segments)
                self.answered(submission, _QUIET_HOURS)
            else:
                may_go.append(submission)
        return may_go

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
        self._heed.tick(self._clock.now_ms())

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
        allowances = {} if self._paces is None else self._paces.allowances(share.workspace for share in shares)
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
                quiet_kinds=self._desk.quiet_kinds(),
                closed=self._desk.closed,
                is_idle=free == self.cap.per_second,
                allowances=allowances,
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
        if self._paces is not None and claim.allowances:
            self._paces.returned(claim.allowances)
        if claim.error is not None:
            self._wake_in(1.0)
            return
        self._desk.told(claim.notices)
        got: dict[tuple[int, int], int] = {}
        for message in (*claim.messages, *claim.ended, *claim.held):
            got[message.lane, message.workspace] = got.get((message.lane, message.workspace), 0) + 1
        if claim.wanting is not None:
            self._wanting = claim.wanting
        elif not claim.set_back:  # what was set back has made room for others
            for share in claim.shares:  # who gave less than he might has no more
                if got.get((share.lane, share.workspace), 0) < share.limit:
                    self._backlog.pop((share.lane, share.workspace), None)
        now = self._clock.monotonic()
        self._waiting = max(0, self._waiting - sum(got.values()))
        for message in claim.messages:
            self.in_flight += 1
            self.cap.hold(message.segments, now)
            if self._paces is not None and (pace := self._paces.of(message)):
                pace.hold(message.segments)
            self.hand_over(message)
        for lane, workspace in claim.kept_back:
            self._come_back(lane, workspace, claim)
        self.pump()

    def _come_back(self, lane: int, workspace: int, claim: Claim) -> None:
        """What stands in front for want of its sender's rate goes as soon as something of that is left."""
        if self._paces is None or (lane, workspace) in self._coming_back:
            return

        def come() -> None:
            self._coming_back.discard((lane, workspace))
            self.waits(lane, workspace, 0)

        self._coming_back.add((lane, workspace))
        asked = [key for key, allowance in claim.allowances.items() if key[0] == workspace and allowance.is_asked]
        self._clock.later(self._paces.wait_s(asked), come)

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
        message = submission.message
        price, currency = message.price, message.currency
        move = self._follow(submission, outcome, now)
        if message.price != price or message.currency != currency:
            self._desk.repriced(message, (price, currency))
        return move

    def _follow(self, submission: Submission, outcome: Outcome, now: int) -> Move:
        if outcome.state == "accepted":
            if pause_ms := self._heed.took(submission.message.segments, outcome.congestion, now):
                self._wake_in(pause_ms / 1000)
            return taken(submission, outcome, self.name, now)
        if outcome.failure == THROTTLED:
            self._wake_in(self._heed.hold_back(outcome.retry_after_ms, now) / 1000)
        chance, prices = self._desk.chance.random(), self._desk.prices()
        return not_taken(submission, outcome, self.name, now, chance, self._policy, prices)
