"""Routes by quality over hours of simulated time: the traffic leaves a carrier that gets worse, comes back when it
recovers, and leaves one that makes its receipts up."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import pytest

from heliograph.carriers.port import Capabilities, Events
from heliograph.core.message import Outcome, Receipt, Submission
from heliograph.core.request import MessageRequest
from heliograph.engine import conversions, declare
from heliograph.engine.clients import create_key
from heliograph.engine.draft import Caller
from heliograph.engine.environments import ensure_defaults
from heliograph.engine.form import Tools
from heliograph.engine.gateway import Gateway, Outside
from heliograph.engine.notify.settings import Settings as NotifySettings
from heliograph.engine.retention import Retention
from heliograph.engine.ways import Patience
from heliograph.store.port import Accept
from tests.sim.ledger import Disk, SimLedger
from tests.sim.loop import Life, SimClock, simulate
from tests.sim.world import Customers, Record, Watching

MINUTE = 60.0
PAUSE_S = 2.0  # between two messages


class Mood:
    """How a carrier does, until the test changes its mind."""

    def __init__(self, delivers: float = 1.0, delay_s: float = 4.0, converts: float = 0.4) -> None:
        self.delivers = delivers  # part of which it reports the delivery
        self.delay_s = delay_s
        self.converts = converts  # part of those that arrived in truth and did what they should


class Scripted:
    """A carrier that does as its mood says."""

    capabilities = Capabilities()
    window = 1_000

    def __init__(
        self, name: str, mood: Mood, life: Life, chance: Random, arrived: Callable[[Any, float], None]
    ) -> None:
        self.name, self._mood, self._life, self._chance, self._arrived = name, mood, life, chance, arrived
        self._events: Events

    async def start(self, events: Events) -> None:
        self._events = events
        events.link(True)

    async def stop(self, grace_s: float) -> None: ...

    async def query(self, submission: Submission, carrier_ids: Sequence[str]) -> None:
        return None

    def submit(self, submissions: Sequence[Submission]) -> None:
        for submission in submissions:
            number = f"{submission.message.id}-{submission.attempt}"
            self._events.answered(submission, Outcome("accepted", (number,)))
            if self._chance.random() < self._mood.delivers:
                self._life.later(self._mood.delay_s, lambda s=submission, n=number: self._report(s, n))  # type: ignore[misc]

    def _report(self, submission: Submission, number: str) -> None:
        now = SimClock(self._life).now_ms()
        self._events.receipts([Receipt(self.name, number, "delivered", now)])
        self._arrived(submission.message, self._mood.converts)


class Company:
    """A gateway with two carriers, one message every other second, and people who do what the messages ask of them."""

    def __init__(self, moods: dict[str, Mood], *, route: dict[str, Any]) -> None:
        self.moods, self._route = moods, route
        self.chance = Random(7)
        self.record = Record()
        self.gateway: Gateway

    async def open(self) -> None:
        disk, self.life = Disk(self.chance), Life()
        await disk.format()
        self.disk, clock = disk, SimClock(self.life)
        ledger = SimLedger(disk, self.life, self.record.defects.append)
        now = clock.now_ms()
        await ensure_defaults(ledger, str, now=now)
        await create_key(ledger, name="caller", scopes=["admin"], actor="sim", now=now)
        tools = Tools(lambda kind, spec: None, lambda url: None, lambda: "", str, str)
        document = {
            "connectors": {name: {"kind": "scripted"} for name in self.moods},
            "routes": [{"name": "all", "via": list(self.moods), **self._route}],
        }
        await declare.apply(ledger, document, tools, actor="sim", now=now)
        workspace, environment = disk.rows("SELECT workspace, id FROM environments WHERE name = 'live'")[0]
        self._caller = Caller(disk.rows("SELECT id FROM clients")[0][0], workspace, environment, None)
        self.gateway = Gateway(
            ledger,
            Outside(
                clock,
                self.chance,
                Customers(self.life, self.chance, self.record, lambda: True),
                Watching(self.record),
                self._carrier,
                lambda spec: None,
                lambda url: None,
                str,
            ),
            roles=frozenset({"api", "engine"}),
            notify=NotifySettings(),
            keeping=Retention(0, 0),
            patience=Patience(),
        )
        await self.life.run(self.gateway.start())

    def _carrier(self, spec: Any) -> Any:
        return Scripted(spec.name, self.moods.get(spec.name, Mood()), self.life, self.chance, self._arrived)

    def _arrived(self, message: Any, converts: float) -> None:
        if self.chance.random() < converts:
            self.life.run(self._convert(message))

    async def _convert(self, message: Any) -> None:
        now = SimClock(self.life).now_ms()
        await conversions.note(self.gateway.ledger, message, "verified", now, now)

    async def work(self, minutes: float) -> Counter[str]:
        """Send for so long; by which connector messages were meant to go in the last third of it."""
        turns = int(minutes * MINUTE / PAUSE_S)
        counts: Counter[str] = Counter()
        for turn in range(turns):
            name = self._send()
            if turn >= turns * 2 / 3:
                counts[name] += 1
            await asyncio.sleep(PAUSE_S)
        return counts

    def _send(self) -> str:
        now = SimClock(self.life).now_ms()
        request = MessageRequest(to=f"+4479111{self.chance.randrange(100_000):05d}", text="Your code", kind="otp")
        with self.life.within():
            draft = self.gateway.intake.draft(self._caller, request, now)
            assert not isinstance(draft, Exception) and hasattr(draft, "message"), draft
            self.gateway.intake.accept([draft], _kept)
        return str(draft.message.connector)

    def traces(self) -> str:
        return " ".join(row[0] for row in self.disk.rows("SELECT trace FROM decisions"))


def _kept(operation: Accept) -> None:
    assert operation.error is None


def share(counts: Counter[str], name: str) -> float:
    return counts[name] / counts.total()


def test_traffic_leaves_a_carrier_that_gets_worse_and_comes_back_when_it_recovers() -> None:
    async def history() -> None:
        good, fair = Mood(0.97), Mood(0.75)
        company = Company({"good": good, "fair": fair}, route={"order": "best", "explore": 0.1})
        await company.open()
        assert share(await company.work(30), "good") > 0.8
        good.delivers = good.converts = 0.3
        assert share(await company.work(60), "fair") > 0.8
        good.delivers, good.converts = 0.97, 0.4
        assert share(await company.work(150), "good") > 0.8
        found = company.traces()
        assert all(why in found for why in ('"exploring"', '"best: ', '"too few messages to tell"'))
        assert company.record.defects == []
        company.life.end()

    simulate(history())


def test_a_carrier_that_makes_its_receipts_up_loses_against_an_honest_one() -> None:
    async def history() -> None:
        liar, honest = Mood(1.0, delay_s=0.2, converts=0.0), Mood(0.9, delay_s=6.0)
        company = Company({"liar": liar, "honest": honest}, route={"order": "best", "explore": 0.1})
        await company.open()
        assert share(await company.work(60), "honest") > 0.8
        assert company.record.defects == []
        company.life.end()

    simulate(history())


@pytest.mark.parametrize("until", [None, "2026-05-28T21:00:00Z"])
def test_a_pin_holds_until_it_ends(until: str | None) -> None:
    async def history() -> None:
        pinned = {"order": "best", "pin": "bad"} | ({"pin_until": until} if until else {})
        company = Company({"good": Mood(), "bad": Mood(0.2, converts=0.0)}, route=pinned)
        await company.open()
        assert share(await company.work(10), "bad") == 1.0
        if until:
            await company.work(20)
            assert share(await company.work(10), "good") > 0.8
        assert '"pinned"' in company.traces()
        company.life.end()

    simulate(history())
