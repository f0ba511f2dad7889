"""POST /v1/messages: one message in, its id out once it is on disk."""

from functools import partial
from typing import Final

import msgspec

from heliograph.api import plans
from heliograph.api.asking import after_lookups
from heliograph.api.bodies import Accepted, DryRun
from heliograph.api.call import Call
from heliograph.api.problems import decode
from heliograph.core.channels import SMS
from heliograph.core.failures import Refusal
from heliograph.core.message import Message
from heliograph.core.request import MessageRequest
from heliograph.core.views import message_id
from heliograph.engine.draft import Draft
from heliograph.engine.sending import left_out
from heliograph.store.port import Accept

_encode: Final = msgspec.json.Encoder().encode


def send_one(call: Call) -> None:
    """Read, decide, keep, answer."""
    if refusal := call.barred("messages:send"):
        return call.refuse(refusal)
    request = decode(call.body, MessageRequest)
    if isinstance(request, Refusal):
        return call.refuse(request)
    if refusal := call.over_rate(1):
        return call.refuse(refusal)
    if request.plan is not None:
        return plans.begin(call, request)
    if call.asks_first:
        return after_lookups(call, (request,), lambda: _go_on(call, request))
    return _go_on(call, request)


def _go_on(call: Call, request: MessageRequest) -> None:
    draft = call.context.intake.draft(call.caller, request, call.now)
    if isinstance(draft, Refusal):
        return call.refuse(draft)
    if request.dry_run:
        return call.answer(200, dry_run(draft))

    return call.keep((draft,), partial(_kept, call), reply=answer, all_or_none=True)


def _kept(call: Call, operation: Accept) -> None:
    if refusal := left_out(operation, operation.messages[0]):
        call.refuse(refusal)
    else:
        call.answer(202, answer(operation))


def answer(operation: Accept) -> bytes:
    return _encode(accepted(operation.messages[0]))


def accepted(message: Message) -> Accepted:
    """The answer to a message. What is already on its way is still `queued` to the caller: no carrier has it yet."""
    return Accepted(
        message_id(message),
        "scheduled" if message.state == "scheduled" else "queued",
        message.to,
        message.segments,
        message.encoding,
        message.country,
        message.kind,
    )


def dry_run(draft: Draft) -> bytes:
    """What would happen, with the trace of the decision; nothing is kept or sent."""
    message = draft.message
    return _encode(
        DryRun(
            True,
            message.channel or SMS,
            message.to,
            message.country,
            message.kind,
            message.sender,
            message.text,
            message.template,
            message.encoding,
            message.segments,
            message.price,
            message.currency,
            list(draft.verdict.connectors),
            draft.verdict.trace,
        )
    )
