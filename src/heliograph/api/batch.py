"""POST /v1/messages/batch: up to 10,000 messages in one request, an outcome for each, in order."""

from collections.abc import Sequence
from typing import Final

import msgspec

from heliograph.api.asking import after_lookups
from heliograph.api.bodies import Accepted
from heliograph.api.call import Call
from heliograph.api.context import Context
from heliograph.api.messages import accepted, dry_run
from heliograph.api.problems import decode
from heliograph.core import ids
from heliograph.core.failures import Refusal
from heliograph.core.request import MessageRequest
from heliograph.core.views import moment
from heliograph.engine.draft import Draft
from heliograph.engine.sending import left_out
from heliograph.store.port import Accept

Given = list[tuple[str, object]]

LIMIT: Final = 10_000
_SHOWN_REFUSALS: Final = 100
_encode: Final = msgspec.json.Encoder().encode
_NONE: Final = msgspec.Raw(b"null")
_FIELDS: Final = MessageRequest.__struct_fields__


class BatchRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The body of POST /v1/messages/batch. `defaults` fills what an item leaves out."""

    messages: list[msgspec.Raw]
    defaults: msgspec.Raw = _NONE
    all_or_none: bool = False


class Defaults(MessageRequest, forbid_unknown_fields=True, rename={"from_": "from"}):
    """A message request in which nothing need be given."""

    to: str = ""

    def given(self) -> "Given":
        return [(field, value) for field in _FIELDS if (value := getattr(self, field))]


class WithoutDefaults(BatchRequest):
    """A batch whose items are all well formed."""

    messages: list[MessageRequest]  # type: ignore[assignment]


class WithDefaults(BatchRequest):
    """The same, where `defaults` may give what items lack."""

    messages: list[Defaults]  # type: ignore[assignment]


class ItemProblem(msgspec.Struct, gc=False):
    """Why one item of a batch was not accepted."""

    status: str
    code: str
    detail: str
    pointer: str


class BatchAnswer(msgspec.Struct, gc=False):
    """What became of a batch: an outcome for each item, in order, and when the last will probably be sent."""

    batch_id: str
    estimated_end: str
    data: list[Accepted | ItemProblem]


def send_batch(call: Call) -> None:
    """Read, decide each, keep all that may go, answer for each."""
    if refusal := call.barred("messages:send"):
        return call.refuse(refusal)
    batch = decode(call.body, BatchRequest)
    if isinstance(batch, Refusal):
        return call.refuse(batch)
    defaults = _defaults(batch)
    if isinstance(defaults, Refusal):
        return call.refuse(defaults)
    if refusal := _size(batch) or call.over_rate(len(batch.messages)):
        return call.refuse(refusal)
    given = None if defaults is None else defaults.given()
    requests = [_filled(request, given) for request in _requests(call.body, batch, defaults)]
    if call.asks_first:
        readable = [request for request in requests if not isinstance(request, Refusal)]
        return after_lookups(call, readable, lambda: _go_on(call, batch, requests, defaults))
    return _go_on(call, batch, requests, defaults)


def _go_on(
    call: Call, batch: BatchRequest, requests: Sequence[MessageRequest | Refusal], defaults: Defaults | None
) -> None:
    items = [_draft(call, request, is_filled=defaults is not None) for request in requests]
    refused = [_at(index, item) for index, item in enumerate(items) if isinstance(item, Refusal)]
    drafts = [item for item in items if not isinstance(item, Refusal)]
    if refused and (batch.all_or_none or not drafts):
        return call.refuse(*refused[:_SHOWN_REFUSALS])
    if defaults is not None and defaults.dry_run:
        return call.answer(200, b'{"data":[' + b",".join(dry_run(draft) for draft in drafts) + b"]}")

    def reply(operation: Accept) -> bytes:
        return _answer(call.context, items, operation)

    def done(operation: Accept) -> None:
        if operation.refused and batch.all_or_none:
            call.refuse(*_unwanted(items, operation)[:_SHOWN_REFUSALS])
        else:
            call.answer(202, reply(operation))

    return call.keep(drafts, done, reply=reply, all_or_none=batch.all_or_none, batch=True)


def _size(batch: BatchRequest) -> Refusal | None:
    if not batch.messages:
        return Refusal("empty_batch", "messages is empty; give at least one", "/messages")
    if len(batch.messages) > LIMIT:
        detail = f"a batch takes {LIMIT} messages, this one has {len(batch.messages)}; split it"
        return Refusal("batch_too_large", detail, "/messages")
    return None


def _defaults(batch: BatchRequest) -> Defaults | None | Refusal:
    if batch.defaults == _NONE:
        return None
    found = decode(bytes(batch.defaults), Defaults)
    return _under("/defaults", found) if isinstance(found, Refusal) else found


def _requests(
    body: bytes, batch: BatchRequest, defaults: Defaults | None
) -> Sequence[MessageRequest] | Sequence[MessageRequest | Refusal]:
    """The items, read in one go; one by one only when some of them can't be read."""
    whole: WithDefaults | WithoutDefaults | Refusal
    whole = decode(body, WithoutDefaults if defaults is None else WithDefaults)
    if not isinstance(whole, Refusal):
        return whole.messages
    return [decode(bytes(raw), MessageRequest if defaults is None else Defaults) for raw in batch.messages]


def _filled(request: MessageRequest | Refusal, given: Given | None) -> MessageRequest | Refusal:
    """With what the defaults give."""
    if given is not None and not isinstance(request, Refusal):
        for field, value in given:
            if not (own := getattr(request, field)):
                setattr(request, field, value)
            elif field == "variables":  # each by its name
                request.variables = {**value, **own}  # type: ignore[dict-item]
    return request


def _draft(call: Call, request: MessageRequest | Refusal, *, is_filled: bool) -> Draft | Refusal:
    if isinstance(request, Refusal):
        return request
    if not is_filled and request.dry_run:
        return Refusal("dry_run_in_item", "dry_run is for a whole batch: put it into defaults", "/dry_run")
    return call.context.intake.draft(call.caller, request, call.now)


def _answer(context: Context, items: Sequence[Draft | Refusal], operation: Accept) -> bytes:
    """The outcome of every item, in the order of the request."""
    first = operation.messages[0]
    assert first.batch is not None
    data: list[Accepted | ItemProblem] = []
    for item in items:
        refusal = item if isinstance(item, Refusal) else left_out(operation, item.message)
        if refusal is not None:
            data.append(ItemProblem("refused", refusal.code, refusal.detail, refusal.pointer))
        elif not isinstance(item, Refusal):
            data.append(accepted(item.message))
    batch_id = ids.make("bat", first.accepted_at, first.batch)
    return _encode(BatchAnswer(batch_id, moment(context.estimated_end(operation.messages)), data))


def _unwanted(items: Sequence[Draft | Refusal], operation: Accept) -> list[Refusal]:
    return [
        _at(index, refusal)
        for index, item in enumerate(items)
        if not isinstance(item, Refusal) and (refusal := left_out(operation, item.message))
    ]


def _at(index: int, refusal: Refusal) -> Refusal:
    return _under(f"/messages/{index}", refusal)


def _under(pointer: str, refusal: Refusal) -> Refusal:
    return msgspec.structs.replace(refusal, pointer=pointer + refusal.pointer)
