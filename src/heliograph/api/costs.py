"""What was spent, by day, connector, country, kind, workspace or tag."""

from typing import Final

import msgspec

from heliograph.api.routes import Request, Route
from heliograph.core.failures import Refusal, Refused
from heliograph.core.request import read_time
from heliograph.engine import costs
from heliograph.engine.costs import Costs, Span
from heliograph.engine.declared import OPERATOR
from heliograph.engine.insight import outlook
from heliograph.engine.insight.outlook import Comparison, Month
from heliograph.engine.insight.reading import Ask

_USUAL_MS: Final = 30 * costs.DAY_MS


class CostsQuery(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """Which time, and what to split by. Without times it is the last thirty days."""

    from_: str | None = None
    to: str | None = None
    by: str = "day"
    workspace: str | None = None  # of the operator's keys alone: one workspace, not all


async def show(request: Request) -> Costs:
    query: CostsQuery = request.query
    client = request.client
    until = _time(query.to, "/to") if query.to is not None else request.now
    since = _time(query.from_, "/from") if query.from_ is not None else until - _USUAL_MS
    workspace, everyones = client.workspace, client.workspace_name == OPERATOR
    if query.workspace is not None:
        named = request.context.snapshot().workspaces.get(query.workspace)
        if named is None or not (everyones or named == workspace):
            detail = f"there is no workspace {query.workspace[:40]!r}"
            raise Refused(Refusal("unknown_workspace", detail, "/workspace", 404))
        workspace, everyones = named, False
    environment = request.context.snapshot().realms[client.environment].name
    return await costs.costs(request.context.ledger, Span(workspace, environment, everyones, since, until), query.by)


def _time(text: str, pointer: str) -> int:
    found = read_time(text if "T" in text else f"{text}T00:00:00Z", pointer)
    if isinstance(found, Refusal):
        raise Refused(msgspec.structs.replace(found, status=400))
    return found


class ComparisonQuery(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """Which time, and of it one country or kind. Without times it is the last thirty days."""

    from_: str | None = None
    to: str | None = None
    country: str | None = None
    kind: str | None = None


class Comparisons(msgspec.Struct):
    """Connectors beside each other, on the same traffic."""

    data: list[Comparison]


async def month(request: Request) -> Month:
    client = request.client
    realm = request.context.snapshot().realms[client.environment]
    return await outlook.month(
        request.context.ledger, client.workspace, client.environment, request.now, is_live=not realm.rehearses
    )


async def compare(request: Request) -> Comparisons:
    query: ComparisonQuery = request.query
    end = _time(query.to, "/to") if query.to is not None else request.now
    start = _time(query.from_, "/from") if query.from_ is not None else end - _USUAL_MS
    if start >= end:
        raise Refused(Refusal("bad_value", "from has to be before to", "/from", 400))
    asked = {"country": query.country, "kind": query.kind}
    ask = Ask(
        workspace=request.client.workspace,
        environment=request.client.environment,
        measures=(),
        start=start,
        end=end,
        where={name: (value,) for name, value in asked.items() if value is not None},
    )
    return Comparisons(await outlook.compare(request.context.ledger, ask))


ROUTES: Final = (
    Route("GET", "/v1/costs/month", month, "analytics:read", answer=Month, summary="What the month will cost"),
    Route(
        *("GET", "/v1/costs/comparison", compare, "analytics:read"),
        query=ComparisonQuery,
        answer=Comparisons,
        summary="Compare carriers on the same traffic",
    ),
    Route(
        *("GET", "/v1/costs", show, "analytics:read"),
        query=CostsQuery,
        answer=Costs,
        summary="What was spent",
    ),
)
