"""The engine as one thing: its parts wired together, started, kept going and stopped.

Every process runs one. With the role `engine` it holds connectors by lease and moves messages; without it, it only
takes messages in and leaves them to others.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

import msgspec

from heliograph.carriers.port import Carrier, Listener
from heliograph.core.failures import INVALID_NUMBER, OPTED_OUT
from heliograph.core.lifecycle import ENDS
from heliograph.core.message import Message, Outcome
from heliograph.engine import accounts, auditing, declared, leases, retention, sweep
from heliograph.engine.background import Background
from heliograph.engine.callbacks import CallbackDesk, Take
from heliograph.engine.clicks import ClickDesk
from heliograph.engine.connectors import Connectors
from heliograph.engine.conversations.settling import SettlingDesk
from heliograph.engine.cooldowns import Cooldowns
from heliograph.engine.declared import Snapshot
from heliograph.engine.dispatch import Link
from heliograph.engine.dispatching import Desk, Paused
from heliograph.engine.estimate import estimated_end
from heliograph.engine.hours import Hours
from heliograph.engine.inbound import InboundDesk
from heliograph.engine.intake import Intake
from heliograph.engine.lookups import Lookups
from heliograph.engine.noes import Noes
from heliograph.engine.notify import NotifyDesk, health
from heliograph.engine.notify.settings import Settings as NotifySettings
from heliograph.engine.notify.subscriptions import EVENT_TYPES, Subscriptions
from heliograph.engine.paces import Paces
from heliograph.engine.people.keywords import KeywordDesk
from heliograph.engine.quality import QualityDesk
from heliograph.engine.questions import Questions
from heliograph.engine.receipts import ReceiptDesk
from heliograph.engine.retention import Retention
from heliograph.engine.specs import ConnectorSpec
from heliograph.engine.spending import BudgetDesk
from heliograph.engine.templates import versions
from heliograph.engine.ways import Patience, Ways
from heliograph.ports import Chance, Clock, Unavailable, Watch, WebClient
from heliograph.store.port import Ledger, Moves

_NO_LEDGER: Final = "the ledger can't be reached"
_TICK_S: Final = 1.0
_SWEEP_S: Final = 5.0
_TIDY_S: Final = 300.0
_QUALITY_S: Final = 60.0


class Outside(msgspec.Struct, frozen=True):
    """What the gateway is given of the world."""

    clock: Clock
    chance: Chance
    web: WebClient
    watch: Watch
    build_carrier: Callable[[ConnectorSpec], Carrier]
    build_listener: Callable[[ConnectorSpec], Listener | None]
    check_url: Callable[[str], str | None]
    unseal: Callable[[str], str]
    host: str = ""


class Gateway:
    """Intake, dispatch, receipts, webhooks and sweeps of one process."""

    def __init__(
        self,
        ledger: Ledger,
        outside: Outside,
        *,
        roles: frozenset[str],
        notify: NotifySettings,
        keeping: Retention,
        patience: Patience,
    ) -> None:
        self.ledger = ledger
        self.snapshot = Snapshot(0, {}, {}, {}, Paused(), {})
        self.links: dict[str, Link] = {}
        self.roles = roles
        self.stalled: str | None = "starting"
        self._outside = outside
        self._clock = clock = outside.clock
        self._watch = outside.watch
        self._retention = keeping
        self._head = auditing.HeadTeller(ledger, outside.watch.note)
        self._disable_after_ms = notify.disable_after_ms
        self._reloading = asyncio.Lock()
        self._background = Background(outside.watch)
        self.config_changed: Callable[[], None] = lambda: None
        self.doors_changed: Callable[[int], None] = lambda count: None

        def snapshot() -> Snapshot:
            return self.snapshot

        soon = self._background.soon
        self.notify = self._make_notify(notify)
        self.budgets = BudgetDesk(ledger, clock, snapshot)
        self.receipts = ReceiptDesk(ledger, self.notify.told, self._receipts_kept, self.budgets.repriced)
        self.noes = Noes(ledger, clock, soon, snapshot)
        self.cooldowns = Cooldowns(ledger, clock, soon, snapshot)
        self.clicks = ClickDesk(ledger, clock, soon, snapshot)
        self.paces = Paces(ledger, clock)
        self._questions = Questions(ledger, clock, self.links, soon, self.receipts.take)
        self.hours = Hours(snapshot)
        self.ways = self._make_ways(patience)
        self.quality = QualityDesk(ledger, clock, snapshot, outside.watch.note)
        self.intake = self._make_intake()
        keywords = KeywordDesk(ledger, clock, snapshot, self.intake)
        self.settling = SettlingDesk(ledger, clock, snapshot, soon, keywords, self.intake)
        self.inbound = InboundDesk(ledger, snapshot, self.settling.arrived, soon, keywords)
        take = Take(self.receipts.take, self.inbound.take_all, self.noes.told)
        self.callbacks = CallbackDesk(ledger, snapshot, outside.build_listener, take, outside.watch)
        build, desk = outside.build_carrier, self._make_desk()
        self._connectors = Connectors(ledger, clock, outside.watch, self.links, build, desk, self.paces)

    # -- wiring

    def _make_notify(self, settings: NotifySettings) -> NotifyDesk:
        return NotifyDesk(
            self.ledger,
            self._clock,
            self._outside.chance,
            self._outside.web,
            lambda: self.snapshot,
            self._outside.unseal,
            settings,
            self._watch,
            self._endpoint_health,
        )

    def _make_ways(self, patience: Patience) -> Ways:
        return Ways(
            self.ledger,
            self._clock,
            self.links,
            lambda: self.snapshot.connectors,
            lambda: self.snapshot.prices,
            lambda: self.snapshot.paused.connectors,
            patience,
            self._watch.note,
        )

    def _make_intake(self) -> Intake:
        return Intake(
            self.ledger,
            self._clock,
            self._outside.chance,
            self.links,
            lambda: self.snapshot,
            self.notify.told,
            self._outside.check_url,
            EVENT_TYPES,
            self._watch.accepted,
            self.ways,
            lambda: self.quality.current,
            self.hours,
            self.budgets,
            Lookups(self.ledger, self._clock, self.links, lambda: self.snapshot, self._outside.build_carrier),
        )

    def _make_desk(self) -> Desk:
        return Desk(
            ledger=self.ledger,
            clock=self._clock,
            chance=self._outside.chance,
            told=self.notify.told,
            answered=self._answered,
            receipts=self.receipts.take,
            expect=self.receipts.expect,
            inbound=self.inbound.take_all,
            paused=lambda: self.snapshot.paused,
            prices=lambda: self.snapshot.prices,
            rules=lambda: self.snapshot.consent,
            quiet_kinds=lambda: self.snapshot.quiet_kinds,
            closed=self.hours.closed,
            link_changed=self._link_changed,
            repriced=self.budgets.repriced,
        )

    # -- life

    async def start(self) -> None:
        """Join the ledger, read what is declared, open the connectors, begin to move."""
        ledger, now = self.ledger, self._clock.now_ms()
        ledger.process = await leases.register(ledger, ",".join(sorted(self.roles)), self._outside.host, now)
        if ledger.is_alone:
            await leases.inherit(ledger, now)
        ledger.subscribers = Subscriptions(lambda: self.snapshot)
        await self.reload()
        await ledger.listen(self._woken, self.notify.told)
        self._background.every(leases.RENEW_MS / 1000, self._beat)
        self._background.every(_TICK_S, self._reload_if_changed)
        if "api" in self.roles:  # who takes messages in decides on their ways
            self._background.every(_QUALITY_S, self.quality.refresh)
            self._background.every(_QUALITY_S, self.budgets.refresh)
        if "engine" in self.roles:
            await self._connectors.own(self.snapshot.connectors)
            self._background.every(_TICK_S, self._tick)
            self._background.every(_TICK_S, self.paces.tick)
            self._background.every(_TICK_S, self.budgets.correct)
            self._background.every(_SWEEP_S, self._sweep)
            self._background.every(_TIDY_S, self._tidy)
        else:
            self._background.every(_TICK_S, self._look)
        self.stalled = None

    async def stop(self, grace_s: float) -> None:
        """Take nothing new, finish what is in flight, give back what is ours."""
        self.stalled = "stopping"
        await self._background.stop()
        await self._connectors.stop(grace_s)
        await self._until_quiet(grace_s)
        self.notify.stopping = True
        with suppress(Unavailable):  # then our leases end by themselves
            if self.paces.are_any:
                await self.paces.give_back()
            await leases.release(self.ledger, self._clock.now_ms())

    async def _until_quiet(self, grace_s: float) -> None:
        end = self._clock.monotonic() + grace_s
        while self._clock.monotonic() < end:
            if not self.notify.in_flight and not any(link.in_flight for link in self.links.values()):
                return
            await asyncio.sleep(0.02)

    # -- configuration

    async def reload(self) -> None:
        """Read what is declared, and bring the connectors in line with it. One after the other: who has read first and
        is ready last would bring back what was changed meanwhile."""
        async with self._reloading:
            await self.ledger.protection.refresh()
            self.snapshot = await declared.load(self.ledger)
            self.paces.learn(self.snapshot.senders)
            await self.budgets.refresh()
            self.intake.lookups.learn(self.snapshot)
            self.config_changed()
        for link in self.links.values():
            link.pump()

    async def _reload_if_changed(self) -> None:
        if await declared.version(self.ledger) != self.snapshot.version:
            await self.reload()
            if "engine" in self.roles:
                await self._connectors.own(self.snapshot.connectors)

    def _woken(self, topic: str) -> None:
        if topic == "config":
            self._background.soon(self._reload_if_changed)
        elif "engine" in self.roles:
            self._background.soon(self._tick)
        elif topic == "deliveries":
            self.look()

    def estimated_end(self, messages: Sequence[Message]) -> int:
        """When the last of these messages will probably have been handed over."""
        return estimated_end(self.links, messages, self._clock.now_ms())

    # -- periodic work

    async def _beat(self) -> None:
        try:
            self.doors_changed(await leases.beat(self.ledger, self._clock.now_ms()))
        except Unavailable:
            self.stalled = self.stalled or _NO_LEDGER
            raise
        if self.stalled == _NO_LEDGER:
            self.stalled = None
        if "engine" in self.roles:
            await self._connectors.own(self.snapshot.connectors)

    async def _tick(self) -> None:
        now = self._clock.now_ms()
        for link in list(self.links.values()):
            link.tick()
            link.found(await self.ledger.backlog(link.name, now))
        if self.ways.is_troubled or self.ways.asks_always:
            await self._reroute()
        if self.noes.waits:
            self._background.soon(self.noes.keep)
        if self.cooldowns.waits:
            self._background.soon(self.cooldowns.keep)
        await self._look()

    async def _reroute(self) -> None:
        """What waits for a connector that is of no use at the moment takes the next one of its plan."""
        while moves := await self.ways.look():
            kept = await sweep.apply(self.ledger, moves)
            self.tell(kept)
            for move in kept.moves:
                if (link := self.links.get(move.message.connector)) and move.message.id not in kept.lost:
                    link.waits(move.message.lane, move.message.workspace)
            if len(moves) == len(kept.lost):
                return  # somebody else is at it

    def _link_changed(self) -> None:
        self.ways.link_changed()

    async def _sweep(self) -> None:
        now = self._clock.now_ms()
        for owner in await leases.dead(self.ledger, now):
            await self._recover(owner, now)
        while moves := await sweep.too_late(self.ledger, now):
            self.tell(await sweep.apply(self.ledger, moves))
        self._questions.ask()
        await self.settling.sweep(now)
        await self.cooldowns.look()

    async def _recover(self, owner: int, now: int) -> None:
        """Take over what a dead process was looking after."""
        while moves := await sweep.lost_hand_overs(self.ledger, owner, now, self._outside.chance):
            self.tell(await sweep.apply(self.ledger, moves))
            self._watch.note("took_over", process=owner, messages=len(moves))
        async with self.ledger.transaction() as transaction:
            await transaction.execute("UPDATE processes SET recovered_at = $2 WHERE id = $1", owner, now)
        await self._tick()

    def tell(self, moves: Moves) -> None:
        """Say what a kept operation has to tell."""
        if moves.error is not None:
            raise moves.error
        self.notify.told(moves.notices)
        if moves.unparked:
            self.receipts.take(moves.unparked)
        self._watch.ended([m.message for m in moves.moves if m.message.state in ENDS])

    async def _tidy(self) -> None:
        now = self._clock.now_ms()
        more = True
        while more:
            kept, more = await sweep.end_unheard(self.ledger, now)
            self.tell(kept)
        await retention.clear(self.ledger, now, self._retention)
        await self._head.tell()
        await self.inbound.give_up_waiting(now)
        await versions.remind(self.ledger, now)
        await accounts.give_up(self.ledger, now)
        await sweep.tidy(self.ledger, now)

    # -- what the parts report

    def look(self) -> None:
        """Deliveries may be due: look at once, not only at the next tick."""
        self._background.soon(self._look)

    async def _look(self) -> None:
        """Webhooks are for engines; accounts are where they are bound."""
        await self.notify.look(only_accounts="engine" not in self.roles)

    def _receipts_kept(self, messages: Sequence[Message]) -> None:
        self._watch.ended([message for message in messages if message.state in ENDS])
        self.noes.heard([message for message in messages if message.failure == OPTED_OUT])
        self.cooldowns.ended(messages)

    def _answered(self, connector: str, answers: Sequence[tuple[Message, Outcome]]) -> None:
        self._watch.answered(connector, answers)
        self.ways.heard(connector, answers)
        self.noes.heard([message for message, outcome in answers if outcome.failure == OPTED_OUT])
        if bad := {message.id: outcome for message, outcome in answers if outcome.code == INVALID_NUMBER}:
            messages = [message for message, _ in answers if message.id in bad]
            self.cooldowns.failed(messages, lambda message: bad[message.id].carrier_code)

    def _endpoint_health(self, endpoint: int, failing_since: int | None, reason: str) -> None:
        self._background.soon(lambda: self._keep_health(endpoint, failing_since, reason))

    async def _keep_health(self, number: int, failing_since: int | None, reason: str) -> None:
        endpoint = self.snapshot.endpoints.get(number)
        now, end = self._clock.now_ms(), self._disable_after_ms
        if endpoint is not None and await health.keep(self.ledger, endpoint, failing_since, reason, now, end):
            self._watch.note("endpoint_disabled", endpoint=endpoint.name, reason=reason)
