"""POST /v1/messages/batch: up to 10,000 messages in one request, an outcome for each, in order."""

from collections.abc import Sequence
from typing import Final

import msgspec

from heliograph.api.context import Context
from heliograph.api.messages import (
    OPTED_OUT,
    Accepted,
    BatchAnswer,
    BatchRequest,
    Call,
    Defaults,
    ItemProblem,
    Receive,
    Scope,
    Send,
    accepted,
    dry_run,
    not_kept,
)
from heliograph.api.problems import decode
from heliograph.core import ids
from heliograph.core.failures import Refusal
from heliograph.core.request import MessageRequest
from heliograph.core.views import moment
from heliograph.engine.intake import Draft
from heliograph.store.port import Accept

LIMIT: Final = 10_000
_encode: Final = msgspec.json.Encoder().encode
_FIELDS: Final = MessageRequest.__struct_fields__


async def send_batch(context: Context, scope: Scope, receive: Receive, send: Send) -> None:
    """POST /v1/messages/batch."""
    call = Call(context, send)
    if refusal := await call.open(scope, receive, "messages:send"):
        return await call.refuse(refusal)
    batch = decode(call.body, BatchRequest)
    if isinstance(batch, Refusal):
        return await call.refuse(batch)
    defaults = _defaults(batch)
    if isinstance(defaults, Refusal):
        return await call.refuse(defaults)
    if refusal := _size(batch) or call.limit(len(batch.messages)):
        return await call.refuse(refusal)
    items = [_draft(call, raw, defaults) for raw in batch.messages]
    refused = [_at(index, item) for index, item in enumerate(items) if isinstance(item, Refusal)]
    drafts = [item for item in items if not isinstance(item, Refusal)]
    if refused and (batch.all_or_none or not drafts):
        return await call.refuse(*refused[:100])
    if defaults is not None and defaults.dry_run:
        return await call.answer(200, b'{"data":[' + b",".join(dry_run(draft) for draft in drafts) + b"]}")
    operation = await call.keep(
        drafts, reply=lambda kept: answer(context, items, kept), all_or_none=batch.all_or_none, batch=True
    )
    if refusal := not_kept(operation):
        return await call.refuse(refusal)
    if operation.suppressed and batch.all_or_none:
        return await call.refuse(*_suppressed(items, operation))
    if operation.replayed is not None:
        call.headers.append((b"idempotent-replayed", b"true"))
        return await call.answer(202, operation.replayed)
    await call.answer(202, answer(context, items, operation))


def _size(batch: BatchRequest) -> Refusal | None:
    if not batch.messages:
        return Refusal("empty_batch", "messages is empty; give at least one", "/messages")
    if len(batch.messages) > LIMIT:
        found = len(batch.messages)
        return Refusal("batch_too_large", f"a batch takes {LIMIT} messages, this one has {found}; split it", "/messages")
    return None


def _defaults(batch: BatchRequest) -> Defaults | None | Refusal:
    if batch.defaults is None:
        return None
    found = decode(bytes(batch.defaults), Defaults)
    return _under("/defaults", found) if isinstance(found, Refusal) else found


def _draft(call: Call, raw: msgspec.Raw, defaults: Defaults | None) -> Draft | Refusal:
    request = decode(bytes(raw), Defaults if defaults is not None else MessageRequest)
    if isinstance(request, Refusal):
        return request
    if defaults is not None:
        for field in _FIELDS:
            if not getattr(request, field):
                setattr(request, field, getattr(defaults, field))
    return call.context.intake.draft(call.caller, request, call.now)


def answer(context: Context, items: Sequence[Draft | Refusal], operation: Accept) -> bytes:
    """The outcome of every item, in the order of the request."""
    first = operation.messages[0]
    data: list[Accepted | ItemProblem] = []
    for item in items:
        if isinstance(item, Refusal):
            data.append(ItemProblem("refused", item.code, item.detail, item.pointer))
        elif item.message.id in operation.suppressed:
            data.append(ItemProblem("refused", OPTED_OUT.code, OPTED_OUT.detail, OPTED_OUT.pointer))
        else:
            data.append(accepted(item.message))
    batch_id = None if first.batch is None else ids.make("bat", first.accepted_at, first.batch)
    return _encode(BatchAnswer(batch_id, moment(context.estimated_end(operation.messages)), data))


def _suppressed(items: Sequence[Draft | Refusal], operation: Accept) -> list[Refusal]:
    return [
        _at(index, OPTED_OUT)
        for index, item in enumerate(items)
        if not isinstance(item, Refusal) and item.message.id in operation.suppressed
    ]


def _at(index: int, refusal: Refusal) -> Refusal:
    return _under(f"/messages/{index}", refusal)


def _under(pointer: str, refusal: Refusal) -> Refusal:
    return msgspec.structs.replace(refusal, pointer=pointer + refusal.pointer)
