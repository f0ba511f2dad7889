"""The numbers behind `core.quality`: counted in the ledger now and then, handed to decisions as one immutable value.

One query counts what became of the attempts of the last hours. It reads no row from before: where the ledger is ours
alone ids rise with time, and the first one of the span is found by halving; where several processes share it, an index
by time does. The span is as long as it takes to see enough, and what is older weighs less.

Who goes first on a route is kept in the ledger: every process goes on from the same leader, so all come to the same
next one, also after a restart.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from heliograph.core import quality
from heliograph.core.failures import TRANSIENT, UNAUTHORISED, UNKNOWN
from heliograph.core.order import BEST
from heliograph.core.quality import INSTANT_MS, NO_QUALITY, LeaderKey, Quality, Score, Tally
from heliograph.core.routing import Route
from heliograph.engine.declared import Snapshot
from heliograph.ports import Clock
from heliograph.store.port import Ledger, Transaction

_MINUTE_MS: Final = 60_000
RIPE_MS: Final = _MINUTE_MS  # so long after the hand-over a receipt should be there
REPLY_MS: Final = 24 * 60 * _MINUTE_MS  # an answer within so long is an answer to the message
LONGEST_MS: Final = 4 * 60 * _MINUTE_MS
_SHORTEST_MS: Final = 5 * _MINUTE_MS
_ENOUGH: Final = 100_000  # attempts: more tell nothing new
_STEP_MS: Final = 10 * _MINUTE_MS
_HALVED_STEPS: Final = 3.0  # what is half an hour old weighs half
_FAULTS: Final = f"('{TRANSIENT}', '{UNAUTHORISED}', '{UNKNOWN}')"
# A long message is judged by its first part. SQLite goes from messages to their attempts (CROSS JOIN keeps that order),
# by the range of ids: grouped by the age first, no index of a whole table looks better to it.
_COUNTS: Final = f"""
WITH seen AS (
  SELECT m.workspace, m.country, m.kind, m.to_number, m.accepted_at, a.message, a.connector, a.state, a.handed_at,
    ($1 - a.handed_at) / {_STEP_MS} AS age,
    CASE WHEN a.carrier_id IS NULL AND (a.state = 'unknown' OR (a.state = 'refused' AND a.failure IN {_FAULTS}))
      THEN 1 END AS fault,
    CASE WHEN a.handed_at <= $1 - {RIPE_MS} AND a.state <> 'unknown'
      AND NOT (a.state = 'refused' AND a.carrier_id IS NULL) THEN 1 END AS ripe,
    CASE WHEN a.handed_at <= $1 - {RIPE_MS} AND a.state IN ('delivered', 'read') THEN 1 END AS delivered,
    CASE WHEN a.receipt_at > a.handed_at THEN a.receipt_at - a.handed_at ELSE 0 END AS delay
  FROM messages m CROSS JOIN attempts a
  WHERE m.id >= $2 AND m.accepted_at >= $3 AND a.message = m.id AND a.message >= $2 AND a.part = 1
)
SELECT workspace, connector, country, kind, age, COUNT(*), COUNT(fault), COUNT(ripe), COUNT(delivered),
  COUNT(CASE WHEN delivered = 1 AND state = 'delivered' THEN 1 END),
  CAST(COALESCE(SUM(CASE WHEN delivered = 1 AND state = 'delivered' THEN delay END), 0) AS BIGINT),
  COUNT(CASE WHEN delivered = 1 AND state = 'delivered' AND delay <= {INSTANT_MS} THEN 1 END),
  COUNT(CASE WHEN delivered = 1 AND (
    EXISTS (SELECT 1 FROM conversions c WHERE c.message = seen.message)
    OR EXISTS (SELECT 1 FROM inbound i WHERE i.workspace = seen.workspace AND i.from_number = seen.to_number
      AND i.at >= seen.accepted_at AND i.at <= seen.accepted_at + {REPLY_MS})) THEN 1 END)
FROM seen GROUP BY age, connector, country, kind, workspace
"""
# "+ 0": PostgreSQL would look for the least id from the first one on, not among the newest rows.
_FIRST_OF_ALL: Final = "SELECT COALESCE(MIN(id + 0), 0) FROM messages WHERE accepted_at >= $1"
_ROW_AFTER: Final = "SELECT id, accepted_at FROM messages WHERE id >= $1 ORDER BY id LIMIT 1"


class Counted(NamedTuple):
    """What became of the attempts of one sort, handed over at about the same time."""

    workspace: int
    connector: str
    country: str
    kind: str
    age: int  # in steps
    submitted: int
    faults: int
    ripe: int
    delivered: int
    timed: int
    delay_ms: int
    instant: int
    converted: int


class Way(NamedTuple):
    """One connector to one country, for one kind."""

    connector: str
    country: str
    kind: str


class Leader(msgspec.Struct, frozen=True):
    """Who goes first on a route, and since when."""

    connector: str
    at: int


class QualityDesk:
    """How well connectors do, as one process knows it."""

    def __init__(
        self, ledger: Ledger, clock: Clock, snapshot: Callable[[], Snapshot], note: Callable[..., None]
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._snapshot = snapshot
        self._note = note
        self._span = Span()
        self.current = NO_QUALITY

    async def refresh(self) -> None:
        """Count again, and settle who goes first. Where no route asks for it there is nothing to do."""
        routes = routes_by_quality(self._snapshot())
        if not routes:
            self.current = NO_QUALITY
            return
        now = self._clock.now_ms()
        ways = scored(await self._span.count(self._ledger, now))
        stored = await leaders(self._ledger)
        settled = settle(routes, ways, stored)
        await self._keep(routes, stored, settled, now)
        self.current = Quality(ways, settled)

    async def _keep(
        self,
        routes: Mapping[tuple[int, str], Route],
        stored: Mapping[LeaderKey, Leader],
        settled: Mapping[LeaderKey, str],
        now: int,
    ) -> None:
        """Write down who leads now, unless another process was faster; forget routes that are no more."""
        before = {key: stored[key].connector if key in stored else routes[key[:2]].via[0] for key in settled}
        changed = {key: name for key, name in settled.items() if name != before[key]}
        gone = [key for key in stored if key[:2] not in routes]
        if not changed and not gone:
            return
        async with self._ledger.transaction() as transaction:
            for key, name in changed.items():
                await _lead(transaction, key, name, stored.get(key), now)
            for key in gone:
                await transaction.execute(
                    "DELETE FROM leaders WHERE workspace = $1 AND route = $2 AND country = $3 AND kind = $4", *key
                )
        for key, name in changed.items():
            self._note("leader_changed", route=key[1], country=key[2], kind=key[3], before=before[key], connector=name)


async def _lead(transaction: Transaction, key: LeaderKey, name: str, before: Leader | None, now: int) -> None:
    await transaction.execute(
        "INSERT INTO leaders (workspace, route, country, kind, connector, at) VALUES ($1, $2, $3, $4, $5, $6) "
        "ON CONFLICT (workspace, route, country, kind) DO UPDATE SET connector = excluded.connector, at = excluded.at "
        "WHERE leaders.connector = $7",
        *(*key, name, now, before.connector if before else ""),
    )


async def as_it_is(ledger: Ledger, *snapshots: Snapshot, now: int) -> Quality:
    """The same for whoever asks once; nothing where no route of these asks for it."""
    if not any(routes_by_quality(snapshot) for snapshot in snapshots):
        return NO_QUALITY
    stored = await leaders(ledger)
    return Quality(scored(await Span().count(ledger, now)), {key: one.connector for key, one in stored.items()})


# -- counting


class Span:
    """How far back is looked: as far as needed."""

    def __init__(self) -> None:
        self.ms = _SHORTEST_MS

    async def count(self, ledger: Ledger, now: int) -> list[Counted]:
        """What became of the attempts of the span. A longer one is tried while there are few, a shorter one the next
        time when there were more than enough."""
        while True:
            rows = await self._rows(ledger, now)
            seen = sum(row.submitted for row in rows)
            if seen > _ENOUGH:
                self.ms = max(_SHORTEST_MS, self.ms // 2)
                return rows
            if self.ms == LONGEST_MS or seen > _ENOUGH // 4:
                return rows
            self.ms = min(LONGEST_MS, self.ms * 4)

    async def _rows(self, ledger: Ledger, now: int) -> list[Counted]:
        since = now - self.ms
        first = await first_since(ledger, since)
        return [Counted(*row) for row in await ledger.fetch(_COUNTS, now, first, since)]


async def first_since(ledger: Ledger, since: int) -> int:
    """The first id of a message that was accepted since then. Where ids rise with time it is found by halving."""
    if not ledger.is_alone:
        rows = await ledger.fetch(_FIRST_OF_ALL, since)
        return int(rows[0][0])
    rows = await ledger.fetch("SELECT COALESCE(MAX(id), 0) FROM messages")
    low, high = 0, int(rows[0][0]) + 1
    while low < high:
        middle = (low + high) // 2
        found = await ledger.fetch(_ROW_AFTER, middle)
        if found and found[0][1] < since:
            low = found[0][0] + 1
        else:
            high = middle
    return low


def scored(rows: Sequence[Counted]) -> quality.Ways:
    """The scores, by country and kind."""
    ways: dict[tuple[str, str], dict[str, Tally]] = {}
    for way, tally in tallies(rows, _weight).items():
        ways.setdefault((way.country, way.kind), {})[way.connector] = tally
    return {(country, kind): quality.scores(found, kind) for (country, kind), found in ways.items()}


def _weight(age: int) -> float:
    return float(0.5 ** (max(0, age) / _HALVED_STEPS))


def tallies(rows: Sequence[Counted], weight: Callable[[int], float]) -> dict[Way, Tally]:
    """All rows of a way together. What follows of messages is looked for where a workspace tells of it at all."""
    telling = {(row.workspace, row.country, row.kind) for row in rows if row.converted}
    found: dict[Way, Tally] = {}
    for row in rows:
        tells = (row.workspace, row.country, row.kind) in telling
        tally = Tally(
            row.submitted,
            row.faults,
            row.ripe,
            row.delivered,
            row.timed,
            row.delay_ms,
            row.instant,
            row.delivered if tells else 0,
            row.converted,
        )
        way = Way(row.connector, row.country, row.kind)
        found[way] = found.get(way, Tally()).plus(tally, weight(row.age))
    return found


# -- who goes first


def routes_by_quality(snapshot: Snapshot) -> dict[tuple[int, str], Route]:
    """The routes that ask for the best, each by its workspace (0: the operator) and name."""
    return {
        (route.workspace or 0, route.name): route
        for realm in snapshot.realms.values()
        for route in realm.rules.routes
        if route.order == BEST
    }


async def leaders(ledger: Ledger) -> dict[LeaderKey, Leader]:
    rows = await ledger.fetch("SELECT workspace, route, country, kind, connector, at FROM leaders")
    return {(row[0], row[1], row[2], row[3]): Leader(row[4], row[5]) for row in rows}


def settle(
    routes: Mapping[tuple[int, str], Route], ways: quality.Ways, stored: Mapping[LeaderKey, Leader]
) -> dict[LeaderKey, str]:
    """Who goes first now. Of what nothing is known everything stays as it is."""
    known = {key: leader.connector for key, leader in stored.items() if key[:2] in routes}
    return known | {
        key: quality.lead(route.via, scores, known.get(key))
        for (workspace, name), route in routes.items()
        for country, kind, scores in _asked(route, ways)
        for key in [(workspace, name, country, kind)]
    }


def _asked(route: Route, ways: quality.Ways) -> Iterator[tuple[str, str, Mapping[str, Score]]]:
    """What is known and can come to a route."""
    for (country, kind), scores in ways.items():
        fits = (not route.countries or country in route.countries) and (not route.kinds or kind in route.kinds)
        if fits and any(name in scores for name in route.via):
            yield country, kind, scores
