"""A week of a gateway as its alarms see it: real sums in a real ledger, made by the writers that make them always, on
a clock that is driven. Traffic moves by the minute, and so do the looks of the alarms.

`python -m tests.sim.week --seeds 20` looks at every minute of twenty normal weeks; pytest looks at one more loosely.
"""

import argparse
import asyncio
import copy
import heapq
import random
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, NamedTuple

from heliograph.core.alarms import MINUTE
from heliograph.core.message import DELIVERY_COLUMNS, Delivery, Message
from heliograph.engine.alarms import telling
from heliograph.engine.alarms.desk import Alarms
from heliograph.engine.alarms.policy import AlarmPolicy
from heliograph.engine.environments import ensure_defaults
from heliograph.engine.insight import rolling
from heliograph.store.port import Deliveries, Move, Moves, NewEvent
from heliograph.store.sqlite import SqliteLedger
from tests.sim.traffic import DAY, HOUR, MONDAY, Fate, Traffic
from tests.store.making import accept, copied, do, message

LANES: Final = {"otp": 0, "transactional": 1, "support": 1, "promotional": 2}
HEARS: Final = {"otp": "codes", "transactional": "orders"}  # which endpoint hears of which kind
CONNECTORS: Final = ("telco", "other", "spare")
PAST: Final = 8 * DAY
_HELD: Final = 1 << 50
_PENDING: Final = (
    f"SELECT {', '.join(DELIVERY_COLUMNS)} FROM deliveries "
    "WHERE state = 'pending' AND (tries = 0 OR next_at < $1) ORDER BY id"
)


class Clock:
    """A clock that is driven."""

    def __init__(self, ms: int) -> None:
        self.ms = ms

    def now_ms(self) -> int:
        return self.ms

    def monotonic(self) -> float:
        return self.ms / 1000


class Watch:
    """What the alarms complain of."""

    def __init__(self) -> None:
        self.defects: list[BaseException] = []

    def defect(self, error: BaseException) -> None:
        self.defects.append(error)


class Fired(NamedTuple):
    """An alarm that rang."""

    rule: str
    subject: str
    at: int
    over: int | None
    worst: float | None
    limit: float | None
    usual: float | None
    sample: int

    def __str__(self) -> str:
        day, hour, minute = divmod((self.at - MONDAY) // MINUTE, 1440)[0], self.at // HOUR % 24, self.at // MINUTE % 60
        lasted = "goes on" if self.over is None else f"{(self.over - self.at) // MINUTE} minutes"
        numbers = f"at worst {self.worst}, limit {self.limit}, usually {self.usual}, of {self.sample}"
        return f"day {day} {hour:02d}:{minute:02d} {self.rule} {self.subject}, {lasted}; {numbers}"


class Week:
    """Brings traffic into a ledger, and lets the alarms look at it."""

    def __init__(self, ledger: Any, traffic: Traffic, clock: Clock) -> None:
        self.ledger, self.traffic, self.clock, self.watch = ledger, traffic, clock, Watch()
        self.chance = random.Random(traffic.seed)  # of webhooks: traffic is the same however often it is looked at
        self.links = {name: SimpleNamespace(up=True) for name in CONNECTORS}
        self.certificates = {"/etc/heliograph/cert.pem": clock.ms + 200 * DAY}
        self.held: set[str] = set()  # kinds that no connector takes
        self.late_ms: dict[str, int] = {}  # endpoint → how late it answers
        self.broken: set[str] = set()  # endpoints that answer 500
        self.coming: list[tuple[int, int, Message, Fate]] = []  # what moves on, the next one first
        self._endpoints: dict[str, int] = {}
        policies = SimpleNamespace(alarms=AlarmPolicy())
        realm = SimpleNamespace(
            id=1, name="live", workspace=1, workspace_name="default", mode="live", policies=policies
        )
        none: Any = None
        teller = telling.Teller(ledger, clock, none, none, None, str, self.watch, lambda number: policies.alarms)  # type: ignore[arg-type]
        snapshot: Any = SimpleNamespace(realms={1: realm})
        links: Any = self.links
        self.desk = Alarms(
            ledger,
            clock,
            self.watch,
            lambda: snapshot,
            links,
            lambda: self.certificates,
            teller,  # type: ignore[arg-type]
        )

    async def begin(self) -> None:
        """Endpoints that hear of messages."""
        await ensure_defaults(self.ledger, lambda secret: secret, now=0)
        async with self.ledger.transaction() as transaction:
            for name in HEARS.values():
                await transaction.execute(
                    "INSERT INTO declared (workspace, kind, name, spec, created_at, updated_at) "
                    "VALUES (1, 'endpoint', $1, '{}', 0, 0) ON CONFLICT DO NOTHING",
                    name,
                )
        rows = await self.ledger.fetch("SELECT name, id FROM declared WHERE kind = 'endpoint'")
        self._endpoints = dict(rows)
        self.ledger.subscribers = self._subscribers

    def _subscribers(self, environment: int, name: str, its: Any) -> tuple[tuple[int, str], ...]:
        endpoint = HEARS.get(its.kind) if its is not None and name == "message.accepted" else None
        return () if endpoint is None else ((self._endpoints[endpoint], f"endpoint:{endpoint}"),)

    async def advance(self, to: int) -> None:
        """All that happens until then."""
        new: list[Message] = []
        moves = self._moves(to)
        for at in range(self.clock.ms, to, MINUTE):
            new += [self._message(fate, to) for fate in self.traffic.minute(at)]
        self.clock.ms = to
        for start in range(0, len(new), 500):
            await accept(self.ledger, *new[start : start + 500])
        if moves:
            await do(self.ledger, Moves, moves=moves)
        events = [NewEvent(name, at, data, told=False) for at, name, data in self.traffic.happened(to)]
        if events:
            async with self.ledger.transaction() as transaction:
                await transaction.record(1, 1, events)
        await self._webhooks(to)
        while await rolling.roll(self.ledger, to):
            pass

    async def pass_by(self, until: int) -> None:
        """The same in large steps, for what is only to be remembered."""
        while self.clock.ms < until:
            await self.advance(min(until, self.clock.ms + 6 * HOUR))

    def _message(self, fate: Fate, to: int) -> Message:
        """A new message as it is by then; what becomes of it later is kept for then."""
        made = message(
            self.ledger,
            accepted_at=fate.at,
            due_at=fate.at,
            updated_at=fate.at,
            valid_until=fate.at + 3 * DAY,
            to=fate.number,
            country=fate.country,
            network=fate.network or None,
            kind=fate.kind,
            lane=LANES[fate.kind],
            connector=fate.connector,
            template=fate.template or None,
            segments=fate.segments,
            price=f"{fate.price * fate.segments:.4f}",
            currency="EUR",
        )
        if fate.kind in self.held:
            fate.sent_at, fate.final_at = fate.sent_at + _HELD, fate.final_at + _HELD
        if fate.sent_at < to:
            self._go_on(made, fate, to)
        self._keep(made, fate)
        return made

    def _go_on(self, made: Message, fate: Fate, to: int) -> None:
        made.owner, made.attempts, made.sent_at = (1 if fate.final_at >= to else None), 1 + fate.failed, fate.sent_at
        made.state, made.updated_at = "sent", fate.sent_at
        if fate.final_at < to:
            made.state, made.final_at, made.updated_at = fate.state, fate.final_at, fate.final_at
            made.owner, made.failure_code = None, fate.code

    def _keep(self, made: Message, fate: Fate) -> None:
        if made.final_at is None:
            at = fate.sent_at if made.state == "queued" else fate.final_at
            heapq.heappush(self.coming, (at, made.id, made, fate))

    def _moves(self, to: int) -> list[Move]:
        moves = []
        while self.coming and self.coming[0][0] < to:
            _, _, was, fate = heapq.heappop(self.coming)
            if was.state == "queued":  # somebody takes it first
                claimed = copied(was, state="sending", owner=1, attempts=1)
                moves.append(Move(claimed, was.state, ()))
                was = claimed
            after = copied(was)
            self._go_on(after, fate, to)
            moves.append(Move(after, was.state, (NewEvent(f"message.{after.state}", after.updated_at),)))
            self._keep(after, fate)
        return moves

    async def _webhooks(self, to: int) -> None:
        """Endpoints answer; one of some hundred calls fails at first."""
        chance, names = self.chance, {number: name for name, number in self._endpoints.items()}
        results = []
        for row in await self.ledger.fetch(_PENDING, to):
            one = Delivery(*row)
            name = names[one.endpoint or 0]
            while one.state == "pending" and (one.tries == 0 or one.next_at < to):
                one.tries += 1
                took = self.late_ms.get(name, 0) + chance.randrange(30, 300)
                answered = (one.created_at if one.tries == 1 else one.next_at) + took
                if name in self.broken or chance.random() < 0.003:
                    one.status, one.next_at = 500, answered + (5_000 if one.tries == 1 else 5 * MINUTE)
                else:
                    one.status, one.state, one.answered_at = 200, "done", answered
            results.append(one)
        if results:
            await do(self.ledger, Deliveries, results=results)

    def release(self) -> None:
        """What was held goes, at once."""
        self.held.clear()
        for _, _, _, fate in self.coming:
            if fate.sent_at > _HELD:
                fate.sent_at, fate.final_at = self.clock.ms + 100, self.clock.ms + 3_000
        self.coming = [
            (fate.sent_at if its.state == "queued" else fate.final_at, number, its, fate)
            for _, number, its, fate in self.coming
        ]
        heapq.heapify(self.coming)

    def mend(self) -> None:
        """Messages have their usual fates again."""
        self.traffic.bend = self.traffic.more = None

    async def look(self) -> bool:
        """A look at everything; True: something may be wrong, and is told if it lasts."""
        await self.desk.turn()
        return bool(await self.ledger.fetch("SELECT 1 FROM alarms WHERE state = 'pending' LIMIT 1"))

    async def live(self, until: int, calm: int = 1) -> None:
        """Minute by minute while something may begin to ring; else every `calm` minutes."""
        is_wrong = False
        while self.clock.ms < until:
            step = 1 if is_wrong else calm
            await self.advance(min(until, self.clock.ms + step * MINUTE))
            is_wrong = await self.look()

    async def fired(self) -> list[Fired]:
        """In their order."""
        rows = await self.ledger.fetch(
            "SELECT rule, subject, fired_at, resolved_at, worst, ceiling, usual, sample FROM alarms "
            "WHERE fired_at IS NOT NULL ORDER BY fired_at, id"
        )
        return [Fired(*row) for row in rows]


class Saved:
    """A ledger with a past, and the traffic that goes on from there: a week can begin from it again and again."""

    def __init__(self, file: Path, week: Week) -> None:
        self.file, self.now = file, week.clock.ms
        self.traffic, self.coming = week.traffic, week.coming

    async def open(self, folder: Path) -> Week:
        file = folder / "heliograph.db"
        file.write_bytes(self.file.read_bytes())
        traffic, coming = copy.deepcopy((self.traffic, self.coming))
        clock = Clock(self.now)
        week = Week(await open_ledger(file, clock), traffic, clock)
        week.coming = coming
        await week.begin()
        return week

    async def later(self, folder: Path, until: int) -> "Saved":
        """The same some time later, without anybody looking."""
        week = await self.open(folder)
        await week.pass_by(until)
        await week.ledger.close()
        return Saved(folder / "heliograph.db", week)


async def open_ledger(file: Path, clock: Clock) -> SqliteLedger:
    return await SqliteLedger.open(file, now_ms=clock.now_ms, report=lambda error: None, serving=True)


async def past(file: Path, seed: int, until: int, scale: float = 1.0) -> Saved:
    """The days that the rules know as the past, before Monday; and on from there."""
    clock = Clock(MONDAY - PAST)
    ledger = await open_ledger(file, clock)
    week = Week(ledger, Traffic(seed, scale), clock)
    await week.begin()
    await week.pass_by(until)
    await ledger.close()
    return Saved(file, week)


async def normal(folder: Path, seed: int, calm: int, scale: float) -> list[Fired]:
    """The alarms of a week in which nothing is wrong."""
    (folder / "past").mkdir()
    saved = await past(folder / "past" / "heliograph.db", seed, MONDAY, scale)
    week = await saved.open(folder)
    await week.live(MONDAY + 7 * DAY, calm)
    fired = await week.fired()
    await week.ledger.close()
    if week.watch.defects:
        raise week.watch.defects[0]
    return fired


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--calm", type=int, default=1, help="minutes between looks while nothing is wrong")
    parser.add_argument("--scale", type=float, default=1.0, help="times 2,600 messages on a weekday")
    asked = parser.parse_args()
    noisy = 0
    for seed in range(asked.first, asked.first + asked.seeds):
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="hg-week-") as folder:
            fired = asyncio.run(normal(Path(folder), seed, asked.calm, asked.scale))
        noisy += bool(fired)
        sys.stdout.write(f"seed {seed}: {len(fired)} alarms in {time.monotonic() - began:.0f} s\n")
        for one in fired:
            sys.stdout.write(f"  {one}\n")
        sys.stdout.flush()
    raise SystemExit(noisy > 0)


if __name__ == "__main__":
    main()
