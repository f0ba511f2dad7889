"""Authenticator apps of an application's own users: enrolled by us, checked by us, no text message needed.

Whose app it is, only the application knows. The secret is shown once and kept sealed; each code works once, and wrong
ones slow down whoever tries.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from heliograph.core import ids, totp
from heliograph.core.failures import Refusal, Refused
from heliograph.core.views import moment
from heliograph.engine import audit
from heliograph.engine.users import throttle
from heliograph.store.port import Ledger

_PREFIX: Final = "aut"
_Where = tuple[int, int]


class Enrolled(msgspec.Struct):
    """What the person's app needs. Shown this once."""

    id: str
    secret: str
    address: str


class Authenticator(msgspec.Struct):
    """One app of one person."""

    id: str
    created_at: str
    confirmed_at: str | None


class Authenticators:
    """All of a ledger."""

    def __init__(
        self,
        ledger: Ledger,
        seal: Callable[[str], str],
        unseal: Callable[[str], str],
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self._ledger = ledger
        self._seal = seal
        self._unseal = unseal
        self._random_bytes = random_bytes

    async def enroll(self, where: _Where, account: str, issuer: str, *, actor: str, now: int) -> Enrolled:
        """A new one; it counts when its first code was right."""
        secret = self._random_bytes(totp.SECRET_BYTES)
        async with self._ledger.transaction() as transaction:
            rows = await transaction.fetch(
                "INSERT INTO authenticators (workspace, environment, secret, created_at) VALUES ($1, $2, $3, $4) "
                "RETURNING id",
                *(*where, self._seal(secret.hex()), now),
            )
            public_id = ids.make(_PREFIX, now, rows[0][0])
            await audit.note(
                transaction,
                workspace=where[0],
                actor=actor,
                action="authenticator.enrolled",
                object=f"authenticator:{public_id}",
                now=now,
            )
        return Enrolled(public_id, totp.base32(secret), totp.address(secret, account, issuer))

    async def check(self, where: _Where, public_id: str, code: str, now: int) -> bool:
        """Is this the app's code, for the first time? The first right one confirms it. Raises `TooSoon`."""
        at, number = ids.parse(_PREFIX, public_id) or (0, 0)
        subject = f"authenticator {where[0]} {number}"
        await throttle.charge(self._ledger, subject, throttle.OWN, now)
        async with self._ledger.transaction() as transaction:
            rows = await transaction.fetch(
                "SELECT secret, last_step FROM authenticators "
                "WHERE workspace = $1 AND environment = $2 AND id = $3 AND created_at = $4",
                *(*where, number, at),
            )
            secret = bytes.fromhex(self._unseal(rows[0][0])) if rows else bytes(totp.SECRET_BYTES)
            step = totp.accept(secret, code, now // 1_000, rows[0][1] if rows else 0)
            if not rows or step is None:
                return False
            taken = await transaction.fetch(
                "UPDATE authenticators SET last_step = $2, confirmed_at = coalesce(confirmed_at, $3) "
                "WHERE id = $1 AND last_step < $2 RETURNING id",
                *(number, step, now),
            )
        if taken:
            await throttle.forgive(self._ledger, subject, all_of_them=True)
        return bool(taken)

    async def show(self, where: _Where, public_id: str) -> Authenticator:
        """Raises `Refused`."""
        at, number = ids.parse(_PREFIX, public_id) or (0, 0)
        rows = await self._ledger.fetch(
            "SELECT confirmed_at FROM authenticators "
            "WHERE workspace = $1 AND environment = $2 AND id = $3 AND created_at = $4",
            *(*where, number, at),
        )
        if not rows:
            raise _nowhere(public_id)
        confirmed = rows[0][0]
        return Authenticator(public_id, moment(at), None if confirmed is None else moment(confirmed))

    async def remove(self, where: _Where, public_id: str, *, actor: str, now: int) -> None:
        """Raises `Refused`."""
        at, number = ids.parse(_PREFIX, public_id) or (0, 0)
        async with self._ledger.transaction() as transaction:
            rows = await transaction.fetch(
                "DELETE FROM authenticators WHERE workspace = $1 AND environment = $2 AND id = $3 AND created_at = $4 "
                "RETURNING id",
                *(*where, number, at),
            )
            if not rows:
                raise _nowhere(public_id)
            await audit.note(
                transaction,
                workspace=where[0],
                actor=actor,
                action="authenticator.removed",
                object=f"authenticator:{public_id}",
                now=now,
            )


def _nowhere(public_id: str) -> Refused:
    return Refused(Refusal("not_found", f"there is no authenticator {public_id[:60]!r}", status=404))
