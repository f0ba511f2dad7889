"""How streams of events stand, over HTTP. They are declared like everything else that belongs to the machine."""

from typing import Final

import msgspec

from heliograph.api.routes import Request, Route
from heliograph.engine.streams.progress import StreamView, shown


class Streams(msgspec.Struct):
    """All of a workspace."""

    data: list[StreamView]


async def overview(request: Request) -> Streams:
    """How far each has come, and since when it fails."""
    return Streams(await shown(request.context.ledger, request.client.workspace))


ROUTES: Final = (
    Route("GET", "/v1/streams", overview, "webhooks:read", answer=Streams, summary="How streams of events stand"),
)
