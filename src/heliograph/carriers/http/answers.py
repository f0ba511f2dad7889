"""Outcomes of sends, in the few forms that there are, and what an HTTP status says when no code of the provider does.

Only three ends are honest: accepted (an id came), refused (an answer that says no) and unknown (anything else).
"""

from functools import cache
from importlib import resources
from typing import Final

import msgspec

from heliograph.carriers.http.provider import Answer
from heliograph.core.failures import INVALID_NUMBER, OPTED_OUT, PERMANENT, THROTTLED, TRANSIENT, UNAUTHORISED, UNKNOWN
from heliograph.core.message import Outcome

_BY_STATUS: Final = {
    401: UNAUTHORISED,
    402: UNAUTHORISED,
    403: UNAUTHORISED,
    408: TRANSIENT,
    425: TRANSIENT,
    429: THROTTLED,
}


class Code(msgspec.Struct, frozen=True):
    """A provider's code, as we read it."""

    failure: str = UNKNOWN  # class of our taxonomy
    elsewhere: bool = False  # only another carrier or sender can help
    number: bool = False  # it is the number: it does not exist, or takes no texts
    meaning: str = ""


@cache
def codes(provider: str) -> dict[str, Code]:
    """The code table of a provider, from `codes/`."""
    file = resources.files("heliograph.carriers.http") / "codes" / f"{provider}.json"
    return msgspec.json.decode(file.read_bytes(), type=dict[str, Code])


def our_code(failure: str, provider: str, code: str | None) -> str:
    """Our stable code for what a provider's code says, in an answer or in a report."""
    if failure == PERMANENT and codes(provider).get(code or "", Code()).number:
        return INVALID_NUMBER
    return OUR_CODES[failure]


def accepted(
    *carrier_ids: str, price: str | None = None, currency: str | None = None, parts: int | None = None
) -> Outcome:
    return Outcome("accepted", carrier_ids, price=price, currency=currency, parts=parts)


def refused(provider: str, code: str, answer: Answer) -> Outcome:
    """By the provider's code; one that we don't know counts as its HTTP status does."""
    known = codes(provider).get(code)
    if known is None:
        return msgspec.structs.replace(by_status(answer), carrier_code=code)
    return Outcome(
        "refused",
        failure=known.failure,
        code=our_code(known.failure, provider, code),
        carrier_code=code,
        retry_after_ms=answer.retry_after_ms,
        elsewhere=known.elsewhere,
    )


def by_status(answer: Answer) -> Outcome:
    """When no code decides. What a server says with 5xx, or with a 2xx that we can't read, is not known to be a no."""
    status = answer.status
    if status == 503 and answer.retry_after_ms is not None:
        failure = THROTTLED
    elif 400 <= status < 500 and status != 409:  # a conflict with what? only a code can tell
        failure = _BY_STATUS.get(status, PERMANENT)
    else:
        return Outcome("unknown", failure=UNKNOWN, code="unclear_answer", carrier_code=str(status))
    return Outcome(
        "refused",
        failure=failure,
        code=OUR_CODES.get(failure),
        carrier_code=str(status),
        retry_after_ms=answer.retry_after_ms,
    )


def no(carrier_code: str | None) -> Outcome:
    """An answer that clearly says no, with a code that we don't know."""
    return Outcome("refused", failure=UNKNOWN, code=OUR_CODES[UNKNOWN], carrier_code=carrier_code)


# Our stable code for each class of failure, where the provider's own code says more.
OUR_CODES: Final = {
    PERMANENT: "refused_by_carrier",
    TRANSIENT: "carrier_busy",
    THROTTLED: "too_fast",
    UNAUTHORISED: "carrier_unauthorised",
    "content": "content_refused",
    "unreachable": "unreachable",
    OPTED_OUT: "opted_out_at_carrier",
    UNKNOWN: "unknown_at_carrier",
}
