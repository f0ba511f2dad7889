"""How Twilio's interface looks: errors, times, ids, pages."""

from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final

import msgspec

from heliograph.api.routes import Request
from heliograph.api.shape import Shape
from heliograph.core.failures import Refusal, Refused

JSON: Final = b"application/json"
NOT_FOUND: Final = 20404
_INVALID: Final = 20422
# Our codes, and where a code may mean several fields, the fields → their numbers.
_NUMBERS: Final = {
    "missing_credentials": 20003,
    "malformed_credentials": 20003,
    "invalid_credentials": 20003,
    "key_revoked": 20003,
    "credentials_expired": 20003,
    "ip_not_allowed": 20003,
    "missing_scope": 20003,
    "too_many_failures": 20429,
    "rate_limited": 20429,
    "verification_delayed": 20429,
    "budget_exceeded": 21611,
    "runaway": 21611,
    "frequency_cap": 21611,
    "not_found": NOT_FOUND,
    "ledger_unavailable": 20503,
    "not_ready": 20503,
    "internal_error": 20500,
    "opted_out": 21610,
    "no_consent": 21610,
    "consent_in_review": 21610,
    "type_not_allowed": 21614,
    "network_not_allowed": 21614,
    "number_not_reachable": 21612,
    "number_cooling_down": 21612,
    "no_route": 21612,
    "test_number": 21612,
    "not_on_allowlist": 21608,
    "bad_sender": 21212,
    "unknown_sender": 21606,
    "sender_not_possible": 21606,
    "sender_not_registered": 30034,
    "sender_not_for_country": 21606,
    "sender_not_for_kind": 21606,
    "no_sender_in_pool": 21703,
    "empty_text": 21602,
    "forbidden_character": 21618,
    "content_blocked": 30007,
    "over_budget": 21617,
    "bad_url": 21609,
    "bad_span": 21624,
    "too_late": 30409,
    "still_sending": 20009,
    "verification_blocked": 60410,
    "challenge_needed": 60410,
    "resend_too_soon": 20429,
    "no_more_sends": 60203,
    "verification_ended": NOT_FOUND,
    "too_many_checks": 60202,
    "key_needed": 21609,
}
_FIELDS: Final = {"/to": 21211, "/To": 21604}
_WRONG_PARAMETER: Final = 60200  # what Verify says of every field
# Where a number is told with another status than our code is.
_STATUSES: Final = {422: 400}


class TwilioError(msgspec.Struct):
    """What is wrong, as Twilio says it. `details` has our own code, and the field that it concerns."""

    code: int
    message: str
    more_info: str
    status: int
    details: dict[str, str]


def tell(refusals: Sequence[Refusal], request_id: str) -> tuple[int, bytes, bytes]:
    """The first of them: their clients know one error at a time."""
    first = refusals[0]
    status = _STATUSES.get(first.status, first.status)
    return _told(
        _NUMBERS.get(first.code) or _FIELDS.get(first.pointer) or _by_status(status), first, status, request_id
    )


def tell_verify(refusals: Sequence[Refusal], request_id: str) -> tuple[int, bytes, bytes]:
    """The same of a verification, whose numbers for wrong fields are others."""
    first = refusals[0]
    status = _STATUSES.get(first.status, first.status)
    code = _NUMBERS.get(first.code) or (_WRONG_PARAMETER if status == 400 else _by_status(status))
    return _told(code, first, status, request_id)


def _told(code: int, first: Refusal, status: int, request_id: str) -> tuple[int, bytes, bytes]:
    details = {"code": first.code, "pointer": first.pointer, "request_id": request_id}
    error = TwilioError(code, first.detail, f"https://www.twilio.com/docs/errors/{code}", status, details)
    return status, JSON, msgspec.json.encode(error)


def _by_status(status: int) -> int:
    return {401: 20003, 403: 20003, 404: NOT_FOUND, 429: 20429, 500: 20500, 503: 20503}.get(status, _INVALID)


SHAPE: Final = Shape(tell=tell, problem=TwilioError)
VERIFY_SHAPE: Final = Shape(tell=tell_verify, problem=TwilioError)


def nothing_at(request: Request) -> Refused:
    """To be raised where there is nothing, or nothing of the caller's."""
    what = "/".join(request.place.values())
    return Refused(Refusal("not_found", f"the requested resource {what[:120]} was not found", status=404))


def at_home(request: Request) -> str:
    """The account in the path, which is the caller's own. Raises `Refused`."""
    if request.place["account"] != request.client.account_sid:
        raise nothing_at(request)
    return request.place["account"]


def rfc_2822(at_ms: int | None) -> str | None:
    return None if at_ms is None else format_datetime(datetime.fromtimestamp(at_ms // 1000, UTC))


def read_moment(text: str, pointer: str) -> int:
    """A date, or a time in UTC, in milliseconds. Raises `Refused`."""
    try:
        moment = datetime.fromisoformat(text)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        detail = f"{text[:40]!r} is no date such as 2026-11-21, and no time such as 2026-11-21T09:00:00Z"
        raise Refused(Refusal("bad_time", detail, pointer, 400)) from None


def flag(text: str | None) -> bool:
    return text is not None and text.lower() in ("true", "1")


def unsupported(pointer: str, why: str) -> Refused:
    return Refused(Refusal("not_supported", why, pointer, 400))
