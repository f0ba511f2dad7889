"""What becomes of a message in the sandbox, step by step, and how its number or text asks for it."""

from collections.abc import Sequence
from typing import Final, NamedTuple


class Step(NamedTuple):
    """A state, and why, where it is a bad one."""

    status: str
    failure: tuple[str, str, str] | None = None  # class, code, the carrier's own code


SENT: Final = Step("sent")
DELIVERED: Final = Step("delivered")
_EXPIRED: Final = Step("expired", ("unreachable", "expired_at_carrier", "SB-28"))

# In the order of their digits, which begin at 01. Without a step: it is tried again and again, until its time is over.
FATES: Final[dict[str, Sequence[Step]]] = {
    "undelivered": (SENT, Step("undelivered", ("unreachable", "absent_subscriber", "SB-27"))),
    "expired": (SENT, _EXPIRED),
    "blocked": (SENT, Step("undelivered", ("permanent", "blocked_by_operator", "SB-30"))),
    "bad_number": (Step("failed", ("permanent", "invalid_number", "SB-11")),),
    "content": (Step("failed", ("content", "content_filtered", "SB-40")),),
    "opted_out": (Step("failed", ("opted_out", "opted_out_at_carrier", "SB-50")),),
    "unauthorised": (),
    "transient": (SENT, DELIVERED),
    "always_transient": (),
    "throttled": (SENT, DELIVERED),
    "never_answered": (),
    "no_receipt": (SENT,),
    "slow": (SENT, DELIVERED),
    "duplicate_receipts": (SENT, DELIVERED),
    "receipt_before_answer": (SENT, DELIVERED),
    "reordered": (SENT, DELIVERED),
    "corrected": (SENT, _EXPIRED, DELIVERED),
    "fake_receipt": (SENT, DELIVERED),
    "partly_delivered": (SENT, Step("undelivered", ("unreachable", "part_lost", "SB-29"))),
    "read": (SENT, DELIVERED, Step("read")),
    "unknown_code": (),
}
_ENDINGS: Final = {f"{ending:02d}": fate for ending, fate in enumerate(FATES, 1)}
_FICTION: Final = ("+447700900", "+1202555", "+4670174")
_MARK: Final = "[sandbox:"


def steps_of(to: str, text: str) -> tuple[str, Sequence[Step]]:
    """The fate that a text names, or a number of fiction ends in, and its steps."""
    name = text.partition(_MARK)[2].partition("]")[0]
    if name not in FATES:
        name = _ENDINGS.get(to[-2:], "delivered") if to.startswith(_FICTION) else "delivered"
    return name, FATES.get(name, (SENT, DELIVERED))


def reply_of(text: str) -> str | None:
    """What the phone answers when a text says [sandbox:reply:WORDS]."""
    return text.partition(f"{_MARK}reply:")[2].partition("]")[0] or None
