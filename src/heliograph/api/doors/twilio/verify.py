"""`/v2/Services/{sid}/Verifications` and `/VerificationCheck`: start, show, cancel and check a verification.

A service is what a verification is for: whatever the path names, in each of them a phone has one pending verification
at a time, and asking again sends again. What has ended is not there any more, as there.
"""

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from heliograph.api.doors.twilio.shape import VERIFY_SHAPE, nothing_at
from heliograph.api.routes import Request, Route, refuse
from heliograph.core import ids, numbers
from heliograph.core.dropin import twilio
from heliograph.core.failures import Refused
from heliograph.core.views import moment
from heliograph.products.verify import statistics
from heliograph.products.verify.asking import VerificationRequest
from heliograph.products.verify.row import APPROVED, CANCELED, PENDING, PREFIX, Verification

_PLACE: Final = "/v2/Services/{service}"
_SCOPE: Final = "verify"
_PENDING_AT_MOST: Final = 200  # of one phone, in all services


class NewVerification(msgspec.Struct, kw_only=True, rename="pascal"):
    """Whom to verify. Fields that concern that service alone are read over."""

    to: str = ""
    channel: str = "sms"
    locale: str | None = None
    custom_code: str | None = None
    app_hash: str | None = None
    device_ip: str | None = None


class Change(msgspec.Struct, kw_only=True, rename="pascal"):
    """`Status=canceled` takes it back."""

    status: str = ""


class Check(msgspec.Struct, kw_only=True, rename="pascal"):
    """What the person typed."""

    code: Annotated[str, Meta(max_length=64)] = ""
    to: str | None = None
    verification_sid: str | None = None


class TwilioVerification(msgspec.Struct, kw_only=True):
    """A verification as Twilio shows it."""

    sid: str
    service_sid: str
    account_sid: str
    to: str
    channel: str
    status: str
    valid: bool
    lookup: dict[str, Any]
    amount: str | None
    payee: str | None
    send_code_attempts: list[dict[str, Any]]
    date_created: str
    date_updated: str
    sna: Any
    url: str


class TwilioCheck(msgspec.Struct, kw_only=True):
    """What a check has come to."""

    sid: str
    service_sid: str
    account_sid: str
    to: str
    channel: str
    status: str
    valid: bool
    amount: str | None
    payee: str | None
    date_created: str
    date_updated: str


async def start(request: Request) -> TwilioVerification:
    _within_rate(request)
    asked, verify, caller = request.body, request.context.verify, request.call.caller
    if asked.channel != "sms":
        raise refuse("unknown_channel", f"{asked.channel[:40]!r} is not possible here; Channel is sms", "/Channel", 400)
    pending = await _pending(request, asked.to)
    if pending is not None:
        row, _ = await verify.resend(caller, pending.public_id, request.now)
    else:
        wanted = VerificationRequest(
            to=asked.to,
            purpose=request.place["service"][:64],
            locale=asked.locale,
            code=asked.custom_code,
            app_hash=asked.app_hash,
            ip=asked.device_ip,
        )
        row, _ = await verify.start(caller, wanted, request.now)
    return _view(request, row, PENDING)


async def show(request: Request) -> TwilioVerification:
    return _view(request, await _find(request, request.place["sid"]), PENDING)


async def change(request: Request) -> TwilioVerification:
    if request.body.status != CANCELED:
        detail = "Status is canceled; a code is approved by checking it here"
        raise refuse("bad_value", detail, "/Status", 400)
    row = await _find(request, request.place["sid"])
    return _view(request, await request.context.verify.cancel(_where(request), row.public_id, request.now), CANCELED)


async def check(request: Request) -> TwilioCheck:
    _within_rate(request)
    asked = request.body
    if not asked.code:
        raise refuse("missing_field", "Code is missing: what did the person type?", "/Code", 400)
    if not (asked.to or asked.verification_sid):
        raise refuse("missing_field", "To or VerificationSid is missing: which verification is it?", "/To", 400)
    row = await _find(request, asked.verification_sid or asked.to)
    is_right = await request.context.verify.check(_where(request), row.public_id, asked.code, request.now)
    shown = _view(request, row, APPROVED if is_right else PENDING)
    fields = {name: getattr(shown, name) for name in TwilioCheck.__struct_fields__}
    return TwilioCheck(**fields | {"date_updated": _second(request.now)})


# -- parts


def _where(request: Request) -> tuple[int, int]:
    return request.client.workspace, request.client.environment


def _within_rate(request: Request) -> None:
    if refusal := request.call.over_rate(1):
        raise Refused(refusal)


async def _find(request: Request, named: str) -> Verification:
    """The pending one, by its sid or by the phone. Raises `Refused`."""
    place = twilio.parse_sid(twilio.VERIFICATION, named)
    if place is None:
        row = await _pending(request, named)
    else:
        row = await request.context.verify.find(_where(request), ids.make(PREFIX, *place))
    if row is None or row.purpose != request.place["service"][:64]:
        raise nothing_at(request)
    if row.checks >= row.max_checks:
        raise refuse("too_many_checks", "too many wrong codes; start a new verification", status=429)
    if row.status(request.now) != PENDING:
        raise nothing_at(request)
    return row


async def _pending(request: Request, to: str) -> Verification | None:
    """That of a phone in this service."""
    number = numbers.parse(to, request.client.default_country)
    if isinstance(number, numbers.BadNumber):
        raise refuse(number.code, number.detail, "/To", 400)
    narrowed = (number.e164, PENDING, None, _PENDING_AT_MOST, request.now)
    rows = await statistics.listed(request.context.ledger, _where(request), *narrowed)
    return next((row for row in rows if row.purpose == request.place["service"][:64]), None)


def _view(request: Request, row: Verification, status: str) -> TwilioVerification:
    sid = twilio.sid(twilio.VERIFICATION, row.started_at, row.id)
    attempt = {"time": _second(row.sent_at), "channel": "SMS", "attempt_sid": twilio.sid("VL", row.sent_at, row.id)}
    service = request.place["service"]
    return TwilioVerification(
        sid=sid,
        service_sid=service,
        account_sid=request.client.account_sid,
        to=row.to,
        channel="sms",
        status=status,
        valid=status == APPROVED,
        lookup={},
        amount=None,
        payee=None,
        send_code_attempts=[attempt],
        date_created=_second(row.started_at),
        date_updated=_second(row.ended_at or row.sent_at),
        sna=None,
        url=f"{request.context.public_url or ''}{_PLACE.format(service=service)}/Verifications/{sid}",
    )


def _second(at_ms: int) -> str:
    """RFC 3339 without a fraction, which their clients don't read."""
    return moment(at_ms)[:19] + "Z"


ROUTES: Final = (
    Route(
        *("POST", f"{_PLACE}/Verifications", start, _SCOPE),
        body=NewVerification,
        answer=TwilioVerification,
        status=201,
        summary="Send a one-time code, in the shape of Twilio",
        shape=VERIFY_SHAPE,
    ),
    Route(
        *("GET", f"{_PLACE}/Verifications/{{sid}}", show, _SCOPE),
        answer=TwilioVerification,
        summary="Show a pending verification, in the shape of Twilio",
        shape=VERIFY_SHAPE,
    ),
    Route(
        *("POST", f"{_PLACE}/Verifications/{{sid}}", change, _SCOPE),
        body=Change,
        answer=TwilioVerification,
        summary="Take a verification back, in the shape of Twilio",
        shape=VERIFY_SHAPE,
    ),
    Route(
        *("POST", f"{_PLACE}/VerificationCheck", check, _SCOPE),
        body=Check,
        answer=TwilioCheck,
        summary="Check a code, in the shape of Twilio",
        shape=VERIFY_SHAPE,
    ),
)
