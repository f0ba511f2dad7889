"""`/send`, `/rate` and `/balance`, as Jasmin's HTTP interface has them, with its receipts."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from heliograph.api.doors.keeping import send_one
from heliograph.api.doors.octets import decoded
from heliograph.api.routes import Request, Route, by_get_too, refuse
from heliograph.api.shape import Shape
from heliograph.core import gsm, ids
from heliograph.core.charges import written
from heliograph.core.dropin import jasmin
from heliograph.core.dropin.numbers import international
from heliograph.core.failures import Refusal, Refused
from heliograph.core.message import Message
from heliograph.core.request import MessageRequest
from heliograph.engine.usage import usages

_TEXT: Final = b"text/html"
_JSON: Final = b"application/json"
_UNLIMITED: Final = "ND"
_CODINGS: Final = {0: "gsm", 1: "ascii", 3: "latin-1", 8: "UTF-16BE"}  # of hex-content


class Login(msgspec.Struct, kw_only=True):
    """Who asks."""

    username: str = ""
    password: str = ""


class Sending(Login, kw_only=True, rename="kebab"):
    """The fields of /send. Those that concern that gateway's own routing are read over."""

    to: str = ""
    from_: str = msgspec.field(default="", name="from")
    content: str | None = None
    hex_content: str | None = None
    coding: int = 0
    validity_period: Annotated[int, Meta(ge=1, le=10_080, description="Minutes.")] | None = None
    sdt: str | None = None
    dlr: str = "no"
    dlr_url: str | None = None
    dlr_level: Annotated[int, Meta(ge=1, le=3)] = 1
    dlr_method: str = "POST"
    tags: str | None = None


class Rate(msgspec.Struct):
    """What a message would cost."""

    unit_rate: float
    submit_sm_count: int


class Balance(msgspec.Struct):
    """What the tightest budgets have left; ND: there is none."""

    balance: str
    sms_count: str


def tell(refusals: Sequence[Refusal], request_id: str) -> tuple[int, bytes, bytes]:
    status, words = _told(refusals[0])
    return status, _TEXT, f'Error "{words}"'.encode()


def tell_json(refusals: Sequence[Refusal], request_id: str) -> tuple[int, bytes, bytes]:
    status, words = _told(refusals[0])
    return status, _JSON, msgspec.json.encode(f'Error "{words}"')


def _told(first: Refusal) -> tuple[int, str]:
    if first.status == 401:
        return 403, "Authentication failure"
    if first.code == "no_route":
        return 412, "No route found"
    return (400 if first.status == 422 else first.status), first.detail


_LOGIN: Final = (("username",), ("password",))
_STATUSES: Final = ("400", "403", "404", "409", "412", "413", "415", "429", "500", "503")
SHAPE: Final = Shape(tell=tell, problem=str, media_type=_TEXT, login=_LOGIN, encoding="latin-1", statuses=_STATUSES)
JSON_SHAPE: Final = Shape(tell=tell_json, problem=str, login=_LOGIN, encoding="latin-1", statuses=_STATUSES)


async def send(request: Request) -> bytes:
    asked: Sending = request.body
    method = asked.dlr_method.upper()
    if method not in ("GET", "POST"):
        raise refuse("bad_value", "dlr-method is GET or POST", "/dlr-method", 400)
    return await send_one(request, _wanted(asked), f"jasmin-{method.lower()}", _reply)


def _reply(message: Message) -> bytes:
    return f'Success "{jasmin.uuid(ids.in_hex(message.accepted_at, message.id))}"'.encode()


def _wanted(asked: Sending) -> MessageRequest:
    """The same in our own words. Raises `Refused`."""
    if not asked.to:
        raise refuse("missing_field", "Mandatory argument [to] is not found.", "/to", 400)
    if asked.sdt is not None:
        raise refuse("not_supported", "sdt is not taken here; POST /v1/messages has send_at", "/sdt", 400)
    told = asked.dlr.lower() == "yes"
    if told and not asked.dlr_url:
        raise refuse("missing_field", "Mandatory argument [dlr-url] is not found.", "/dlr-url", 400)
    return MessageRequest(
        to=international(asked.to),
        text=_text(asked),
        sender=international(decoded(asked.from_, "UTF-8", "/from")) or None,
        valid_for=None if asked.validity_period is None else asked.validity_period * 60,
        callback_url=asked.dlr_url if told else None,
        callback_events=jasmin.events(asked.dlr_level) if told else None,
        tags=[tag.strip() for tag in asked.tags.split(",") if tag.strip()] if asked.tags else None,
    )


def _text(asked: Sending) -> str:
    if asked.hex_content is None:
        return decoded(asked.content or "", "UTF-8", "/content")
    encoding = _CODINGS.get(asked.coding)
    if encoding is None:
        detail = f"coding {asked.coding} is not read here; there are {', '.join(map(str, _CODINGS))}"
        raise refuse("bad_value", detail, "/coding", 400)
    try:
        octets = bytes.fromhex(asked.hex_content)
        return gsm.decode(octets) if encoding == "gsm" else octets.decode(encoding)
    except ValueError:
        detail = f"hex-content is not hexadecimal, or not in coding {asked.coding}"
        raise refuse("bad_value", detail, "/hex-content", 400) from None


async def rate(request: Request) -> Rate:
    asked: Sending = request.body
    message = _wanted(asked)
    message.text, message.dry_run = message.text or "?", True
    draft = request.context.intake.draft(request.call.caller, message, request.now)
    if isinstance(draft, Refusal):
        raise Refused(draft)
    made = draft.message
    unit = Decimal(made.price) / made.segments if made.price is not None else Decimal(0)
    return Rate(float(unit), made.segments)


async def balance(request: Request) -> Balance:
    context, left = request.context, dict[str, Any]()
    realm = context.snapshot().realms[request.client.environment]
    for usage in await usages(context.ledger, realm, context.budgets, request.now):  # the fullest first
        remaining = written(usage.measure, max(0, usage.most - usage.used))
        left.setdefault(usage.measure, str(remaining))
    return Balance(left.get("spend", _UNLIMITED), left.get("messages", left.get("segments", _UNLIMITED)))


ROUTES: Final = (
    *by_get_too(
        Route(
            *("POST", "/send", send, "messages:send"),
            body=Sending,
            answer=str,
            summary="Send a message, in the shape of Jasmin",
            shape=SHAPE,
        )
    ),
    *by_get_too(
        Route(
            *("POST", "/rate", rate, "messages:send"),
            body=Sending,
            answer=Rate,
            summary="Ask what a message costs, in the shape of Jasmin",
            shape=JSON_SHAPE,
        )
    ),
    *by_get_too(
        Route(
            *("POST", "/balance", balance, "analytics:read"),
            body=Login,
            answer=Balance,
            summary="Ask what budgets have left, in the shape of Jasmin",
            shape=JSON_SHAPE,
        )
    ),
)
