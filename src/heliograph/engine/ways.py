"""Which connectors are worth a message at the moment, for which country; and what waits for one that is not.

While nothing is wrong anywhere this costs nothing. A connector is closed while somebody has paused it, while its link
has been down for longer than the message's kind can wait, and for a country while too much of what it was handed for it
failed. Messages go to the next connector of their plan then: new ones at intake, waiting ones in batches. What a
carrier may already have stays.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from heliograph.core.breaker import CLOSED, Breaker
from heliograph.core.failures import TRANSIENT, UNAUTHORISED, UNKNOWN
from heliograph.core.message import LANES, MESSAGE_COLUMNS, PROMOTIONAL, Message, Outcome
from heliograph.core.outages import ALL, Shut
from heliograph.core.prices import PriceBook
from heliograph.engine.dispatch import Link
from heliograph.engine.specs import ConnectorSpec
from heliograph.ports import Clock
from heliograph.store.port import Ledger, Move, NewEvent

_COLUMNS: Final = ", ".join(MESSAGE_COLUMNS)
_AT_ONCE: Final = 500
_STUCK_MS: Final = 5_000  # what has no other way than a paused one is not looked through at every tick
_PLAN_MS: Final = 2_000  # within so long the outage desk has looked at what is new
# The carrier's or the link's fault: what says nothing of the number or the text.
_FAULTS: Final = frozenset({TRANSIENT, UNAUTHORISED, UNKNOWN})


class Patience(msgspec.Struct, frozen=True):
    """How long a message of each lane waits for a connector that is down, before it takes the next way."""

    otp_ms: int = 2_000
    other_ms: int = 10_000
    no_receipt_otp_ms: int = 0  # an OTP of which nothing is heard for so long is sent again another way; 0: never

    def of(self, lane: int) -> int:
        return self.otp_ms if lane == 0 else self.other_ms


class Ways:
    """What a process knows of its own connectors."""

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        links: Mapping[str, Link],
        connectors: Callable[[], Mapping[str, ConnectorSpec]],
        prices: Callable[[], PriceBook],
        paused: Callable[[], frozenset[str]],
        patience: Patience,
        note: Callable[..., None],
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._links = links
        self._connectors = connectors
        self._prices = prices
        self._paused = paused
        self._patience = patience
        self._note = note
        self._breakers: dict[tuple[str, str], Breaker] = {}
        self.out: Mapping[tuple[int, str], frozenset[str]] = {}  # (environment, connector) → countries of outages
        self._is_troubled = False
        self._stuck_at: dict[str, int] = {}  # paused connector → when nothing that waits for it could go another way
        self.asks_always = bool(patience.no_receipt_otp_ms)

    @property
    def is_troubled(self) -> bool:
        """Otherwise nobody needs to ask."""
        return self._is_troubled or bool(self._paused())

    def link_changed(self) -> None:
        """One came or went: look at what waits."""
        self._is_troubled = True

    def heard(self, connector: str, answers: Sequence[tuple[Message, Outcome]]) -> None:
        """Count answers. A connector and country without any fault of late has no breaker, and costs nothing."""
        counts: dict[str, list[int]] = {}
        for message, outcome in answers:
            if outcome.state == "accepted":
                if self._breakers:
                    counts.setdefault(message.country, [0, 0])[0] += 1
            elif outcome.state == "unknown" or (outcome.state == "refused" and outcome.failure in _FAULTS):
                counts.setdefault(message.country, [0, 0])[1] += 1
        now = self._clock.now_ms()
        for country, (good, bad) in counts.items():
            breaker = self._breakers.get((connector, country))
            if breaker is None:
                if not bad:
                    continue
                breaker = self._breakers[connector, country] = Breaker(now)
            if breaker.heard(good, bad, now):
                self._note("breaker", connector=connector, country=country, state=breaker.state)
                self._is_troubled = True

    def choose(self, plan: Sequence[str], country: str, lane: int) -> str:
        """The first connector of a plan that is worth it; when none is, the first."""
        return self.open_one(plan, country, lane) or plan[0]

    def open_one(self, plan: Sequence[str], country: str, lane: int) -> str | None:
        """The first connector of a plan that is worth it."""
        for name in plan:
            if self._why_closed(name, country, lane, ask=True) is None:
                return name
        return None

    def ours(self) -> set[str]:
        """The connectors that this process has."""
        return set(self._links)

    def shut(self) -> dict[tuple[str, str], Shut]:
        """What of ours is of no use, for which country: a link that is down, or where too much fails."""
        now = self._clock.now_ms()
        found = {(link.name, ALL): Shut(link.since, _down(link.name)) for link in self._links.values() if not link.up}
        for (name, country), breaker in self._breakers.items():
            if breaker.state != CLOSED and name in self._links:
                found[name, country] = Shut(now, f"too much fails at {name} for {country}")
        return found

    def begin(self, message: Message, plan: Sequence[str]) -> bool:
        """A new message: over the first connector of its plan that is worth it, at that one's price. In an outage for
        its country it waits for what its workspace's plan says, but for the probes: False."""
        is_out = message.country in self.out.get((message.environment, plan[0]), ())
        is_no_probe = is_out and message.kind == PROMOTIONAL
        name = None if is_no_probe else self.open_one(plan, message.country, message.lane)
        if is_out and name is None:
            message.due_at = max(message.due_at, self._clock.now_ms() + _PLAN_MS)
            return False
        if name is not None and name != message.connector:
            self._lead(message, name)
        return True

    def _why_closed(self, name: str, country: str, lane: int, *, ask: bool) -> str | None:
        """`ask`: a message will go if it may, so that it counts as a probe."""
        if name in self._paused():
            return f"{name} is paused"
        link = self._links.get(name)
        now = self._clock.now_ms()
        if link is None:
            return None  # another process has it: that one knows
        if not link.up and now - link.since >= self._patience.of(lane):
            return _down(name)
        breaker = self._breakers.get((name, country))
        if breaker is None or breaker.state == CLOSED:
            return None
        if ask and breaker.allows(now):
            return None
        return f"too much fails at {name} for {country}"

    async def look(self) -> list[Move]:
        """What waits for a way that is closed, and may go another."""
        now = self._clock.now_ms()
        for key, breaker in list(self._breakers.items()):
            if breaker.is_quiet(now):
                del self._breakers[key]
        down = [link for link in self._links.values() if not link.up]
        shut = [key for key, breaker in self._breakers.items() if breaker.state != CLOSED]
        self._is_troubled = bool(down or shut)
        moves: list[Move] = []
        for name in self._paused() & self.ours():
            moves += await self._waiting_for_paused(name, now)
        for link in down:
            for lane in sorted(set(LANES.values())):
                if now - link.since >= self._patience.of(lane):
                    moves += await self._waiting(link.name, lane, None, now)
        for name, country in shut:
            for lane in sorted(set(LANES.values())):
                moves += await self._waiting(name, lane, country, now)
            if not moves:
                moves += await self._probe(name, country, now)
        if self._patience.no_receipt_otp_ms:
            moves += await self._unheard(now)
        return moves

    async def _waiting_for_paused(self, name: str, now: int) -> list[Move]:
        if now - self._stuck_at.get(name, 0) < _STUCK_MS:
            return []
        moves = [move for lane in sorted(set(LANES.values())) for move in await self._waiting(name, lane, None, now)]
        if not moves:
            self._stuck_at[name] = now
        return moves

    async def _waiting(self, name: str, lane: int, country: str | None, now: int) -> list[Move]:
        rows = await self._ledger.fetch(
            f"SELECT {_COLUMNS} FROM messages WHERE owner = 0 AND connector = $1 AND lane = $2 AND due_at <= $3 "
            f"AND plan <> $4 AND ($5 = '' OR country = $5) LIMIT {_AT_ONCE}",
            *(name, lane, now, msgspec.json.encode([name]).decode(), country or ""),
        )
        return [move for row in rows if (move := self._reroute(Message(*row), now)) is not None]

    async def _probe(self, name: str, country: str, now: int) -> list[Move]:
        """Where an outage holds everything back, one message now and then finds out whether it is over."""
        is_out = any(name == connector and country in countries for (_, connector), countries in self.out.items())
        breaker = self._breakers.get((name, country))
        if not is_out or breaker is None or not breaker.allows(now):
            return []
        rows = await self._ledger.fetch(
            f"SELECT {_COLUMNS} FROM messages WHERE owner = 0 AND connector = $1 AND country = $2 AND due_at > $3 "
            "AND state = 'queued' AND kind <> $4 ORDER BY lane, due_at LIMIT 1",
            *(name, country, now, PROMOTIONAL),
        )
        moves = []
        for message in (Message(*row) for row in rows):
            message.due_at = message.updated_at = now
            moves.append(Move(message, message.state, ()))
        return moves

    def _reroute(self, message: Message, now: int) -> Move | None:
        """To the next connector of its plan that is open; None when there is none."""
        plan = msgspec.json.decode(message.plan, type=list[str])
        start = plan.index(message.connector) + 1 if message.connector in plan else 0
        why = self._why_closed(message.connector, message.country, message.lane, ask=False)
        for name in (*plan[start:], *plan[: max(0, start - 1)]):
            if self._why_closed(name, message.country, message.lane, ask=False) is None:
                return self._take_way(message, name, why or "", now)
        return None

    def _take_way(self, message: Message, name: str, why: str, now: int) -> Move:
        was = message.state
        data = msgspec.json.encode({"from": message.connector, "connector": name, "why": why}).decode()
        message.updated_at = now
        self._lead(message, name)
        return Move(message, was, (NewEvent("message.rerouted", now, data, told=False),))

    def _lead(self, message: Message, name: str) -> None:
        """Over this connector, at its price; for one that is no longer declared the price stays what it was."""
        message.connector = name
        if name in self._connectors():
            message.price, message.currency, message.surcharge = self._prices().of(message, name)

    async def _unheard(self, now: int) -> list[Move]:
        """OTPs that were sent and of which nothing was heard: another way, flagged. Only where it is allowed."""
        rows = await self._ledger.fetch(
            f"SELECT {_COLUMNS} FROM messages WHERE owner = $1 AND state = 'sent' AND kind = 'otp' AND sent_at <= $2 "
            f"AND possible_duplicate = 0 LIMIT {_AT_ONCE}",
            *(self._ledger.process, now - self._patience.no_receipt_otp_ms),
        )
        moves: list[Move] = []
        for message in (Message(*row) for row in rows):
            plan = msgspec.json.decode(message.plan, type=list[str])
            others = [name for name in plan if name != message.connector]
            if not others or message.valid_until <= now:
                continue
            move = self._take_way(message, self.choose(others, message.country, 0), "no receipt in time", now)
            message.state, message.owner, message.due_at, message.possible_duplicate = "queued", 0, now, 1
            moves.append(Move(message, "sent", move.events))
        return moves


def _down(name: str) -> str:
    """Every workspace may hear it. So it does not say why: that names hosts and accounts of the operator's."""
    return f"{name} is down"
