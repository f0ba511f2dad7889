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
    encoding: Annotated[str | None, Meta(description="gsm7 or ucs2, to insist on one for the new text.")] = None
    smart_encoding: Annotated[bool, Meta(description="Replace what GSM-7 lacks by what looks alike.")] = False
    max_segments: Annotated[int | None, Meta(description="Leave it as it was when the new text takes more.")] = None
    send_at: Annotated[str | None, Meta(description="Of a scheduled message: not before this time.")] = None
    valid_until: Annotated[str | None, Meta(description="Not after this time.")] = None


async def replace_one(request: Request) -> MessageView:
    message = await find(request, request.place["id"])
    asked: Replacement = request.body
    change = Change(
        asked.text,
        asked.send_at,
        asked.valid_until,
        encoding=asked.encoding,
        smart_encoding=asked.smart_encoding,
        max_segments=asked.max_segments,
    )
    if change.text is None and change.send_at is None and change.valid_until is None:
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
