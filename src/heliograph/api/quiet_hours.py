"""What the workspace does about quiet hours."""

from typing import Final

from heliograph.api.routes import Request, Route
from heliograph.engine import quiet_hours
from heliograph.engine.quiet_hours import QuietHours


async def show(request: Request) -> QuietHours:
    return await quiet_hours.show(request.context.ledger, request.client.workspace)


async def change(request: Request) -> QuietHours:
    changed = await quiet_hours.change(
        request.context.ledger, request.client.workspace, request.body, actor=request.actor, now=request.now
    )
    await request.context.reload()
    return changed


_MANAGE: Final = "consent:manage"
ROUTES: Final = (
    Route("GET", "/v1/quiet-hours", show, _MANAGE, answer=QuietHours, summary="What is done about quiet hours"),
    Route("PUT", "/v1/quiet-hours", change, _MANAGE, body=QuietHours, answer=QuietHours, summary="Change quiet hours"),
)
