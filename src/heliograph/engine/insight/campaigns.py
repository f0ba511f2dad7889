"""How the messages of a campaign stand, by variant: kept beside the other sums, and exact at every look (`lately`).

A variant's messages are one batch.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from heliograph.engine.insight import rolling
from heliograph.engine.insight.lately import COUNTED, STANDING, later
from heliograph.engine.insight.rolling import NOW
from heliograph.store.port import Ledger, Statement

WAITING: Final = "waiting"  # of messages whose end, and leaving, is still to come
_SHOWN: Final = 20
_KEY: Final = rolling.STANDINGS_KEY
_VALUES: Final = rolling.STANDINGS
_SUMMED: Final = ", ".join(f"CAST(SUM({name}) AS BIGINT) AS {name}" for name in _VALUES)
_ONE: Final = f"m.batch, {', '.join(f'{NOW[name]} AS {name}' for name in ('state', 'connector', 'currency'))}"
_COUNTED: Final = (
    "SELECT m.batch, c.state, c.connector, c.currency, {sign}1 AS messages, {sign}c.segments AS segments, "
    "{sign}c.cost AS cost "
)
_OF_CAMPAIGNS: Final = (
    "FROM counted c JOIN messages m ON m.id = c.message JOIN campaign_variants v ON v.batch = m.batch"
)


class Standing(NamedTuple):
    """So many messages of a variant that stand alike. `cost` in 10^-8 of the currency; 0 while no carrier took them."""

    batch: int
    state: str
    connector: str
    currency: str
    messages: int
    segments: int
    cost: int


async def standings(ledger: Ledger, batches: Sequence[int]) -> list[Standing]:
    """How the messages of these batches stand."""
    if not batches:
        return []
    stretch, values = await later(ledger)
    marks = ", ".join(f"${place}" for place in range(len(values) + 1, len(values) + len(batches) + 1))
    is_in = f"AND +m.batch IN ({marks})"  # found by their events, not by their batch
    rows = await ledger.fetch(
        f"WITH {stretch} SELECT {_KEY}, {_SUMMED} FROM (SELECT {_KEY}, {', '.join(_VALUES)} FROM campaign_sums "
        f"WHERE batch IN ({marks}) UNION ALL SELECT {_ONE}, 1, m.segments, {NOW['cost']} {STANDING} {is_in} "
        f"UNION ALL {_COUNTED.replace('{sign}', '-')} {COUNTED} {is_in}) b GROUP BY {_KEY} HAVING SUM(messages) <> 0",
        *values,
        *batches,
    )
    return [Standing(*row) for row in rows]


def take_away(since: int) -> list[Statement]:
    """What can be counted again goes out of the sums; what was counted of messages that are gone stays."""
    return [
        (
            "DELETE FROM campaign_sums WHERE batch IN (SELECT v.batch FROM campaign_variants v JOIN campaigns c "
            "ON c.id = v.campaign WHERE c.started_at >= $1)",
            since,
        ),
        (
            rolling.add_standings(
                f"{_COUNTED.replace('{sign}', '-')} {_OF_CAMPAIGNS} JOIN campaigns g ON g.id = v.campaign "
                "WHERE g.started_at < $1"
            ),
            since,
        ),
    ]


async def differences(ledger: Ledger, since: int) -> list[str]:
    """Where the sums of campaigns are not what is counted of their messages."""
    counted = f"{_COUNTED.replace('{sign}', '')} {_OF_CAMPAIGNS} JOIN campaigns g ON g.id = v.campaign "
    rows = await ledger.fetch(
        f"WITH expected AS (SELECT {_KEY}, {_SUMMED} FROM ({counted} WHERE g.started_at >= $1) b GROUP BY {_KEY}), "
        f"kept AS (SELECT {', '.join(f's.{name}' for name in (*_KEY.split(', '), *_VALUES))} FROM campaign_sums s "
        "JOIN campaign_variants v ON v.batch = s.batch JOIN campaigns g ON g.id = v.campaign "
        "WHERE g.started_at >= $1 AND (s.messages <> 0 OR s.segments <> 0 OR s.cost <> 0)) "
        "SELECT 'unfounded', n.* FROM (SELECT * FROM kept EXCEPT SELECT * FROM expected) n UNION ALL "
        f"SELECT 'missing', n.* FROM (SELECT * FROM expected EXCEPT SELECT * FROM kept) n LIMIT {_SHOWN}",
        since,
    )
    return [f"campaigns: {row[0]} {tuple(row[1:])}" for row in rows]
