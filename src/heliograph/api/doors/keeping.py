"""From a drop-in door to intake: the same rates, lookups and decisions as at our own doors."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeAlias

from heliograph.api.call import not_kept
from heliograph.api.routes import Request
from heliograph.core.failures import Refusal, Refused
from heliograph.core.message import Message
from heliograph.core.request import MessageRequest
from heliograph.engine.clients import auth_tokens
from heliograph.engine.draft import Draft
from heliograph.engine.sending import left_out
from heliograph.store.port import Accept

Outcome: TypeAlias = Message | Refusal


async def send_one(
    request: Request, asked: MessageRequest, shape: str | None, reply: Callable[[Message], bytes]
) -> bytes:
    """Send a message; the answer once it is on disk. Raises `Refused`. `shape`: in which its callback is told."""

    def answer(outcomes: Sequence[Outcome]) -> bytes:
        if isinstance(outcomes[0], Refusal):
            raise Refused(outcomes[0])
        return reply(outcomes[0])

    return await send_all(request, [asked], shape, answer)


async def send_all(
    request: Request, asked: Sequence[MessageRequest], shape: str | None, reply: Callable[[Sequence[Outcome]], bytes]
) -> bytes:
    """Send messages, each for itself; the answer tells what became of each. Raises `Refused` when nothing was kept."""
    call = request.call
    if refusal := call.over_rate(len(asked)):
        raise Refused(refusal)
    if call.asks_first:
        lookups, caller = request.context.intake.lookups, call.caller
        await lookups.prepare(caller.environment, caller.default_country, asked, request.now)
    items = [request.context.intake.draft(call.caller, one, request.now) for one in asked]
    drafts = [item for item in items if not isinstance(item, Refusal)]
    for draft in drafts:
        draft.message.callback_format = shape
    if not drafts:
        return reply([item for item in items if isinstance(item, Refusal)])
    operation = await _kept(request, drafts, lambda operation: reply(_outcomes(items, operation)))
    if (refusal := not_kept(operation)) is not None:
        raise Refused(refusal)
    if operation.replayed is not None:
        call.headers.append((b"idempotent-replayed", b"true"))
        return operation.replayed
    return reply(_outcomes(items, operation))


async def sign_callbacks(request: Request) -> None:
    """See to it that this client's callbacks can be signed with its key, in every process. Raises `Refused`."""
    context, client = request.context, request.client
    if client.id not in context.snapshot().auth_tokens:
        authorization = request.call.authorization
        await auth_tokens.remember(
            context.ledger, client, authorization, context.seal, actor=request.actor, now=request.now
        )
        await context.reload()


async def _kept(request: Request, drafts: Sequence[Draft], reply: Callable[[Accept], bytes]) -> Accept:
    future: asyncio.Future[Accept] = asyncio.get_running_loop().create_future()
    alone = len(drafts) == 1
    request.context.intake.accept(
        drafts,
        future.set_result,
        idempotency=request.call.idempotency(),
        reply=reply,
        all_or_none=alone,
        batch=not alone,
    )
    return await future


def _outcomes(items: Sequence[Draft | Refusal], operation: Accept) -> list[Outcome]:
    return [item if isinstance(item, Refusal) else left_out(operation, item.message) or item.message for item in items]
