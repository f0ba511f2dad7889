"""The figures of the overview: asked of the sums that are kept beside the events, never of messages; and what waits."""

from collections.abc import Collection
from decimal import Decimal
from typing import Any, Final, cast

import msgspec

from heliograph.core.message import LANE_NAMES
from heliograph.engine.insight import reading
from heliograph.engine.insight.reading import Ask, Line
from heliograph.store.port import Ledger
from heliograph.store.reads import Where

_WAITING_AT_MOST: Final = 10_000
_MINUTE: Final = 60_000
_HOUR: Final = 3_600_000
_DAY: Final = 86_400_000
SPANS: Final[dict[str, tuple[int, int]]] = {  # name → (how far back, one step of a chart)
    "1h": (_HOUR, 2 * _MINUTE),
    "24h": (_DAY, _HOUR),
    "7d": (7 * _DAY, 6 * _HOUR),
    "30d": (30 * _DAY, _DAY),
}
_LOST: Final = ("undelivered", "failed", "expired", "rejected")
_COUNTS: Final = ("messages", "delivered", *_LOST, "waiting", "sent", "opt_outs")
_TIMES: Final = ("time_to_deliver_p50", "time_to_deliver_p95")
_MEASURES: Final = (*_COUNTS, "delivery_rate", "segments_per_message", *_TIMES, "cost")


class Sums(msgspec.Struct, frozen=True):
    """What there was in a span of time; None: nothing of which it could be said."""

    messages: int
    delivered: int
    failed: int  # every bad end
    open: int  # on the way, or waiting
    opt_outs: int
    delivery_rate: float | None
    parts: float | None
    median_ms: int | None
    slow_ms: int | None  # 95 of 100 were faster
    costs: dict[str, Decimal]  # by currency


class Figures(msgspec.Struct, frozen=True):
    """A span of time, the one before it, and its steps."""

    now: Sums
    before: Sums
    times: list[int]
    steps: list[Sums]


class Waiting(msgspec.Struct, frozen=True):
    """What of a lane is due and waits. `is_more`: at least so many."""

    lane: str
    count: int
    is_more: bool
    oldest_ms: int | None


async def figures(ledger: Ledger, where: Where, span: str, now: int) -> Figures:
    """The span that ends now."""
    length, step = SPANS[span]
    ask = Ask(workspace=where.workspace, environment=where.environment, measures=_MEASURES, start=now - length, end=now)
    before = msgspec.structs.replace(ask, start=now - 2 * length, end=now - length)
    over_time = await reading.series(ledger, ask, step)
    line = over_time.lines[0]
    return Figures(
        _sums((await reading.totals(ledger, ask)).lines[0], 0),
        _sums((await reading.totals(ledger, before)).lines[0], 0),
        over_time.times,
        [_sums(line, place) for place in range(len(over_time.times))],
    )


async def waiting(ledger: Ledger, where: Where, connectors: Collection[str], now: int) -> list[Waiting]:
    """The queue, by lane. It is asked by connector, as its index begins."""
    marks = ", ".join(f"${place}" for place in range(6, 6 + len(connectors)))
    found = []
    for lane, name in enumerate(LANE_NAMES):
        rows = await ledger.fetch(
            "SELECT count(*), min(due_at) FROM (SELECT due_at FROM messages WHERE owner = 0 AND lane = $1 "
            f"AND workspace = $2 AND environment = $3 AND due_at <= $4 AND connector IN ({marks}) LIMIT $5) AS due",
            lane,
            where.workspace,
            where.environment,
            now,
            _WAITING_AT_MOST,
            *connectors,
        )
        count, oldest = rows[0]
        found.append(Waiting(name, count, count >= _WAITING_AT_MOST, None if oldest is None else now - oldest))
    return found


def _sums(line: Line, place: int) -> Sums:
    values: dict[str, Any] = {name: each[place] for name, each in line.values.items()}
    costs = cast("dict[str, str]", values["cost"] or {})
    return Sums(
        values["messages"],
        values["delivered"],
        sum(values[name] for name in _LOST),
        values["waiting"] + values["sent"],
        values["opt_outs"],
        values["delivery_rate"],
        values["segments_per_message"],
        values["time_to_deliver_p50"],
        values["time_to_deliver_p95"],
        {currency: Decimal(amount) for currency, amount in costs.items()},
    )
