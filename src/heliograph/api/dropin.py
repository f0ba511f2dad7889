"""Drop-in doors: requests in the shapes that existing integrations send, so that only the host changes.

`POST /sms/send` speaks as SMS.to does; forms on `POST /v1/messages` come from clients of Twilio's kind.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl

import msgspec
from msgspec import UNSET, Meta, UnsetType

from heliograph.api.asking import after_lookups
from heliograph.api.batch import LIMIT
from heliograph.api.call import Call
from heliograph.api.messages import send_one
from heliograph.api.problems import decode
from heliograph.core import zones
from heliograph.core.failures import Refusal
from heliograph.core.ids import make
from heliograph.core.request import MessageRequest
from heliograph.core.views import message_id
from heliograph.engine.sending import left_out
from heliograph.store.port import Accept

_TAKEN: Final = "Message is queued for sending! Please check report for update"
_FORM: Final = b"application/x-www-form-urlencoded"
_encode: Final = msgspec.json.Encoder().encode
# Fields of forms that other gateways know under other names.
_NAMES: Final = {"To": "to", "From": "from", "Body": "body", "StatusCallback": "callback_url"}


class SmsToItem(msgspec.Struct):
    """One of several personal messages."""

    to: str
    message: str


class SmsToRequest(msgspec.Struct):
    """The body of POST /sms/send: a message to one or to several, or several personal ones under `messages`. Fields
    that concern that service alone are read over."""

    to: str | Annotated[list[str], Meta(max_length=LIMIT)] = ""
    message: str = ""
    messages: Annotated[list[SmsToItem], Meta(max_length=LIMIT)] = []
    sender_id: str | None = None
    callback_url: str | None = None
    scheduled_for: str | None = None
    timezone: str | None = None


class SmsToAnswer(msgspec.Struct, rename={"tracking_id": "trackingId"}, omit_defaults=True):
    """Its answer: the message's id, or of several that of their campaign."""

    message: str
    success: bool
    message_id: str | UnsetType = UNSET
    tracking_id: str | UnsetType = UNSET
    campaign_id: str | UnsetType = UNSET


def send_or_form(call: Call) -> None:
    """POST /v1/messages: JSON as it is, a form as the JSON that it means."""
    if call.content_type is not None and call.content_type.startswith(_FORM):
        form = _form(call.body)
        if isinstance(form, Refusal):
            return call.refuse(form)
        call.body, call.content_type = _encode({_NAMES.get(name, name): value for name, value in form.items()}), None
    return send_one(call)


def sms_send(call: Call) -> None:
    """POST /sms/send."""
    if refusal := call.lacks("messages:send"):
        return call.refuse(refusal)
    asked = _sms_request(call)
    if isinstance(asked, Refusal):
        return call.refuse(asked)
    requests = in_our_words(asked)
    if isinstance(requests, Refusal):
        return call.refuse(requests)
    if refusal := call.over_rate(len(requests)):
        return call.refuse(refusal)
    is_single = isinstance(asked.to, str) and not asked.messages
    if call.asks_first:
        return after_lookups(call, requests, lambda: _go_on(call, requests, is_single))
    return _go_on(call, requests, is_single)


def in_our_words(asked: SmsToRequest) -> list[MessageRequest] | Refusal:
    """Each message that is asked for."""
    if asked.messages and (asked.to or asked.message):
        return Refusal("ambiguous_field", "give to and message, or messages, not both", "/messages")
    recipients = asked.to if isinstance(asked.to, list) else [asked.to]
    items = asked.messages or [SmsToItem(to, asked.message) for to in recipients]
    if not items or not items[0].to:
        return Refusal("missing_field", "to is missing: whom is it for?", "/to")
    if not items[0].message:
        return Refusal("missing_field", "message is missing: say what it should read", "/message")
    send_at = _send_at(asked)
    if isinstance(send_at, Refusal):
        return send_at
    return [
        MessageRequest(
            to=item.to, text=item.message, sender=asked.sender_id, callback_url=asked.callback_url, send_at=send_at
        )
        for item in items
    ]


def _send_at(asked: SmsToRequest) -> str | None | Refusal:
    """Their time has its zone beside it; without one it is in UTC."""
    if asked.timezone is not None and not zones.is_zone(asked.timezone):
        detail = f"{asked.timezone[:40]!r} is not an IANA time zone, such as Europe/Paris"
        return Refusal("bad_time_zone", detail, "/timezone")
    if asked.scheduled_for is None:
        return None
    try:
        at = datetime.fromisoformat(asked.scheduled_for)
    except ValueError:
        detail = f"{asked.scheduled_for[:40]!r} is not a time, such as 2026-11-21 09:00:00"
        return Refusal("bad_time", detail, "/scheduled_for")
    return (at if at.tzinfo else at.replace(tzinfo=zones.zone(asked.timezone or "UTC"))).isoformat()


def _go_on(call: Call, requests: Sequence[MessageRequest], is_single: bool) -> None:
    items = [call.context.intake.draft(call.caller, request, call.now) for request in requests]
    drafts = [item for item in items if not isinstance(item, Refusal)]
    if not drafts:
        return call.refuse(*[item for item in items if isinstance(item, Refusal)][:1])
    for draft in drafts:
        draft.message.callback_format = "smsto"
    reply = _sms_answer if is_single else _campaign_answer

    def done(operation: Accept) -> None:
        refused = [left_out(operation, message) for message in operation.messages]
        if refused[0] is not None and all(refused):
            call.refuse(refused[0])
        else:
            call.answer(200, reply(operation))

    return call.keep(drafts, done, reply=reply, all_or_none=is_single, batch=not is_single)


def _sms_request(call: Call) -> SmsToRequest | Refusal:
    if call.content_type is None or not call.content_type.startswith(_FORM):
        refusal = call.unreadable()
        return decode(call.body, SmsToRequest) if refusal is None else refusal
    form = _form(call.body)
    return form if isinstance(form, Refusal) else decode(_encode(form), SmsToRequest)


def _sms_answer(operation: Accept) -> bytes:
    message = operation.messages[0]
    return _encode(SmsToAnswer(_TAKEN, True, message_id(message), make("trk", message.accepted_at, message.id)))


def _campaign_answer(operation: Accept) -> bytes:
    first = operation.messages[0]
    return _encode(SmsToAnswer(_TAKEN, True, campaign_id=make("bat", first.accepted_at, first.batch or 0)))


def _form(body: bytes) -> dict[str, Any] | Refusal:
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=bool(body), errors="strict"))
    except UnicodeDecodeError:
        return Refusal("bad_utf8", "the form is not UTF-8", status=400)
    except ValueError:
        return Refusal("bad_value", "the body is not a form: name=value pairs joined by &", status=400)
