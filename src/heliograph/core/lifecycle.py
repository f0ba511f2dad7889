"""The life of a message: (state, fact) → state.

A message is accepted, waits (`scheduled` until its time, `queued` for its turn), is handed over (`sending`),
is taken by the carrier (`sent`) and ends. Its rank only rises; a failed attempt that may be repeated is the one
way back, from `sending` to `queued`, before anybody was told anything else. Among the ends the first one wins,
except that a later `delivered` corrects undelivered, expired and failed, and that `read` follows delivered.
Facts that change nothing are answered with the reason, so that the history can keep them.

Everything about transitions stands in the table below; the picture in docs/reference/lifecycle.md is drawn from it.
"""

from functools import cache
from typing import Final, NamedTuple

ACCEPTED: Final = "accepted"
SCHEDULED: Final = "scheduled"
QUEUED: Final = "queued"
SENDING: Final = "sending"
SENT: Final = "sent"
DELIVERED: Final = "delivered"
READ: Final = "read"
UNDELIVERED: Final = "undelivered"
FAILED: Final = "failed"
REJECTED: Final = "rejected"
EXPIRED: Final = "expired"
CANCELED: Final = "canceled"

RANK: Final[dict[str, int]] = {
    ACCEPTED: 0,
    SCHEDULED: 1,
    QUEUED: 2,
    SENDING: 3,
    SENT: 4,
    UNDELIVERED: 5,
    FAILED: 5,
    REJECTED: 5,
    EXPIRED: 5,
    CANCELED: 5,
    DELIVERED: 6,
    READ: 7,
}
STATES: Final = tuple(RANK)
ENDS: Final = frozenset({DELIVERED, READ, UNDELIVERED, FAILED, REJECTED, EXPIRED, CANCELED})
WAITING_STATES: Final = frozenset({SCHEDULED, QUEUED})
CORRECTABLE: Final = frozenset({UNDELIVERED, EXPIRED, FAILED})


class Step(NamedTuple):
    """Where a fact leads: the new state, the event to emit, whether it corrects an end, or why nothing changes."""

    state: str
    event: str | None
    correction: bool = False
    ignored: str | None = None


# fact → (state that it leads to, states from which it may).
_BEFORE_CARRIER: Final = frozenset({ACCEPTED, SCHEDULED, QUEUED})
_AT_CARRIER: Final = frozenset({SENDING, SENT})
_OPEN: Final = _BEFORE_CARRIER | _AT_CARRIER
FACTS: Final[dict[str, tuple[str, frozenset[str]]]] = {
    "schedule": (SCHEDULED, frozenset({ACCEPTED})),
    "queue": (QUEUED, frozenset({ACCEPTED, SCHEDULED})),
    "hand_over": (SENDING, _BEFORE_CARRIER),
    # The carrier accepted the attempt; from `queued` when that is only heard after its outcome was given up on.
    "taken": (SENT, frozenset({SENDING, QUEUED})),
    "try_again": (QUEUED, _AT_CARRIER),  # the attempt failed, another may help
    "delivered": (DELIVERED, _OPEN | CORRECTABLE),
    "read": (READ, _OPEN | CORRECTABLE | {DELIVERED}),
    "undelivered": (UNDELIVERED, _OPEN),
    "refused": (FAILED, _OPEN),  # the carrier refused for good, or we gave up
    "expired": (EXPIRED, _OPEN),
    "reject": (REJECTED, _BEFORE_CARRIER),  # our own policy
    "cancel": (CANCELED, _BEFORE_CARRIER),
}
# Progress reports without a change of state: kept in the history, nobody is told.
NOTES: Final = frozenset({"buffered"})


@cache
def advance(state: str, fact: str) -> Step:
    """Apply one fact to a state. There are few pairs: each is worked out once."""
    if fact in NOTES:
        return Step(state, None, ignored="progress report")
    target, origins = FACTS[fact]
    if state in origins:
        correction = state in CORRECTABLE
        return Step(target, None if target == SENDING else f"message.{target}", correction)
    return Step(state, None, ignored=_why_not(state, target))


def _why_not(state: str, target: str) -> str:
    if state == target:
        return "duplicate"
    if state in ENDS:
        return f"already {state}"
    return f"older than {state}"


def worst_part(facts: list[str]) -> str | None:
    """What the receipts of all parts say of the message: delivered only when every part is; None while some are open.

    One part that failed for good decides at once: the text can't be read without it.
    """
    for fact in ("refused", "undelivered", "expired"):
        if fact in facts:
            return fact
    if any(fact not in ("delivered", "read") for fact in facts):
        return None
    return "read" if "read" in facts else "delivered"
