"""What came of plans, by channel, so that channels can be compared: how often, how fast, at what cost."""

from collections import defaultdict
from decimal import Decimal
from typing import Any

import msgspec

from heliograph.core.plans import STATES
from heliograph.products.plans.rows import SELECT, STEPS, Run, RunView, step_of, view
from heliograph.store.port import Ledger


class Outcome(msgspec.Struct):
    """Of one channel. `reached`: it ended the plan; `seconds`: how long that took, on average."""

    channel: str
    tried: int = 0
    sent: int = 0
    reached: int = 0
    skipped: int = 0
    reached_percent: float | None = None
    seconds: float | None = None
    cost: dict[str, str] = {}
    cost_per_reached: dict[str, str] = {}


async def outcomes(ledger: Ledger, where: tuple[int, int], plan: str | None, since: int) -> list[Outcome]:
    """Of runs that began since then; the channel that reaches most people first."""
    took = "CASE WHEN s.goal = 'sent' THEN m.sent_at ELSE m.final_at END - s.begun_at"
    is_it = "r.reached_by = s.place"
    rows = await ledger.fetch(
        "SELECT s.channel, m.price, m.currency, count(*), count(s.message), count(m.sent_at), "
        f"sum(CASE WHEN {is_it} THEN 1 ELSE 0 END), sum(CASE WHEN {is_it} THEN {took} ELSE 0 END) "
        "FROM plan_runs r JOIN plan_steps s ON s.run = r.id LEFT JOIN messages m ON m.id = s.message "
        "WHERE r.workspace = $1 AND r.environment = $2 AND ($3 = '' OR r.plan = $3) AND r.created_at >= $4 "
        "GROUP BY s.channel, m.price, m.currency",
        *(*where, plan or "", since),
    )
    found: dict[str, Outcome] = {}
    cost: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    took_ms: defaultdict[str, int] = defaultdict(int)
    for channel, price, currency, begun, messages, sent, reached, ms in rows:
        one = found.setdefault(channel, Outcome(channel))
        one.tried, one.sent, one.reached = one.tried + messages, one.sent + sent, one.reached + reached
        one.skipped += begun - messages
        took_ms[channel] += int(ms or 0)
        if price is not None and sent:
            cost[channel, currency or ""] += Decimal(price) * sent
    for one in found.values():
        if one.tried:
            one.reached_percent = round(100 * one.reached / one.tried, 1)
        if one.reached:
            one.seconds = round(took_ms[one.channel] / one.reached / 1_000, 1)
        sums = {currency: total for (channel, currency), total in cost.items() if channel == one.channel}
        one.cost = {currency: f"{total:f}" for currency, total in sums.items()}
        if one.reached:
            one.cost_per_reached = {c: f"{(total / one.reached):.6f}" for c, total in sums.items()}
    return sorted(found.values(), key=lambda one: (-(one.reached_percent or 0), one.channel))


async def page(
    ledger: Ledger, where: tuple[int, int], *, plan: str | None, state: str | None, below: int, limit: int
) -> tuple[list[RunView], int | None]:
    """Runs, the newest first, and where the next page begins."""
    assert state is None or state in STATES
    rows: list[Any] = await ledger.fetch(
        f"SELECT {SELECT} FROM plan_runs WHERE workspace = $1 AND environment = $2 AND id < $3 "
        "AND ($4 = '' OR plan = $4) AND ($5 = '' OR state = $5) ORDER BY id DESC LIMIT $6",
        *(*where, below, plan or "", state or "", limit + 1),
    )
    runs = [Run(*row) for row in rows[:limit]]
    views = [view(run, [step_of(row) for row in await ledger.fetch(STEPS, run.id)]) for run in runs]
    return views, runs[-1].id if len(rows) > limit else None
