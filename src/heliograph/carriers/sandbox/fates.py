"""What can become of a message in the sandbox, and how a number or a text asks for it. Pure: no clock, no chance."""

from typing import Final

import msgspec

from heliograph.core import failures
from heliograph.core.lookups import Looked

# Numbers of fiction: nobody has them. Their last two digits choose a fate; other endings are delivered.
FICTION: Final = ("+447700900", "+1202555", "+4670174")
MARK: Final = "[sandbox:"
ALL, LAST, OTHERS = "all", "last", "others"  # of the parts of a message


class Report(msgspec.Struct, frozen=True):
    """One receipt: what it says, and when, as a multiple of the connector's receipt delay."""

    fact: str
    after: float = 1.0
    failure: str | None = None
    code: str | None = None
    carrier_code: str | None = None
    parts: str = ALL  # or the last one, or all others
    unknown_id: bool = False  # about a message that never was
    early: bool = False  # before the answer
    reaches_phone: bool = False  # the first that tells the truth of a delivery: now the phone may answer


class Fate(msgspec.Struct, frozen=True):
    """How the carrier answers, and what it reports later."""

    answer: str = "accepted"  # accepted | refused | silent
    failure: str | None = None
    code: str | None = None
    carrier_code: str | None = None
    attempts: int = 0  # only the first so many attempts fare so, later ones are delivered; 0: all
    reports: tuple[Report, ...] = ()


_DELIVERED: Final = Report("delivered", reaches_phone=True)


def _refused(failure: str, code: str, carrier_code: str, attempts: int = 0) -> Fate:
    return Fate("refused", failure, code, carrier_code, attempts)


def _undelivered(failure: str, code: str, carrier_code: str) -> Fate:
    return Fate(reports=(Report("undelivered", 1.0, failure, code, carrier_code),))


FATES: Final[dict[str, Fate]] = {
    "delivered": Fate(reports=(_DELIVERED,)),
    "undelivered": _undelivered(failures.UNREACHABLE, "absent_subscriber", "SB-27"),
    "expired": Fate(reports=(Report("expired", 2.0, failures.UNREACHABLE, "expired_at_carrier", "SB-28"),)),
    "blocked": _undelivered(failures.PERMANENT, "blocked_by_operator", "SB-30"),
    "bad_number": _refused(failures.PERMANENT, "invalid_number", "SB-11"),
    "content": _refused(failures.CONTENT, "content_filtered", "SB-40"),
    "opted_out": _refused(failures.OPTED_OUT, "opted_out_at_carrier", "SB-50"),
    "unauthorised": _refused(failures.UNAUTHORISED, "credentials_rejected", "SB-60"),
    "transient": _refused(failures.TRANSIENT, "carrier_busy", "SB-70", attempts=1),
    "always_transient": _refused(failures.TRANSIENT, "carrier_busy", "SB-70"),
    "throttled": _refused(failures.THROTTLED, "too_fast", "SB-80", attempts=1),
    "never_answered": Fate("silent"),
    "no_receipt": Fate(),
    "slow": Fate(reports=(Report("delivered", 10.0, reaches_phone=True),)),
    "duplicate_receipts": Fate(reports=(_DELIVERED, Report("delivered", 1.2), Report("delivered", 3.0))),
    "receipt_before_answer": Fate(reports=(Report("delivered", 0.0, early=True, reaches_phone=True),)),
    "reordered": Fate(reports=(_DELIVERED, Report("buffered", 1.5))),
    "corrected": Fate(
        reports=(
            Report("expired", 1.0, failures.UNREACHABLE, "expired_at_carrier", "SB-28"),
            Report("delivered", 3.0, reaches_phone=True),
        )
    ),
    "fake_receipt": Fate(reports=(Report("delivered", 0.5, unknown_id=True), _DELIVERED)),
    "partly_delivered": Fate(
        reports=(
            Report("delivered", 1.0, parts=OTHERS),
            Report("undelivered", 1.5, failures.UNREACHABLE, "part_lost", "SB-29", parts=LAST),
        )
    ),
    "read": Fate(reports=(_DELIVERED, Report("read", 3.0))),
    "unknown_code": _refused(failures.UNKNOWN, "unknown_code", "SB-99"),
}

# The last two digits of a number of fiction.
ENDINGS: Final[dict[str, str]] = {
    f"{ending:02d}": name for ending, name in enumerate((name for name in FATES if name != "delivered"), 1)
}


def asked_for(number: str, text: str | None) -> str | None:
    """The fate that a text or a number asks for by name or by its last digits."""
    if text is not None and MARK in text:
        name = text.partition(MARK)[2].partition("]")[0]
        if name in FATES:
            return name
    return ENDINGS.get(number[-2:]) if number.startswith(FICTION) else None


def reply_asked_for(text: str | None) -> str | None:
    """What the phone answers, when a text says [sandbox:reply:WORDS]."""
    if text is None or f"{MARK}reply:" not in text:
        return None
    return text.partition(f"{MARK}reply:")[2].partition("]")[0] or None


def looked(number: str) -> Looked:
    """What is said of a number to who asks: those that are refused as bad are not in use, all others are mobiles."""
    if asked_for(number, None) == "bad_number":
        return Looked(valid=False)
    return Looked(True, "mobile", "Sandbox", "00101")
