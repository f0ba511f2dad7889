"""How fast each sender may go, whatever connectors carry it and however many processes run.

A sender's rate is used by one process at a time, which holds it by a lease: so it is exact without asking anybody for
each message. Whoever needs it while another has it says so, and gets it within a few seconds. What a sender may send
in a day is taken from the ledger in small lots: a process that dies loses the rest of its lot, and no day is exceeded.

Nothing here waits: what finds nothing left stays in the ledger, due when its turn will be.
"""

from collections.abc import Iterable
from typing import Final

from heliograph.core.message import LANE_NAMES, Message
from heliograph.core.rates import Cap
from heliograph.core.senders import Sender
from heliograph.engine import leases
from heliograph.engine.days import day_of
from heliograph.ports import Clock
from heliograph.store.port import Allowance, Ledger

Key = tuple[int, str]  # workspace, sender

_PLENTY: Final = 1 << 30
_SLOT_MS: Final = 1_050  # so long a second's worth takes, with a little room
_PATIENT: Final = 20  # messages of a sender that stay in front though nothing is left for them at the moment
_TENURE_MS: Final = 3_000  # who has a rate keeps it at least so long
_ASKED_MS: Final = 10_000  # who asked so long ago asks no longer
_WANT_MS: Final = 3_000
_WANT: Final = "want:"
_LOTS: Final = 50  # in a day
_SMALLEST_LOT: Final = 10


class Pace:
    """One sender's rate and day, as this process has them."""

    def __init__(self, sender: Sender, clock: Clock, *, is_alone: bool) -> None:
        self.sender = sender
        self.cap = Cap(sender.max_segments_per_second, clock.monotonic())
        self.asked_at = 0  # when a message of it was seen the last time
        self.since = 0  # when the rate became ours
        self.until = _PLENTY * _PLENTY if is_alone else 0  # how long it is
        self.is_leaving = False  # another process wants it; nothing is begun any more
        self.day_end = 0
        self.left_today = 0 if sender.max_segments_per_day else _PLENTY  # of our lot
        self.day_is_over = False  # everything of the day has been given away
        self.in_hand = 0  # segments that were set aside and have not left
        self.turns = [0] * len(LANE_NAMES)  # when the next message of a lane has its turn, behind those that wait
        self._clock = clock

    def learn(self, sender: Sender) -> None:
        """It was declared anew."""
        if sender.max_segments_per_second != self.sender.max_segments_per_second:
            self.cap.learn(sender.max_segments_per_second)
        if bool(sender.max_segments_per_day) != bool(self.sender.max_segments_per_day):
            self.left_today, self.day_end = 0 if sender.max_segments_per_day else _PLENTY, 0
        self.sender = sender

    # -- credit

    def free(self) -> int:
        now_ms = self._clock.now_ms()
        if self.is_leaving or now_ms >= self.until or (self.sender.max_segments_per_day and now_ms >= self.day_end):
            return 0
        return min(self.cap.free(self._clock.monotonic()), self.left_today)

    def reserve(self, message: Message) -> bool:
        """Is enough left to hand this message over at once, and does nothing of its lane wait before it?"""
        now_ms = self.asked_at = self._clock.now_ms()
        if self.turns[message.lane] > now_ms or self.free() < message.segments:
            return False
        if message.lane and self.cap.even(self._clock.monotonic()) <= 0:
            return False
        self.hold(message.segments)
        return True

    def hold(self, segments: int) -> None:
        self.cap.hold(segments, self._clock.monotonic())
        self.left_today -= segments
        self.in_hand += segments

    def give_back(self, segments: int) -> None:
        self.cap.give_back(segments)
        self.left_today += segments
        self.in_hand -= segments

    def use(self, segments: int) -> None:
        self.cap.use(segments, self._clock.monotonic())
        self.in_hand = max(0, self.in_hand - segments)  # it may have left before it was declared to be counted

    def turn(self, message: Message) -> int:
        """When a message has its turn that found nothing left, behind those of its lane that wait already."""
        return self._line().turn(message.lane, message.segments)

    def _line(self) -> Allowance:
        now_ms = self._clock.now_ms()
        first = max(now_ms, self.day_end) if self.day_is_over and self.day_end > now_ms else now_ms
        rate = self.sender.max_segments_per_second
        self.turns = [max(turn, first) for turn in self.turns]
        return Allowance(turns=self.turns, gap_ms=_SLOT_MS / rate if rate else 1.0)

    def allowance(self) -> Allowance:
        """What one claim may take of it; the caller holds so much until it is back."""
        line = self._line()
        rate = self.sender.max_segments_per_second
        line.units = line.held = self.free()
        line.even = min(line.units, self.cap.even(self._clock.monotonic()))
        line.is_idle, line.today = bool(rate) and line.units == rate, self.left_today
        line.patience = min(rate or _PATIENT, _PATIENT)
        self.hold(line.held)
        return line

    def returned(self, allowance: Allowance, now_ms: int) -> None:
        """A claim is over; what it took is held anew by whoever hands it over."""
        self.give_back(allowance.held)
        self.turns = [max(mine, theirs) for mine, theirs in zip(self.turns, allowance.turns, strict=True)]
        if allowance.is_asked:
            self.asked_at = now_ms

    def wait_s(self) -> float:
        """About how long until something is left again."""
        if self.is_leaving or self.left_today <= 0 or self._clock.now_ms() >= self.until:
            return 1.0
        return max(self.cap.wait(self._clock.monotonic()), 0.02)


class Paces:
    """All senders that have a rate or a day of their own."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._paces: dict[Key, Pace] = {}
        self._by_workspace: dict[int, list[Key]] = {}
        self.are_any = False  # if not, nobody need ask

    def learn(self, declared: Iterable[tuple[int, Sender]]) -> None:
        """What is declared now, by workspace."""
        wanted = {
            (workspace, sender.value): sender
            for workspace, sender in declared
            if sender.max_segments_per_second or sender.max_segments_per_day
        }
        for key in self._paces.keys() - wanted.keys():
            del self._paces[key]
        for key, sender in wanted.items():
            if (pace := self._paces.get(key)) is not None:
                pace.learn(sender)
            else:
                self._paces[key] = Pace(sender, self._clock, is_alone=self._ledger.is_alone)
        self.are_any = bool(self._paces)
        self._by_workspace = {}
        for key in self._paces:
            self._by_workspace.setdefault(key[0], []).append(key)

    def of(self, message: Message) -> Pace | None:
        return self._paces.get((message.workspace, message.sender or ""))

    def allowances(self, workspaces: Iterable[int]) -> dict[Key, Allowance]:
        """What one claim may take of the senders of these workspaces."""
        return {
            key: self._paces[key].allowance()
            for workspace in set(workspaces)
            for key in self._by_workspace.get(workspace, ())
        }

    def returned(self, allowances: dict[Key, Allowance]) -> None:
        now_ms = self._clock.now_ms()
        for key, allowance in allowances.items():
            if (pace := self._paces.get(key)) is not None:
                pace.returned(allowance, now_ms)

    def wait_s(self, keys: Iterable[Key]) -> float:
        return min((self._paces[key].wait_s() for key in keys if key in self._paces), default=1.0)

    # -- between processes

    async def tick(self) -> None:
        """See that what is needed here is here, and let go of what others need. By the clock alone: each cold
        transaction wakes the other processes, and whoever wrote when woken would never come to rest."""
        now_ms = self._clock.now_ms()
        asked = {key: pace for key, pace in self._paces.items() if pace.asked_at > now_ms - _ASKED_MS}
        if not self._ledger.is_alone:
            await self._let_go(now_ms)
            await self._take(asked, now_ms)
        for key, pace in asked.items():
            if pace.sender.max_segments_per_day:
                await self._fill(key, pace, now_ms)

    async def _take(self, asked: dict[Key, Pace], now_ms: int) -> None:
        """Renew what is ours in good time; ask for what is not."""
        due = {
            _lease(key): pace
            for key, pace in self._paces.items()
            if not pace.is_leaving
            and pace.until < now_ms + leases.TTL_MS - 2 * leases.RENEW_MS
            and (pace.until > now_ms or key in asked)
        }
        if not due:
            return
        ours = await leases.hold(self._ledger, sorted(due), now_ms)
        for name in ours:
            pace = due[name]
            if pace.until <= now_ms:  # what its last holder sent in the last second is not known
                pace.since, pace.cap = now_ms, Cap(pace.sender.max_segments_per_second, self._clock.monotonic())
            pace.until = now_ms + leases.TTL_MS - leases.RENEW_MS
        if missing := [f"{_WANT}{name}" for name in due.keys() - ours]:
            await leases.hold(self._ledger, missing, now_ms, _WANT_MS)

    async def _let_go(self, now_ms: int) -> None:
        """What another process has asked for in the meantime goes to it, a while after it came to us."""
        mine = {_lease(key): pace for key, pace in self._paces.items() if pace.until > now_ms}
        for pace in self._paces.values():
            pace.is_leaving = pace.is_leaving and pace.until > now_ms  # what has run out needs no giving
        if not mine:
            return
        gone = [name for name, pace in mine.items() if pace.is_leaving and not pace.in_hand]
        if gone:
            await leases.give_up(self._ledger, gone, now_ms)
            for name in gone:
                mine[name].is_leaving, mine[name].until = False, 0
        rows = await self._ledger.fetch(
            f"SELECT name FROM leases WHERE name LIKE '{_WANT}%' AND until > $1 AND owner <> $2",
            now_ms,
            self._ledger.process,
        )
        wanted = {row[0].removeprefix(_WANT) for row in rows}
        for name, pace in mine.items():
            if name in wanted and name not in gone and pace.since < now_ms - _TENURE_MS:
                pace.is_leaving = True

    async def _fill(self, key: Key, pace: Pace, now_ms: int) -> None:
        """Take the next lot of a day when the last one is running out."""
        most, rate = pace.sender.max_segments_per_day, pace.sender.max_segments_per_second
        begin, end = day_of(now_ms, pace.sender.day_zone)
        if pace.day_end != end:
            if pace.in_hand:  # of the day before: it must not come back into this one
                return
            pace.left_today, pace.day_end, pace.day_is_over = 0, end, False
        lot = max(most // _LOTS, 5 * rate, _SMALLEST_LOT)
        if pace.left_today >= max(lot // 2, 2 * rate) or pace.day_is_over:
            return
        async with self._ledger.transaction() as transaction:
            await transaction.execute(
                "INSERT INTO sender_days (workspace, sender, day, taken, lot) VALUES ($1, $2, $3, 0, 0) "
                "ON CONFLICT (workspace, sender, day) DO NOTHING",
                *(*key, begin),
            )
            rows = await transaction.fetch(
                "UPDATE sender_days SET lot = CASE WHEN $5 - taken < $4 THEN $5 - taken ELSE $4 END, "
                "taken = CASE WHEN $5 - taken < $4 THEN $5 ELSE taken + $4 END "
                "WHERE workspace = $1 AND sender = $2 AND day = $3 AND taken < $5 RETURNING taken, lot",
                *(*key, begin, lot, most),
            )
            await transaction.execute(
                "DELETE FROM sender_days WHERE workspace = $1 AND sender = $2 AND day < $3", *key, begin
            )
        taken, lot = rows[0] if rows else (most, 0)
        pace.left_today += lot
        pace.day_is_over = taken >= most

    async def give_back(self) -> None:
        """At a clean stop, what is left of our lots goes to whoever sends next."""
        lots = {key: pace for key, pace in self._paces.items() if pace.sender.max_segments_per_day and pace.day_end}
        async with self._ledger.transaction() as transaction:
            for (workspace, sender), pace in lots.items():
                left, pace.left_today = pace.left_today, 0
                day, _ = day_of(pace.day_end - 1, pace.sender.day_zone)
                await transaction.execute(
                    "UPDATE sender_days SET taken = taken - $4 WHERE workspace = $1 AND sender = $2 AND day = $3",
                    *(workspace, sender, day, left),
                )


def _lease(key: Key) -> str:
    return f"sender:{key[0]}:{key[1]}"
