"""Encrypts a notification for one browser (RFC 8291, aes128gcm of RFC 8188). Pure: key and salt are handed in."""

from typing import Final

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

RECORD: Final = 4_096  # what every push service takes
LARGEST: Final = RECORD - 16 - 1 - 86  # of a notification: the tag, the padding's end and the head take their part
_POINT: Final = (serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def encrypted(plain: bytes, browser_key: bytes, secret: bytes, ours: EllipticCurvePrivateKey, salt: bytes) -> bytes:
    """The body. `browser_key` and `secret` are p256dh and auth of the subscription; `ours` is made for this one.
    Raises ValueError for a browser's key that is no point of the curve."""
    theirs = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), browser_key)
    point = ours.public_key().public_bytes(*_POINT)
    shared = ours.exchange(ECDH(), theirs)
    key = _derived(shared, secret, b"WebPush: info\0" + browser_key + point, 32)
    content_key = _derived(key, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derived(key, salt, b"Content-Encoding: nonce\0", 12)
    sealed = AESGCM(content_key).encrypt(nonce, plain + b"\x02", None)
    return salt + RECORD.to_bytes(4) + bytes([len(point)]) + point + sealed


def _derived(key: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, info).derive(key)
