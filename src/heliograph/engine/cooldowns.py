"""Numbers of which a carrier said that they don't exist, or take no texts: they are left alone for a while.

What was said is noted until the ledger has it, however long that takes. Several messages that were under way at the
same time tell of one failure; a message that was accepted after it tells of another. A message that arrives ends it.
What a sandbox says is about no real number, and is not noted.
"""

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Final, NamedTuple

import msgspec

from heliograph.core.cooldown import span_ms
from heliograph.core.decide import SANDBOX
from heliograph.core.failures import INVALID_NUMBER
from heliograph.core.message import Message
from heliograph.core.views import moment
from heliograph.engine import audit
from heliograph.engine.background import Work
from heliograph.engine.declared import Snapshot
from heliograph.ports import Clock
from heliograph.store.port import Ledger, Transaction

_AT_ONCE: Final = 100  # in one transaction
_KEPT_MS: Final = 90 * 86_400_000  # so long after its end a pause still counts, should the number fail again
_NUMBER: Final = "workspace = $1 AND environment = $2 AND number = $3"


class Cooldown(msgspec.Struct):
    """A number that is left alone, since when, until when, and what a carrier said."""

    number: str
    since: str
    until: str
    failures: int
    connector: str
    carrier_code: str | None


class _Place(NamedTuple):
    """A number in an environment."""

    workspace: int
    environment: int
    number: str


class _Said(NamedTuple):
    """What a carrier said of a number, and when the message had been accepted of which it said so."""

    connector: str
    carrier_code: str | None
    accepted_at: int


class Cooldowns:
    """What one process heard of numbers."""

    def __init__(
        self, ledger: Ledger, clock: Clock, soon: Callable[[Work], None], snapshot: Callable[[], Snapshot]
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._soon = soon
        self._snapshot = snapshot
        self._is_writing = False
        self._are_any = False  # is any number left alone? If not, nobody need look at what arrives
        self._failed: dict[_Place, _Said] = {}
        self._reached: dict[_Place, None] = {}

    def failed(self, messages: Sequence[Message], carrier_code: Callable[[Message], str | None]) -> None:
        """These could not go to their numbers, whoever carries them."""
        connectors = self._snapshot().connectors
        for message in messages:
            connector = connectors.get(message.connector)
            if connector is None or connector.kind != SANDBOX:
                place = _Place(message.workspace, message.environment, message.to)
                self._failed[place] = _Said(message.connector, carrier_code(message), message.accepted_at)
        if self._failed:
            self._soon(self.keep)

    def ended(self, messages: Sequence[Message]) -> None:
        """What came of these at last."""
        if bad := [message for message in messages if message.failure_code == INVALID_NUMBER]:
            self.failed(bad, lambda message: message.carrier_code)
        if self._are_any:
            for message in messages:
                if message.state == "delivered":
                    self._reached.setdefault(_Place(message.workspace, message.environment, message.to))

    async def look(self) -> None:
        """Now and then: is any number left alone, here or by what another process heard? Forget what is long over."""
        now = self._clock.now_ms()
        rows = await self._ledger.fetch("SELECT until FROM cooldowns ORDER BY until LIMIT 1")
        self._are_any = bool(rows)
        if rows and rows[0][0] < now - _KEPT_MS:
            async with self._ledger.transaction() as transaction:
                await transaction.execute("DELETE FROM cooldowns WHERE until < $1", now - _KEPT_MS)

    async def keep(self) -> None:
        """Write down what is noted, one at a time; what the ledger can't take now stays noted."""
        if self._is_writing:
            return
        self._is_writing = True
        try:
            while self._failed:
                await self._keep_failures()
            while self._reached:
                await self._end_for_reached()
        finally:
            self._is_writing = False

    @property
    def waits(self) -> bool:
        return bool(self._failed or self._reached)

    async def _keep_failures(self) -> None:
        some = list(islice(self._failed.items(), _AT_ONCE))
        async with self._ledger.transaction() as transaction:
            for place, said in sorted(some):  # in order, so that two processes can't wait for each other
                await self._begin(transaction, place, said)
        self._are_any = True
        for place, said in some:
            if self._failed.get(place) == said:
                del self._failed[place]

    async def _begin(self, transaction: Transaction, place: _Place, said: _Said) -> None:
        now = self._clock.now_ms()
        rows = await transaction.fetch(
            "INSERT INTO cooldowns (workspace, environment, number, failures, since, until, connector, carrier_code) "
            "VALUES ($1, $2, $3, 1, $4, $4, $5, $6) ON CONFLICT (workspace, environment, number) DO UPDATE SET "
            "failures = cooldowns.failures + 1, since = excluded.since, connector = excluded.connector, "
            "carrier_code = excluded.carrier_code WHERE cooldowns.since < $7 RETURNING failures",
            *(*place, now, said.connector, said.carrier_code, said.accepted_at),
        )
        if rows:
            until = now + span_ms(rows[0][0])
            await transaction.execute(f"UPDATE cooldowns SET until = $4 WHERE {_NUMBER}", *place, until)

    async def _end_for_reached(self) -> None:
        some = list(islice(self._reached, _AT_ONCE))
        one = "(workspace = ${} AND environment = ${} AND number = ${})"
        wanted = " OR ".join(one.format(3 * n + 1, 3 * n + 2, 3 * n + 3) for n in range(len(some)))
        found = await self._ledger.fetch(
            f"SELECT workspace, environment, number FROM cooldowns WHERE {wanted}",
            *(value for place in some for value in place),
        )
        if found:
            async with self._ledger.transaction() as transaction:
                for place in sorted(found):
                    await transaction.execute(f"DELETE FROM cooldowns WHERE {_NUMBER}", *place)
        for place in some:
            self._reached.pop(place, None)


async def listed(ledger: Ledger, workspace: int, environment: int, after: str, limit: int, now: int) -> list[Cooldown]:
    """Numbers that are left alone now, in their order, those after `after`."""
    rows = await ledger.fetch(
        "SELECT number, since, until, failures, connector, carrier_code FROM cooldowns "
        "WHERE workspace = $1 AND environment = $2 AND number > $3 AND until > $5 ORDER BY number LIMIT $4",
        *(workspace, environment, after, limit, now),
    )
    return [Cooldown(row[0], moment(row[1]), moment(row[2]), *row[3:]) for row in rows]


async def lift(
    ledger: Ledger, workspace: int, environment: int, number: str, *, actor: str, now: int, ip: str | None = None
) -> bool:
    """End it by hand, with all that is remembered of it; False when there is none."""
    async with ledger.transaction() as transaction:
        rows = await transaction.fetch(
            f"DELETE FROM cooldowns WHERE {_NUMBER} RETURNING failures", workspace, environment, number
        )
        if rows:
            await audit.note(
                transaction,
                workspace=workspace,
                actor=actor,
                action="cooldown.lifted",
                object=f"number:{number}",
                now=now,
                detail={"failures": rows[0][0]},
                ip=ip,
            )
    return bool(rows)
