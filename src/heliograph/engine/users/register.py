"""The register of users: invite, list, change roles, disable, and links that let somebody set a password.

A user belongs to one workspace; the same address in another is somebody else. Each change is one transaction with its
audit entry. Whose rights change has to log in again.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from heliograph.core import ids
from heliograph.core.failures import Refusal, Refused
from heliograph.core.views import moment
from heliograph.engine import audit
from heliograph.engine.users.hashing import fingerprint, new_token
from heliograph.engine.users.roles import OWNER, wrong_roles
from heliograph.store.port import Ledger, Row, Transaction

INVITE: Final = "invite"
RESET: Final = "reset"
LINK_MS: Final = {INVITE: 72 * 3_600_000, RESET: 2 * 3_600_000}
_EMAIL: Final = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]+\.[^@\s\x00-\x1f.]+")
_LONGEST_EMAIL: Final = 254
_COLUMNS: Final = (
    "u.id, u.email, u.name, u.password_hash IS NOT NULL, u.subject IS NOT NULL, u.totp_secret IS NOT NULL, "
    "u.disabled_at, u.last_login_at, u.created_at"
)


class UserView(msgspec.Struct, frozen=True, kw_only=True):
    """A user as owners see them. `roles`: by environment."""

    id: str
    email: str
    name: str
    roles: dict[str, list[str]]
    has_password: bool
    has_openid: bool
    has_second_factor: bool
    is_disabled: bool
    last_login_at: str | None
    created_at: str


class Invited(msgspec.Struct, frozen=True):
    """A user and the token of a link, shown this once."""

    user: UserView
    token: str
    expires_at: str


class Doer(msgspec.Struct, frozen=True):
    """Who changes something, from where, and when: what every audit entry tells."""

    actor: str
    now: int
    ip: str | None = None


async def invite(
    ledger: Ledger, workspace: int, email: str, name: str, roles: Mapping[str, Sequence[str]], doer: Doer
) -> Invited:
    """A new user, who sets a password by the link. Raises `Refused` with everything that is wrong."""
    address, refusals = email_of(email), []
    if address is None:
        detail = f"{email[:60]!r} is not an e-mail address such as ada@example.com"
        refusals.append(Refusal("bad_email", detail, "/email"))
    if not 0 < len(name.strip()) <= 100:
        refusals.append(Refusal("bad_name", "a name has 1 to 100 characters", "/name"))
    async with ledger.transaction() as transaction:
        refusals += wrong_roles(roles, await _environments(transaction, workspace))
        if refusals:
            raise Refused(*refusals)
        user = await insert(transaction, workspace, address or "", name.strip(), doer.now)
        if user is None:
            detail = f"there is a user {address!r} already; change the roles, or reset the password"
            raise Refused(Refusal("already_exists", detail, "/email", 409))
        await replace_roles(transaction, workspace, user, roles)
        token, until = await _link(transaction, user, INVITE, doer.now)
        view = _view(await _find(transaction, workspace, user), await roles_of(transaction, workspace, user))
        await note(transaction, workspace, "user.invited", address or "", doer, {"roles": view.roles})
    return Invited(view, token, moment(until))


async def list_users(ledger: Ledger, workspace: int, *, after: str | None = None, limit: int = 1_000) -> list[UserView]:
    """Users in the order of their making, those after the user with the id `after`."""
    place = ids.parse("usr", after) if after else None
    rows = await ledger.fetch(
        f"SELECT {_COLUMNS} FROM users u WHERE u.workspace = $1 AND u.id > $2 ORDER BY u.id LIMIT $3",
        workspace,
        place[1] if place else 0,
        limit,
    )
    return [_view(row, await roles_of(ledger, workspace, row[0])) for row in rows]


async def colleagues(ledger: Ledger, environment: int) -> list[str]:
    """The addresses of those who have a role in an environment and may log in."""
    rows = await ledger.fetch(
        "SELECT DISTINCT u.email FROM user_roles r JOIN users u ON u.id = r.user_id "
        "WHERE r.environment = $1 AND u.disabled_at IS NULL ORDER BY u.email",
        environment,
    )
    return [row[0] for row in rows]


async def get_user(ledger: Ledger, workspace: int, user_id: str) -> UserView:
    """One user, by id or e-mail address. Raises `Refused` when there is none."""
    row = await _find(ledger, workspace, user_id)
    return _view(row, await roles_of(ledger, workspace, row[0]))


async def set_roles(
    ledger: Ledger, workspace: int, user_id: str, roles: Mapping[str, Sequence[str]], doer: Doer
) -> UserView:
    """Replace all roles of a user, whose sessions end. Raises `Refused`."""
    async with ledger.transaction() as transaction:
        row = await _find(transaction, workspace, user_id)
        if refusals := wrong_roles(roles, await _environments(transaction, workspace)):
            raise Refused(*refusals)
        before = await roles_of(transaction, workspace, row[0])
        lost = [e for e, names in before.items() if OWNER in names and OWNER not in roles.get(e, ())]
        await _keep_an_owner(transaction, workspace, row[0], lost)
        await replace_roles(transaction, workspace, row[0], roles)
        after = await roles_of(transaction, workspace, row[0])
        await transaction.execute("DELETE FROM sessions WHERE user_id = $1", row[0])
        await note(transaction, workspace, "user.roles_changed", row[1], doer, {"before": before, "after": after})
    return _view(row, after)


async def set_disabled(ledger: Ledger, workspace: int, user_id: str, disabled: bool, doer: Doer) -> UserView:
    """Keep a user out, at once, or let them in again. Raises `Refused`."""
    async with ledger.transaction() as transaction:
        row = await _find(transaction, workspace, user_id)
        roles = await roles_of(transaction, workspace, row[0])
        if disabled:
            await _keep_an_owner(transaction, workspace, row[0], [e for e, names in roles.items() if OWNER in names])
            await transaction.execute("DELETE FROM sessions WHERE user_id = $1", row[0])
            await transaction.execute("DELETE FROM user_links WHERE user_id = $1", row[0])
        at = (row[6] or doer.now) if disabled else None
        await transaction.execute("UPDATE users SET disabled_at = $2 WHERE id = $1", row[0], at)
        await note(transaction, workspace, "user.disabled" if disabled else "user.enabled", row[1], doer)
    return msgspec.structs.replace(_view(row, roles), is_disabled=disabled)


async def reset_link(ledger: Ledger, workspace: int, user_id: str, doer: Doer) -> Invited:
    """A new link to set a password; the old password works until it is used. Earlier links end. Raises `Refused`."""
    async with ledger.transaction() as transaction:
        row = await _find(transaction, workspace, user_id)
        if row[6] is not None:
            raise Refused(Refusal("user_disabled", "this user is disabled; enable them first", status=409))
        purpose = RESET if row[3] else INVITE
        token, until = await _link(transaction, row[0], purpose, doer.now)
        roles = await roles_of(transaction, workspace, row[0])
        await note(transaction, workspace, "user.link_made", row[1], doer, {"purpose": purpose})
    return Invited(_view(row, roles), token, moment(until))


async def reset_totp(ledger: Ledger, workspace: int, user_id: str, doer: Doer) -> UserView:
    """Take the second factor away from a user who has lost it; their sessions end. Raises `Refused`."""
    async with ledger.transaction() as transaction:
        row = await _find(transaction, workspace, user_id)
        await transaction.execute(
            "UPDATE users SET totp_secret = NULL, totp_pending = NULL, recovery_codes = '[]' WHERE id = $1", row[0]
        )
        await transaction.execute("DELETE FROM sessions WHERE user_id = $1", row[0])
        roles = await roles_of(transaction, workspace, row[0])
        await note(transaction, workspace, "user.second_factor_removed", row[1], doer)
    return msgspec.structs.replace(_view(row, roles), has_second_factor=False)


# -- rows


async def insert(transaction: Transaction, workspace: int, email: str, name: str, now: int) -> int | None:
    """The new user's row number; None when the address is taken."""
    rows = await transaction.fetch(
        "INSERT INTO users (workspace, email, name, created_at) VALUES ($1, $2, $3, $4) "
        "ON CONFLICT (workspace, email) DO NOTHING RETURNING id",
        workspace,
        email,
        name,
        now,
    )
    return rows[0][0] if rows else None


async def replace_roles(
    transaction: Transaction, workspace: int, user: int, roles: Mapping[str, Sequence[str]]
) -> None:
    await transaction.execute("DELETE FROM user_roles WHERE user_id = $1", user)
    for environment, names in roles.items():
        for name in dict.fromkeys(names):
            await transaction.execute(
                "INSERT INTO user_roles (user_id, environment, role) "
                "SELECT $1, id, $4 FROM environments WHERE workspace = $2 AND name = $3",
                user,
                workspace,
                environment,
                name,
            )


async def note(
    transaction: Transaction,
    workspace: int | None,
    action: str,
    email: str,
    doer: Doer,
    detail: Mapping[str, object] | None = None,
) -> None:
    await audit.note(
        transaction,
        workspace=workspace,
        actor=doer.actor,
        action=action,
        object=f"user:{email}",
        now=doer.now,
        detail=detail,
        ip=doer.ip,
    )


def email_of(text: str) -> str | None:
    """The address as it is kept; None when it can't be one."""
    address = text.strip().casefold()
    return address if len(address) <= _LONGEST_EMAIL and _EMAIL.fullmatch(address) else None


def user_id_of(number: int, created_at: int) -> str:
    return ids.make("usr", created_at, number)


def number_of(user: UserView) -> int:
    """The user's row number."""
    place = ids.parse("usr", user.id)
    assert place is not None
    return place[1]


async def _environments(transaction: Transaction, workspace: int) -> list[str]:
    rows = await transaction.fetch("SELECT name FROM environments WHERE workspace = $1 ORDER BY id", workspace)
    return [row[0] for row in rows]


async def _find(reader: Ledger | Transaction, workspace: int, user: int | str) -> Row:
    """By row number, id or e-mail address."""
    place = ids.parse("usr", user) if isinstance(user, str) else (0, user)
    rows = await reader.fetch(
        f"SELECT {_COLUMNS} FROM users u WHERE u.workspace = $1 AND (u.id = $2 OR u.email = $3)",
        workspace,
        place[1] if place else 0,
        user.casefold() if isinstance(user, str) else "",
    )
    if not rows:
        raise Refused(Refusal("not_found", f"there is no user {str(user)[:60]!r}", status=404))
    return rows[0]


async def roles_of(reader: Ledger | Transaction, workspace: int, user: int) -> dict[str, list[str]]:
    rows = await reader.fetch(
        "SELECT e.name, r.role FROM user_roles r JOIN environments e ON e.id = r.environment "
        "WHERE e.workspace = $1 AND r.user_id = $2 ORDER BY e.id, r.role",
        workspace,
        user,
    )
    found: dict[str, list[str]] = {}
    for environment, role in rows:
        found.setdefault(environment, []).append(role)
    return found


async def _keep_an_owner(transaction: Transaction, workspace: int, user: int, environments: Sequence[str]) -> None:
    """Somebody must be left who can undo what is being done: an owner of live."""
    for environment in environments:
        rows = await transaction.fetch(
            "SELECT count(u.id) FROM environments e LEFT JOIN user_roles r ON r.environment = e.id AND r.role = $3 "
            "AND r.user_id <> $4 LEFT JOIN users u ON u.id = r.user_id AND u.disabled_at IS NULL "
            "WHERE e.workspace = $1 AND e.name = $2 AND e.mode = 'live' GROUP BY e.id",
            workspace,
            environment,
            OWNER,
            user,
        )
        if rows and not rows[0][0]:
            detail = f"this is the last owner of {environment!r}; make another user owner there first"
            raise Refused(Refusal("last_owner", detail, status=409))


async def _link(transaction: Transaction, user: int, purpose: str, now: int) -> tuple[str, int]:
    """The token of a new link, and when it ends; a user has one link at a time."""
    token, until = new_token(), now + LINK_MS[purpose]
    await transaction.execute("DELETE FROM user_links WHERE user_id = $1", user)
    await transaction.execute(
        "INSERT INTO user_links (hash, user_id, purpose, expires_at) VALUES ($1, $2, $3, $4)",
        fingerprint(token),
        user,
        purpose,
        until,
    )
    return token, until


def _view(row: Row, roles: dict[str, list[str]]) -> UserView:
    return UserView(
        id=user_id_of(row[0], row[8]),
        email=row[1],
        name=row[2],
        roles=roles,
        has_password=bool(row[3]),
        has_openid=bool(row[4]),
        has_second_factor=bool(row[5]),
        is_disabled=row[6] is not None,
        last_login_at=None if row[7] is None else moment(row[7]),
        created_at=moment(row[8]),
    )
