"""Adds what happened to the sums: a stretch of events at a time, in one transaction with the mark of how far they are.

A message counts in the minute in which it was accepted, as what it is now. When an event tells that it went on, what
it stood for is taken away and what it stands for is added; what that was stands in `counted`. So late receipts and
corrections move counts, and nothing counts twice. All else (`facts`) counts in the minute in which it happened.

SQL does the grouping: the price of a message is a few microseconds, and no row of it passes through Python.
"""

from collections.abc import Sequence
from typing import Final

from heliograph.core.segments import UCS2
from heliograph.core.slots import slot_sql
from heliograph.engine.insight import facts, verified
from heliograph.engine.insight.facts import Stretch
from heliograph.store.port import Ledger, Statement, Transaction

MINUTE: Final = 60_000
HOUR: Final = 3_600_000
DAY: Final = 86_400_000
GRAINS: Final = (MINUTE, HOUR, DAY)
UNIT: Final = 100_000_000  # money is summed in 10^-8 of a currency, as integers: sums are exact
STRETCH: Final = 3_000  # events: a few milliseconds, for which others wait; with fewer a message costs more
DIMENSIONS: Final = "workspace, environment, at, country, network, kind, connector, sender, template, campaign, client"
SUMS: Final = ("messages", "segments", "long", "unicode", "retried", "taken", "billed", "cost", "surcharge")
_NOTHING: Final = Stretch("1 = 0", ())
_AWAY_MS: Final = (
    60_000  # a message that waited longer than this for its time, or its sender's turn, says nothing of us
)
_OPEN_MS: Final = 30_000
_OPEN_AT_ONCE: Final = 5_000

_TAKEN: Final = "(m.sent_at IS NOT NULL OR m.state IN ('delivered', 'read', 'undelivered'))"
_WAITING: Final = "('accepted', 'scheduled', 'queued', 'sending')"
_SENT_PROMPTLY: Final = f"m.sent_at IS NOT NULL AND (m.attempts > 1 OR m.due_at - m.accepted_at < {_AWAY_MS})"


def _money(column: str) -> str:
    return f"CAST(ROUND(CAST({column} AS NUMERIC) * {UNIT}) AS BIGINT)"


# What a message stands for now, by the name that it has in `counted`.
NOW: Final = {
    "connector": "m.connector",
    "sender": "COALESCE(m.sender, '')",
    "template": "COALESCE(m.template, '')",
    "state": f"CASE WHEN m.state IN {_WAITING} THEN 'waiting' ELSE m.state END",
    "code": "COALESCE(m.failure_code, m.failure, '')",
    "currency": "CASE WHEN m.price IS NULL THEN '' ELSE COALESCE(m.currency, '') END",
    "segments": "m.segments",
    "unicode": f"CASE WHEN m.encoding = '{UCS2}' THEN 1 ELSE 0 END",
    "retried": f"CASE WHEN m.attempts > 1 AND m.state NOT IN {_WAITING} THEN 1 ELSE 0 END",
    "taken": f"CASE WHEN {_TAKEN} THEN 1 ELSE 0 END",
    "billed": f"CASE WHEN {_TAKEN} THEN COALESCE(m.billed_segments, m.segments) ELSE 0 END",
    "cost": f"CASE WHEN {_TAKEN} AND m.price IS NOT NULL THEN {_money('m.price')} ELSE 0 END",
    "surcharge": f"CASE WHEN {_TAKEN} AND m.surcharge IS NOT NULL THEN {_money('m.surcharge')} ELSE 0 END",
    "send_slot": f"CASE WHEN {_SENT_PROMPTLY} THEN {slot_sql('(m.sent_at - m.accepted_at)')} ELSE -1 END",
    "deliver_slot": "CASE WHEN m.state = 'delivered' AND m.sent_at IS NOT NULL "
    f"THEN {slot_sql('(m.final_at - m.sent_at)')} ELSE -1 END",
}
_FIXED: Final = (
    f"m.workspace, m.environment, m.accepted_at - m.accepted_at % {MINUTE} AS at, m.country, "
    "COALESCE(m.network, '') AS network, m.kind, COALESCE(v.campaign, 0) AS campaign, m.client, "
    "COALESCE(m.batch, 0) AS batch"
)
_OF_MESSAGES: Final = "LEFT JOIN campaign_variants v ON v.batch = m.batch"
NOW_SQL: Final = f"{_FIXED}, " + ", ".join(f"{sql} AS {name}" for name, sql in NOW.items())
FROM_SQL: Final = f"FROM messages m {_OF_MESSAGES}"
_TEXTS: Final = frozenset(
    {"country", "network", "kind", "connector", "sender", "template", "state", "code", "currency"}
)


def _temporary(table: str, *columns: str) -> str:
    """Made once in each connection: statements that read a new table would be compiled anew."""
    typed = (f"{name} {'TEXT' if name in _TEXTS else 'BIGINT'}" for name in columns)
    return f"CREATE TEMPORARY TABLE IF NOT EXISTS {table} ({', '.join(typed)})"


# What messages stand for now, with sign 1, and what they stood for before, with sign -1.
_OWN: Final = "message, workspace, environment, at, country, network, kind, campaign, client, batch"
_MAKE_TOUCHED: Final = _temporary("touched", *_OWN.split(", "), *NOW, "sign")
_INTO_TOUCHED: Final = f"INSERT INTO touched ({_OWN}, {', '.join(NOW)}, sign)"
_STAGE: Final = (
    f"{_INTO_TOUCHED} SELECT m.id, {NOW_SQL}, 1 "
    "FROM (SELECT DISTINCT e.message FROM events e WHERE {stretch} AND e.message IS NOT NULL) t "
    f"JOIN messages m ON m.id = t.message {_OF_MESSAGES}"
)
_STAGE_BEFORE: Final = (
    f"{_INTO_TOUCHED} SELECT {', '.join(f't.{name}' for name in _OWN.split(', '))}, "
    f"{', '.join(f'c.{name}' for name in NOW)}, -1 FROM touched t CROSS JOIN counted c WHERE c.message = t.message"
)
_REMEMBER: Final = (
    f"INSERT INTO counted (message, {', '.join(NOW)}) SELECT message, {', '.join(NOW)} FROM touched WHERE sign = 1 "
    f"ON CONFLICT (message) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in NOW)}"
)
# Sums are also kept with less detail, because a chart of everything should not read every sender. What a cut leaves out
# is empty in it.
FULL: Final = 0
WAYS: Final = 1  # country, kind, connector
WHOLE: Final = 2
CUTS: Final[dict[int, frozenset[str]]] = {
    FULL: frozenset({"country", "network", "kind", "connector", "sender", "template", "campaign", "client"}),
    WAYS: frozenset({"country", "kind", "connector"}),
    WHOLE: frozenset(),
}
_GRAINS: Final = (
    "SELECT 60000 AS grain, CAST($1 AS BIGINT) AS first UNION ALL SELECT 3600000, CAST($2 AS BIGINT) "
    "UNION ALL SELECT 86400000, CAST($3 AS BIGINT)"
)


KEY: Final = f"{DIMENSIONS}, state, code, currency"
SUMMED: Final = ", ".join(f"SUM({name}) AS {name}" for name in SUMS)
_TOUCHED_SUMS: Final = {
    "messages": "sign",
    "long": "CASE WHEN segments > 1 THEN sign ELSE 0 END",
    **{name: f"sign * {name}" for name in SUMS if name not in ("messages", "long")},
}


def _cut(column: str, cuts: Sequence[int]) -> str:
    """A column of a bucket: its time as the beginning, and what the cut leaves out empty."""
    if column == "at":
        return "d.at - d.at % g.grain"
    without = [str(cut) for cut in cuts if column in CUTS[FULL] and column not in CUTS[cut]]
    empty = "0" if column in ("campaign", "client") else "''"
    return f"CASE WHEN c.cut IN ({', '.join(without)}) THEN {empty} ELSE d.{column} END" if without else f"d.{column}"


def _upsert(table: str, key: str, values: tuple[str, ...], delta: str, cuts: Sequence[int] = ()) -> str:
    """Add sums by minute to each grain, as far as it goes back, and to each cut."""
    columns = [_cut(column, cuts) for column in key.split(", ")]
    cutting = f" CROSS JOIN ({' UNION ALL '.join(f'SELECT {cut} AS cut' for cut in cuts)}) c" if cuts else ""
    picked = ["g.grain", *(["c.cut"] if cuts else []), *columns]
    into = f"grain, {'cut, ' if cuts else ''}{key}"
    return (
        f"INSERT INTO {table} ({into}, {', '.join(values)}) "
        f"WITH d AS ({delta}) SELECT {', '.join(picked)}, {', '.join(f'SUM(d.{name})' for name in values)} "
        f"FROM d CROSS JOIN ({_GRAINS}) g{cutting} WHERE d.at - d.at % g.grain >= g.first "
        f"GROUP BY {', '.join(picked)} ON CONFLICT ({into}) DO UPDATE SET "
        + ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in values)
    )


_ADD: Final = _upsert(
    "rollups",
    KEY,
    SUMS,
    f"SELECT {KEY}, {', '.join(f'SUM({sql}) AS {name}' for name, sql in _TOUCHED_SUMS.items())} FROM touched "
    f"GROUP BY {KEY}",
    tuple(CUTS),
)


_TIMES_CUTS: Final = tuple(cut for cut in CUTS if cut != FULL)
TIMES: Final = "workspace, environment, at, country, kind, connector"


def _slots(what: str) -> str:
    return f"SELECT {TIMES}, '{what}' AS what, {what}_slot AS slot, sign AS count FROM touched WHERE {what}_slot >= 0"


_TIMES_KEY: Final = f"{TIMES}, what, slot"
_ADD_TIMES: Final = _upsert(
    "rollup_times",
    _TIMES_KEY,
    ("count",),
    f"SELECT {_TIMES_KEY}, SUM(count) AS count FROM ({_slots('send')} UNION ALL {_slots('deliver')}) b "
    f"GROUP BY {_TIMES_KEY} HAVING SUM(count) <> 0",
    _TIMES_CUTS,
)

# -- how the messages of campaigns stand, by the batch of each variant

STANDINGS_KEY: Final = "batch, state, connector, currency"
STANDINGS: Final = ("messages", "segments", "cost")


def add_standings(lines: str) -> str:
    return (
        f"INSERT INTO campaign_sums ({STANDINGS_KEY}, {', '.join(STANDINGS)}) "
        f"SELECT {STANDINGS_KEY}, {', '.join(f'SUM({name})' for name in STANDINGS)} FROM ({lines}) b "
        f"GROUP BY {STANDINGS_KEY} HAVING {' OR '.join(f'SUM({name}) <> 0' for name in STANDINGS)} "
        f"ON CONFLICT ({STANDINGS_KEY}) DO UPDATE SET "
        + ", ".join(f"{name} = campaign_sums.{name} + excluded.{name}" for name in STANDINGS)
    )


_ADD_STANDINGS: Final = add_standings(
    "SELECT batch, state, connector, currency, sign AS messages, sign * segments AS segments, sign * cost AS cost "
    "FROM touched WHERE campaign <> 0"
)

# -- webhooks: a delivery counts once it has ended, in the minute of its event

_MAKE_TRIED: Final = _temporary(
    "tried", "id", "workspace", "environment", "endpoint", "state", "tries", "next_at", "at", "slot"
)
_DELIVERIES: Final = (
    "INSERT INTO tried (id, workspace, environment, endpoint, state, tries, next_at, at, slot) "
    "SELECT d.id, d.workspace, d.environment, d.endpoint, d.state, d.tries, d.next_at, "
    f"d.created_at - d.created_at % {MINUTE}, "
    f"CASE WHEN d.state = 'done' THEN {slot_sql('(d.answered_at - d.created_at)')} ELSE -1 END "
    "FROM deliveries d JOIN (SELECT e.seq FROM events e WHERE {stretch}) s ON s.seq = d.event WHERE d.replay = 0 "
    "UNION ALL SELECT d.id, d.workspace, d.environment, d.endpoint, d.state, d.tries, d.next_at, "
    f"d.created_at - d.created_at % {MINUTE}, "
    f"CASE WHEN d.state = 'done' THEN {slot_sql('(d.answered_at - d.created_at)')} ELSE -1 END "
    "FROM (SELECT delivery FROM open_deliveries WHERE at <= {now} ORDER BY at LIMIT "
    f"{_OPEN_AT_ONCE}) o "
    "JOIN deliveries d ON d.id = o.delivery"
)
_NOT_OF_MESSAGES: Final = (
    "workspace, environment, at, '' AS country, '' AS network, '' AS kind, '' AS connector, '' AS sender, "
    "'' AS template, 0 AS campaign, 0 AS client"
)
_ENDPOINT: Final = "COALESCE(CAST(endpoint AS TEXT), '') AS detail"
FACTS_KEY: Final = f"{DIMENSIONS}, fact, detail, currency"
# Counted by what they differ in, before what is the same for all is added: a group costs by the width of its key.
_ENDED: Final = (
    "SELECT workspace, environment, at, endpoint, state, CASE WHEN state = 'done' AND tries <= 1 THEN 1 ELSE 0 END "
    "AS at_once, COUNT(*) AS count FROM tried WHERE state <> 'pending' "
    "GROUP BY workspace, environment, at, endpoint, state, at_once"
)
_ADD_DELIVERIES: Final = _upsert(
    "rollup_facts",
    FACTS_KEY,
    ("count", "value"),
    f"SELECT {_NOT_OF_MESSAGES}, w.name || CASE WHEN w.name = 'webhook_' THEN state ELSE '' END AS fact, {_ENDPOINT}, "
    f"'' AS currency, count, 0 AS value FROM ({_ENDED}) b "
    "JOIN (SELECT 'webhook_' AS name UNION ALL SELECT 'webhook_first') w ON w.name = 'webhook_' OR at_once = 1",
)
_ADD_LATENCIES: Final = _upsert(
    "rollup_times",
    _TIMES_KEY,
    ("count",),
    "SELECT workspace, environment, at, '' AS country, '' AS kind, '' AS connector, 'webhook' AS what, slot, count "
    "FROM (SELECT workspace, environment, at, slot, COUNT(*) AS count FROM tried WHERE slot >= 0 "
    "GROUP BY workspace, environment, at, slot) b",
    _TIMES_CUTS,
)
_CLOSE_SEEN: Final = (
    "DELETE FROM open_deliveries WHERE delivery IN (SELECT delivery FROM open_deliveries WHERE at <= $1 "
    "ORDER BY at LIMIT $2)"
)
_STILL_OPEN: Final = (
    "INSERT INTO open_deliveries (delivery, at) SELECT id, CASE WHEN next_at > CAST($1 AS BIGINT) THEN next_at "
    "ELSE CAST($1 AS BIGINT) END FROM tried WHERE state = 'pending'"
)


async def position(ledger: Ledger) -> str:
    """Of the last event that is in the sums."""
    return str((await ledger.fetch("SELECT value FROM rolled WHERE name = 'position'"))[0][0])


async def roll(ledger: Ledger, now: int, limit: int = STRETCH) -> bool:
    """Add the next stretch; True: there may be more."""
    before = await position(ledger)
    condition, values, after = await ledger.stretch(before, limit)
    stretch = Stretch(condition, values) if after != before else _NOTHING
    due = await ledger.fetch("SELECT 1 FROM open_deliveries WHERE at <= $1 LIMIT 1", now)
    if after == before and not due:
        return False
    async with ledger.transaction() as transaction:
        ours = await transaction.fetch(
            "UPDATE rolled SET value = $2 WHERE name = 'position' AND value = $1 RETURNING name", before, after
        )
        if ours:  # else another process was faster
            firsts = await first_buckets(transaction)
            statements = _deliveries(stretch, firsts, now, emptying(ledger))
            if after != before:
                await facts.add(ledger, transaction, stretch, firsts)
                await verified.delivered(transaction, stretch.sql, stretch.values)
                statements += _messages(stretch, firsts, emptying(ledger))
            await transaction.execute_all(statements)
    return True


def emptying(ledger: Ledger) -> str:
    """How a table is emptied: SQLite knows no TRUNCATE, and on PostgreSQL what DELETE leaves behind would pile up."""
    return "DELETE FROM" if ledger.is_alone else "TRUNCATE"


async def first_buckets(transaction: Transaction) -> tuple[int, int, int]:
    """From when on each grain is added to: as long as it is kept, and not where it can't be made again."""
    found: dict[str, str] = dict(await transaction.fetch("SELECT name, value FROM rolled WHERE name <> 'position'"))
    minute, hour, day = (max(int(found[str(grain)]), int(found["rebuilt"])) for grain in GRAINS)
    return minute, hour, day


def _messages(stretch: Stretch, firsts: tuple[int, int, int], emptying: str) -> list[Statement]:
    return [
        (_MAKE_TOUCHED,),
        (_STAGE.replace("{stretch}", stretch.sql), *stretch.values),
        (_STAGE_BEFORE,),
        (_ADD, *firsts),
        (_ADD_TIMES, *firsts),
        (_ADD_STANDINGS,),
        (_REMEMBER,),
        (f"{emptying} touched",),
    ]


def _deliveries(stretch: Stretch, firsts: tuple[int, int, int], now: int, emptying: str) -> list[Statement]:
    seen = _DELIVERIES.replace("{stretch}", stretch.sql).replace("{now}", f"${len(stretch.values) + 1}")
    return [
        (_MAKE_TRIED,),
        (seen, *stretch.values, now),
        (_CLOSE_SEEN, now, _OPEN_AT_ONCE),
        (_ADD_DELIVERIES, *firsts),
        (_ADD_LATENCIES, *firsts),
        (_STILL_OPEN, now + _OPEN_MS),
        (f"{emptying} tried",),
    ]


async def thin_out(ledger: Ledger, now: int, minute_days: int, hour_days: int) -> None:
    """Forget minutes and hours that are older; days stay for ever."""
    async with ledger.transaction() as transaction:
        for grain, days in ((MINUTE, minute_days), (HOUR, hour_days)):
            first = (now - days * DAY) // DAY * DAY
            moved = await transaction.fetch(
                "UPDATE rolled SET value = $2 WHERE name = $1 AND CAST(value AS BIGINT) < $3 RETURNING name",
                *(str(grain), str(first), first),
            )
            if moved:
                for table in ("rollups", "rollup_times", "rollup_facts"):
                    await transaction.execute(f"DELETE FROM {table} WHERE grain = $1 AND at < $2", grain, first)
