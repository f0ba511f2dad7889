"""A provider's opt-out list beside ours. For keys of the operator's workspace: the account is the operator's."""

from typing import Final

from heliograph.api.routes import Request, Route, not_found, refuse
from heliograph.engine import audit
from heliograph.engine.people.drift import Drift, compare


async def opt_outs(request: Request) -> Drift:
    """As the provider has it now."""
    name, client, ledger = request.place["name"], request.client, request.context.ledger
    if not client.is_operator or name not in request.context.snapshot().connectors:
        raise not_found("connector", name)
    asked = getattr(request.context.carrier(name), "opt_outs", None)
    theirs = await asked() if asked is not None else None
    if theirs is None:
        detail = f"{name[:60]!r} has no opt-out list to read, did not give it, or does not run in this process"
        raise refuse("no_opt_out_list", detail, status=409)
    found = await compare(ledger, client.workspace, name, theirs)
    async with ledger.transaction() as transaction:
        await audit.note(
            transaction,
            workspace=client.workspace,
            actor=request.actor,
            action="consent.compared",
            object=f"connector:{name}",
            now=request.now,
            detail={"only_theirs": len(found.only_theirs), "only_ours": len(found.only_ours)},
        )
    return found


ROUTES: Final = (
    Route(
        *("GET", "/v1/connectors/{name}/opt-outs", opt_outs, "consent:manage"),
        answer=Drift,
        summary="Compare a provider's opt-out list with ours",
    ),
)
