"""Taking messages back, as long as no carrier has them."""

from typing import Final

import msgspec

from heliograph.api.reading import find, where
from heliograph.api.routes import Request, Route, not_found, refuse
from heliograph.core import ids
from heliograph.core.message import Message
from heliograph.core.shown import MessageView
from heliograph.core.views import message_view
from heliograph.engine.cancel import take_back
from heliograph.store import reads

_AT_ONCE: Final = 500


class Canceled(msgspec.Struct):
    """How many messages of a batch were taken back, and how many could not be."""

    canceled: int
    too_late: int


async def cancel_one(request: Request) -> MessageView:
    message = await find(request, request.place["id"])
    was = message.state
    if not await _cancel(request, message):
        raise refuse("too_late", f"the message is {was}; only what no carrier has can be canceled", status=409)
    return message_view(message)


async def cancel_batch(request: Request) -> Canceled:
    public_id, canceled, seen, below = request.place["id"], 0, 0, None
    place = ids.parse("bat", public_id)
    while place:
        narrowed = reads.MessageFilter(batch=place[1], below_id=below)
        messages = await reads.list_messages(request.context.ledger, where(request), narrowed, _AT_ONCE)
        if not messages:
            break
        canceled += sum([await _cancel(request, message) for message in messages])
        seen, below = seen + len(messages), messages[-1].id
    if not seen:
        raise not_found("batch", public_id)
    return Canceled(canceled, seen - canceled)


async def _cancel(request: Request, message: Message) -> bool:
    return await take_back(request.context.ledger, request.context.told, message, request.now)


ROUTES: Final = (
    Route("POST", "/v1/messages/{id}/cancel", cancel_one, "messages:send", answer=MessageView, summary="Take it back"),
    Route(
        "POST", "/v1/batches/{id}/cancel", cancel_batch, "messages:send", answer=Canceled, summary="Take back a batch"
    ),
)
