"""Drop-in doors: requests in the shapes that existing integrations send, so that only the host changes.

`POST /sms/send` speaks as SMS.to does; forms on `POST /v1/messages` come from clients of Twilio's kind.
"""

from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

from heliograph.api.call import Call
from heliograph.api.messages import left_out, send_one
from heliograph.api.problems import decode
from heliograph.core.failures import Refusal
from heliograph.core.ids import make
from heliograph.core.request import MessageRequest
from heliograph.core.views import message_id
from heliograph.store.port import Accept

_FORM: Final = b"application/x-www-form-urlencoded"
_encode: Final = msgspec.json.Encoder().encode
# Fields of forms that other gateways know under other names.
_NAMES: Final = {"To": "to", "From": "from", "Body": "body", "StatusCallback": "callback_url"}


class SmsToRequest(msgspec.Struct):
    """The body of POST /sms/send. Fields that concern that service alone are read over."""

    to: str
    message: str
    sender_id: str | None = None
    callback_url: str | None = None
    scheduled_for: str | None = None


class SmsToAnswer(msgspec.Struct, rename={"tracking_id": "trackingId"}):
    """Its answer."""

    message: str
    success: bool
    message_id: str
    tracking_id: str


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
    if refusal := call.over_rate(1):
        return call.refuse(refusal)
    request = MessageRequest(
        to=asked.to,
        text=asked.message,
        sender=asked.sender_id,
        callback_url=asked.callback_url,
        send_at=asked.scheduled_for,
    )
    if call.asks_first:
        return call.after_lookups((request,), lambda: _go_on(call, request))
    return _go_on(call, request)


def _go_on(call: Call, request: MessageRequest) -> None:
    draft = call.context.intake.draft(call.caller, request, call.now)
    if isinstance(draft, Refusal):
        return call.refuse(draft)
    draft.message.callback_format = "smsto"

    def done(operation: Accept) -> None:
        if refusal := left_out(operation, operation.messages[0]):
            call.refuse(refusal)
        else:
            call.answer(200, _sms_answer(operation))

    return call.keep((draft,), done, reply=_sms_answer, all_or_none=True)


def _sms_request(call: Call) -> SmsToRequest | Refusal:
    if call.content_type is None or not call.content_type.startswith(_FORM):
        refusal = call.unreadable()
        return decode(call.body, SmsToRequest) if refusal is None else refusal
    form = _form(call.body)
    return form if isinstance(form, Refusal) else decode(_encode(form), SmsToRequest)


def _sms_answer(operation: Accept) -> bytes:
    message = operation.messages[0]
    return _encode(
        SmsToAnswer(
            "Message is queued for sending! Please check report for update",
            True,
            message_id(message),
            make("trk", message.accepted_at, message.id),
        )
    )


def _form(body: bytes) -> dict[str, Any] | Refusal:
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=bool(body), errors="strict"))
    except UnicodeDecodeError:
        return Refusal("bad_utf8", "the form is not UTF-8", status=400)
    except ValueError:
        return Refusal("bad_value", "the body is not a form: name=value pairs joined by &", status=400)
