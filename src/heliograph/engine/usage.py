"""What is used of a workspace's budgets at the moment."""

from typing import NamedTuple

from heliograph.core.views import moment
from heliograph.engine.budgets import DeclaredBudget
from heliograph.engine.days import span_of
from heliograph.engine.declared import Realm
from heliograph.engine.spending import BudgetDesk
from heliograph.store.port import Ledger


class Usage(NamedTuple):
    """One measure of one budget in its present span."""

    budget: DeclaredBudget
    measure: str
    of: str
    used: int
    most: int
    forecast: int  # at the end of the span, at the pace so far
    begins_at: str
    resets_at: str


async def usages(ledger: Ledger, realm: Realm, desk: BudgetDesk, now: int) -> list[Usage]:
    """The fullest first. What has a tally for each subject is listed as far as something was counted."""
    rows = await ledger.fetch(
        "SELECT name, begins, subject, used FROM tallies WHERE workspace = $1 AND environment = $2 "
        "AND begins <= $3 AND ends > $3",
        *(realm.workspace, realm.id, now),
    )
    counted: dict[tuple[str, int], dict[str, int]] = {}
    for name, begins, subject, used in rows:
        counted.setdefault((name, begins), {})[subject] = used
    found = []
    for budget in realm.policies.budgets.budgets:
        begins, ends = span_of(now, budget.time_zone, budget.per)
        for measure, most in budget.limits.items():
            tallies = counted.get((f"{budget.name}/{measure}", begins), {})
            if budget.each == "workspace":
                tallies = {"": tallies.get("", 0)}
            for subject, used in tallies.items():
                of = desk.name_of(int(subject)) if budget.each == "client" and subject else subject
                forecast = used * (ends - begins) // max(1, now - begins)
                found.append(Usage(budget, measure, of, used, most, forecast, moment(begins), moment(ends)))
    return sorted(found, key=lambda usage: usage.used / usage.most, reverse=True)
