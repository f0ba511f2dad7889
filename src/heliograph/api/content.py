"""What a workspace makes of the content rules."""

from typing import Final

from heliograph.api.routes import Request, Route
from heliograph.engine import content
from heliograph.engine.clients import ADMIN
from heliograph.engine.content import ContentChange, ContentView


async def show(request: Request) -> ContentView:
    return await content.show(request.context.ledger, request.client.workspace)


async def change(request: Request) -> ContentView:
    changed = await content.change(
        request.context.ledger, request.client.workspace, request.body, actor=request.actor, now=request.now
    )
    await request.context.reload()
    return changed


ROUTES: Final = (
    Route("GET", "/v1/content", show, "messages:read", answer=ContentView, summary="Show the choice of content rules"),
    Route(
        *("PATCH", "/v1/content", change, ADMIN),
        body=ContentChange,
        answer=ContentView,
        summary="Change what is made of content rules",
    ),
)
