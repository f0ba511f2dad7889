"""The arithmetic of callback signatures; each adapter says what is signed and where the proof stands."""

import hashlib
import hmac
from base64 import b64decode, b64encode, urlsafe_b64decode
from typing import Any, Final

import msgspec

STALE_S: Final = 300  # a signed time may be so far from ours


def same(given: str, wanted: str) -> bool:
    """Constant-time comparison."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode())


def hmac_hex(algorithm: str, secret: str | bytes, signed: bytes) -> str:
    return hmac.new(_bytes(secret), signed, algorithm).hexdigest()


def hmac_base64(algorithm: str, secret: str | bytes, signed: bytes) -> str:
    return b64encode(hmac.new(_bytes(secret), signed, algorithm).digest()).decode()


def sha256_hex(octets: bytes) -> str:
    return hashlib.sha256(octets).hexdigest()


def basic(user: str, password: str) -> str:
    """The value of an Authorization header."""
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


def is_stale(timestamp: str, now_ms: int, within_s: int = STALE_S) -> bool:
    """Is a signed time, in seconds, too far from now, or no time at all?"""
    try:
        return not abs(now_ms / 1000 - float(timestamp)) <= within_s
    except ValueError:
        return True


def jwt_claims(token: str, secret: str, algorithms: tuple[str, ...]) -> dict[str, Any] | None:
    """The claims of a token that an HMAC of `secret` signs with one of the algorithms (HS256, …); else None."""
    head, dot, rest = token.partition(".")
    payload, second_dot, signature = rest.partition(".")
    if not dot or not second_dot:
        return None
    try:
        header = msgspec.json.decode(_part(head), type=dict[str, Any])
        claims = msgspec.json.decode(_part(payload), type=dict[str, Any])
        given = _part(signature)
    except (ValueError, msgspec.DecodeError, msgspec.ValidationError, RecursionError):
        return None
    algorithm = header.get("alg")
    if algorithm not in algorithms:
        return None
    wanted = hmac.new(secret.encode(), f"{head}.{payload}".encode(), f"sha{algorithm[2:]}").digest()
    return claims if hmac.compare_digest(given, wanted) else None


def ed25519_verifies(public_key: str, signature: str, signed: bytes) -> bool:
    """Both in base64."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(b64decode(public_key)).verify(b64decode(signature), signed)
    except (InvalidSignature, ValueError):
        return False
    return True


def _part(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _bytes(secret: str | bytes) -> bytes:
    return secret.encode() if isinstance(secret, str) else secret
