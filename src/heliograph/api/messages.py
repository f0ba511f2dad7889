"""POST /v1/messages: one message in, its id out once it is on disk."""

from typing import Final

import msgspec

from heliograph.api.call import Call
from heliograph.api.problems import decode
from heliograph.core.charges import BUDGET_EXCEEDED, RUNAWAY, Limit, written
from heliograph.core.consent import REFUSALS
from heliograph.core.cooldown import COOLING
from heliograph.core.failures import Refusal
from heliograph.core.frequency import FREQUENCY_CAP
from heliograph.core.message import Message
from heliograph.core.request import MessageRequest
from heliograph.core.views import message_id, moment
from heliograph.engine.intake import Draft
from heliograph.store.port import Accept

_encode: Final = msgspec.json.Encoder().encode


class Accepted(msgspec.Struct, gc=False):
    """The answer to an accepted message."""

    id: str
    status: str
    to: str
    segments: int
    encoding: str
    country: str
    kind: str


def send_one(call: Call) -> None:
    """Read, decide, keep, answer."""
    if refusal := call.barred("messages:send"):
        return call.refuse(refusal)
    request = decode(call.body, MessageRequest)
    if isinstance(request, Refusal):
        return call.refuse(request)
    if refusal := call.over_rate(1):
        return call.refuse(refusal)
    if call.asks_first:
        return call.after_lookups((request,), lambda: _go_on(call, request))
    return _go_on(call, request)


def _go_on(call: Call, request: MessageRequest) -> None:
    draft = call.context.intake.draft(call.caller, request, call.now)
    if isinstance(draft, Refusal):
        return call.refuse(draft)
    if request.dry_run:
        return call.answer(200, dry_run(draft))

    def done(operation: Accept) -> None:
        if refusal := left_out(operation, operation.messages[0]):
            call.refuse(refusal)
        else:
            call.answer(202, answer(operation))

    return call.keep((draft,), done, reply=answer, all_or_none=True)


def left_out(operation: Accept, message: Message) -> Refusal | None:
    """Why a message of a request was not kept, if it was not."""
    code = operation.refused.get(message.id)
    if code is None:
        return None
    if code == FREQUENCY_CAP:
        cap, until = operation.over[message.id]
        detail = f"it would break the frequency cap {cap!r} of this recipient; next_allowed_at: {moment(until)}"
        return Refusal(code, detail, "/to")
    if code == BUDGET_EXCEEDED:
        return over_budget(operation.overspent[message.id])
    if code != COOLING:
        return REFUSALS[code]
    until = operation.cooling[message.id]
    detail = (
        f"a carrier said that {message.to} does not exist or takes no texts; it is left alone until {moment(until)}. "
        f"DELETE /v1/cooldowns/{message.to} ends that"
    )
    return Refusal("number_cooling_down", detail, "/to")


def over_budget(limit: Limit) -> Refusal:
    """Why a message found no room."""
    name = limit.key[1].partition("/")[0]
    whose = f" of {limit.of}" if limit.of else ""
    if name == RUNAWAY:
        detail = (
            f"{limit.most} messages{whose} within a few minutes are many times the usual; that looks like a loop. "
            f"Stop it, or raise the rule in [policies.budgets.runaway]; next_allowed_at: {moment(limit.ends)}"
        )
        return Refusal(RUNAWAY, detail, status=429)
    most = f"{written(limit.measure, limit.most)} {limit.currency or limit.measure}"
    detail = f"the budget {name!r}{whose} has no room left in its {most}; resets_at: {moment(limit.ends)}"
    return Refusal(BUDGET_EXCEEDED, detail)


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
        {
            "dry_run": True,
            "to": message.to,
            "country": message.country,
            "kind": message.kind,
            "sender": message.sender,
            "text": message.text,
            "template": message.template,
            "encoding": message.encoding,
            "segments": message.segments,
            "price": message.price,
            "currency": message.currency,
            "route": list(draft.verdict.connectors),
            "decision": draft.verdict.trace,
        }
    )
