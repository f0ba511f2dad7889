"""Sessions: a cookie with 256 random bits, of which the ledger keeps the hash. They end after a while without use,
after a longer while in any case, and whenever somebody says so.

Everything is read anew with each request, so that what was revoked, disabled or taken away works no more from then on.
"""

import base64
import hmac
from collections.abc import Sequence
from typing import Final

import msgspec

from heliograph.core import ids
from heliograph.core.dropin.twilio import account_sid
from heliograph.core.failures import Refusal, Refused
from heliograph.core.views import moment
from heliograph.engine.clients.client import Client, settings_of
from heliograph.engine.users.hashing import fingerprint, new_token
from heliograph.engine.users.register import Doer, UserView, note, number_of, user_id_of
from heliograph.engine.users.roles import scopes_of
from heliograph.store.port import Ledger, Row, Transaction

SECOND_STEP_MS: Final = 300_000  # between the password and the second factor
_SEEN_EVERY_MS: Final = 60_000
_SELECT: Final = (
    "SELECT s.id, s.is_whole, s.created_at, s.last_seen_at, s.expires_at, u.id, u.email, u.name, u.created_at, "
    "u.disabled_at, w.id, w.name, w.created_at, w.settings, w.default_country, e.id, e.name, e.mode, e.allowlist "
    "FROM sessions s JOIN users u ON u.id = s.user_id JOIN workspaces w ON w.id = u.workspace "
    "JOIN environments e ON e.id = s.environment WHERE s.hash = $1"
)

NONE: Final = Refusal("no_session", "this session has ended; log in again", status=401)
HALF: Final = Refusal("second_factor_needed", "the second factor is still to come: POST /v1/session/code", status=401)


class Lifetimes(msgspec.Struct, frozen=True):
    """When sessions end."""

    idle_ms: int
    whole_ms: int


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who is logged in. `client`: what the doors ask."""

    id: int
    user: int
    email: str
    token: str
    client: Client
    environments: dict[str, list[str]]  # name → roles
    expires_at: int

    @property
    def csrf_token(self) -> str:
        """Proves that a request comes from a page of ours. It holds for one environment: a page that was opened in
        `test` can't send in `live` because another window has switched."""
        return csrf_token(self.token, self.client.environment)


class SessionView(msgspec.Struct, frozen=True):
    """One of a user's sessions."""

    id: str
    is_current: bool
    environment: str
    ip: str | None
    user_agent: str | None
    created_at: str
    last_seen_at: str
    expires_at: str


async def start(
    transaction: Transaction,
    user: int,
    environment: int,
    *,
    is_whole: bool,
    lifetimes: Lifetimes,
    now: int,
    ip: str | None,
    user_agent: str | None,
) -> str:
    """A new session; its token, which is nowhere else."""
    token = new_token()
    await transaction.execute(
        "INSERT INTO sessions (hash, user_id, environment, is_whole, created_at, last_seen_at, expires_at, ip, "
        "user_agent) VALUES ($1, $2, $3, $4, $5, $5, $6, $7, $8)",
        fingerprint(token),
        user,
        environment,
        int(is_whole),
        now,
        now + (lifetimes.whole_ms if is_whole else SECOND_STEP_MS),
        ip,
        (user_agent or "")[:200] or None,
    )
    await transaction.execute("DELETE FROM sessions WHERE expires_at < $1", now)
    return token


async def find(ledger: Ledger, token: str, lifetimes: Lifetimes, now: int) -> Session | Refusal:
    """Whose token this is, if it still works."""
    rows = await ledger.fetch(_SELECT, fingerprint(token))
    if not rows or not _lives(rows[0], lifetimes, now) or rows[0][9] is not None:
        return NONE
    row = rows[0]
    if not row[1]:
        return HALF
    if now - row[3] >= _SEEN_EVERY_MS:
        async with ledger.transaction() as transaction:
            await transaction.execute("UPDATE sessions SET last_seen_at = $2 WHERE id = $1", row[0], now)
    roles = await ledger.fetch(
        "SELECT e.name, e.mode, r.role FROM environments e LEFT JOIN user_roles r ON r.environment = e.id "
        "AND r.user_id = $1 WHERE e.workspace = $2 ORDER BY e.id, r.role",
        row[5],
        row[10],
    )
    return _session(row, roles, token)


async def half(ledger: Ledger, token: str, now: int) -> tuple[int, int] | None:
    """(user, environment) of a login that waits for its second factor."""
    rows = await ledger.fetch(
        "SELECT s.user_id, s.environment FROM sessions s JOIN users u ON u.id = s.user_id "
        "WHERE s.hash = $1 AND s.is_whole = 0 AND s.expires_at > $2 AND u.disabled_at IS NULL",
        fingerprint(token),
        now,
    )
    return (rows[0][0], rows[0][1]) if rows else None


async def end(transaction: Transaction, token: str) -> None:
    await transaction.execute("DELETE FROM sessions WHERE hash = $1", fingerprint(token))


async def end_others(transaction: Transaction, user: int, token: str) -> None:
    await transaction.execute("DELETE FROM sessions WHERE user_id = $1 AND hash <> $2", user, fingerprint(token))


async def turn_over(transaction: Transaction, session: Session, environment: int) -> str:
    """A new token in place of the old one, looking at an environment. Raises `Refused` when it has just ended."""
    token = new_token()
    rows = await transaction.fetch(
        "UPDATE sessions SET hash = $2, environment = $3 WHERE hash = $1 RETURNING id",
        fingerprint(session.token),
        fingerprint(token),
        environment,
    )
    if not rows:
        raise Refused(NONE)
    return token


async def look_at(ledger: Ledger, session: Session, name: str) -> str:
    """Look at another environment: the session's new token. Raises `Refused` where the user has no role."""
    if name not in session.environments:
        known = ", ".join(session.environments)
        detail = f"you have no role in {name[:40]!r}; you have in {known}"
        raise Refused(Refusal("unknown_environment", detail, "/environment"))
    async with ledger.transaction() as transaction:
        rows = await transaction.fetch(
            "SELECT id FROM environments WHERE workspace = $1 AND name = $2", session.client.workspace, name
        )
        return await turn_over(transaction, session, rows[0][0])


async def list_sessions(
    ledger: Ledger, workspace: int, user: int, lifetimes: Lifetimes, now: int, current: int = 0
) -> list[SessionView]:
    """Who is logged in as this user."""
    rows = await ledger.fetch(
        "SELECT s.id, s.created_at, e.name, s.ip, s.user_agent, s.last_seen_at, s.expires_at FROM sessions s "
        "JOIN users u ON u.id = s.user_id JOIN environments e ON e.id = s.environment "
        "WHERE u.workspace = $1 AND s.user_id = $2 AND s.is_whole = 1 AND s.expires_at > $3 AND s.last_seen_at > $4 "
        "ORDER BY s.id",
        workspace,
        user,
        now,
        now - lifetimes.idle_ms,
    )
    return [
        SessionView(
            ids.make("ses", born, number), number == current, name, ip, agent, moment(born), *map(moment, times)
        )
        for number, born, name, ip, agent, *times in rows
    ]


async def revoke(transaction: Transaction, user: int, session_id: str) -> None:
    """End one session of a user. Raises `Refused` when there is none."""
    place = ids.parse("ses", session_id)
    rows = await transaction.fetch(
        "DELETE FROM sessions WHERE user_id = $1 AND id = $2 RETURNING id", user, place[1] if place else 0
    )
    if not rows:
        raise Refused(Refusal("not_found", f"there is no session {session_id[:60]!r}", status=404))


async def end_all(ledger: Ledger, workspace: int, user: UserView, doer: Doer) -> None:
    """Log a user out everywhere."""
    async with ledger.transaction() as transaction:
        await transaction.execute("DELETE FROM sessions WHERE user_id = $1", number_of(user))
        await note(transaction, workspace, "session.revoked", user.email, doer)


def csrf_token(token: str, environment: int) -> str:
    return (
        base64.urlsafe_b64encode(hmac.digest(token.encode(), b"csrf %d" % environment, "sha256")).decode().rstrip("=")
    )


def _lives(row: Row, lifetimes: Lifetimes, now: int) -> bool:
    return bool(row[4] > now and row[3] + lifetimes.idle_ms > now)


def _session(row: Row, roles: Sequence[Row], token: str) -> Session:
    environments: dict[str, list[str]] = {}
    live: dict[str, list[str]] = {}
    for name, mode, role in roles:
        if mode == "live":
            live.setdefault(name, [])
        if role is not None:
            environments.setdefault(name, []).append(role)
            if mode == "live":
                live[name].append(role)
    client = Client(
        id=-row[5],
        key_id=user_id_of(row[5], row[8]),
        name=row[7],
        workspace=row[10],
        workspace_name=row[11],
        environment=row[15],
        environment_name=row[16],
        mode=row[17],
        allowlist=frozenset(msgspec.json.decode(row[18], type=list[str])),
        scopes=scopes_of(environments.get(row[16], ()), [*live.values()]),
        ip_networks=(),
        messages_per_second=None,
        workspace_messages_per_second=settings_of(row[13]).messages_per_second,
        default_country=row[14],
        account_sid=account_sid(row[10], row[12]),
        expires_at=row[4],
        account=-row[5],
        smpp=None,
        person=row[6],
    )
    return Session(
        id=row[0],
        user=row[5],
        email=row[6],
        token=token,
        client=client,
        environments=environments,
        expires_at=row[4],
    )
