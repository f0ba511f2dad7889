"""Logging in: the password, then the second factor, then a session.

Whoever fails learns nothing: an unknown address, a wrong password and a user without one are answered alike, after the
same work. Every attempt is in the audit log with its address.
"""

import hmac
from collections.abc import Callable
from typing import Final

import msgspec

from heliograph.core import totp
from heliograph.core.failures import Refusal, Refused
from heliograph.engine.clients import whose
from heliograph.engine.secrets import CannotOpen, Vault
from heliograph.engine.users import register, sessions, throttle
from heliograph.engine.users.hashing import Hashing, fingerprint, new_token
from heliograph.engine.users.register import Doer
from heliograph.engine.users.sessions import Lifetimes, Session
from heliograph.store.port import Ledger, Row, Transaction

WRONG: Final = Refusal("wrong_login", "the e-mail address, the password or the workspace is wrong", status=401)
WRONG_CODE: Final = Refusal("wrong_code", "this code is wrong or was used; wait for the next one", "/code", 401)
DISABLED: Final = Refusal("user_disabled", "this user is disabled; ask an owner of the workspace", status=403)
NO_ROLE: Final = Refusal("no_role", "this user has no role in any environment; ask an owner", status=403)
_DEVICE: Final = "device:"


class Visitor(msgspec.Struct, frozen=True):
    """Where an attempt comes from. `device`: what its device cookie says; `token`: the session that it brings, which
    ends when another one begins."""

    ip: str
    user_agent: str | None = None
    device: str | None = None
    token: str | None = None


class LoggedIn(msgspec.Struct, frozen=True):
    """The token of a session. `is_whole`: False, the second factor is still to come; else `device` is for a cookie."""

    token: str
    is_whole: bool
    device: str | None = None


class User(msgspec.Struct, frozen=True):
    """Who wants in."""

    id: int
    workspace: int
    email: str
    password_hash: str | None
    totp_secret: str | None
    totp_step: int
    recovery_codes: list[str]
    disabled_at: int | None


class Logins:
    """The way in, in one process."""

    def __init__(
        self,
        ledger: Ledger,
        now_ms: Callable[[], int],
        lifetimes: Lifetimes,
        vault: Vault,
    ) -> None:
        self.ledger = ledger
        self.lifetimes = lifetimes
        self.vault = vault
        self.hashing = Hashing()
        self.now_ms = now_ms

    async def with_password(self, workspace: str, email: str, password: str, visitor: Visitor) -> LoggedIn:
        """The first step. Raises `Refused`."""
        now, address = self.now_ms(), email.strip().casefold()[:254]
        user = await self._user("w.name = $1 AND u.email = $2", workspace, address)
        device = self._knows_device(user, visitor)
        counted = (
            [(device, throttle.OWN)]
            if device
            else [
                (f"address {whose(visitor.ip)}", throttle.ADDRESS),
                (f"account {workspace} {address}", throttle.OWN),
            ]
        )
        for subject, limit in counted:
            await throttle.charge(self.ledger, subject, limit, now)
        kept = user.password_hash if user is not None else None
        if not await self.hashing.verify(password, kept) or user is None or kept is None:
            await self._failed(workspace, address, "password", visitor, now)
            raise Refused(WRONG)
        if user.disabled_at is not None:
            raise Refused(DISABLED)
        for subject, limit in counted:
            await throttle.forgive(self.ledger, subject, all_of_them=limit is throttle.OWN)
        if self.hashing.is_old(kept):
            await self._rehash(user, password)
        return await self.let_in(user.id, visitor, how="password", is_whole=user.totp_secret is None)

    async def with_code(self, code: str, visitor: Visitor) -> LoggedIn:
        """The second step, with a code of the app or a recovery code. Raises `Refused`."""
        now = self.now_ms()
        found = await sessions.half(self.ledger, visitor.token or "", now)
        user = await self._user("u.id = $1", found[0]) if found is not None else None
        if user is None:
            raise Refused(sessions.NONE)
        subject = self._knows_device(user, visitor) or f"second {user.id}"
        await throttle.charge(self.ledger, subject, throttle.OWN, now)
        if not await self.take_code(user, code, now):
            await self._failed_of(user.workspace, user.email, "second factor", visitor, now)
            raise Refused(WRONG_CODE)
        await throttle.forgive(self.ledger, subject, all_of_them=True)
        return await self.let_in(user.id, visitor, how="second factor", is_whole=True)

    async def let_in(self, user_id: int, visitor: Visitor, *, how: str, is_whole: bool) -> LoggedIn:
        """A session for somebody who has proved who they are. Raises `Refused`."""
        now = self.now_ms()
        async with self.ledger.transaction() as transaction:
            rows = await transaction.fetch(
                "SELECT u.workspace, u.email, min(r.environment) FROM users u "
                "LEFT JOIN user_roles r ON r.user_id = u.id WHERE u.id = $1 AND u.disabled_at IS NULL "
                "GROUP BY u.workspace, u.email",
                user_id,
            )
            if not rows:
                raise Refused(DISABLED)
            workspace, email, environment = rows[0]
            if environment is None:
                raise Refused(NO_ROLE)
            if visitor.token is not None:
                await sessions.end(transaction, visitor.token)
            token = await sessions.start(
                transaction,
                user_id,
                environment,
                is_whole=is_whole,
                lifetimes=self.lifetimes,
                now=now,
                ip=visitor.ip,
                user_agent=visitor.user_agent,
            )
            if not is_whole:
                return LoggedIn(token, is_whole)
            await transaction.execute("UPDATE users SET last_login_at = $2 WHERE id = $1", user_id, now)
            doer = Doer(f"user:{email}", now, visitor.ip)
            await register.note(transaction, workspace, "login.succeeded", email, doer, {"how": how})
        return LoggedIn(token, is_whole, self.vault.seal(f"{_DEVICE}{user_id}:{new_token()}".encode()))

    async def leave(self, session: Session, visitor: Visitor) -> None:
        """End a session."""
        async with self.ledger.transaction() as transaction:
            await sessions.end(transaction, session.token)
            doer = Doer(session.client.actor, self.now_ms(), visitor.ip)
            await register.note(transaction, session.client.workspace, "session.ended", session.email, doer)

    async def take_code(self, user: User, code: str, now: int) -> bool:
        """Is this the code? It works no second time."""
        assert user.totp_secret is not None
        secret = self.vault.open(user.totp_secret)
        step = totp.accept(secret, code[:32], now // 1000, user.totp_step)
        async with self.ledger.transaction() as transaction:
            if step is not None:
                return bool(
                    await transaction.fetch(
                        "UPDATE users SET totp_step = $2 WHERE id = $1 AND totp_step < $2 RETURNING id", user.id, step
                    )
                )
            return await self._take_recovery_code(transaction, user, code)

    async def user(self, user_id: int) -> User:
        found = await self._user("u.id = $1", user_id)
        assert found is not None
        return found

    # -- inside

    async def _take_recovery_code(self, transaction: Transaction, user: User, code: str) -> bool:
        given = fingerprint(code.strip().casefold()).hex()
        left = [kept for kept in user.recovery_codes if not hmac.compare_digest(kept, given)]
        if len(left) == len(user.recovery_codes):
            return False
        return bool(
            await transaction.fetch(
                "UPDATE users SET recovery_codes = $3 WHERE id = $1 AND recovery_codes = $2 RETURNING id",
                user.id,
                encoded(user.recovery_codes),
                encoded(left),
            )
        )

    async def _user(self, where: str, *values: object) -> User | None:
        rows = await self.ledger.fetch(
            "SELECT u.id, u.workspace, u.email, u.password_hash, u.totp_secret, u.totp_step, u.recovery_codes, "
            f"u.disabled_at FROM users u JOIN workspaces w ON w.id = u.workspace WHERE {where}",
            *values,
        )
        return _user(rows[0]) if rows else None

    def _knows_device(self, user: User | None, visitor: Visitor) -> str | None:
        """The name under which this device counts, if the user has logged in from it before."""
        if user is None or not visitor.device:
            return None
        try:
            text = self.vault.open(visitor.device).decode()
        except (CannotOpen, UnicodeDecodeError):  # somebody else's cookie, or an old master key's
            return None
        return text if text.startswith(f"{_DEVICE}{user.id}:") else None

    async def _rehash(self, user: User, password: str) -> None:
        better = await self.hashing.hash(password)
        async with self.ledger.transaction() as transaction:
            await transaction.execute(
                "UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2",
                user.id,
                user.password_hash,
                better,
            )

    async def _failed(self, workspace: str, email: str, what: str, visitor: Visitor, now: int) -> None:
        rows = await self.ledger.fetch("SELECT id FROM workspaces WHERE name = $1", workspace)
        await self._failed_of(rows[0][0] if rows else None, email, what, visitor, now)

    async def _failed_of(self, workspace: int | None, email: str, what: str, visitor: Visitor, now: int) -> None:
        async with self.ledger.transaction() as transaction:
            doer = Doer("nobody", now, visitor.ip)
            await register.note(transaction, workspace, "login.failed", email, doer, {"what": what})


def encoded(codes: list[str]) -> str:
    return msgspec.json.encode(codes).decode()


def _user(row: Row) -> User:
    return User(
        id=row[0],
        workspace=row[1],
        email=row[2],
        password_hash=row[3],
        totp_secret=row[4],
        totp_step=row[5],
        recovery_codes=msgspec.json.decode(row[6], type=list[str]),
        disabled_at=row[7],
    )
