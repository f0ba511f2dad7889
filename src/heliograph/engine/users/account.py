"""What people do with their own account: set a password by a link, change it, and look after the second factor."""

import secrets
from typing import Final

import msgspec

from heliograph.core import totp
from heliograph.core.failures import Refusal, Refused
from heliograph.core.passwords import wrong_with
from heliograph.engine.users import register, sessions, throttle
from heliograph.engine.users.hashing import fingerprint
from heliograph.engine.users.logins import WRONG_CODE, Logins, Visitor, encoded
from heliograph.engine.users.register import Doer
from heliograph.engine.users.sessions import Session
from heliograph.store.port import Transaction

RECOVERY_CODES: Final = 10
_ALPHABET: Final = "23456789abcdefghjkmnpqrstuvwxyz"  # without what people mistake for each other
_LETTERS: Final = 12  # 59 bits: nothing to guess, so that a fast hash will do
NO_LINK: Final = Refusal("link_ended", "this link was used, has ended or never was; ask for a new one", status=404)
WRONG_PASSWORD: Final = Refusal("wrong_login", "this is not your password", "/password", 403)


class Opened(msgspec.Struct, frozen=True):
    """Whom a link is for."""

    user: int
    workspace: int
    workspace_name: str
    email: str
    name: str
    purpose: str


class Enrolment(msgspec.Struct, frozen=True):
    """A second factor that is to be confirmed: for an authenticator app, as text and as the address in its picture."""

    secret: str
    address: str


async def open_link(logins: Logins, token: str) -> Opened:
    """Raises `Refused` when nobody may use it."""
    rows = await logins.ledger.fetch(
        "SELECT u.id, u.workspace, w.name, u.email, u.name, l.purpose FROM user_links l "
        "JOIN users u ON u.id = l.user_id JOIN workspaces w ON w.id = u.workspace "
        "WHERE l.hash = $1 AND l.expires_at > $2 AND u.disabled_at IS NULL",
        fingerprint(token),
        logins.now_ms(),
    )
    if not rows:
        raise Refused(NO_LINK)
    return Opened(*rows[0])


async def use_link(logins: Logins, token: str, password: str, visitor: Visitor) -> Opened:
    """Set the password. The link and all sessions end. Raises `Refused`."""
    link = await open_link(logins, token)
    _check(password, link.email, link.name)
    kept, now = await logins.hashing.hash(password), logins.now_ms()
    async with logins.ledger.transaction() as transaction:
        if not await transaction.fetch("DELETE FROM user_links WHERE hash = $1 RETURNING hash", fingerprint(token)):
            raise Refused(NO_LINK)
        await transaction.execute("UPDATE users SET password_hash = $2 WHERE id = $1", link.user, kept)
        await transaction.execute("DELETE FROM sessions WHERE user_id = $1", link.user)
        doer = Doer(f"user:{link.email}", now, visitor.ip)
        detail = {"by": link.purpose}
        await register.note(transaction, link.workspace, "user.password_set", link.email, doer, detail)
    await throttle.forgive(logins.ledger, f"account {link.workspace_name} {link.email}", all_of_them=True)
    return link


async def change_password(logins: Logins, session: Session, old: str, new: str, visitor: Visitor) -> str:
    """The session's new token; the user's other sessions end. Raises `Refused`."""
    await _prove(logins, session, old)
    _check(new, session.email, session.client.name)
    kept = await logins.hashing.hash(new)
    async with logins.ledger.transaction() as transaction:
        await transaction.execute("UPDATE users SET password_hash = $2 WHERE id = $1", session.user, kept)
        await transaction.execute("DELETE FROM user_links WHERE user_id = $1", session.user)
        return await _rights_changed(transaction, logins, session, "user.password_set", visitor)


async def begin_second_factor(logins: Logins, session: Session, password: str) -> Enrolment:
    """A new secret; it counts from its first right code on. Raises `Refused`."""
    await _prove(logins, session, password)
    secret = secrets.token_bytes(totp.SECRET_BYTES)
    async with logins.ledger.transaction() as transaction:
        await transaction.execute(
            "UPDATE users SET totp_pending = $2 WHERE id = $1", session.user, logins.vault.seal(secret)
        )
    return Enrolment(totp.base32(secret), totp.address(secret, session.email))


async def confirm_second_factor(logins: Logins, session: Session, code: str, visitor: Visitor) -> tuple[str, list[str]]:
    """The session's new token, and the recovery codes, shown this once. Raises `Refused`."""
    now = logins.now_ms()
    rows = await logins.ledger.fetch("SELECT totp_pending FROM users WHERE id = $1", session.user)
    if rows[0][0] is None:
        raise Refused(Refusal("nothing_to_confirm", "begin with POST /v1/session/second-factor", status=409))
    subject = f"second {session.user}"
    await throttle.charge(logins.ledger, subject, throttle.OWN, now)
    step = totp.accept(logins.vault.open(rows[0][0]), code, now // 1000, 0)
    if step is None:
        raise Refused(msgspec.structs.replace(WRONG_CODE, status=422))
    await throttle.forgive(logins.ledger, subject, all_of_them=True)
    codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
    async with logins.ledger.transaction() as transaction:
        await transaction.execute(
            "UPDATE users SET totp_secret = totp_pending, totp_pending = NULL, totp_step = $2, recovery_codes = $3 "
            "WHERE id = $1",
            session.user,
            step,
            encoded([fingerprint(one).hex() for one in codes]),
        )
        token = await _rights_changed(transaction, logins, session, "user.second_factor_set", visitor)
    return token, codes


async def end_second_factor(logins: Logins, session: Session, password: str, visitor: Visitor) -> str:
    """The session's new token. Raises `Refused`."""
    await _prove(logins, session, password)
    async with logins.ledger.transaction() as transaction:
        await transaction.execute(
            "UPDATE users SET totp_secret = NULL, totp_pending = NULL, recovery_codes = '[]' WHERE id = $1",
            session.user,
        )
        return await _rights_changed(transaction, logins, session, "user.second_factor_removed", visitor)


async def _rights_changed(
    transaction: Transaction, logins: Logins, session: Session, action: str, visitor: Visitor
) -> str:
    token = await sessions.turn_over(transaction, session, session.client.environment)
    await sessions.end_others(transaction, session.user, token)
    doer = Doer(session.client.actor, logins.now_ms(), visitor.ip)
    await register.note(transaction, session.client.workspace, action, session.email, doer)
    return token


async def _prove(logins: Logins, session: Session, password: str) -> None:
    """Whoever found an open window may not make it theirs."""
    now, subject = logins.now_ms(), f"proof {session.user}"
    await throttle.charge(logins.ledger, subject, throttle.OWN, now)
    user = await logins.user(session.user)
    if not await logins.hashing.verify(password, user.password_hash):
        raise Refused(WRONG_PASSWORD)
    await throttle.forgive(logins.ledger, subject, all_of_them=True)


def _check(password: str, email: str, name: str) -> None:
    if (wrong := wrong_with(password, email=email, name=name)) is not None:
        raise Refused(Refusal("weak_password", wrong, "/password"))


def _recovery_code() -> str:
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(_LETTERS))
    return "-".join(letters[start : start + 4] for start in range(0, _LETTERS, 4))
