"""Signatures of webhooks: the Standard Webhooks convention (v1, HMAC-SHA256), and those of other gateways' shapes.

Pure: randomness and time are handed in. A receiver that knows the convention can check us with any library.
Comparisons take constant time; a secret never appears in an error.
"""

import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Final

_PREFIX: Final = "whsec_"
_KEY_BYTES: Final = range(24, 65)  # what the convention asks of a secret
_VERSION: Final = "v1,"
_BLOCK: Final = 64  # bytes that SHA-256 takes at once; no key is longer


def secret_from(random: bytes) -> str:
    """The secret as a customer sees it, made of 24 to 64 random bytes."""
    if len(random) not in _KEY_BYTES:
        raise ValueError("a webhook secret is made of 24 to 64 bytes")
    return _PREFIX + binascii.b2a_base64(random, newline=False).decode()


def key_of(secret: str) -> bytes:
    """The HMAC key inside a `whsec_…` secret; ValueError when it is none."""
    try:
        key = binascii.a2b_base64(secret.removeprefix(_PREFIX).encode(), strict_mode=True)
    except ValueError:  # also binascii.Error; its text may quote the secret
        key = b""
    if not secret.startswith(_PREFIX) or len(key) not in _KEY_BYTES:
        raise ValueError("a webhook secret is whsec_ and the base64 form of 24 to 64 bytes")
    return key


class Signer:
    """Signs for one endpoint, with all its secrets in force: two while they rotate, the new one first."""

    __slots__ = ("_hashes",)

    def __init__(self, secrets: Sequence[str]) -> None:
        self._hashes = tuple(_begun(key_of(secret)) for secret in secrets)

    def sign(self, webhook_id: str, timestamp: int, body: bytes) -> bytes:
        """The value of `webhook-signature`. `timestamp`: seconds, of this try; `body`: the exact bytes sent."""
        if "." in webhook_id:  # id and time could be cut elsewhere, and the signature would still fit
            raise ValueError("a webhook id has no dot")
        signed = f"{webhook_id}.{timestamp}.".encode() + body
        signatures = []
        for inner, outer in self._hashes:
            within, around = inner.copy(), outer.copy()
            within.update(signed)
            around.update(within.digest())
            signatures.append(b"v1," + _letters(around.digest()))
        return b" ".join(signatures)


def verify(
    secrets: Sequence[str], headers: Mapping[str, str], body: bytes, now: int, tolerance: int = 300
) -> str | None:
    """Why a webhook is not to be believed, or None when it is genuine. Header names are in lower case.

    Reasons: `missing_header`, `bad_id`, `bad_timestamp`, `too_old`, `too_new`, `no_match`.
    """
    webhook_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    signatures = headers.get("webhook-signature", "")
    if not (webhook_id and timestamp and signatures):
        return "missing_header"
    if "." in webhook_id:
        return "bad_id"
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        return "bad_timestamp"
    if abs(now - int(timestamp)) > tolerance:
        return "too_old" if int(timestamp) < now else "too_new"
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    given = [one.removeprefix(_VERSION).encode() for one in signatures.split() if one.startswith(_VERSION)]
    right = [_letters(hmac.digest(key_of(secret), signed, "sha256")) for secret in secrets]
    matches = [hmac.compare_digest(mine, theirs) for mine in right for theirs in given]  # all: no early end
    return None if any(matches) else "no_match"


def smsto_signature(secret: str, timestamp: int, body: bytes) -> str:
    """The value of `X-SMSto-Signature`. Note the order in what is signed: the body comes first."""
    digest = hmac.digest(secret.encode(), b"%b.%d" % (body, timestamp), "sha256")
    return f"t={timestamp},s={digest.hex()}"


def twilio_signature(key: bytes, url: str, fields: Mapping[str, str]) -> str:
    """The value of `X-Twilio-Signature`: of the URL that is called, followed by the form's fields by their names."""
    signed = url + "".join(f"{name}{fields[name]}" for name in sorted(fields))
    return binascii.b2a_base64(hmac.digest(key, signed.encode(), "sha1"), newline=False).decode()


def _begun(key: bytes) -> tuple["hashlib._Hash", "hashlib._Hash"]:
    """Both hashes of an HMAC with the key in them already (RFC 2104, section 4): half as dear as keying anew."""
    block = key.ljust(_BLOCK, b"\0")
    return hashlib.sha256(bytes(byte ^ 0x36 for byte in block)), hashlib.sha256(bytes(byte ^ 0x5C for byte in block))


def _letters(digest: bytes) -> bytes:
    return binascii.b2a_base64(digest, newline=False)
