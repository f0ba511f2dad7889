"""Proves that the sums are what the events say, and makes them again.

The proof goes in steps, each of which holds at any moment, however busy the gateway is: what a message ended as is what
its events tell; it stands in `counted` as what it is; all that is counted makes up the sums, to the last one; and facts
and webhooks counted again give what was counted.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from heliograph.engine.insight import campaigns, facts, rolling, verified
from heliograph.engine.insight.rolling import DAY, GRAINS, HOUR, MINUTE, WAYS
from heliograph.store.port import Ledger

_RECENT_MS: Final = 300_000
_LOOKS: Final = 3
_SHOWN: Final = 20
_STRETCH: Final = 20_000
_NAMES: Final = {MINUTE: "minute", HOUR: "hour", DAY: "day"}
_OF_COUNTED: Final = (
    f"SELECT m.workspace, m.environment, m.accepted_at - m.accepted_at % {MINUTE} AS at, m.country, "
    "COALESCE(m.network, '') AS network, m.kind, c.connector, c.sender, c.template, "
    "COALESCE(v.campaign, 0) AS campaign, m.client, c.state, c.code, c.currency, "
    "1 AS messages, c.segments, CASE WHEN c.segments > 1 THEN 1 ELSE 0 END AS long, c.unicode, c.retried, c.taken, "
    "c.billed, c.cost, c.surcharge, c.send_slot, c.deliver_slot "
    "FROM counted c JOIN messages m ON m.id = c.message LEFT JOIN campaign_variants v ON v.batch = m.batch"
)


class Found(msgspec.Struct):
    """What a check compared, and what differs."""

    messages: int
    facts: int
    webhooks: int
    since: int  # sums from before can't be compared: messages of that time are gone
    differences: list[str]


async def check(ledger: Ledger, now: int) -> Found:
    """Compare all sums with what is in the ledger."""
    while await rolling.roll(ledger, now):
        pass
    since = await _whole_since(ledger)
    differences = await _messages(ledger, now)
    for grain in GRAINS:
        differences += await _sums(ledger, grain, since)
    counted_facts, of_facts = await _facts(ledger, since)
    counted_webhooks, of_webhooks = await _webhooks(ledger, since, now)
    differences += [*await campaigns.differences(ledger, since), *await verified.differences(ledger)]
    counted = (await ledger.fetch("SELECT count(*) FROM counted"))[0][0]
    return Found(counted, counted_facts, counted_webhooks, since, differences + of_facts + of_webhooks)


async def rebuild(ledger: Ledger, now: int) -> None:
    """Forget all sums that can be made again, and make them from the first event on. A gateway that serves goes on
    meanwhile, and helps; until it is done charts show too little."""
    since, verified_since = await _whole_since(ledger), await verified.since(ledger)
    async with ledger.transaction() as transaction:
        await transaction.execute("UPDATE rolled SET value = '' WHERE name = 'position'")
        await transaction.execute("UPDATE rolled SET value = $1 WHERE name = 'rebuilt'", str(since))
        await transaction.execute_all(campaigns.take_away(since))
        await transaction.execute("DELETE FROM counted")
        await transaction.execute("DELETE FROM open_deliveries")
        for table in ("rollups", "rollup_times", "rollup_facts"):
            await transaction.execute(f"DELETE FROM {table} WHERE at >= $1", since)
        if not ledger.is_alone:  # nothing may begin between the count and its end
            await transaction.execute("LOCK TABLE verifications, verification_sums IN SHARE ROW EXCLUSIVE MODE")
        await transaction.execute_all(verified.again(verified_since))
    while await rolling.roll(ledger, now):
        pass


async def _whole_since(ledger: Ledger) -> int:
    """From when on all that the sums were made of is still there: a whole day."""
    rows = await ledger.fetch("SELECT MIN(accepted_at) FROM messages")
    oldest = rows[0][0]
    before = await ledger.fetch(
        "SELECT 1 FROM rollups WHERE grain = $1 AND at < $2 AND messages > 0 LIMIT 1",
        *(DAY, (oldest if oldest is not None else 1 << 62) // DAY * DAY),
    )
    rebuilt = (await ledger.fetch("SELECT value FROM rolled WHERE name = 'rebuilt'"))[0][0]
    return max(int(rebuilt), -(-oldest // DAY) * DAY if oldest is not None and before else 0)


async def _messages(ledger: Ledger, now: int) -> list[str]:
    """Each message stands in the sums as what it is, and is what its events say. One that goes on at this moment may
    look otherwise once, not always."""
    names = ", ".join(rolling.NOW)
    differing: set[int] | None = None
    for _ in range(_LOOKS):
        rows = await ledger.fetch(
            f"SELECT id FROM (SELECT m.id, m.updated_at, {rolling.NOW_SQL} {rolling.FROM_SQL}) n "
            "WHERE n.updated_at < $1 AND NOT EXISTS (SELECT 1 FROM counted c WHERE c.message = n.id AND "
            f"{' AND '.join(f'c.{name} = n.{name}' for name in names.split(', '))}) LIMIT 1000",
            now - _RECENT_MS,
        )
        found = {int(row[0]) for row in rows}
        differing = found if differing is None else differing & found
        if not differing:
            break
        while await rolling.roll(ledger, now):
            pass
    told = await ledger.fetch(
        "SELECT m.id FROM messages m WHERE m.final_at IS NOT NULL AND m.updated_at < $1 AND NOT EXISTS "
        "(SELECT 1 FROM events e WHERE e.message = m.id AND e.type = 'message.' || m.state) LIMIT 1000",
        now - _RECENT_MS,
    )
    return [
        *(f"message {number} is counted as something else than it is" for number in sorted(differing or ())[:_SHOWN]),
        *(f"message {row[0]} has no event of its end" for row in told[:_SHOWN]),
    ]


async def _sums(ledger: Ledger, grain: int, since: int) -> list[str]:
    """One statement each, so that it sees the sums and what they are made of at the same moment."""
    first = f"(SELECT CAST(value AS BIGINT) FROM rolled WHERE name = '{grain}')"
    asked = f"at >= {since} AND at >= {first}"
    key = rolling.KEY.replace(" at,", f" at - at % {grain} AS at,")
    expected = f"SELECT {key}, {rolling.SUMMED} FROM ({_OF_COUNTED}) c GROUP BY {_grouped(rolling.KEY, grain)}"
    columns = f"{rolling.KEY}, {', '.join(rolling.SUMS)}"
    kept = f"SELECT {columns} FROM rollups WHERE grain = {grain} AND cut = 0 AND messages <> 0"
    found = await _differ(ledger, expected, kept, columns, asked, f"sums by {_NAMES[grain]}")
    times = ", ".join(rolling.TIMES.split(", "))
    timed = times.replace(" at,", f" at - at % {grain} AS at,")
    for what in ("send", "deliver"):
        expected = (
            f"SELECT {timed}, {what}_slot AS slot, COUNT(*) AS count FROM ({_OF_COUNTED}) c WHERE {what}_slot >= 0 "
            f"GROUP BY {_grouped(times, grain)}, {what}_slot"
        )
        kept = (
            f"SELECT {times}, slot, count FROM rollup_times "
            f"WHERE grain = {grain} AND cut = {WAYS} AND what = '{what}' AND count <> 0"
        )
        found += await _differ(
            ledger, expected, kept, f"{times}, slot, count", asked, f"times to {what} by {_NAMES[grain]}"
        )
    for table, sums in (("rollups", rolling.SUMS), ("rollup_times", ("count",))):
        found += await _cuts(ledger, table, grain, since, sums)
    return found


async def _cuts(ledger: Ledger, table: str, grain: int, since: int, sums: Sequence[str]) -> list[str]:
    """What is kept with less detail is the same in all."""
    rows = await ledger.fetch(
        f"SELECT at, COUNT(*) FROM (SELECT DISTINCT at, {', '.join(f's{n}' for n in range(len(sums)))} FROM ("
        f"SELECT cut, at, {', '.join(f'SUM({name}) AS s{n}' for n, name in enumerate(sums))} FROM {table} "
        f"WHERE grain = {grain} AND at >= {since} GROUP BY cut, at HAVING SUM({sums[0]}) <> 0) c) d "
        f"GROUP BY at HAVING COUNT(*) > 1 LIMIT {_SHOWN}"
    )
    return [f"{table} by {_NAMES[grain]}: the cuts of {row[0]} differ" for row in rows]


def _grouped(key: str, grain: int) -> str:
    return key.replace(" at,", f" at - at % {grain},")


async def _differ(ledger: Ledger, expected: str, kept: str, columns: str, asked: str, what: str) -> list[str]:
    """Rows that are in one and not in the other."""
    rows = await ledger.fetch(
        f"WITH expected AS ({expected}), kept AS ({kept}) "
        f"SELECT 'missing', n.* FROM "
        f"(SELECT {columns} FROM expected WHERE {asked} EXCEPT SELECT {columns} FROM kept) n "
        f"UNION ALL SELECT 'unfounded', n.* FROM "
        f"(SELECT {columns} FROM kept WHERE {asked} EXCEPT SELECT {columns} FROM expected) n LIMIT {_SHOWN}"
    )
    return [f"{what}: {row[0]} {tuple(row[1:])}" for row in rows]


async def _facts(ledger: Ledger, since: int) -> tuple[int, list[str]]:
    """Count them once more. The country of somebody who was erased since is not known any more: it is left out."""
    while True:
        position = await rolling.position(ledger)
        rows = await ledger.fetch(
            "SELECT workspace, environment, at, fact, detail, SUM(count), SUM(value) FROM rollup_facts "
            "WHERE grain = $1 AND at >= $2 AND fact NOT LIKE 'webhook%' "
            "GROUP BY workspace, environment, at, fact, detail",
            *(DAY, since),
        )
        if position == await rolling.position(ledger):
            break
    kept = {tuple(row[:5]): (int(row[5]), int(row[6])) for row in rows}
    expected: dict[tuple[Any, ...], tuple[int, int]] = {}
    after = ""
    while _order(after) < _order(position):
        condition, after = await _up_to(ledger, after, position)
        for key, (number, value) in (await facts.count(ledger, ledger, condition, (1 << 62, 1 << 62, since))).items():
            short = (*key[1:4], *key[12:14])
            before = expected.get(short, (0, 0))
            expected[short] = (before[0] + number, before[1] + value)
    wrong = sorted(key for key in {*kept, *expected} if kept.get(key) != expected.get(key))
    total = sum(number for number, _ in expected.values())
    return total, [f"facts {key}: {kept.get(key)}, not {expected.get(key)}" for key in wrong[:_SHOWN]]


async def _up_to(ledger: Ledger, after: str, position: str) -> tuple[facts.Stretch, str]:
    """The next stretch that does not go beyond a position."""
    limit = _STRETCH
    while True:
        condition, values, end = await ledger.stretch(after, limit)
        if _order(end) <= _order(position):
            return facts.Stretch(condition, values), end
        limit //= 2


def _order(position: str) -> tuple[int, ...]:
    return tuple(map(int, position.split(":"))) if position else ()


async def _webhooks(ledger: Ledger, since: int, now: int) -> tuple[int, list[str]]:
    """Those that are not open, and not of the last minutes."""
    end = (now - _RECENT_MS) // MINUTE * MINUTE
    first = int((await ledger.fetch("SELECT value FROM rolled WHERE name = $1", str(MINUTE)))[0][0])
    rows = await ledger.fetch(
        "SELECT n, number FROM (SELECT at - at % 60000 AS n, SUM(expected) AS expected, SUM(kept) AS number FROM ("
        "SELECT d.created_at AS at, 1 AS expected, 0 AS kept FROM deliveries d WHERE d.replay = 0 "
        "AND d.created_at >= $1 AND d.created_at < $2 "
        "AND NOT EXISTS (SELECT 1 FROM open_deliveries o WHERE o.delivery = d.id) "
        "UNION ALL SELECT at, 0, count FROM rollup_facts WHERE grain = 60000 AND at >= $1 AND at < $2 "
        "AND fact IN ('webhook_done', 'webhook_failed', 'webhook_canceled')) b GROUP BY at - at % 60000) s "
        "WHERE expected <> number",
        *(max(since, first), end),
    )
    total = (await ledger.fetch("SELECT count(*) FROM deliveries WHERE replay = 0 AND created_at < $1", end))[0][0]
    return int(total), [
        f"webhooks of the minute {row[0]}: {row[1]} are counted, not as many as there are" for row in rows
    ]
