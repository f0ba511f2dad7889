"""What happened since the sums were made last, so that an answer from the sums is exact at the moment of the look.

Of each message with a later event, what it stands for in the sums is taken away and what it is now is added. That is
right however far the sums have come meanwhile, because one statement sees both at the same moment. Only so many events
are looked through: while the sums are further behind than that, the answer is, too. On PostgreSQL they end where an
older transaction is still under way; what stands behind it shows when that is over.
"""

from typing import Final

from heliograph.engine.insight import rolling
from heliograph.store.port import Ledger

_LOOKED_THROUGH: Final = 20_000

# Messages as they are now (m), and as they stand in the sums (c); a condition may follow.
STANDING: Final = "FROM later t CROSS JOIN messages m WHERE m.id = t.message"
COUNTED: Final = (
    "FROM later t CROSS JOIN messages m CROSS JOIN counted c WHERE m.id = t.message AND c.message = t.message"
)


async def later(ledger: Ledger) -> tuple[str, tuple[object, ...]]:
    """The messages with later events, to stand after WITH; and the first values of the statement."""
    stretch, values, _ = await ledger.stretch(await rolling.position(ledger), _LOOKED_THROUGH)
    return f"later AS (SELECT DISTINCT e.message FROM events e WHERE {stretch} AND e.message IS NOT NULL)", values
