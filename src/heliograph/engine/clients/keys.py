"""How keys look: made here, and told from typing errors and anything else without a look at the ledger.

A key is `hg_<environment>_<id>_<secret><checksum>`: 10 characters of id, 256 random bits, and a CRC-32 of all
before it. Prefix and checksum let secret scanners find a leaked key with certainty; neither is security. The
short form, for tools that hold 24 characters, is `hg<secret><checksum>` with 113 random bits; its id comes from
its hash. Keys are never kept: `fingerprint` is.
"""

import hashlib
import hmac
import re
import secrets
import string
import zlib
from typing import Final, NamedTuple

_BASE32: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_BASE62: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_SECRET: Final = 43  # characters of base62 that hold 256 bits
_SHORT_SECRET: Final = 19  # 113 bits: still nothing to guess, so that a fast hash will do
_ID: Final = 10
_SHORT_ID: Final = 8
_CHECKSUM: Final = 6
_SHORT_CHECKSUM: Final = 3

_LONG_KEY: Final = re.compile(rf"hg_[a-z][a-z0-9-]{{0,30}}_([{_BASE32}]{{{_ID}}})_[0-9A-Za-z]{{{_SECRET + _CHECKSUM}}}")
_SHORT_KEY: Final = re.compile(rf"hg[0-9A-Za-z]{{{_SHORT_SECRET + _SHORT_CHECKSUM}}}")
_TOKEN: Final = re.compile(rf"hg_token_[0-9A-Za-z]{{{_SECRET + _CHECKSUM}}}")

# An SMPP password has 8 characters (48 bits), which a fast hash would give away to whoever steals the ledger.
_PASSWORD: Final = 8
_SALT: Final = 16
_FINGERPRINT: Final = 32


class Key(NamedTuple):
    """A new key: its public id, and the text that is shown once."""

    id: str
    text: str


def make_key(environment: str) -> Key:
    key_id = _random(_BASE32, _ID)
    return Key(key_id, _checked(f"hg_{environment}_{key_id}_{_random(_BASE62, _SECRET)}", _CHECKSUM))


def make_short_key() -> Key:
    text = _checked("hg" + _random(_BASE62, _SHORT_SECRET), _SHORT_CHECKSUM)
    return Key(_short_id(text), text)


def make_token() -> str:
    """An access token for POST /oauth/token."""
    return _checked("hg_token_" + _random(_BASE62, _SECRET), _CHECKSUM)


def is_short(key_id: str) -> bool:
    return len(key_id) == _SHORT_ID


def id_of(text: str) -> str | None:
    """The id of a key that is well written; None when a character is wrong, or it is no key at all."""
    if match := _LONG_KEY.fullmatch(text):
        return match[1] if _is_checked(text, _CHECKSUM) else None
    if _SHORT_KEY.fullmatch(text):
        return _short_id(text) if _is_checked(text, _SHORT_CHECKSUM) else None
    return None


def is_token(text: str) -> bool:
    return bool(_TOKEN.fullmatch(text)) and _is_checked(text, _CHECKSUM)


def fingerprint(text: str) -> bytes:
    """What is kept of a key or token."""
    return hashlib.sha256(text.encode()).digest()


def matches(text: str, kept: bytes) -> bool:
    """Is this the key that was kept? In constant time. An SMPP account keeps more behind the fingerprint."""
    return hmac.compare_digest(fingerprint(text), kept[:_FINGERPRINT])


def make_password() -> str:
    """A password that fits into an SMPP bind."""
    return _random(_BASE62, _PASSWORD)


def password_hash(password: str) -> bytes:
    """What is kept of an SMPP password, behind the fingerprint of the key: salt and scrypt hash."""
    salt = secrets.token_bytes(_SALT)
    return salt + _scrypt(password, salt)


def password_matches(password: str, kept: bytes) -> bool:
    """Is this the SMPP password that was kept behind a fingerprint? Slow on purpose."""
    salt, right = kept[_FINGERPRINT : _FINGERPRINT + _SALT], kept[_FINGERPRINT + _SALT :]
    return bool(right) and hmac.compare_digest(_scrypt(password, salt), right)


def _scrypt(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=1 << 14, r=8, p=1, dklen=32)


def _random(alphabet: str, length: int) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))


def _checked(text: str, length: int) -> str:
    return text + _checksum(text, length)


def _is_checked(text: str, length: int) -> bool:
    return _checksum(text[:-length], length) == text[-length:]


def _checksum(text: str, length: int) -> str:
    value, digits = zlib.crc32(text.encode()), ""
    for _ in range(length):
        value, digit = divmod(value, 62)
        digits = _BASE62[digit] + digits
    return digits


def _short_id(text: str) -> str:
    value = int.from_bytes(fingerprint(text)[:5], "big")
    return "".join(_BASE32[value >> 5 * place & 31] for place in reversed(range(_SHORT_ID)))
