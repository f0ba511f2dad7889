"""One-time codes: start, check, send again."""

from typing import TypedDict, Unpack

from heliograph.sdk.asking import D, Resource, asks, lists
from heliograph.sdk.exchange import Ask, at, given
from heliograph.sdk.models import Page
from heliograph.sdk.models.verifications import Checked, Started, Verification


class PlanStep(TypedDict, total=False):
    """One way to reach the person, and how long to wait before the next one is tried."""

    channel: str
    wait_s: int


class VerificationFields(TypedDict, total=False):
    """How to verify, and what the fraud guard should know."""

    channel: str
    email: str
    plan: list[PlanStep]
    purpose: str
    locale: str
    code_length: int
    alphabet: str  # numeric or alphanumeric
    lifetime_s: int
    code: str
    sender: str
    origin: str
    app_hash: str
    ip: str
    device: str
    challenge_passed: bool


class VerificationFilter(TypedDict, total=False):
    """What a list is narrowed to."""

    to: str
    status: str
    limit: int
    cursor: str


class Verifications(Resource[D]):
    """One verification each."""

    @asks
    def start(self, to: str, **more: Unpack[VerificationFields]) -> Ask[Started]:
        """Send a code. With test keys `test_code` has it; there is nobody to read it off a phone."""
        return Ask("POST", at("verifications"), Started, body={"to": to, **more}, can_wait=False)

    @asks
    def check(self, verification_id: str, code: str) -> Ask[Checked]:
        """Is it the code? Wrong, expired and used before are all the same: `is_approved` is False."""
        return Ask("POST", at("verifications", verification_id, "check"), Checked, body={"code": code})

    @asks
    def resend(self, verification_id: str, *, channel: str | None = None) -> Ask[Started]:
        """Send the code again, over another channel if one is named. `RateLimited` says how long to wait first."""
        path = at("verifications", verification_id, "resend")
        return Ask("POST", path, Started, body=given(channel=channel), can_wait=False)

    @asks
    def cancel(self, verification_id: str) -> Ask[Verification]:
        """Take it back: its code is worth nothing from now on."""
        return Ask("POST", at("verifications", verification_id, "cancel"), Verification)

    @asks
    def get(self, verification_id: str) -> Ask[Verification]:
        """How it stands."""
        return Ask("GET", at("verifications", verification_id), Verification)

    @asks
    def list(self, **narrowed: Unpack[VerificationFilter]) -> Ask[Page[Verification]]:
        """One page of verifications, the newest first."""
        return Ask("GET", at("verifications"), Page[Verification], query=narrowed)

    @lists
    def iterate(self, **narrowed: Unpack[VerificationFilter]) -> Ask[Page[Verification]]:
        """All of them, page by page."""
        return Ask("GET", at("verifications"), Page[Verification], query=narrowed)
