"""What is told of one-time codes."""

from datetime import datetime
from decimal import Decimal

import msgspec


class Guard(msgspec.Struct, frozen=True, kw_only=True):
    """What the fraud guard said, and why."""

    action: str
    reasons: list[str]


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """A verification as the public API shows it."""

    id: str
    status: str
    to: str
    country: str
    channel: str
    purpose: str | None = None
    locale: str
    sends: int
    sends_left: int
    checks_left: int
    created_at: datetime
    expires_at: datetime
    may_resend_at: datetime | None = None
    ended_at: datetime | None = None
    message_id: str | None = None
    guard: Guard
    price: Decimal | None = None
    currency: str | None = None


class Started(Verification, frozen=True, kw_only=True):
    """A verification that has begun. `test_code`: with test keys alone, whose messages reach no phone."""

    test_code: str | None = None


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """Was it the code? Wrong, expired, used before, unknown: that is all the same here."""

    id: str
    is_approved: bool
