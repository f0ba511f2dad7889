"""Runs plans: begins them, and looks again whenever a message of theirs moved or a step has had its time.

Each step is noted before its message goes through intake, under a key of its own. So a crash in between leaves a step
that is sent by whoever looks next, once; and two processes that look at the same time send it once too.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from heliograph.core import ids, plans
from heliograph.core.failures import Refusal, Refused
from heliograph.core.message import MESSAGE_COLUMNS, Message
from heliograph.core.plans import PlanStep
from heliograph.core.request import MessageRequest, kind_of
from heliograph.engine import audit
from heliograph.engine.background import Background
from heliograph.engine.cancel import cancel
from heliograph.engine.declared import Realm, Snapshot
from heliograph.engine.draft import Caller, Draft
from heliograph.engine.intake import Intake
from heliograph.engine.people import contacts
from heliograph.engine.people.scopes import address_of
from heliograph.ports import Clock, Watch
from heliograph.products.plans.rows import COLUMNS, PREFIX, SELECT, STEPS, Asked, Run, RunView, Step, Way, step_of, view
from heliograph.products.plans.ways import NO_ADDRESS, choose, request_of, spec_of
from heliograph.store.port import Accept, Idempotency, Ledger, Moves, NewEvent, Transaction

OURSELVES: Final = 0  # a step's key is of no client, so that none can take it
_LOOK_S: Final = 0.5
_AT_ONCE: Final = 200
_AGAIN_MS: Final = 15_000  # a step that was noted and not sent: whoever had it is gone
_KEY_MS: Final = 86_400_000
_MESSAGE: Final = ", ".join(MESSAGE_COLUMNS)
_GIVEN_UP: Final = "given_up"
_QUIET: Final = "quiet_hours"
_DUE: Final = (
    f"SELECT {', '.join(f'r.{name}' for name in COLUMNS)} FROM plan_runs r WHERE r.state = 'running' AND ("
    "r.next_at <= $1 OR EXISTS (SELECT 1 FROM plan_steps s JOIN messages m ON m.id = s.message "
    f"WHERE s.run = r.id AND m.state <> s.seen)) ORDER BY r.id LIMIT {_AT_ONCE}"
)
_encode: Final = msgspec.json.Encoder().encode


class PlanDesk:
    """The plans of one process."""

    def __init__(
        self,
        ledger: Ledger,
        intake: Intake,
        snapshot: Callable[[], Snapshot],
        clock: Clock,
        watch: Watch,
        tell: Callable[[Moves], None],
    ) -> None:
        self._ledger = ledger
        self._intake = intake
        self._snapshot = snapshot
        self._clock = clock
        self._tell = tell
        self._background = Background(watch)

    def start(self) -> None:
        self._background.every(_LOOK_S, self.sweep)

    async def stop(self) -> None:
        await self._background.stop()

    # -- begin

    async def begin(self, caller: Caller, request: MessageRequest, key: Idempotency | None) -> RunView:
        """Note the run, and send its first step. Raises `Refused`."""
        if key is not None and (known := await self._known(key)) is not None:
            return await self._view(known)
        name, kind, to, asked = await self._asked(caller, request)
        run = Run(0, *_of(caller), name, to, kind, None, plans.RUNNING, None, None, self._now, None)
        if await self._insert(run, asked, key):
            await self._go_on(run)
        return await self._view(run)

    async def _asked(self, caller: Caller, request: MessageRequest) -> tuple[str | None, str, str, Asked]:
        """The plan's name, the kind, the address, and what a run needs. Raises `Refused`."""
        realm = self._snapshot().realms[caller.environment]
        name, spec = spec_of(realm, request.plan)
        kind = kind_of(request)
        if isinstance(kind, Refusal):
            raise Refused(kind)
        found = address_of(request.to, caller.default_country)
        if isinstance(found, Refusal):
            raise Refused(found)
        contact = await contacts.of_address(self._ledger, realm.workspace, found)
        plain = {k: v for k, v in msgspec.to_builtins(request).items() if k != "plan" and v is not None}
        ways = choose(self._intake, self._now, caller, plain, spec, kind, found, contact)
        return name, kind, found, Asked(plain, caller.default_country, ways)

    async def rehearse(self, caller: Caller, request: MessageRequest) -> dict[str, Any]:
        """What would be tried, in which order; nothing is kept or sent. Raises `Refused`."""
        name, kind, found, asked = await self._asked(caller, request)
        steps: list[dict[str, Any]] = []
        for way in asked.ways:
            made = Refusal(NO_ADDRESS, "no address of the person is known for this channel", "/to")
            draft = made if way.to is None else self._intake.draft(caller, request_of(asked.request, way), self._now)
            shown: dict[str, Any] = {"channel": way.step.channel, "to": way.to, "goal": way.step.goal}
            if isinstance(draft, Refusal):
                steps.append(shown | {"refusal": draft.code, "detail": draft.detail})
            else:
                price = {"price": draft.message.price, "currency": draft.message.currency}
                steps.append(shown | price | {"route": list(draft.verdict.connectors)})
        return {"dry_run": True, "plan": name, "to": found, "kind": kind, "steps": steps}

    @property
    def _now(self) -> int:
        return self._clock.now_ms()

    async def _known(self, key: Idempotency) -> Run | None:
        """The run of an earlier request with this key. Raises `Refused` when that asked for something else."""
        rows = await self._ledger.fetch(
            f"SELECT {SELECT}, body_hash FROM plan_runs WHERE client = $1 AND idempotency = $2", key.client, key.key
        )
        if not rows:
            return None
        if rows[0][-1] != key.body_hash.hex():
            detail = "this Idempotency-Key was used with another body; a new request needs a new key"
            raise Refused(Refusal("idempotency_conflict", detail, status=409))
        return Run(*rows[0][:-1])

    async def _insert(self, run: Run, asked: Asked, key: Idempotency | None) -> bool:
        """False: the same request came twice at once, and the other one has it; then `run` is that one."""
        names = ("workspace", "environment", "client", "plan", "to_address", "kind", "state", "created_at")
        values = [run.workspace, run.environment, run.client, run.plan, run.to, run.kind, run.state, run.created_at]
        async with self._ledger.transaction() as transaction:
            rows = await transaction.fetch(
                f"INSERT INTO plan_runs ({', '.join(names)}, next_at, idempotency, body_hash) "
                f"VALUES ({', '.join(f'${place}' for place in range(1, 12))}) "
                "ON CONFLICT (client, idempotency) DO NOTHING RETURNING id",
                *(*values, run.created_at + _AGAIN_MS),
                *(None, None) if key is None else (key.key, key.body_hash.hex()),
            )
            if rows:
                run.id = rows[0][0]
                kept = self._ledger.protection.kept(run.workspace, _place(run), _encode(asked).decode())
                await transaction.execute("UPDATE plan_runs SET asked = $2 WHERE id = $1", run.id, kept)
                run.asked = kept
        if not rows and key is not None and (known := await self._known(key)) is not None:
            for name in Run.__struct_fields__:
                setattr(run, name, getattr(known, name))
        return bool(rows)

    # -- go on

    async def sweep(self) -> None:
        """Look at the runs of which there is news, or that have waited long enough."""
        for row in await self._ledger.fetch(_DUE, self._now):
            await self._go_on(Run(*row))

    async def _go_on(self, run: Run) -> None:
        """As far as there is something to do now."""
        text = self._ledger.protection.read(run.workspace, _place(run), run.asked)
        if text is None:  # sealed, and can't be opened
            await self._end(run, plans.EXHAUSTED, None)
            return
        asked = msgspec.json.decode(text, type=Asked)
        while True:
            steps = await self._steps(run)
            if steps and steps[-1].message is None and steps[-1].reason is None:
                await self._send(run, asked, steps[-1])
                continue
            found = plans.look([step.tried for step in steps], len(asked.ways), self._now)
            if found.what == "wait":
                await self._wait(run, steps, found.at)
                return
            if found.what != "next":
                await self._take_back(steps, but=found.step)
                await self._end(run, found.what, found.step)
                return
            await self._take_back(steps, but=None)
            if not await self._note(run, asked.ways[len(steps)], len(steps)):
                return  # another process is at it

    async def _steps(self, run: Run) -> list[Step]:
        return [step_of(row) for row in await self._ledger.fetch(STEPS, run.id)]

    async def _note(self, run: Run, way: Way, place: int) -> bool:
        """A step begins; False: somebody else has begun it."""
        now = self._now
        async with self._ledger.transaction() as transaction:
            rows = await transaction.fetch(
                "INSERT INTO plan_steps (run, place, channel, to_address, goal, within_ms, begun_at, seen) "
                "VALUES ($1, $2, $3, $4, $5, $6, $7, '') ON CONFLICT (run, place) DO NOTHING RETURNING run",
                *(run.id, place, way.step.channel, way.to, way.step.goal, way.step.within_ms, now),
            )
            await transaction.execute("UPDATE plan_runs SET next_at = $2 WHERE id = $1", run.id, now + _AGAIN_MS)
        return bool(rows)

    async def _send(self, run: Run, asked: Asked, step: Step) -> None:
        """The message of a step, or the reason why there is none."""
        now, way = self._now, asked.ways[step.place]
        draft = self._draft(run, asked, way, now)
        made = await self._accept(run, step.place, draft, now) if isinstance(draft, Draft) else draft
        async with self._ledger.transaction() as transaction:
            if isinstance(made, Refusal):
                await transaction.execute(
                    "UPDATE plan_steps SET reason = $3 WHERE run = $1 AND place = $2 AND message IS NULL",
                    *(run.id, step.place, made.code),
                )
            else:
                number, begun_at = made
                await transaction.execute(
                    "UPDATE plan_steps SET message = $3, begun_at = $4 WHERE run = $1 AND place = $2",
                    *(run.id, step.place, number, begun_at),
                )

    def _draft(self, run: Run, asked: Asked, way: Way, now: int) -> Draft | Refusal:
        realm = self._snapshot().realms.get(run.environment)
        if way.to is None or realm is None:
            return Refusal(NO_ADDRESS, "")
        caller = Caller(run.client, run.workspace, run.environment, asked.default_country)
        draft = self._intake.draft(caller, request_of(asked.request, way), now)
        if isinstance(draft, Refusal):
            return draft
        if way.step.in_quiet_hours == "skip" and draft.message.due_at > now and asked.message.send_at is None:
            return Refusal(_QUIET, "")
        draft.message.correlation_id = draft.message.correlation_id or run.public_id
        return self._by_way(realm, draft, way.step)

    def _by_way(self, realm: Realm, draft: Draft, step: PlanStep) -> Draft | Refusal:
        """Over the connectors that the step names; what is rehearsed stays in the sandbox."""
        if not step.via or realm.mode == "test":
            return draft
        via = tuple(name for name in step.via if name in realm.rules.connectors)
        if not via:
            return Refusal("unknown_connector", "")
        trace = {"rule": "plan", "via": via, "why": "named by the step"}
        verdict = msgspec.structs.replace(draft.verdict, connectors=via, trace=(*draft.verdict.trace, trace))
        message = draft.message
        message.connector, message.plan = via[0], _encode(via).decode()
        message.decision = self._intake.verdicts.row_of(verdict)
        message.price, message.currency, message.surcharge = self._snapshot().prices.of(message, via[0])
        return msgspec.structs.replace(draft, verdict=verdict)

    async def _accept(self, run: Run, place: int, draft: Draft, now: int) -> tuple[int, int] | Refusal:
        """The message's row and when its time begins; or why it is not to be."""
        begun_at = max(now, draft.message.due_at)
        future: asyncio.Future[Accept] = asyncio.get_running_loop().create_future()
        self._intake.accept(
            [draft],
            future.set_result,
            idempotency=Idempotency(OURSELVES, f"plan:{run.id}:{place}", b"", now + _KEY_MS),
            reply=lambda operation: b"%d" % operation.messages[0].id,
            all_or_none=True,
        )
        operation = await future
        if operation.error is not None:
            raise operation.error
        if operation.replayed is not None:
            return int(operation.replayed), begun_at
        if operation.refused:
            return Refusal(next(iter(operation.refused.values())), "")
        return draft.message.id, begun_at

    async def _wait(self, run: Run, steps: Sequence[Step], at: int | None) -> None:
        """There is nothing to do before `at`, or before one of the messages moves on from where it was seen. Only now
        is it noted as seen: what follows from it was done."""
        async with self._ledger.transaction() as transaction:
            for step in steps:
                if step.state is not None and step.state != step.seen:
                    await transaction.execute(
                        "UPDATE plan_steps SET seen = $3 WHERE run = $1 AND place = $2", run.id, step.place, step.state
                    )
            await transaction.execute(
                "UPDATE plan_runs SET next_at = $2 WHERE id = $1 AND state = 'running'", run.id, at
            )

    async def _take_back(self, steps: Sequence[Step], *, but: int | None) -> None:
        """What still waits here is not sent any more: the person is reached, or is to be reached another way. Noted
        first: that a message was canceled by somebody else would end the run."""
        for step in steps:
            if step.message is None or step.place == but or step.state not in ("queued", "scheduled"):
                continue
            async with self._ledger.transaction() as transaction:
                await transaction.execute(
                    "UPDATE plan_steps SET reason = $2 WHERE message = $1", step.message, _GIVEN_UP
                )
            rows = await self._ledger.fetch(f"SELECT {_MESSAGE} FROM messages WHERE id = $1", step.message)
            moves = await cancel(self._ledger, Message(*rows[0]), self._now) if rows else None
            if moves is not None:
                self._tell(moves)

    async def _end(self, run: Run, state: str, reached_by: int | None) -> None:
        """Once; what it was told to say is forgotten."""
        now = self._now
        async with self._ledger.transaction() as transaction:
            rows = await transaction.fetch(
                "UPDATE plan_runs SET state = $2, reached_by = $3, ended_at = $4, next_at = NULL, asked = NULL "
                f"WHERE id = $1 AND state = 'running' RETURNING {SELECT}",
                *(run.id, state, reached_by, now),
            )
            if rows:
                await self._tell_of(transaction, Run(*rows[0]), now)
        if rows:
            for name, value in zip(Run.__struct_fields__, rows[0], strict=True):
                setattr(run, name, value)

    async def _tell_of(self, transaction: Transaction, run: Run, now: int) -> None:
        steps = [step_of(row) for row in await transaction.fetch(STEPS, run.id)]
        told = NewEvent(f"plan.{run.state}", now, _encode(view(run, steps)).decode())
        await transaction.record(run.workspace, run.environment, [told])

    # -- looking

    async def find(self, where: tuple[int, int], public_id: str) -> Run:
        """Raises `Refused`."""
        at, number = ids.parse(PREFIX, public_id) or (0, 0)
        rows = await self._ledger.fetch(
            f"SELECT {SELECT} FROM plan_runs WHERE workspace = $1 AND environment = $2 AND id = $3 AND created_at = $4",
            *(*where, number, at),
        )
        if not rows:
            raise Refused(Refusal("not_found", f"there is no run {public_id[:60]!r}", status=404))
        return Run(*rows[0])

    async def show(self, where: tuple[int, int], public_id: str) -> RunView:
        return await self._view(await self.find(where, public_id))

    async def _view(self, run: Run) -> RunView:
        rows = await self._ledger.fetch(f"SELECT {SELECT} FROM plan_runs WHERE id = $1", run.id)
        return view(Run(*rows[0]), await self._steps(run))

    async def stop_run(self, where: tuple[int, int], public_id: str, actor: str) -> RunView:
        """No further step; what has left stays. Raises `Refused` when it is over, or was never there."""
        run = await self.find(where, public_id)
        if run.state != plans.RUNNING:
            detail = f"the run is {run.state}; only a running one can be canceled"
            raise Refused(Refusal("too_late", detail, status=409))
        await self._end(run, plans.STOPPED, None)
        await self._take_back(await self._steps(run), but=None)
        async with self._ledger.transaction() as transaction:
            await audit.note(
                transaction,
                workspace=run.workspace,
                actor=actor,
                action="plan_run.canceled",
                object=f"plan_run:{run.public_id}",
                now=self._now,
            )
        return await self._view(run)


def _of(caller: Caller) -> tuple[int, int, int]:
    return caller.workspace, caller.environment, caller.client


def _place(run: Run) -> str:
    return f"plan run {run.id}"
