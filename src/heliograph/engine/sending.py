"""One message on somebody's behalf, sent and waited for: for doors and products that send a single one.

What the ledger leaves out of a request (an opt-out, a cap, a budget, a number that rests) is a refusal here, in words.
"""

import asyncio

import msgspec

from heliograph.core.charges import BUDGET_EXCEEDED, RUNAWAY, Limit, written
from heliograph.core.consent import REFUSALS
from heliograph.core.cooldown import COOLING
from heliograph.core.failures import Refusal, Refused
from heliograph.core.frequency import FREQUENCY_CAP
from heliograph.core.message import Message
from heliograph.core.request import MessageRequest
from heliograph.core.views import has_code, message_id, moment
from heliograph.engine import audit
from heliograph.engine.draft import Caller
from heliograph.engine.intake import Intake
from heliograph.store.port import Accept, Idempotency, Ledger

_ONCE_MS = 86_400_000


async def send(intake: Intake, caller: Caller, request: MessageRequest, now: int, *, once: str) -> str:
    """The id of the message, once it is kept. The same `once` sends no second one. Raises `Refused`."""
    draft = intake.draft(caller, request, now)
    if isinstance(draft, Refusal):
        raise Refused(draft)
    future: asyncio.Future[Accept] = asyncio.get_running_loop().create_future()
    intake.accept(
        [draft],
        future.set_result,
        idempotency=Idempotency(caller.client, once, b"", now + _ONCE_MS),
        reply=lambda operation: message_id(operation.messages[0]).encode(),
        all_or_none=True,
    )
    operation = await future
    if operation.error is not None:
        raise operation.error
    if operation.replayed is not None:
        return operation.replayed.decode()
    if (refusal := left_out(operation, operation.messages[0])) is not None:
        raise Refused(refusal)
    return message_id(operation.messages[0])


async def send_again(
    ledger: Ledger, intake: Intake, caller: Caller, message: Message, now: int, *, actor: str, once: str
) -> str:
    """The same words to the same number as a new message, decided anew; its id. Raises `Refused`."""
    if has_code(message):
        detail = "its text is a code; have the person ask for a new one"
        raise Refused(Refusal("not_resendable", detail, status=409))
    if message.text is None:
        raise Refused(Refusal("not_resendable", "its text is no longer kept", status=409))
    request = MessageRequest(
        to=message.to,
        text=message.text,
        kind=message.kind,
        sender=message.sender,
        topic=message.topic,
        time_zone=message.time_zone,
        tags=None if message.tags is None else msgspec.json.decode(message.tags),
        metadata=None if message.metadata is None else msgspec.json.decode(message.metadata),
        correlation_id=message.correlation_id,
        callback_url=message.callback_url,
        callback_events=None if message.callback_events is None else message.callback_events.split(","),
    )
    again = await send(intake, caller, request, now, once=once)
    async with ledger.transaction() as transaction:
        await audit.note(
            transaction,
            workspace=message.workspace,
            actor=actor,
            action="message.sent_again",
            object=message_id(message),
            now=now,
            detail={"as": again},
        )
    return again


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
