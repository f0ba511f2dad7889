"""What was spent, by day, connector, country, kind, workspace or tag."""

from typing import Final

import msgspec

from heliograph.api.routes import Request, Route
from heliograph.core.failures import Refusal, Refused
from heliograph.core.request import read_time
from heliograph.engine import costs
from heliograph.engine.costs import Costs, Span
from heliograph.engine.declared import OPERATOR

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


ROUTES: Final = (
    Route(
        *("GET", "/v1/costs", show, "analytics:read"),
        query=CostsQuery,
        answer=Costs,
        summary="What was spent",
    ),
)
