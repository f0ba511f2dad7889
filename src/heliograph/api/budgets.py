"""How much of the workspace's budgets is used, and where that leads to."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from heliograph.api.routes import Request, Route
from heliograph.core.charges import written
from heliograph.engine.usage import Usage, usages


class BudgetQuery(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Which budgets, and how many of their tallies."""

    budget: Annotated[str, Meta(description="Only this one.")] = ""
    limit: Annotated[int, Meta(ge=1, le=1_000, description="The fullest first.")] = 100


class BudgetView(msgspec.Struct):
    """One measure of one budget in its present span. `of` names whose it is, where each client, country, kind or tag
    has its own. `forecast` is where the span would end at the pace so far."""

    budget: str
    per: str
    each: str
    of: str | None
    measure: str
    used: int | str
    limit: int | str
    remaining: int | str
    percent: float
    forecast: int | str
    currency: str | None
    stops: bool
    begins_at: str
    resets_at: str


class BudgetList(msgspec.Struct):
    """What is used of budgets."""

    data: list[BudgetView]


async def list_budgets(request: Request) -> BudgetList:
    query: BudgetQuery = request.query
    client, context = request.client, request.context
    realm = context.snapshot().realms[client.environment]
    found = await usages(context.ledger, realm, context.budgets, request.now)
    wanted = [usage for usage in found if query.budget in ("", usage.budget.name)]
    return BudgetList([_view(usage) for usage in wanted[: query.limit]])


def _view(usage: Usage) -> BudgetView:
    budget, measure = usage.budget, usage.measure
    return BudgetView(
        budget.name,
        budget.per,
        budget.each,
        usage.of or None,
        measure,
        written(measure, usage.used),
        written(measure, usage.most),
        written(measure, max(0, usage.most - usage.used)),
        round(100 * usage.used / usage.most, 1),
        written(measure, usage.forecast),
        budget.currency if measure == "spend" else None,
        budget.action == "stop",
        usage.begins_at,
        usage.resets_at,
    )


ROUTES: Final = (
    Route(
        "GET",
        "/v1/budgets",
        list_budgets,
        "analytics:read",
        query=BudgetQuery,
        answer=BudgetList,
        summary="Usage and forecast of budgets",
    ),
)
