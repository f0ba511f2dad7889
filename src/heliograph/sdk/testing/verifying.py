"""One-time codes of the fake."""

from typing import Final

from heliograph.sdk.testing import messages, texts
from heliograph.sdk.testing.memory import Code, Memory, Shown
from heliograph.sdk.testing.problems import Wrong, not_found

CHECKS: Final = 5
SENDS: Final = 5
_LIFETIME_S: Final = 600
_PAUSE_S: Final = 30


def start(memory: Memory, asked: Shown) -> Shown:
    """Send a code. Raises `Wrong`."""
    to = texts.number(asked.get("to", ""), "/to")
    lifetime = asked.get("lifetime_s") or _LIFETIME_S
    verification_id, now = memory.new_id("ver"), memory.now()
    length = asked.get("code_length") or 6
    code = asked.get("code") or f"{int(verification_id[4:]) * 7_919 % 10**length:0{length}d}"
    message = _send(memory, to, code, verification_id)
    shown: Shown = {
        "id": verification_id,
        "status": "pending",
        "to": to,
        "country": texts.country(to),
        "channel": asked.get("channel") or "sms",
        "purpose": asked.get("purpose"),
        "locale": asked.get("locale") or "en",
        "sends": 1,
        "sends_left": SENDS - 1,
        "checks_left": CHECKS,
        "created_at": memory.moment(),
        "expires_at": memory.moment(now + lifetime),
        "may_resend_at": memory.moment(now + _PAUSE_S),
        "ended_at": None,
        "message_id": message,
        "guard": {"action": "allow", "reasons": []},
        "price": None,
        "currency": None,
    }
    memory.verifications[verification_id] = Code(shown, code, now + lifetime, now + _PAUSE_S)
    return {**shown, "test_code": code}


def find(memory: Memory, verification_id: str) -> Code:
    """As it stands now. Raises `Wrong`."""
    if verification_id not in memory.verifications:
        raise not_found("verification", verification_id)
    found = memory.verifications[verification_id]
    if found.shown["status"] == "pending" and memory.now() >= found.expires_at:
        _end(memory, found, "expired")
    return found


def check(memory: Memory, verification_id: str, code: str) -> Shown:
    """Is it the code? Raises `Wrong`."""
    found = find(memory, verification_id)
    is_approved = False
    if found.shown["status"] == "pending":
        is_approved = found.code == code.strip()
        found.shown["checks_left"] -= 1
        if is_approved:
            _end(memory, found, "approved")
        elif found.shown["checks_left"] == 0:
            _end(memory, found, "failed")
    return {"id": verification_id, "is_approved": is_approved}


def resend(memory: Memory, verification_id: str) -> Shown:
    """Send the code again. Raises `Wrong`."""
    found = _pending(memory, verification_id)
    if memory.now() < found.may_resend_at:
        detail = f"the code was sent a moment ago; may_resend_at: {memory.moment(found.may_resend_at)}"
        raise Wrong("resend_too_soon", detail, status=429)
    found.shown["message_id"] = _send(memory, found.shown["to"], found.code, verification_id)
    found.shown["sends"] += 1
    found.shown["sends_left"] -= 1
    found.may_resend_at = memory.now() + _PAUSE_S
    found.shown["may_resend_at"] = memory.moment(found.may_resend_at)
    return {**found.shown, "test_code": found.code}


def cancel(memory: Memory, verification_id: str) -> Shown:
    """Take it back. Raises `Wrong`."""
    found = _pending(memory, verification_id)
    _end(memory, found, "canceled")
    return found.shown


def _pending(memory: Memory, verification_id: str) -> Code:
    found = find(memory, verification_id)
    if found.shown["status"] != "pending":
        detail = f"the verification is {found.shown['status']}; start a new one"
        raise Wrong("verification_ended", detail, status=409)
    return found


def _send(memory: Memory, to: str, code: str, verification_id: str) -> str:
    asked = {"to": to, "text": f"{code} is your code.", "kind": "otp", "correlation_id": verification_id}
    return str(messages.accept(memory, asked)["id"])


def _end(memory: Memory, found: Code, status: str) -> None:
    found.shown |= {"status": status, "sends_left": 0, "checks_left": 0, "may_resend_at": None}
    found.shown["ended_at"] = memory.moment() if status != "failed" else None
