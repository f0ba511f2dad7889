"""Runs drills: takes sandbox connectors out and back, sends probes meanwhile, and reads from the events what happened.

The row of a drill says until when its connectors are out, and every process looks at it each second: whoever dies in
the middle leaves nothing out for longer. A drill whose process has died is broken off.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from heliograph.core import ids
from heliograph.core.channels import SMS
from heliograph.core.failures import Refusal, Refused
from heliograph.core.lifecycle import ENDS
from heliograph.core.message import LANES, MESSAGE_COLUMNS, PROMOTIONAL, Message
from heliograph.core.outages import DRILL_TAG, OutagePolicy
from heliograph.core.request import MessageRequest
from heliograph.core.views import message_id
from heliograph.engine.declared import Realm, Snapshot
from heliograph.engine.dispatch import Link
from heliograph.engine.draft import Caller
from heliograph.engine.intake import Intake
from heliograph.engine.mail import OURSELVES
from heliograph.engine.people import record
from heliograph.engine.people.record import Said
from heliograph.engine.sending import send
from heliograph.ports import Clock, Unavailable, Watch
from heliograph.products.drills import rows
from heliograph.products.drills.report import Happened, Report, Times, make
from heliograph.products.drills.rows import Drill
from heliograph.store.port import Ledger

_EVERY_S: Final = 0.5
_PROBES_AT_MOST: Final = 20  # of a kind, during the outage
_PACE_S: Final = 1.0  # at least so long between two of a kind
_SETTLE_S: Final = 30.0  # for what comes after its end
_BEFORE_S: Final = 10.0
_COLUMNS: Final = ", ".join(MESSAGE_COLUMNS)


class DrillDesk:
    """The drills of one process."""

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        watch: Watch,
        snapshot: Callable[[], Snapshot],
        intake: Intake,
        links: Mapping[str, Link],
    ) -> None:
        self._ledger, self._clock, self._watch, self._snapshot = ledger, clock, watch, snapshot
        self._intake, self._links = intake, links
        self._forced: set[tuple[str, str]] = set()  # (connector, the switch of its carrier)
        self._runs: tuple[int, asyncio.Task[None]] | None = None

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                try:
                    await self._look()
                except Unavailable:
                    self._force(set())  # who can't look lets everything go
                except Exception as error:  # the edge of a task: it must live on; the watch raises the alarm
                    self._watch.defect(error)
                await asyncio.sleep(_EVERY_S)
        finally:
            self._force(set())
            if self._runs is not None:
                self._runs[1].cancel()

    async def _look(self) -> None:
        drill, now = await rows.running(self._ledger), self._clock.now_ms()
        self._force(drill.switches if drill is not None and drill.is_out(now) else set())
        if drill is None:
            return
        if drill.process is None and await rows.take(self._ledger, drill):
            self._runs = drill.id, asyncio.create_task(self._run(drill))
        elif drill.process is not None and await self._is_orphan(drill, now):
            await rows.end(self._ledger, drill, rows.BROKEN_OFF, None, now)

    async def _is_orphan(self, drill: Drill, now: int) -> bool:
        """Nobody runs it any more."""
        if drill.process == self._ledger.process:
            return self._runs is None or self._runs[0] != drill.id or self._runs[1].done()
        alive = await self._ledger.fetch(
            "SELECT id FROM processes WHERE id = $1 AND alive_until > $2", drill.process, now
        )
        return not alive

    def _force(self, wanted: set[tuple[str, str]]) -> None:
        """These of our connectors are out now, each by the switch that is named; those that were are back."""
        for name, switch in wanted ^ self._forced:
            link = self._links.get(name)
            turn = getattr(None if link is None else link.carrier, switch, None)
            if turn is not None:
                turn((name, switch) in wanted)
        self._forced = wanted

    async def _run(self, drill: Drill) -> None:
        try:
            report = await self._report_of(drill)
        except Exception as error:  # the edge of a task: the drill ends, whatever happened
            self._watch.defect(error)
            await rows.end(self._ledger, drill, rows.BROKEN_OFF, None, self._clock.now_ms())
            return
        await rows.end(self._ledger, drill, rows.DONE, report, self._clock.now_ms())
        self._watch.note("drill_done", connectors=drill.names, passed=report.passed)

    async def _report_of(self, drill: Drill) -> Report:
        realm = self._snapshot().realms[drill.environment]
        policy = realm.policies.outage or OutagePolicy()
        kinds, left_out = self._tried(drill, realm)
        if not kinds:  # nobody's messages take these connectors: nothing needs to go out
            return make(policy, Times(drill.began_at, drill.began_at, None, None), [], left_out)
        if PROMOTIONAL in kinds:
            await self._may_promote(drill, realm)
        sent: list[str] = []
        for kind in kinds:
            await self._probe(drill, kind, sent, left_out)
        await self._until_ended(sent, _BEFORE_S)
        await rows.goes_out(self._ledger, drill, self._clock.now_ms())
        self._force(drill.switches)
        pace = max(_PACE_S, drill.length_ms / 1_000 / _PROBES_AT_MOST)
        while self._clock.now_ms() < (drill.out_until or 0):
            for kind in kinds:
                await self._probe(drill, kind, sent, left_out)
            left = ((drill.out_until or 0) - self._clock.now_ms()) / 1_000
            await asyncio.sleep(max(0.0, min(pace, left)))
        times = await self._until_over(drill, policy.ends_after_s + _SETTLE_S)
        for kind in kinds:
            await self._probe(drill, kind, sent, left_out)
        await self._until_ended(sent, _SETTLE_S)
        return make(policy, times, await self._happened(sent), left_out)

    def _tried(self, drill: Drill, realm: Realm) -> tuple[list[str], dict[str, str]]:
        """The kinds whose messages take these connectors and no others."""
        kinds, left_out = [], {}
        for kind in LANES:
            draft = self._intake.draft(self._caller(drill), self._request(drill, kind, 0), self._clock.now_ms())
            if isinstance(draft, Refusal):
                left_out[kind] = draft.code
            elif not set(draft.verdict.connectors) <= set(drill.names):
                left_out[kind] = f"its messages may go over {', '.join(draft.verdict.connectors)}"
            else:
                kinds.append(kind)
        return kinds, left_out

    async def _may_promote(self, drill: Drill, realm: Realm) -> None:
        """The number is nobody's; it says yes, so that promotional probes may go."""
        said = Said(
            address=drill.number, action="opt_in", source="api", at=self._clock.now_ms(), detail={"for": "drill"}
        )
        now = self._clock.now_ms()
        await record.record(self._ledger, realm.workspace, realm.id, [said], actor=drill.actor, now=now)

    def _caller(self, drill: Drill) -> Caller:
        return Caller(OURSELVES, drill.workspace, drill.environment)

    def _request(self, drill: Drill, kind: str, place: int) -> MessageRequest:
        return MessageRequest(to=drill.number, text=f"Drill {drill.id}, {kind} {place}", kind=kind, tags=[DRILL_TAG])

    async def _probe(self, drill: Drill, kind: str, sent: list[str], left_out: dict[str, str]) -> None:
        place = len(sent)
        request, once = self._request(drill, kind, place), f"drill:{drill.id}:{place}"
        try:
            sent.append(await send(self._intake, self._caller(drill), request, self._clock.now_ms(), once=once))
        except Refused as error:  # a cap, a budget, a no: that is not the outage's plan
            left_out[kind] = error.refusals[0].code

    async def _until_ended(self, sent: list[str], at_most_s: float) -> None:
        end = self._clock.monotonic() + at_most_s
        while self._clock.monotonic() < end:
            if all(one.state in ENDS for one in await self._messages(sent)):
                return
            await asyncio.sleep(_EVERY_S)

    async def _until_over(self, drill: Drill, at_most_s: float) -> Times:
        """Until the outage of our connectors is over."""
        end = self._clock.monotonic() + at_most_s
        out_from, out_until = drill.out_from or 0, drill.out_until or 0
        while True:
            found = await self._ledger.fetch(
                "SELECT connectors, began_at, ended_at FROM outages WHERE environment = $1 AND began_at >= $2",
                *(drill.environment, out_from),
            )
            ours = [row for row in found if set(msgspec.json.decode(row[0])) <= set(drill.names)]
            began = min((row[1] for row in ours), default=None)
            ended = max(row[2] for row in ours) if ours and all(row[2] for row in ours) else None
            if ended is not None or self._clock.monotonic() >= end or not ours:
                return Times(out_from, out_until, began, ended)
            await asyncio.sleep(_EVERY_S)

    async def _messages(self, sent: list[str]) -> list[Message]:
        numbers = [place[1] for one in sent if (place := ids.parse("msg", one)) is not None]
        marks = ", ".join(f"${place}" for place in range(1, len(numbers) + 1))
        found = await self._ledger.fetch(f"SELECT {_COLUMNS} FROM messages WHERE id IN ({marks}) ORDER BY id", *numbers)
        return [Message(*row) for row in found]

    async def _happened(self, sent: list[str]) -> list[Happened]:
        happened = []
        for message in await self._messages(sent):
            events = await self._ledger.fetch(
                "SELECT type, at, data FROM events WHERE message = $1 ORDER BY seq", message.id
            )
            took = tuple(
                (at, '"possible_duplicate":true' in (data or "")) for name, at, data in events if name == "message.sent"
            )
            held = any(name == "message.held" for name, _, _ in events)
            happened.append(
                Happened(
                    *(message_id(message), message.kind, message.accepted_at, message.state, message.connector),
                    *(message.channel or SMS, message.failure_code, message.final_at, took, held),
                )
            )
        return happened
