"""`/sms/json`, as Vonage's SMS interface has it: every answer is a 200, and says itself how it went."""

from collections.abc import Sequence
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from heliograph.api.doors.keeping import send_one, sign_callbacks
from heliograph.api.routes import Request, Route, by_get_too, refuse
from heliograph.api.shape import Shape
from heliograph.core import ids
from heliograph.core.dropin.numbers import international
from heliograph.core.dropin.vonage import WORDS
from heliograph.core.failures import Refusal
from heliograph.core.message import Message
from heliograph.core.request import MessageRequest

_JSON: Final = b"application/json"
_NOTHING: Final = "0.00000000"
_STATUSES: Final = {
    "missing_credentials": "4",
    "malformed_credentials": "4",
    "invalid_credentials": "4",
    "key_revoked": "4",
    "credentials_expired": "4",
    "ip_not_allowed": "4",
    "missing_scope": "11",
    "rate_limited": "1",
    "too_many_failures": "1",
    "budget_exceeded": "9",
    "runaway": "9",
    "missing_field": "2",
    "empty_text": "2",
    "over_budget": "12",
    "no_route": "6",
    "opted_out": "7",
    "no_consent": "7",
    "consent_in_review": "7",
    "number_cooling_down": "7",
    "bad_sender": "15",
    "unknown_sender": "15",
    "sender_not_possible": "15",
    "sender_not_registered": "15",
    "sender_not_for_country": "15",
    "sender_not_for_kind": "15",
    "no_sender_in_pool": "15",
    "bad_url": "23",
    "ledger_unavailable": "5",
    "internal_error": "5",
}


class SmsJson(msgspec.Struct, kw_only=True, rename="kebab"):
    """The fields of Vonage's SMS interface."""

    api_key: str = msgspec.field(default="", name="api_key")
    api_secret: str = msgspec.field(default="", name="api_secret")
    sig: str | None = None
    from_: str = msgspec.field(default="", name="from")
    to: str = ""
    text: str | None = None
    type: str = "text"
    ttl: Annotated[int, Meta(ge=20_000, le=604_800_000, description="Milliseconds.")] | None = None
    callback: str | None = None
    client_ref: Annotated[str, Meta(max_length=100)] | None = None


class VonageMessage(msgspec.Struct, kw_only=True, rename="kebab", omit_defaults=True):
    """What became of the request; `status` 0: it was taken."""

    status: str
    to: str | None = None
    message_id: str | None = None
    remaining_balance: str | None = None
    message_price: str | None = None
    network: str | None = None
    client_ref: str | None = None
    error_text: str | None = None


class VonageAnswer(msgspec.Struct, kw_only=True, rename="kebab"):
    """The answer: one entry, however many parts the text has."""

    message_count: str
    messages: list[VonageMessage]


def tell(refusals: Sequence[Refusal], request_id: str) -> tuple[int, bytes, bytes]:
    first = refusals[0]
    entry = VonageMessage(status=_STATUSES.get(first.code, "3"), error_text=first.detail)
    return 200, _JSON, msgspec.json.encode(VonageAnswer(message_count="1", messages=[entry]))


SHAPE: Final = Shape(tell=tell, problem=VonageAnswer, login=(("api_key",), ("api_secret",)), statuses=())


async def send(request: Request) -> bytes:
    asked: SmsJson = request.body
    if asked.type not in ("text", "unicode"):
        raise refuse("not_supported", f"type {asked.type[:20]!r} is not sent here; use text or unicode", "/type", 400)
    if not asked.to or not asked.from_ or asked.text is None:
        missing = "to" if not asked.to else "from" if not asked.from_ else "text"
        raise refuse("missing_field", f"Missing {missing} param", f"/{missing}", 400)
    wanted = MessageRequest(
        to=international(asked.to),
        text=asked.text,
        sender=international(asked.from_),
        valid_for=None if asked.ttl is None else asked.ttl // 1_000,
        callback_url=asked.callback,
        callback_events=list(WORDS) if asked.callback is not None else None,
        correlation_id=asked.client_ref,
    )
    if asked.callback is not None:
        await sign_callbacks(request)

    def reply(message: Message) -> bytes:
        entry = VonageMessage(
            status="0",
            to=message.to.removeprefix("+"),
            message_id=ids.in_hex(message.accepted_at, message.id),
            remaining_balance=_NOTHING,
            message_price=message.price or _NOTHING,
            network="",
            client_ref=asked.client_ref,
        )
        return msgspec.json.encode(VonageAnswer(message_count="1", messages=[entry]))

    return await send_one(request, wanted, "vonage", reply)


ROUTES: Final = by_get_too(
    Route(
        *("POST", "/sms/json", send, "messages:send"),
        body=SmsJson,
        answer=VonageAnswer,
        summary="Send a message, in the shape of Vonage",
        shape=SHAPE,
    )
)
