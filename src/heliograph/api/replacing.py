"""Another text or time for a message that no carrier was given."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from heliograph.api.reading import find
from heliograph.api.routes import Request, Route, refuse
from heliograph.core.failures import Refusal, Refused
from heliograph.core.shown import MessageView
from heliograph.core.views import message_view
from heliograph.engine.replace import Change, replace


class Replacement(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be different; what is left out stays."""

    text: Annotated[str | None, Meta(description="What the phone shows.")] = None
    send_at: Annotated[str | None, Meta(description="Of a scheduled message: not before this time.")] = None
    valid_until: Annotated[str | None, Meta(description="Not after this time.")] = None


async def replace_one(request: Request) -> MessageView:
    message = await find(request, request.place["id"])
    asked: Replacement = request.body
    change = Change(asked.text, asked.send_at, asked.valid_until)
    if change == Change():
        raise refuse("missing_field", "say what is to be different: text, send_at or valid_until", "/text")
    found = await replace(request.context.ledger, request.context.intake, message, change, request.now)
    if isinstance(found, Refusal):
        raise Refused(found)
    return message_view(found)


ROUTES: Final = (
    Route(
        *("PATCH", "/v1/messages/{id}", replace_one, "messages:send"),
        body=Replacement,
        answer=MessageView,
        summary="Change it while it waits",
    ),
)
