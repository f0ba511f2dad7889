"""Budgets: how much of each is used, where that leads to, and when it begins anew."""

from typing import Final, NamedTuple

from heliograph.console.page import Entry, Page
from heliograph.console.rendering import money, number
from heliograph.console.visit import Answer, Visit
from heliograph.core.charges import written
from heliograph.engine.budgets import SPEND, Runaway
from heliograph.engine.usage import Usage, usages

_SHOWN_AT_MOST: Final = 200


class Bar(NamedTuple):
    """One measure of one budget, as it is read. `part`: of it that is used; `ahead`: that will be at this pace."""

    usage: Usage
    used: str
    most: str
    forecast: str
    unit: str
    part: float
    ahead: float


async def show(visit: Visit) -> Answer:
    realm = visit.means.snapshot().realms[visit.client.environment]
    found = await usages(visit.means.ledger, realm, visit.means.budgets, visit.now)
    runaway: Runaway | None = realm.policies.budgets.runaway
    return visit.show(
        "budgets.html",
        bars=[_bar(usage) for usage in found[:_SHOWN_AT_MOST]],
        declared=len(realm.policies.budgets.budgets),
        runaway=runaway,
        may_change=visit.may("routing:manage"),
    )


def _bar(usage: Usage) -> Bar:
    measure = usage.measure
    unit = (usage.budget.currency or "") if measure == SPEND else measure
    used, most, forecast = (_figure(measure, value) for value in (usage.used, usage.most, usage.forecast))
    return Bar(usage, used, most, forecast, unit, usage.used / usage.most, usage.forecast / usage.most)


def _figure(measure: str, value: int) -> str:
    return money(str(written(measure, value)), digits=2) if measure == SPEND else number(value)


PAGES: Final[tuple[Page, ...]] = (
    Page("GET", "/console/budgets", show, "analytics:read", entry=Entry("Budgets", "cost", "Run")),
)
