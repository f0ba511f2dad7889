"""`/2010-04-01/Accounts/{sid}/Messages.json`: send, list, show, cancel, forget the text."""

from collections.abc import Callable
from typing import Annotated, Any, Final
from urllib.parse import urlencode

import msgspec
from msgspec import Meta

from heliograph.api.doors.keeping import send_one, sign_callbacks
from heliograph.api.doors.twilio.shape import (
    SHAPE,
    at_home,
    flag,
    nothing_at,
    read_moment,
    rfc_2822,
    unsupported,
)
from heliograph.api.reading import where
from heliograph.api.routes import Request, Route, refuse
from heliograph.core import numbers
from heliograph.core.dropin import twilio
from heliograph.core.failures import Refusal, Refused
from heliograph.core.lifecycle import ENDS
from heliograph.core.message import Message
from heliograph.core.request import MessageRequest
from heliograph.core.views import has_code
from heliograph.engine import texts
from heliograph.engine.cancel import cancel
from heliograph.store import reads

_DAY_MS: Final = 86_400_000
_LONGEST_S: Final = 36_000
_PLACE: Final = f"/{twilio.API_VERSION}/Accounts/{{account}}/Messages"
_TOKEN: Final = "PA"
_TOLD: Final = ["message.queued", "message.sent", *(f"message.{end}" for end in sorted(ENDS))]
_INTENTS: Final = {"otp": "otp", "marketing": "promotional", "customercare": "support"}
_NOT_HERE: Final = {
    "media_url": ("/MediaUrl", "pictures are not sent here: MediaUrl needs MMS, and there is SMS alone"),
    "content_sid": (
        "/ContentSid",
        "content templates of Twilio are not here: write a template, and use POST /v1/messages",
    ),
    "persistent_action": ("/PersistentAction", "there is SMS alone here"),
}


class NewMessage(msgspec.Struct, kw_only=True, rename="pascal"):
    """What is to be sent. Fields that concern that service alone are read over."""

    to: str | None = None
    from_: Annotated[str | None, Meta(description="A sender of yours.")] = msgspec.field(default=None, name="From")
    messaging_service_sid: Annotated[str | None, Meta(description="The name of a pool of senders.")] = None
    body: str | None = None
    status_callback: str | None = None
    validity_period: Annotated[int, Meta(ge=1, le=_LONGEST_S)] | None = None
    schedule_type: str | None = None
    send_at: str | None = None
    smart_encoded: str | None = None
    shorten_urls: str | None = None
    message_intent: Annotated[str | None, Meta(description="Of which kind it is: otp, marketing, customercare …")] = (
        None
    )
    media_url: str | None = None
    content_sid: str | None = None
    persistent_action: str | None = None


class Change(msgspec.Struct, kw_only=True, rename="pascal"):
    """`Status=canceled` takes a message back; an empty `Body` forgets its text."""

    status: str | None = None
    body: str | None = None


class Narrowed(msgspec.Struct, kw_only=True, rename="pascal"):
    """What a list is narrowed to. Of dates, that of its making is looked at."""

    to: str | None = None
    from_: str | None = msgspec.field(default=None, name="From")
    date_sent: str | None = None
    date_sent_before: str | None = msgspec.field(default=None, name="DateSent<")
    date_sent_after: str | None = msgspec.field(default=None, name="DateSent>")
    page_size: Annotated[int, Meta(ge=1, le=1_000_000_000)] = 50
    page: Annotated[int, Meta(ge=0, le=1_000_000_000)] = 0
    page_token: str | None = None


class TwilioMessage(msgspec.Struct, kw_only=True):
    """A message as Twilio shows it."""

    account_sid: str
    api_version: str
    body: str
    date_created: str | None
    date_sent: str | None
    date_updated: str | None
    direction: str
    error_code: int | None
    error_message: str | None
    from_: str | None = msgspec.field(name="from")
    messaging_service_sid: str | None
    num_media: str
    num_segments: str
    price: str | None
    price_unit: str | None
    sid: str
    status: str
    subresource_uris: dict[str, str]
    to: str
    uri: str


class TwilioPage(msgspec.Struct, kw_only=True):
    """Messages, the newest first, and where the next ones are."""

    messages: list[TwilioMessage]
    page: int
    page_size: int
    start: int
    end: int
    uri: str
    first_page_uri: str
    next_page_uri: str | None
    previous_page_uri: str | None


def view(account: str, m: Message, *, pool: str | None = None, is_new: bool = False) -> TwilioMessage:
    """The message as it stands. What is new is not yet on its way, as far as its sender knows."""
    was_sent = m.sent_at is not None
    state = "queued" if is_new and m.state != "scheduled" else m.state
    code = twilio.error_of(state, m.failure, m.failure_code, was_sent=was_sent)
    sid = twilio.sid(twilio.MESSAGE, m.accepted_at, m.id)
    place = f"{_PLACE.format(account=account)}/{sid}"
    return TwilioMessage(
        account_sid=account,
        api_version=twilio.API_VERSION,
        body="" if has_code(m) else m.text or "",
        date_created=rfc_2822(m.accepted_at),
        date_sent=rfc_2822(m.sent_at),
        date_updated=rfc_2822(m.updated_at),
        direction="outbound-api",
        error_code=code,
        error_message=None if code is None else twilio.MEANINGS[code],
        from_=m.sender,
        messaging_service_sid=pool,
        num_media="0",
        num_segments=str(m.segments),
        price=f"-{m.price}" if m.price is not None and was_sent else None,
        price_unit=m.currency,
        sid=sid,
        status=twilio.status_of(state, was_sent=was_sent),
        subresource_uris={"media": f"{place}/Media.json"},
        to=m.to,
        uri=f"{place}.json",
    )


async def create(request: Request) -> bytes:
    account, asked = at_home(request), request.body
    wanted = _wanted(asked)
    if asked.status_callback is not None:
        await sign_callbacks(request)

    def reply(message: Message) -> bytes:
        return msgspec.json.encode(view(account, message, pool=asked.messaging_service_sid, is_new=True))

    return await send_one(request, wanted, "twilio", reply)


def _wanted(asked: NewMessage) -> MessageRequest:
    """The same in our own words. Raises `Refused`."""
    for name, (pointer, why) in _NOT_HERE.items():
        if getattr(asked, name):
            raise unsupported(pointer, why)
    if not asked.to:
        raise refuse("missing_field", "To is missing: whom is it for?", "/To", 400)
    if asked.body is None:
        raise refuse("empty_text", "Body is missing: say what the message should read", "/Body", 400)
    if asked.schedule_type not in (None, "fixed"):
        raise refuse("bad_value", "ScheduleType is fixed, or left out", "/ScheduleType", 400)
    if asked.schedule_type is not None and asked.send_at is None:
        raise refuse("missing_field", "SendAt is missing: when is it to be sent?", "/SendAt", 400)
    return MessageRequest(
        to=asked.to,
        text=asked.body,
        sender=asked.messaging_service_sid or asked.from_,
        kind=_INTENTS.get((asked.message_intent or "").lower()),
        send_at=asked.send_at,
        valid_for=asked.validity_period,
        callback_url=asked.status_callback,
        callback_events=_TOLD if asked.status_callback is not None else None,
        smart_encoding=flag(asked.smart_encoded),
        shorten_links=True if flag(asked.shorten_urls) else None,
    )


async def _find(request: Request) -> Message:
    at_home(request)
    place = twilio.parse_sid(twilio.MESSAGE, request.place["sid"])
    found = await reads.message(request.context.ledger, where(request), place[1]) if place else None
    if place is None or found is None or found.accepted_at != place[0]:
        raise nothing_at(request)
    return found


async def show(request: Request) -> TwilioMessage:
    return view(request.client.account_sid, await _find(request))


async def change(request: Request) -> TwilioMessage:
    message, asked = await _find(request), request.body
    if asked.status not in (None, "canceled"):
        raise refuse("bad_value", "Status is canceled, or left out", "/Status", 400)
    if asked.status is not None:
        await _cancel(request, message)
    if asked.body is not None:
        if asked.body:
            raise refuse("bad_value", "Body is empty, to forget the text, or left out", "/Body", 400)
        await _forget(request, message)
    return view(request.client.account_sid, message)


async def delete(request: Request) -> bytes:
    """The text is forgotten; that there was a message, and what it cost, is not."""
    await _forget(request, await _find(request))
    return b""


async def _cancel(request: Request, message: Message) -> None:
    was = message.state
    kept = await cancel(request.context.ledger, message, request.now)
    if kept is not None and kept.error is not None:
        raise kept.error
    if kept is None or kept.lost:
        raise refuse("too_late", f"the message is {was}; only what no carrier has can be canceled", "/Status", 409)
    request.context.told(kept)


async def _forget(request: Request, message: Message) -> None:
    if not await texts.forget(request.context.ledger, message, actor=request.actor, now=request.now):
        detail = f"the message is {message.state}; its text can be forgotten once it has ended"
        raise Refused(Refusal("still_sending", detail, "/Body", 409))


# -- lists


async def list_messages(request: Request) -> TwilioPage:
    account, query = at_home(request), request.query
    size = min(query.page_size, 1_000)
    found = await reads.list_messages(request.context.ledger, where(request), _narrowed(request, query), size + 1)
    page, start = found[:size], query.page * size
    filters = {"To": query.to, "From": query.from_, "DateSent": query.date_sent}
    filters |= {"DateSent<": query.date_sent_before, "DateSent>": query.date_sent_after, "PageSize": size}
    uri = _pages(_PLACE.format(account=account), filters)
    last = page[-1] if len(found) > size else None
    token = None if last is None else twilio.sid(_TOKEN, last.accepted_at, last.id)
    return TwilioPage(
        messages=[view(account, message) for message in page],
        page=query.page,
        page_size=size,
        start=start,
        end=start + max(0, len(page) - 1),
        uri=uri(query.page, query.page_token),
        first_page_uri=uri(0, None),
        next_page_uri=None if token is None else uri(query.page + 1, token),
        previous_page_uri=None,
    )


def _pages(place: str, filters: dict[str, Any]) -> Callable[[int, str | None], str]:
    """Where a page is."""
    given = {name: value for name, value in filters.items() if value is not None}
    return lambda page, token: (
        f"{place}.json?" + urlencode({**given, "Page": page, **({"PageToken": token} if token is not None else {})})
    )


def _narrowed(request: Request, query: Narrowed) -> reads.MessageFilter:
    after, before = query.date_sent_after, query.date_sent_before
    after_ms = None if after is None else read_moment(after, "/DateSent>")
    before_ms = None if before is None else read_moment(before, "/DateSent<") + (_DAY_MS if len(before) == 10 else 1)
    if query.date_sent is not None:
        after_ms = read_moment(query.date_sent[:10], "/DateSent")
        before_ms = after_ms + _DAY_MS
    token = None if query.page_token is None else twilio.parse_sid(_TOKEN, query.page_token)
    if query.page_token is not None and token is None:
        raise refuse("bad_cursor", "give next_page_uri of the page before, unchanged", "/PageToken", 400)
    return reads.MessageFilter(
        to=_e164(request, query.to),
        sender=query.from_,
        after_ms=after_ms,
        before_ms=before_ms,
        below_id=None if token is None else token[1],
    )


def _e164(request: Request, number: str | None) -> str | None:
    found = None if number is None else numbers.parse(number, request.client.default_country)
    if isinstance(found, numbers.BadNumber):
        raise refuse(found.code, found.detail, "/to", 400)
    return None if found is None else found.e164


_LIST: Final = f"{_PLACE}.json"
_ONE: Final = f"{_PLACE}/{{sid}}.json"
_SEND: Final = "messages:send"
_READ: Final = "messages:read"
ROUTES: Final = (
    Route(
        *("POST", _LIST, create, _SEND),
        body=NewMessage,
        answer=TwilioMessage,
        status=201,
        summary="Send a message, in the shape of Twilio",
        shape=SHAPE,
    ),
    Route(
        *("GET", _LIST, list_messages, _READ),
        query=Narrowed,
        answer=TwilioPage,
        summary="List messages, in the shape of Twilio",
        shape=SHAPE,
    ),
    Route(
        *("GET", _ONE, show, _READ),
        answer=TwilioMessage,
        summary="Show a message, in the shape of Twilio",
        shape=SHAPE,
    ),
    Route(
        *("POST", _ONE, change, _SEND),
        body=Change,
        answer=TwilioMessage,
        summary="Take a message back, or forget its text, in the shape of Twilio",
        shape=SHAPE,
    ),
    Route(*("DELETE", _ONE, delete, _SEND), status=204, summary="Forget its text, in the shape of Twilio", shape=SHAPE),
)
