"""A delivery as an HTTP request: body, headers, signature. Our own form, and that of SMS.to."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlencode

import msgspec

from heliograph.core.ids import make
from heliograph.core.signing import Signer, smsto_signature
from heliograph.core.views import event_body, event_id, event_view
from heliograph.store.port import Notice

# Our states in the words of the SMS.to status callback.
SMSTO_STATUS: Final = {
    "message.accepted": "QUEUED",
    "message.scheduled": "SCHEDULED",
    "message.queued": "QUEUED",
    "message.sent": "SENT",
    "message.delivered": "DELIVERED",
    "message.read": "DELIVERED",
    "message.undelivered": "UNDELIVERED",
    "message.expired": "EXPIRED",
    "message.failed": "FAILED",
    "message.rejected": "REJECTED",
    "message.canceled": "CANCELLED",
}
_encode: Final = msgspec.json.Encoder().encode


def json_request(notices: Sequence[Notice], signer: Signer, now_s: int) -> tuple[bytes, bytes]:
    """(headers, body): one event as it is, several as a list under `events`, signed by the Standard Webhooks rules."""
    first = notices[0]
    webhook_id = event_id(first.event)
    if len(notices) == 1:
        body = event_body(first.event, first.message, webhook_id)
    else:
        body = _encode(
            {"events": [event_view(notice.event, notice.message, event_id(notice.event)) for notice in notices]}
        )
    headers = _headers("application/json", signer, webhook_id, now_s, body)
    return (headers + b"webhook-replay: true\r\n" if first.delivery.replay else headers), body


def form_request(notice: Notice, signer: Signer, secret: str, now_s: int) -> tuple[bytes, bytes]:
    """(headers, body) in the SMS.to shape: form-encoded, with its field names."""
    event, message = notice.event, notice.message
    webhook_id = event_id(event)
    fields = {"type": event.type} if message is None else _smsto_fields(notice)
    body = urlencode(fields).encode()
    headers = _headers("application/x-www-form-urlencoded", signer, webhook_id, now_s, body)
    headers += f"X-SMSto-Signature: {smsto_signature(secret, now_s, body)}\r\n".encode()
    return (headers + b"webhook-replay: true\r\n" if notice.delivery.replay else headers), body


def _smsto_fields(notice: Notice) -> dict[str, str]:
    message, event = notice.message, notice.event
    assert message is not None
    tracking = message.id if message.batch is None else message.batch
    return {
        "trackingId": make("trk", message.accepted_at, tracking),
        "messageId": make("msg", message.accepted_at, message.id),
        "phone": message.to,
        "status": SMSTO_STATUS.get(event.type, event.type),
        "parts": str(message.segments),
        "price": message.price or "0",
    }


def _headers(content_type: str, signer: Signer, webhook_id: str, now_s: int, body: bytes) -> bytes:
    """What the body is, and its signature."""
    signature = signer.sign(webhook_id, now_s, body).decode()
    return (
        f"content-type: {content_type}\r\nwebhook-id: {webhook_id}\r\nwebhook-timestamp: {now_s}\r\n"
        f"webhook-signature: {signature}\r\n"
    ).encode()
