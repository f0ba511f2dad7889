"""The register of keys: create, list, rotate, revoke.

A key is shown when it is made and never again. Each change is one transaction with its audit entry, and raises
the `config` counter, so that every running process forgets what it remembered of the key.
"""

import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

import msgspec

from heliograph.core.dropin.twilio import account_sid
from heliograph.core.failures import Refusal, Refused
from heliograph.core.views import moment
from heliograph.engine import audit
from heliograph.engine.accounts import Account
from heliograph.engine.clients import keys
from heliograph.engine.clients.checks import NewKey, wrong
from heliograph.engine.clients.scopes import DEFAULT_SCOPES
from heliograph.engine.declared import OPERATOR
from heliograph.engine.suggest import did_you_mean
from heliograph.store.port import Ledger, Row, Transaction

DEFAULT_OVERLAP: Final = timedelta(hours=72)
LONGEST_OVERLAP: Final = timedelta(days=30)

_SELECT: Final = (
    "SELECT c.key_id, c.name, w.name, e.name, e.mode, c.scopes, c.ip_allowlist, c.messages_per_second, "
    "c.expires_at, c.revoked_at, c.last_used_at, r.key_id, c.created_at, c.smpp, c.id, c.line FROM clients c "
    "JOIN workspaces w ON w.id = c.workspace JOIN environments e ON e.id = c.environment "
    "LEFT JOIN clients r ON r.id = c.replaces WHERE w.name = $1"
)


class KeyView(msgspec.Struct, frozen=True, kw_only=True):
    """A key as it may be shown at any time."""

    id: str
    name: str
    workspace: str
    environment: str
    mode: str
    scopes: list[str]
    ip_allowlist: list[str]
    messages_per_second: int | None
    expires_at: str | None
    revoked_at: str | None
    last_used_at: str | None
    replaces: str | None
    created_at: str
    smpp: Account | None  # None: it is no SMPP account


class CreatedKey(KeyView, frozen=True, kw_only=True):
    """A key just made. `key` and `password` are shown this once."""

    key: str
    account_sid: str
    system_id: str | None = None
    password: str | None = None


async def create_key(
    ledger: Ledger,
    *,
    workspace: str = OPERATOR,
    environment: str = "live",
    name: str,
    scopes: Sequence[str] = (),
    ip_allowlist: Sequence[str] = (),
    messages_per_second: int | None = None,
    expires_at: int | None = None,
    short: bool = False,
    smpp: Account | None = None,
    actor: str,
    ip: str | None = None,
    now: int | None = None,
) -> CreatedKey:
    """A new client. Without scopes it may send and read messages. Raises `Refused` with everything that is wrong."""
    now = _wall_clock() if now is None else now
    new = NewKey(
        workspace=workspace,
        environment=environment,
        name=name,
        scopes=list(dict.fromkeys(scopes)) or list(DEFAULT_SCOPES),
        ip_allowlist=ip_allowlist,
        messages_per_second=messages_per_second,
        expires_at=expires_at,
        short=short,
        smpp=smpp,
    )
    if refusals := wrong(new, now):
        raise Refused(*refusals)
    async with ledger.transaction() as transaction:
        return await _insert(transaction, new, actor, now, ip)


async def list_keys(
    ledger: Ledger,
    *,
    workspace: str = OPERATOR,
    environment: str | None = None,
    after: str | None = None,
    limit: int = 1_000,
) -> list[KeyView]:
    """Keys in the order of their making, those after the key with the id `after`."""
    rows = await ledger.fetch(
        f"{_SELECT} AND ($2 = '' OR e.name = $2) AND c.id > coalesce((SELECT id FROM clients WHERE key_id = $3), 0) "
        "ORDER BY c.id LIMIT $4",
        workspace,
        environment or "",
        after or "",
        limit,
    )
    return [_view(row) for row in rows]


async def get_key(ledger: Ledger, key_id: str, *, workspace: str = OPERATOR, environment: str | None = None) -> KeyView:
    """One key. Raises `Refused` when there is none."""
    rows = await ledger.fetch(
        f"{_SELECT} AND c.key_id = $2 AND ($3 = '' OR e.name = $3)", workspace, key_id, environment or ""
    )
    if not rows:
        raise Refused(_no_key(key_id))
    return _view(rows[0])


async def rotate_key(
    ledger: Ledger,
    key_id: str,
    *,
    workspace: str = OPERATOR,
    environment: str | None = None,
    overlap: timedelta = DEFAULT_OVERLAP,
    actor: str,
    ip: str | None = None,
    now: int | None = None,
) -> CreatedKey:
    """A new key with the rights of an old one, which works on for `overlap`. Raises `Refused`."""
    now = _wall_clock() if now is None else now
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise Refused(
            Refusal("bad_overlap", f"an overlap is between 0 and {LONGEST_OVERLAP.days} days", "/overlap_hours")
        )
    async with ledger.transaction() as transaction:
        row = await _find(transaction, workspace, environment, key_id)
        old = _view(row)
        expires_at, created_at, number, line = row[8], row[12], row[14], row[15] or row[14]
        if old.revoked_at is not None or (expires_at is not None and expires_at <= now):
            raise Refused(Refusal("key_ended", "this key works no more; create a new one instead", status=409))
        new = NewKey(
            workspace=workspace,
            environment=old.environment,
            name=old.name,
            scopes=old.scopes,
            ip_allowlist=old.ip_allowlist,
            messages_per_second=old.messages_per_second,
            expires_at=None if expires_at is None else now + expires_at - created_at,
            short=keys.is_short(key_id),
            smpp=old.smpp,
            replaces=(number, line, key_id),
        )
        created = await _insert(transaction, new, actor, now, ip)
        end = min(now + int(overlap.total_seconds() * 1000), expires_at or 1 << 62)
        await transaction.execute("UPDATE clients SET expires_at = $2 WHERE id = $1", number, end)
        detail = {"before": {"expires_at": _maybe(expires_at)}, "after": {"expires_at": moment(end)}}
        await _note(transaction, workspace, "key.ending", key_id, detail, actor, now, ip)
    return created


async def revoke_key(
    ledger: Ledger,
    key_id: str,
    *,
    workspace: str = OPERATOR,
    environment: str | None = None,
    actor: str,
    ip: str | None = None,
    now: int | None = None,
) -> KeyView:
    """End a key and its access tokens at once. One that was revoked before stays so. Raises `Refused`."""
    now = _wall_clock() if now is None else now
    async with ledger.transaction() as transaction:
        row = await _find(transaction, workspace, environment, key_id)
        view, number = _view(row), row[14]
        if view.revoked_at is not None:
            return view
        await transaction.execute("UPDATE clients SET revoked_at = $2 WHERE id = $1", number, now)
        await transaction.execute("DELETE FROM tokens WHERE client = $1", number)
        detail = {"name": view.name, "before": {"revoked_at": None}, "after": {"revoked_at": moment(now)}}
        await _note(transaction, workspace, "key.revoked", key_id, detail, actor, now, ip)
    return msgspec.structs.replace(view, revoked_at=moment(now))


# -- rows


async def _insert(transaction: Transaction, new: NewKey, actor: str, now: int, ip: str | None) -> CreatedKey:
    workspace, environment, mode, born = await _place(transaction, new)
    key = keys.make_short_key() if new.short else keys.make_key(new.environment)
    password = keys.make_password() if new.smpp is not None else None
    await transaction.execute(
        "INSERT INTO clients (workspace, environment, name, key_id, secret_hash, scopes, ip_allowlist, "
        "messages_per_second, expires_at, replaces, line, created_at, smpp) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        workspace,
        environment,
        new.name,
        key.id,
        keys.fingerprint(key.text) + (keys.password_hash(password) if password else b""),
        msgspec.json.encode(new.scopes).decode(),
        msgspec.json.encode(new.ip_allowlist).decode(),
        new.messages_per_second,
        new.expires_at,
        new.replaces[0] if new.replaces else None,
        new.replaces[1] if new.replaces else None,
        now,
        msgspec.json.encode(new.smpp).decode() if new.smpp is not None else None,
    )
    replaces = new.replaces[2] if new.replaces else None
    detail = {"name": new.name, "replaces": replaces, "before": None, "after": _granted(new)}
    action = "key.rotated" if replaces else "key.created"
    await _note(transaction, new.workspace, action, key.id, detail, actor, now, ip)
    return CreatedKey(
        id=key.id,
        name=new.name,
        workspace=new.workspace,
        environment=new.environment,
        mode=mode,
        scopes=list(new.scopes),
        ip_allowlist=list(new.ip_allowlist),
        messages_per_second=new.messages_per_second,
        expires_at=_maybe(new.expires_at),
        revoked_at=None,
        last_used_at=None,
        replaces=replaces,
        created_at=moment(now),
        smpp=new.smpp,
        key=key.text,
        account_sid=account_sid(workspace, born),
        system_id=key.id if password else None,
        password=password,
    )


def _granted(new: NewKey) -> dict[str, object]:
    smpp = {"smpp": msgspec.to_builtins(new.smpp)} if new.smpp is not None else {}
    return {
        "environment": new.environment,
        "scopes": new.scopes,
        "ip_allowlist": new.ip_allowlist,
        "messages_per_second": new.messages_per_second,
        "expires_at": _maybe(new.expires_at),
        **smpp,
    }


async def _place(transaction: Transaction, new: NewKey) -> tuple[int, int, str, int]:
    """(workspace, environment, mode, when the workspace was made)."""
    rows = await transaction.fetch(
        "SELECT w.id, e.id, e.mode, w.created_at FROM workspaces w JOIN environments e ON e.workspace = w.id "
        "WHERE w.name = $1 AND e.name = $2",
        new.workspace,
        new.environment,
    )
    if rows:
        return rows[0][0], rows[0][1], rows[0][2], rows[0][3]
    environments = [
        row[0]
        for row in await transaction.fetch(
            "SELECT e.name FROM environments e JOIN workspaces w ON w.id = e.workspace WHERE w.name = $1",
            new.workspace,
        )
    ]
    if environments:
        hint = did_you_mean(new.environment, environments)
        detail = f"there is no environment {new.environment[:40]!r}; there are {', '.join(environments)}.{hint}"
        raise Refused(Refusal("unknown_environment", detail, "/environment"))
    known = [row[0] for row in await transaction.fetch("SELECT name FROM workspaces")]
    hint = did_you_mean(new.workspace, known)
    raise Refused(Refusal("unknown_workspace", f"there is no workspace {new.workspace[:40]!r}.{hint}", "/workspace"))


async def _find(transaction: Transaction, workspace: str, environment: str | None, key_id: str) -> Row:
    rows = await transaction.fetch(
        f"{_SELECT} AND c.key_id = $2 AND ($3 = '' OR e.name = $3)", workspace, key_id, environment or ""
    )
    if not rows:
        raise Refused(_no_key(key_id))
    return rows[0]


async def _note(
    transaction: Transaction,
    workspace: str,
    action: str,
    key_id: str,
    detail: Mapping[str, object],
    actor: str,
    now: int,
    ip: str | None,
) -> None:
    rows = await transaction.fetch("SELECT id FROM workspaces WHERE name = $1", workspace)
    await audit.note(
        transaction,
        workspace=rows[0][0],
        actor=actor,
        action=action,
        object=f"key:{key_id}",
        now=now,
        detail=detail,
        ip=ip,
    )
    await audit.config_changed(transaction)


def _view(row: Row) -> KeyView:
    return KeyView(
        id=row[0],
        name=row[1],
        workspace=row[2],
        environment=row[3],
        mode=row[4],
        scopes=msgspec.json.decode(row[5], type=list[str]),
        ip_allowlist=msgspec.json.decode(row[6], type=list[str]),
        messages_per_second=row[7],
        expires_at=_maybe(row[8]),
        revoked_at=_maybe(row[9]),
        last_used_at=_maybe(row[10]),
        replaces=row[11],
        created_at=moment(row[12]),
        smpp=msgspec.json.decode(row[13], type=Account) if row[13] is not None else None,
    )


def _maybe(at: int | None) -> str | None:
    return None if at is None else moment(at)


def _no_key(key_id: str) -> Refusal:
    return Refusal("not_found", f"there is no key {key_id[:40]!r}; the id is the third part of hg_…_…_…", status=404)


def _wall_clock() -> int:
    """For the command line, which has no clock to hand in."""
    return time.time_ns() // 1_000_000
