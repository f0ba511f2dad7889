"""Why a code is not sent, in words for the application."""

from typing import Final

from heliograph.core.failures import Refusal, Refused
from heliograph.core.verify.guard import CHALLENGE, DELAY, REASONS, Judgement
from heliograph.engine.users.throttle import TooSoon
from heliograph.products.verify.row import Verification

_CODES: Final = {DELAY: "verification_delayed", CHALLENGE: "challenge_needed"}
_WHAT: Final = {
    DELAY: "ask again when Retry-After is over",
    CHALLENGE: "have them solve a riddle, and ask again with challenge_passed: true",
}


class Early(TooSoon):
    """Wait first; the answer says how long."""

    def __init__(self, code: str, detail: str, wait_ms: int) -> None:
        Refused.__init__(self, Refusal(code, detail, status=429))
        self.wait_s = max(1, -(-wait_ms // 1_000))


def kept_back(public_id: str, judgement: Judgement) -> Refused:
    """The guard holds it back."""
    why = "; ".join(f"{reason}: {REASONS[reason][1]}" for reason in judgement.reasons)
    detail = f"{why}. It is kept as {public_id}"
    if judgement.action in _WHAT:
        detail = f"{detail}; {_WHAT[judgement.action]}"
    code = _CODES.get(judgement.action, "verification_blocked")
    if judgement.action == DELAY:
        return Early(code, detail, judgement.wait_ms)
    return Refused(Refusal(code, detail, "/to", 403))


def too_soon(wait_ms: int) -> Refused:
    return Early("resend_too_soon", "another code was sent a moment ago; the pauses grow with each", wait_ms)


def too_many(row: Verification) -> Refused:
    detail = f"{row.max_sends} codes were sent, which is all; start a new verification"
    return Refused(Refusal("no_more_sends", detail, status=409))


def gone(row: Verification, now: int) -> Refused:
    return Refused(Refusal("verification_ended", f"the verification is {row.status(now)}; start a new one", status=409))


def not_found(public_id: str) -> Refused:
    return Refused(Refusal("not_found", f"there is no verification {public_id[:60]!r}", status=404))
