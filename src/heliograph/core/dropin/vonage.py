"""A message in the words of Vonage's SMS interface: states, error codes, and the signature of its receipts."""

import hmac
import re
from collections.abc import Mapping
from typing import Final

from heliograph.core import failures
from heliograph.core.failures import INVALID_NUMBER

WORDS: Final = {
    "message.sent": "accepted",
    "message.delivered": "delivered",
    "message.undelivered": "failed",
    "message.failed": "failed",
    "message.rejected": "rejected",
    "message.expired": "expired",
    "message.canceled": "failed",
}
_BY_CLASS: Final = {
    failures.PERMANENT: 12,
    failures.TRANSIENT: 8,
    failures.THROTTLED: 16,
    failures.UNAUTHORISED: 99,
    failures.CONTENT: 6,
    failures.UNREACHABLE: 2,
    failures.OPTED_OUT: 9,
    failures.UNKNOWN: 1,
}


def error_of(word: str, failure: str | None, code: str | None) -> int:
    """Their `err-code`; 0: nothing is wrong."""
    if word in ("accepted", "delivered"):
        return 0
    if code == INVALID_NUMBER:
        return 3
    return _BY_CLASS.get(failure or "", 2 if word == "expired" else 1)


def signature(secret: bytes, fields: Mapping[str, str]) -> str:
    """`sig`, by the method sha256, an HMAC."""
    signed = "".join(f"&{name}={re.sub('[&=]', '_', fields[name])}" for name in sorted(fields))
    return hmac.digest(secret, signed.encode(), "sha256").hex()
