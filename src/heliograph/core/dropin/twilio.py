"""A message in the words of Twilio: ids, states, error codes."""

import hashlib
from typing import Final

from heliograph.core import failures, ids
from heliograph.core.failures import INVALID_NUMBER

API_VERSION: Final = "2010-04-01"
MESSAGE: Final = "SM"
VERIFICATION: Final = "VE"
VALIDITY: Final = 30036

_STATUS: Final = {"rejected": "failed", "expired": "failed"}
# What a message failed of → the code that its sender knows.
_BY_CODE: Final = {"opted_out": 21610, INVALID_NUMBER: 30005}
_BY_CLASS: Final = {
    failures.PERMANENT: 30008,
    failures.TRANSIENT: 30017,
    failures.THROTTLED: 30001,
    failures.UNAUTHORISED: 30008,
    failures.CONTENT: 30007,
    failures.UNREACHABLE: 30003,
    failures.OPTED_OUT: 21610,
    failures.UNKNOWN: 30008,
}
MEANINGS: Final = {
    21610: "The recipient has opted out",
    30001: "Too many messages at once",
    30003: "The handset can't be reached",
    30005: "There is no such handset",
    30007: "The message was filtered",
    30008: "Unknown error",
    30017: "The carrier's network is congested",
    VALIDITY: "The validity period is over",
}


def account_sid(workspace: int, created_at: int) -> str:
    """A workspace in the shape of an account. No secret: it only names."""
    return "AC" + hashlib.sha256(b"workspace %d %d" % (workspace, created_at)).hexdigest()[:32]


def sid(prefix: str, at_ms: int, number: int) -> str:
    """An id of ours in the shape of theirs: two letters and 32 hexadecimal digits."""
    return prefix + ids.in_hex(at_ms, number)


def parse_sid(prefix: str, text: str) -> tuple[int, int] | None:
    """(at_ms, number), or None when it is no such id."""
    return ids.parse_hex(text.removeprefix(prefix)) if text.startswith(prefix) else None


def status_of(state: str, *, was_sent: bool) -> str:
    """Their word for a state. What expires at a carrier was not delivered; what expires here was never sent."""
    return "undelivered" if state == "expired" and was_sent else _STATUS.get(state, state)


def error_of(state: str, failure: str | None, code: str | None, *, was_sent: bool) -> int | None:
    """Their number for why a message did not arrive; None while nothing is wrong."""
    if state == "expired":
        return 30003 if was_sent else VALIDITY
    if failure is None:
        return 30008 if state in ("undelivered", "failed", "rejected") else None
    return _BY_CODE.get(code or "") or _BY_CLASS.get(failure, 30008)
