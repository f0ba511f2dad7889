"""A verification as a row, and as the API and its events show it. Neither shows the code, nor the text that has it."""

from typing import Final

import msgspec

from heliograph.core import ids
from heliograph.core.verify.policy import VerifyPolicy
from heliograph.core.verify.tallies import Place
from heliograph.core.views import moment

PENDING: Final = "pending"
APPROVED: Final = "approved"
CANCELED: Final = "canceled"
EXPIRED: Final = "expired"
FAILED: Final = "failed"
BLOCKED: Final = "blocked"
STATES: Final = (PENDING, APPROVED, CANCELED, EXPIRED, FAILED, BLOCKED)
PREFIX: Final = "ver"


class Verification(msgspec.Struct, gc=False):
    """The columns, in their order."""

    id: int
    workspace: int
    environment: int
    client: int
    state: str
    to: str
    country: str
    purpose: str | None
    locale: str
    origin: str | None
    app_hash: str | None
    sender: str | None
    plan: str
    step: int
    length: int
    alphabet: str
    salt: str
    hash: str
    checks: int
    max_checks: int
    sends: int
    max_sends: int
    started_at: int
    sent_at: int
    expires_at: int
    next_at: int | None
    ended_at: int | None
    is_told: int
    message: int | None
    phone: str
    ip: str | None
    device: str | None
    action: str
    reasons: str
    price: str | None
    currency: str | None
    email: str | None = None

    @property
    def public_id(self) -> str:
        return ids.make(PREFIX, self.started_at, self.id)

    @property
    def steps(self) -> list[tuple[str, int]]:
        return msgspec.json.decode(self.plan, type=list[tuple[str, int]])

    @property
    def place(self) -> Place:
        return Place(self.to, self.country, self.client, self.phone, self.ip, self.device)

    def take_step(self, now: int) -> None:
        """The next one of the plan; behind the last one, that one again."""
        steps = self.steps
        self.step = min(self.step + 1, len(steps))
        self.next_at = now + steps[self.step - 1][1] * 1_000 if self.step < len(steps) else None

    def status(self, now: int) -> str:
        """Where it stands; its end by time or by wrong codes is an end before anybody has written it down."""
        if self.state != PENDING:
            return self.state
        if self.checks >= self.max_checks:
            return FAILED
        return PENDING if now < self.expires_at else EXPIRED


FIELDS: Final = Verification.__struct_fields__
COLUMNS: Final = tuple("to_number" if name == "to" else name for name in FIELDS)
SELECT: Final = ", ".join(COLUMNS)


class GuardView(msgspec.Struct):
    """What the fraud guard said, and why."""

    action: str
    reasons: list[str]


class VerificationView(msgspec.Struct, kw_only=True):
    """A verification as the public API shows it."""

    id: str
    status: str
    to: str
    country: str
    channel: str
    purpose: str | None
    locale: str
    sends: int
    sends_left: int
    checks_left: int
    created_at: str
    expires_at: str
    may_resend_at: str | None
    ended_at: str | None
    message_id: str | None
    guard: GuardView
    price: str | None
    currency: str | None


def view(row: Verification, policy: VerifyPolicy, now: int) -> VerificationView:
    """As it stands at a time."""
    status = row.status(now)
    steps, is_open = row.steps, status == PENDING
    left = row.max_sends - row.sends if is_open else 0
    return VerificationView(
        id=row.public_id,
        status=status,
        to=row.to,
        country=row.country,
        channel=steps[min(max(row.step, 1), len(steps)) - 1][0],
        purpose=row.purpose,
        locale=row.locale,
        sends=row.sends,
        sends_left=left,
        checks_left=row.max_checks - row.checks if is_open else 0,
        created_at=moment(row.started_at),
        expires_at=moment(row.expires_at),
        may_resend_at=moment(row.sent_at + policy.pause_ms(row.sends)) if left else None,
        ended_at=None if row.ended_at is None else moment(row.ended_at),
        message_id=None if row.message is None or not row.sends else ids.make("msg", row.sent_at, row.message),
        guard=GuardView(row.action, msgspec.json.decode(row.reasons, type=list[str])),
        price=row.price,
        currency=row.currency,
    )
