"""Signed messages of Amazon SNS: https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html"""

import re
from base64 import b64decode
from collections.abc import Collection
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from heliograph.carriers.http.fields import string_of
from heliograph.carriers.http.proof import is_stale

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

_SUBSCRIPTION: Final = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
_SIGNED: Final = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": _SUBSCRIPTION,
    "UnsubscribeConfirmation": _SUBSCRIPTION,
}
_CERTIFICATE_URL: Final = re.compile(r"https://sns\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/[\w.-]+\.pem", re.ASCII)
_STALE_S: Final = 3_600  # a repeat has the time and the signature of the first try


def is_certificate(pem: str) -> bool:
    """Is it one whose key could sign?"""
    return _public_key(pem) is not None


def forged(envelope: dict[str, Any], *, certificates: Collection[str], topics: Collection[str], at: int) -> str | None:
    """Why an envelope can't be from SNS and of one of the topics; None when it is."""
    to_sign = _to_sign(envelope)
    if to_sign is None:
        return "the body is no message of SNS"
    if envelope["TopicArn"] not in topics:
        return "the topic is not ours"
    if _CERTIFICATE_URL.fullmatch(string_of(envelope.get("SigningCertURL"))) is None:
        return "the certificate is not one of SNS"
    if not any(_verifies(pem, envelope, to_sign) for pem in certificates):
        return "the signature is wrong"
    return "the signed time is too far from ours" if _is_stale(envelope["Timestamp"], at) else None


def _to_sign(envelope: dict[str, Any]) -> bytes | None:
    """What SNS signs of an envelope; None when a part of it is missing."""
    fields = _SIGNED.get(string_of(envelope.get("Type")), ())
    present = [name for name in fields if name != "Subject" or name in envelope]
    if not present or not all(isinstance(envelope.get(name), str) for name in present):
        return None
    return "".join(f"{name}\n{envelope[name]}\n" for name in present).encode()


@cache
def _public_key(pem: str) -> "RSAPublicKey | None":
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.x509 import load_pem_x509_certificate

    try:
        key = load_pem_x509_certificate(pem.encode()).public_key()
    except (ValueError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, RSAPublicKey) else None


def _verifies(pem: str, envelope: dict[str, Any], to_sign: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA1, SHA256

    key, version = _public_key(pem), envelope.get("SignatureVersion")
    if key is None or version not in ("1", "2"):
        return False
    try:
        signature = b64decode(string_of(envelope.get("Signature")), validate=True)
        key.verify(signature, to_sign, PKCS1v15(), SHA1() if version == "1" else SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True


def _is_stale(timestamp: str, at: int) -> bool:
    try:
        moment = datetime.fromisoformat(timestamp).replace(tzinfo=UTC)  # SNS writes UTC only
    except ValueError:
        return True
    return is_stale(str(moment.timestamp()), at, _STALE_S)
