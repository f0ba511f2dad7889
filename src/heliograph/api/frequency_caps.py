"""How often the workspace may text a person."""

from typing import Final

from heliograph.api.routes import Request, Route
from heliograph.engine import frequency_caps
from heliograph.engine.frequency_caps import FrequencyCaps


async def show(request: Request) -> FrequencyCaps:
    return await frequency_caps.show(request.context.ledger, request.client.workspace)


async def change(request: Request) -> FrequencyCaps:
    changed = await frequency_caps.change(
        request.context.ledger, request.client.workspace, request.body, actor=request.actor, now=request.now
    )
    await request.context.reload()
    return changed


_PATH: Final = "/v1/frequency-caps"
_MANAGE: Final = "consent:manage"
ROUTES: Final = (
    Route("GET", _PATH, show, _MANAGE, answer=FrequencyCaps, summary="How often a person may be texted"),
    Route("PUT", _PATH, change, _MANAGE, body=FrequencyCaps, answer=FrequencyCaps, summary="Change frequency caps"),
)
