"""Does with waiting messages what the plan of their kind says: hold them, send them another way, let them fail.

What a carrier may already have stays untouched: only what waits in the ledger is moved, each by compare and set.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from heliograph.core import numbers
from heliograph.core.channels import CHANNELS
from heliograph.core.decide import Case, Verdict, decide
from heliograph.core.failures import TRANSIENT
from heliograph.core.lifecycle import advance
from heliograph.core.message import LANES, MESSAGE_COLUMNS, WAITING, Message
from heliograph.core.outages import ALL, FAIL, PAUSE, PROVIDER_OUTAGE, KindPlan, OutagePolicy, filled
from heliograph.core.prices import Amount
from heliograph.engine import sweep
from heliograph.engine.declared import Realm
from heliograph.engine.outages.register import Outage
from heliograph.engine.ways import Ways
from heliograph.store.port import Ledger, Move, Moves, NewEvent

_COLUMNS: Final = ", ".join(MESSAGE_COLUMNS)
_AT_ONCE: Final = 500
_ROUNDS: Final = 20  # in one look
_HOLD_MS: Final = 60_000  # what is held is looked at again after so long
_SOON_MS: Final = 30_000  # what is due within so long is looked at now: less than a hold, more than most retries
_DRAWS: Final = 1_009
_SWITCHED: Final = (
    *("text", "content", "channel", "sender", "encoding", "segments", "plan", "connector", "price", "currency"),
    *("surcharge", "due_at", "updated_at"),
)


class Acting:
    """What is done to messages. One for a process."""

    def __init__(
        self,
        ledger: Ledger,
        ways: Ways,
        tell: Callable[[Moves], None],
        repriced: Callable[[Message, Amount], None],
    ) -> None:
        self._ledger, self._ways, self._tell, self._repriced = ledger, ways, tell, repriced

    async def act(self, outage: Outage, realm: Realm, policy: OutagePolicy, now: int) -> None:
        """Every kind's plan, once."""
        for kind in LANES:
            for _ in range(_ROUNDS):
                if not await self._keep_plan(outage, realm, policy.of(kind), kind, now):
                    break

    async def _keep_plan(self, outage: Outage, realm: Realm, plan: KindPlan, kind: str, now: int) -> bool:
        """For as many as are taken at once; True: there may be more, which should not get to a carrier before. Another
        channel takes them one by one, which takes its time: there the rest is for the next look."""
        if plan.then != PAUSE and outage.fine_since is not None:
            return False
        before = now - plan.wait_s * 1_000
        if plan.acts and outage.began_at <= before:
            found = await self._waiting(outage, kind, before, now)
            await self._lead_away(outage, realm, plan, found, now)
            if len(found) >= _AT_ONCE and plan.channel is None:
                return True
        if plan.then != PAUSE and outage.country == ALL:
            return False
        found = await self._waiting(outage, kind, now, now)  # a link that is up would take them, and fail
        await self._hold(outage, found, now, plan)
        return len(found) >= _AT_ONCE and plan.channel is None

    async def release(self, outage: Outage, now: int) -> None:
        """What was held goes on."""
        while moves := [
            self._due(message, now, ()) for message in await self._waiting(outage, None, now, now, held=True)
        ]:
            kept = await self._apply(moves)
            if len(kept.lost) == len(moves):
                return  # somebody else is at it

    async def _waiting(
        self, outage: Outage, kind: str | None, before: int, now: int, *, held: bool = False
    ) -> list[Message]:
        """Messages of a kind that were accepted before a time; `held`: those that are not due yet."""
        found: list[Message] = []
        way = frozenset(outage.way)  # those that have yet another way are not concerned
        for name in outage.way:
            rows = await self._ledger.fetch(
                f"SELECT {_COLUMNS} FROM messages WHERE owner = 0 AND connector = $1 AND state = 'queued' "
                "AND environment = $2 AND ($3 = '' OR kind = $3) AND ($4 = '' OR country = $4) AND accepted_at <= $5 "
                f"AND due_at {'>' if held else '<='} $6 LIMIT {_AT_ONCE}",
                *(name, outage.environment, kind or "", outage.country, before, now if held else now + _SOON_MS),
            )
            messages = [self._ledger.protection.opened(Message(*row)) for row in rows]
            found += [message for message in messages if way.issuperset(msgspec.json.decode(message.plan))]
        return found

    async def _hold(self, outage: Outage, messages: list[Message], now: int, awaited: KindPlan | None = None) -> None:
        """`awaited`: this plan is still to be kept for them. So a look must see them as soon as it is their turn, and
        the next one those that came while this one looked, or that were too many for it."""
        moves = []
        for message in messages:
            until = now + _HOLD_MS
            if awaited is not None and awaited.acts:
                turn = max(message.accepted_at, outage.began_at) + awaited.wait_s * 1_000
                until = min(until, max(turn, now) + _SOON_MS)
            if message.due_at == until:
                continue
            is_first = message.updated_at <= max(message.accepted_at, outage.began_at)
            outage.held += is_first
            data = msgspec.json.encode({"why": outage.why}).decode()
            events = (NewEvent("message.held", now, data, told=False),) if is_first else ()
            moves.append(self._due(message, until, events, now))
        if moves:
            await self._apply(moves)

    def _due(self, message: Message, at: int, events: tuple[NewEvent, ...], now: int | None = None) -> Move:
        message.due_at, message.updated_at = at, at if now is None else now
        return Move(message, "queued", events)

    async def _lead_away(self, outage: Outage, realm: Realm, plan: KindPlan, messages: list[Message], now: int) -> None:
        """By another channel; what none takes fails, or is held."""
        left = [message for message in messages if not await self._switch(outage, realm, plan, message, now)]
        if plan.then == FAIL and left:
            kept = await self._apply([_failed(message, outage, now) for message in left])
            outage.failed += len(left) - len(kept.lost)
        elif left:
            await self._hold(outage, left, now)

    async def _switch(self, outage: Outage, realm: Realm, plan: KindPlan, message: Message, now: int) -> bool:
        """Another channel takes it: decided anew, as a message of that channel."""
        if message.channel is not None or message.text is None or plan.channel is None:
            return False
        words = message.text
        content = msgspec.convert(filled(plan.content, words), CHANNELS[plan.channel].content)
        text = "" if content.speaks else words
        if content.wrong(text) is not None:
            return False
        verdict = self._decided(realm, message, plan.channel)
        connector = None if verdict is None else self._ways.open_one(verdict.connectors, message.country, message.lane)
        if verdict is None or connector is None:
            return False
        before, was = (message.price, message.currency), message.connector
        encoded = msgspec.json.encode(content).decode()
        message.text, message.content, message.channel = text, None if encoded == "{}" else encoded, plan.channel
        message.sender, message.encoding, message.segments = verdict.sender, "utf-8", 1
        message.plan, message.connector = msgspec.json.encode(verdict.connectors).decode(), connector
        message.price, message.currency, message.surcharge = verdict.price, verdict.currency, verdict.surcharge
        message.due_at = message.updated_at = now
        facts = {"from": was, "connector": connector, "channel": plan.channel, "why": outage.why}
        if not await self._keep_switched(message, NewEvent("message.rerouted", now, _json(facts), told=False)):
            return True  # it has gone on meanwhile
        outage.moved += 1
        if (message.price, message.currency) != before:
            self._repriced(message, before)
        return True

    def _decided(self, realm: Realm, message: Message, channel: str) -> Verdict | None:
        number = numbers.parse(message.to, None)
        if not isinstance(number, numbers.Number):
            return None
        is_test = not realm.rehearses and numbers.is_test_number(number.e164)
        case = Case(
            *(number.country, number.type, number.valid, is_test, number.e164, message.kind, None, "utf-8", 1, None),
            message.id % _DRAWS / _DRAWS,  # a draw that is the same each time
            channel=channel,
        )
        verdict = decide(case, realm.rules)
        return verdict if verdict.refusal is None else None

    async def _keep_switched(self, message: Message, event: NewEvent) -> bool:
        row = dict(zip(MESSAGE_COLUMNS, self._ledger.protection.row_of(message), strict=True))
        places = ", ".join(f"{name} = ${place}" for place, name in enumerate(_SWITCHED, 2))
        async with self._ledger.transaction() as transaction:
            kept = await transaction.fetch(
                f"UPDATE messages SET {places} WHERE id = $1 AND owner = {WAITING} AND state = 'queued' RETURNING id",
                *(message.id, *(row[name] for name in _SWITCHED)),
            )
            if kept:
                await transaction.record(message.workspace, message.environment, [event], message)
        return bool(kept)

    async def _apply(self, moves: list[Move]) -> Moves:
        kept = await sweep.apply(self._ledger, moves)
        self._tell(kept)
        return kept


def _failed(message: Message, outage: Outage, now: int) -> Move:
    """Its plan says: better at once than late."""
    was = message.state
    step = advance(was, "refused")
    assert step.event is not None
    message.state, message.owner, message.updated_at, message.final_at = step.state, None, now, now
    message.failure, message.failure_code = TRANSIENT, PROVIDER_OUTAGE
    facts = {"failure": TRANSIENT, "code": PROVIDER_OUTAGE, "why": outage.why}
    return Move(message, was, (NewEvent(step.event, now, _json(facts)),))


def _json(facts: dict[str, str]) -> str:
    return msgspec.json.encode(facts).decode()
