"""Seals secrets for the ledger with a master key: AES-256-GCM, so that a changed byte is noticed.

The master key stands in HELIOGRAPH_MASTER_KEY or in `master.key` beside the ledger, never in the ledger. Several
keys may stand there: the first seals, each opens what it has sealed, so a new one can be put in front any time.
"""

import base64
import binascii
import hashlib
import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VARIABLE: Final = "HELIOGRAPH_MASTER_KEY"
FILE: Final = "master.key"
PREFIX: Final = "sealed:"
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12


class CannotOpen(Exception):
    """A sealed secret that none of our master keys opens, or a master key that is none."""


class Vault:
    """Seals and opens with the master keys of this installation."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._ciphers = {_key_id(key): AESGCM(key) for key in keys}
        self.current = _key_id(keys[0])

    def seal(self, secret: bytes, about: str = "") -> str:
        """`sealed:<id of the master key>:<nonce and cipher text>`; it opens only when asked with the same `about`."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = nonce + self._ciphers[self.current].encrypt(nonce, secret, about.encode())
        return f"{PREFIX}{self.current}:{base64.urlsafe_b64encode(sealed).decode()}"

    def is_current(self, sealed: str) -> bool:
        """Did the first of our keys seal this?"""
        return sealed.startswith(f"{PREFIX}{self.current}:")

    def open(self, sealed: str, about: str = "") -> bytes:
        """What was sealed; CannotOpen when the key is gone or the text was changed."""
        key_id, _, body = sealed.removeprefix(PREFIX).partition(":")
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise CannotOpen(f"a secret was sealed with the master key {key_id[:8]!r}, which is not here")
        try:
            raw = base64.urlsafe_b64decode(body.encode())
            return cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], about.encode())
        except (ValueError, InvalidTag):
            raise CannotOpen("a sealed secret was changed since it was sealed") from None


def load(environ: Mapping[str, str], data_dir: Path) -> Vault:
    """The vault of this installation; the first start makes its key."""
    text = environ.get(VARIABLE)
    if text is None:
        text = _read_or_make(data_dir / FILE)
    return Vault([_key(line) for line in text.replace(",", "\n").split()])


def new_key() -> str:
    """A fresh master key, as it is written in the file or the variable."""
    return base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()


def _read_or_make(path: Path) -> str:
    """The file's text. Of two processes that start at once, one makes the file and both read it."""
    draft = path.with_suffix(f".{secrets.token_hex(8)}")
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(new_key() + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)  # whole or not at all, and never over an existing key
        except FileExistsError:
            pass
        finally:
            os.unlink(draft)
    return path.read_text("ascii")


def _key(text: str) -> bytes:
    try:
        key = base64.b64decode(text.encode(), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != _KEY_BYTES:
        raise CannotOpen(f"a master key is {_KEY_BYTES} bytes in base64; `openssl rand -base64 32` makes one")
    return key


def _key_id(key: bytes) -> str:
    return hashlib.sha256(b"heliograph master key" + key).hexdigest()[:8]
