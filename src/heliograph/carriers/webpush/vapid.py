"""Who we are to push services: a token that our key signs, for each service (RFC 8292)."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final
from urllib.parse import urlsplit

import msgspec
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    derive_private_key,
)
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

_VALID_S: Final = 12 * 3_600
_POINT: Final = (serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def unpadded(octets: bytes) -> str:
    return urlsafe_b64encode(octets).rstrip(b"=").decode()


def octets_of(text: str) -> bytes:
    """Raises ValueError for what is no base64url."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def private_key(written: str) -> EllipticCurvePrivateKey:
    """Raises ValueError for what is no such key."""
    if "BEGIN" in written:
        key = serialization.load_pem_private_key(written.encode(), None)
        if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
            raise ValueError("another kind of key")
        return key
    octets = octets_of(written.strip())
    if len(octets) != 32:
        raise ValueError("another length")
    return derive_private_key(int.from_bytes(octets), SECP256R1())


def public_key(key: EllipticCurvePrivateKey) -> str:
    """As browsers want it: the applicationServerKey."""
    return unpadded(key.public_key().public_bytes(*_POINT))


def authorization(key: EllipticCurvePrivateKey, endpoint: str, subject: str, now_s: int) -> str:
    """The value of the header, for the service that an endpoint belongs to."""
    parts = urlsplit(endpoint)
    claims = {"aud": f"{parts.scheme}://{parts.netloc}", "exp": now_s + _VALID_S, "sub": subject}
    signed = ".".join(unpadded(msgspec.json.encode(part)) for part in ({"typ": "JWT", "alg": "ES256"}, claims))
    r, s = decode_dss_signature(key.sign(signed.encode(), ECDSA(hashes.SHA256())))
    token = f"{signed}.{unpadded(r.to_bytes(32) + s.to_bytes(32))}"
    return f"vapid t={token}, k={public_key(key)}"
