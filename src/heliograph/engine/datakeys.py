"""Keys for data: each is made once, kept in the ledger sealed with the master key, and known to every process.

So whoever has the database alone has no key, and a new master key only needs these to be sealed again, not the data.
Texts are sealed with AES-256-GCM. Each workspace has keys of its own, derived from the newest key for bodies; a sealed
text names the number of its key, so that a new one can take over while the rows of the old one stay as they are.
"""

import base64
import binascii
import hmac
import secrets
from collections.abc import Callable
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from heliograph.engine import audit, auditing
from heliograph.engine.secrets import Vault
from heliograph.store.port import Ledger
from heliograph.store.protection import MARK

AUDIT: Final = "audit"
BODIES: Final = "bodies"
ERASED: Final = "erased"
HEAD_START_MS: Final = 60_000  # every process hears of a new key before the first one seals with it
_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_WORKSPACES: Final = 10_000  # ciphers that are remembered


class Keyring:
    """The keys of one ledger, for the process that has opened it."""

    def __init__(self, ledger: Ledger, vault: Vault, now_ms: Callable[[], int]) -> None:
        self._ledger = ledger
        self._vault = vault
        self._now_ms = now_ms
        self._bodies: dict[int, bytes] = {}  # by number
        self._active_at: list[tuple[int, int]] = []  # (active from, number), the newest first
        self._current = 0
        self._until = 0  # the next key takes over then
        self._ciphers: dict[tuple[int, int], AESGCM] = {}
        self._number_key = b""  # hashes the numbers of people who were erased
        self._code_key = b""  # derived from it

    async def load(self) -> None:
        """Read the keys. Raises `CannotOpen` when they were sealed with another master key."""
        rows = await self._ledger.fetch("SELECT purpose, number, sealed, active_at FROM data_keys")
        for purpose, number, sealed, _ in rows:
            key = self._vault.open(sealed, about=purpose)
            if purpose == AUDIT:
                self._ledger.protection.audit_key = key
            elif purpose == ERASED:
                self._number_key, self._code_key = key, hmac.digest(key, b"one-time codes", "sha256")
            else:
                self._bodies[number] = key
        self._active_at = sorted(((row[3], row[1]) for row in rows if row[0] == BODIES), reverse=True)
        self._choose()

    def _choose(self) -> None:
        now = self._now_ms()
        self._current = next((number for at, number in self._active_at if at <= now), min(self._bodies, default=0))
        self._until = min((at for at, _ in self._active_at if at > now), default=1 << 62)

    def hash_number(self, workspace: int, number: str) -> str:
        """The same for the same number; nobody without the key can try out which."""
        return hmac.digest(self._number_key, b"%d %b" % (workspace, number.encode()), "sha256").hex()

    def hash_code(self, workspace: int, salt: str, code: str) -> str:
        """Of a one-time code: bound to its workspace and, by the salt, to its verification."""
        return hmac.digest(self._code_key, f"{workspace} {salt} {code}".encode(), "sha256").hex()

    # -- texts

    def seal(self, workspace: int, place: str, text: str) -> str:
        """The mark, the key's number, and nonce and cipher text in base64."""
        if self._now_ms() >= self._until:
            self._choose()
        nonce = secrets.token_bytes(_NONCE_BYTES)
        body = self._cipher(self._current, workspace).encrypt(nonce, text.encode(), place.encode())
        return f"{MARK}{self._current}:{base64.b64encode(nonce + body).decode()}"

    def open(self, workspace: int, place: str, text: str) -> str | None:
        """What was sealed; None when the key is not here, or the text was changed or moved to another row."""
        number, _, body = text[1:].partition(":")
        if not (number.isascii() and number.isdigit()) or int(number) not in self._bodies:
            return None
        try:
            raw = base64.b64decode(body, validate=True)
            cipher = self._cipher(int(number), workspace)
            return cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], place.encode()).decode()
        except (binascii.Error, InvalidTag, ValueError):
            return None

    def _cipher(self, number: int, workspace: int) -> AESGCM:
        found = self._ciphers.get((number, workspace))
        if found is None:
            if len(self._ciphers) >= _WORKSPACES:
                self._ciphers.clear()
            key = hmac.digest(self._bodies[number], b"workspace %d" % workspace, "sha256")
            found = self._ciphers[number, workspace] = AESGCM(key)
        return found


async def load(ledger: Ledger, vault: Vault, now_ms: Callable[[], int], *, encrypt: bool) -> None:
    """Give a ledger its keys; the first start makes them."""
    known = {row[0] for row in await ledger.fetch("SELECT purpose FROM data_keys")}
    for purpose in (AUDIT, ERASED, BODIES):
        if purpose not in known:
            await _make(ledger, vault, purpose, now_ms())
    keyring, protection = Keyring(ledger, vault, now_ms), ledger.protection
    await keyring.load()
    protection.open, protection.refresh = keyring.open, keyring.load
    protection.hash_number, protection.hash_code = keyring.hash_number, keyring.hash_code
    protection.seal = keyring.seal if encrypt else None


async def _make(ledger: Ledger, vault: Vault, purpose: str, now: int) -> None:
    """The first key of a purpose. Of two processes that start at once one makes it; the other one waits for it."""
    key = secrets.token_bytes(_BYTES)
    async with ledger.transaction() as transaction:
        made = await transaction.fetch(
            "INSERT INTO data_keys (purpose, number, sealed, active_at) VALUES ($1, 1, $2, $3) "
            "ON CONFLICT (purpose, number) DO NOTHING RETURNING number",
            *(purpose, vault.seal(key, about=purpose), now),
        )
        if made and purpose == AUDIT:
            await auditing.take_in(transaction, key)


async def rotate_bodies(ledger: Ledger, vault: Vault, *, actor: str, now: int) -> int:
    """A new key seals texts soon; what is sealed stays as it is. Answers its number."""
    async with ledger.transaction() as transaction:
        rows = await transaction.fetch("SELECT max(number) + 1 FROM data_keys WHERE purpose = $1", BODIES)
        number: int = rows[0][0]
        await transaction.execute(
            "INSERT INTO data_keys (purpose, number, sealed, active_at) VALUES ($1, $2, $3, $4)",
            *(BODIES, number, vault.seal(secrets.token_bytes(_BYTES), about=BODIES), now + HEAD_START_MS),
        )
        await audit.note(
            transaction,
            workspace=None,
            actor=actor,
            action="data_key.rotated",
            object="data_key:bodies",
            now=now,
            detail={"before": {"number": number - 1}, "after": {"number": number}},
        )
        await audit.config_changed(transaction)
    return number
