"""How often one may guess. Each failure too many doubles the wait, for the account and for the address; time forgets
them one by one, those of an address sooner: many people may share it.

Who has logged in before from a device holds a device cookie, and with it a count of its own: whoever guesses from
elsewhere slows down everybody but the account's own people, so nobody can be locked out for ever. An attempt is
counted before the password is looked at, so that a hundred at once are not one.
"""

from typing import Final, NamedTuple

from heliograph.core.failures import Refusal, Refused
from heliograph.engine.users.hashing import fingerprint
from heliograph.store.port import Ledger

_OLDEST_MS: Final = 86_400_000
_LONGEST_S: Final = 900


class Limit(NamedTuple):
    """How many failures go without any wait, and how long one of them counts."""

    free: int
    forget_ms: int


OWN: Final = Limit(5, 900_000)  # of an account, a device, a second factor
ADDRESS: Final = Limit(30, 60_000)


class TooSoon(Refused):
    """Wait first."""

    def __init__(self, wait_s: int) -> None:
        detail = f"too many wrong attempts; wait {wait_s} s before the next one"
        super().__init__(Refusal("too_many_logins", detail, status=429))
        self.wait_s = wait_s


def wait_s(failures: int, free: int) -> int:
    """How long to wait after so many failures."""
    return 0 if failures < free else min(1 << min(failures - free, 20), _LONGEST_S)


async def charge(ledger: Ledger, subject: str, limit: Limit, now: int) -> None:
    """Count an attempt as failed, until `forgive` says otherwise. Raises `TooSoon`."""
    key = fingerprint(subject)
    async with ledger.transaction() as transaction:
        await transaction.execute("DELETE FROM login_failures WHERE last_at < $1", now - _OLDEST_MS)
        rows = await transaction.fetch(  # one statement: a row that is struck out in between must not be missed
            "INSERT INTO login_failures AS known (subject, failures, last_at, blocked_until) VALUES ($1, 1, $2, 0) "
            "ON CONFLICT (subject) DO UPDATE SET last_at = $2, failures = 1 + CASE "
            "WHEN known.failures * $3 > $2 - known.last_at THEN known.failures - ($2 - known.last_at) / $3 ELSE 0 END "
            "WHERE known.blocked_until <= $2 RETURNING failures",
            key,
            now,
            limit.forget_ms,
        )
        if not rows:
            rows = await transaction.fetch("SELECT blocked_until FROM login_failures WHERE subject = $1", key)
            raise TooSoon(max(1, -(-(rows[0][0] - now) // 1000)))
        await transaction.execute(
            "UPDATE login_failures SET blocked_until = $2 WHERE subject = $1",
            key,
            now + wait_s(rows[0][0], limit.free) * 1000,
        )


async def forgive(ledger: Ledger, subject: str, *, all_of_them: bool) -> None:
    """The attempt was right: strike it out, or everything that was counted."""
    async with ledger.transaction() as transaction:
        if all_of_them:
            await transaction.execute("DELETE FROM login_failures WHERE subject = $1", fingerprint(subject))
        else:
            await transaction.execute(
                "UPDATE login_failures SET failures = failures - 1, blocked_until = 0 "
                "WHERE subject = $1 AND failures > 0",
                fingerprint(subject),
            )
