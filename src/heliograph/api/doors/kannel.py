"""`/cgi-bin/sendsms`, as Kannel's smsbox has it: one call, by GET or POST, texts and receipts in its words."""

from collections.abc import Sequence
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from heliograph.api.doors.keeping import Outcome, send_all
from heliograph.api.doors.octets import decoded
from heliograph.api.routes import Request, Route, by_get_too, refuse
from heliograph.api.shape import Shape
from heliograph.core.dropin import kannel
from heliograph.core.dropin.numbers import international
from heliograph.core.failures import Refusal, Refused
from heliograph.core.request import MessageRequest
from heliograph.core.views import moment

_TEXT: Final = b"text/html"
_MOST: Final = 100  # recipients of one call
_CODINGS: Final = {None: "UTF-8", 0: "UTF-8", 1: "UTF-8", 2: "UTF-16BE"}


class SendSms(msgspec.Struct, kw_only=True, rename="kebab"):
    """The fields of Kannel; those that concern that gateway's own routing are read over."""

    username: str = ""
    password: str = ""
    to: Annotated[str, Meta(description="One recipient, or several with blanks between them.")] = ""
    from_: str = msgspec.field(default="", name="from")
    text: str = ""
    charset: str | None = None
    coding: Annotated[int, Meta(ge=0, le=2)] | None = None
    udh: str = ""
    validity: Annotated[int, Meta(ge=1, le=10_080, description="Minutes.")] | None = None
    deferred: Annotated[int, Meta(ge=0, le=527_040, description="Minutes.")] | None = None
    dlr_mask: Annotated[int, Meta(ge=0, le=63)] = 0
    dlr_url: str | None = None


def tell(refusals: Sequence[Refusal], request_id: str) -> tuple[int, bytes, bytes]:
    """In Kannel's words where scripts look for them, else in ours."""
    first = refusals[0]
    if first.status == 401 or first.code in ("missing_scope", "ip_not_allowed"):
        return 403, _TEXT, b"Authorization failed for sendsms"
    if first.status in (429, 500, 503):
        return 503, _TEXT, b"Temporal failure, try again later."
    return (first.status if first.status != 422 else 400), _TEXT, first.detail.encode()


SHAPE: Final = Shape(
    tell=tell,
    problem=str,
    media_type=_TEXT,
    login=(("username", "user"), ("password", "pass")),
    encoding="latin-1",
    statuses=("400", "403", "404", "409", "413", "415", "503"),
)


async def send(request: Request) -> bytes:
    asked: SendSms = request.body
    if asked.udh:
        raise refuse("not_supported", "udh is not taken here: long texts are divided by the gateway", "/udh", 400)
    recipients = asked.to.split()
    if not recipients:
        raise refuse("missing_field", "Missing receiver number, rejected", "/to", 400)
    if len(recipients) > _MOST:
        raise refuse("batch_too_large", f"at most {_MOST} recipients in one call", "/to", 400)
    text = decoded(asked.text, asked.charset or _CODINGS[asked.coding], "/text")
    events = kannel.events(asked.dlr_mask) if asked.dlr_url else []
    messages = [
        MessageRequest(
            to=international(to),
            text=text,
            sender=international(decoded(asked.from_, "UTF-8", "/from")) or None,
            send_at=moment(request.now + asked.deferred * 60_000) if asked.deferred else None,
            valid_for=None if asked.validity is None else asked.validity * 60,
            callback_url=asked.dlr_url if events else None,
            callback_events=events or None,
        )
        for to in recipients
    ]
    return await send_all(request, messages, "kannel", _reply)


def _reply(outcomes: Sequence[Outcome]) -> bytes:
    refused = [outcome for outcome in outcomes if isinstance(outcome, Refusal)]
    if len(refused) == len(outcomes):
        raise Refused(*refused)
    if refused:
        return f"0: Accepted for delivery, but for {len(refused)}: {refused[0].detail}".encode()
    return b"0: Accepted for delivery"


ROUTES: Final = by_get_too(
    Route(
        *("POST", "/cgi-bin/sendsms", send, "messages:send"),
        body=SendSms,
        answer=str,
        status=202,
        summary="Send a message, in the shape of Kannel",
        shape=SHAPE,
    )
)
