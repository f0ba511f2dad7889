"""What the messages of whole days cost: of the sums, exact at every look in the way that `lately` tells."""

from typing import Final

from heliograph.engine.insight.lately import COUNTED, STANDING, later
from heliograph.engine.insight.rolling import DAY, FULL, NOW, WAYS
from heliograph.store.port import Ledger, Row

_PLACE: Final = "workspace, environment, at, connector, country, network, kind, state, currency"
_VALUES: Final = ("taken", "billed", "cost", "surcharge")
_OF_MESSAGE: Final = (
    f"m.workspace, m.environment, m.accepted_at - m.accepted_at % {DAY}, {{0}}connector, m.country, "
    "COALESCE(m.network, ''), m.kind"
)


async def of_days(
    ledger: Ledger, group: str, environment: str, workspace: int, everyones: int, since: int, until: int
) -> list[Row]:
    """(group, currency, state, messages that a carrier took, their segments, cost, surcharge). `group` names a column
    of `x`, which stands for messages that are alike, or `w`, the workspace."""
    stretch, values = await later(ledger)
    cut = FULL if "network" in group else WAYS
    first = len(values)
    name, whose, all_, start, end = (f"${first + place}" for place in range(1, 6))
    is_in = f"AND m.accepted_at >= {start} AND m.accepted_at < {end}"
    now = ", ".join([_OF_MESSAGE.format("m."), *(NOW[name] for name in ("state", "currency", *_VALUES))])
    old = ", ".join([_OF_MESSAGE.format("c."), "c.state", "c.currency", *(f"-c.{name}" for name in _VALUES)])
    sums = ", ".join(f"CAST(SUM(x.{name}) AS BIGINT)" for name in _VALUES)
    picked = ", ".join(f"r.{name}" for name in (*_PLACE.split(", "), *_VALUES))
    return await ledger.fetch(
        f"WITH {stretch}, x ({_PLACE}, {', '.join(_VALUES)}) AS (SELECT {picked} FROM environments o "
        f"CROSS JOIN rollups r WHERE o.name = {name} AND (o.workspace = {whose} OR {all_} = 1) AND r.grain = {DAY} "
        f"AND r.cut = {cut} AND r.workspace = o.workspace AND r.environment = o.id AND r.at >= {start} "
        f"AND r.at < {end} UNION ALL SELECT {now} {STANDING} {is_in} UNION ALL SELECT {old} {COUNTED} "
        f"{is_in}) SELECT {group}, x.currency, x.state, {sums} FROM x JOIN environments e ON e.id = x.environment "
        f"JOIN workspaces w ON w.id = x.workspace WHERE e.name = {name} AND (x.workspace = {whose} OR {all_} = 1) "
        f"GROUP BY {group}, x.currency, x.state HAVING SUM(x.taken) <> 0",
        *values,
        *(environment, workspace, everyones, since, until),
    )
