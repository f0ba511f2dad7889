"""Workspaces and their environments: made at the first start or on request, each with a secret of its own.

The mode of an environment says what its traffic may reach: `live` everything, `test` the sandbox, `guarded` only
the recipients on its allowlist.
"""

import re
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

import msgspec

from heliograph.core import numbers
from heliograph.core.failures import Refusal, Refused
from heliograph.core.signing import secret_from
from heliograph.core.views import moment
from heliograph.engine import audit
from heliograph.engine.declared import OPERATOR
from heliograph.engine.suggest import did_you_mean
from heliograph.store.port import Ledger, Row, Transaction

MODES: Final = ("live", "test", "guarded")
ALLOWLIST_LIMIT: Final = 1_000
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,30}")  # no underscore: it separates the parts of a key
_COLUMNS: Final = "e.name, e.mode, e.allowlist, e.created_at"


class Environment(msgspec.Struct, frozen=True):
    """An environment as the public API shows it."""

    name: str
    mode: str
    allowlist: list[str]
    created_at: str


class Workspace(msgspec.Struct, frozen=True):
    """A workspace as the public API shows it."""

    name: str
    created_at: str


async def ensure_defaults(ledger: Ledger, seal: Callable[[str], str], *, now: int) -> None:
    """What the first start makes: the default workspace with the environments live and test."""
    if not await ledger.fetch("SELECT 1 FROM workspaces WHERE name = $1", OPERATOR):
        with suppress(Refused):  # two first starts at once: the other one made it
            await create_workspace(ledger, OPERATOR, seal=seal, actor="first start", now=now)


async def list_workspaces(ledger: Ledger) -> list[Workspace]:
    rows = await ledger.fetch("SELECT name, created_at FROM workspaces ORDER BY id")
    return [Workspace(row[0], moment(row[1])) for row in rows]


async def workspace_id(ledger: Ledger, name: str) -> int:
    """Raises `Refused` when there is none of that name."""
    rows = await ledger.fetch("SELECT id FROM workspaces WHERE name = $1", name)
    if not rows:
        raise Refused(Refusal("unknown_workspace", f"there is no workspace {name[:40]!r}", "/workspace"))
    found: int = rows[0][0]
    return found


async def create_workspace(
    ledger: Ledger, name: str, *, seal: Callable[[str], str], actor: str, now: int, ip: str | None = None
) -> Workspace:
    """A workspace with the environments live and test. Raises `Refused`."""
    if refusal := _bad_name(name):
        raise Refused(refusal)
    async with ledger.transaction() as transaction:
        rows = await transaction.fetch(
            "INSERT INTO workspaces (name, created_at) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING RETURNING id",
            name,
            now,
        )
        if not rows:
            raise Refused(Refusal("already_exists", f"there is a workspace {name!r} already", "/name", 409))
        for environment in ("live", "test"):
            await _insert(transaction, rows[0][0], environment, environment, [], seal, now)
        await audit.note(
            transaction,
            workspace=rows[0][0],
            actor=actor,
            action="workspace.created",
            object=f"workspace:{name}",
            now=now,
            detail={"before": None, "after": {"name": name, "environments": ["live", "test"]}},
            ip=ip,
        )
        await audit.config_changed(transaction)
    return Workspace(name, moment(now))


async def list_environments(ledger: Ledger, workspace: int) -> list[Environment]:
    rows = await ledger.fetch(f"SELECT {_COLUMNS} FROM environments e WHERE e.workspace = $1 ORDER BY e.id", workspace)
    return [_environment(row) for row in rows]


async def create_environment(
    ledger: Ledger,
    workspace: int,
    name: str,
    *,
    mode: str = "guarded",
    allowlist: Sequence[str] = (),
    seal: Callable[[str], str],
    actor: str,
    now: int,
    ip: str | None = None,
) -> Environment:
    """One more environment. Raises `Refused`."""
    refusals = [refusal for refusal in (_bad_name(name), _bad_mode(mode, allowlist)) if refusal]
    recipients = _recipients(allowlist, refusals)
    async with ledger.transaction() as transaction:
        if not refusals and await _find(transaction, workspace, name):
            refusals.append(Refusal("already_exists", f"there is an environment {name!r} already", "/name", 409))
        if refusals:
            raise Refused(*refusals)
        await _insert(transaction, workspace, name, mode, recipients, seal, now)
        await audit.note(
            transaction,
            workspace=workspace,
            actor=actor,
            action="environment.created",
            object=f"environment:{name}",
            now=now,
            detail={"before": None, "after": {"mode": mode, "allowlist": recipients}},
            ip=ip,
        )
        await audit.config_changed(transaction)
    return Environment(name, mode, recipients, moment(now))


async def set_allowlist(
    ledger: Ledger,
    workspace: int,
    name: str,
    allowlist: Sequence[str],
    *,
    actor: str,
    now: int,
    ip: str | None = None,
) -> Environment:
    """Replace the recipients that a guarded environment may reach. Raises `Refused`."""
    refusals: list[Refusal] = []
    recipients = _recipients(allowlist, refusals)
    async with ledger.transaction() as transaction:
        rows = await _find(transaction, workspace, name)
        if not rows:
            raise Refused(Refusal("not_found", f"there is no environment {name[:40]!r}", status=404))
        before = _environment(rows[0])
        if before.mode != "guarded":
            refusals.append(
                Refusal(
                    "not_guarded",
                    f"{name!r} is {before.mode}; only guarded environments have an allowlist",
                    status=409,
                )
            )
        if refusals:
            raise Refused(*refusals)
        await transaction.execute(
            "UPDATE environments SET allowlist = $3 WHERE workspace = $1 AND name = $2",
            workspace,
            name,
            msgspec.json.encode(recipients).decode(),
        )
        await audit.note(
            transaction,
            workspace=workspace,
            actor=actor,
            action="environment.changed",
            object=f"environment:{name}",
            now=now,
            detail={"before": {"allowlist": before.allowlist}, "after": {"allowlist": recipients}},
            ip=ip,
        )
        await audit.config_changed(transaction)
    return msgspec.structs.replace(before, allowlist=recipients)


def _bad_name(name: str) -> Refusal | None:
    if _NAME.fullmatch(name):
        return None
    return Refusal(
        "bad_name",
        f"{name[:40]!r} can't be a name: a letter, then up to 30 small letters, digits or hyphens",
        "/name",
    )


def _bad_mode(mode: str, allowlist: Sequence[str]) -> Refusal | None:
    if mode not in MODES:
        hint = did_you_mean(mode, MODES)
        return Refusal("unknown_mode", f"{mode[:40]!r} is not a mode; there are {', '.join(MODES)}.{hint}", "/mode")
    if allowlist and mode != "guarded":
        return Refusal("not_guarded", f"a {mode} environment has no allowlist; only guarded ones have", "/allowlist")
    return None


def _recipients(allowlist: Sequence[str], refusals: list[Refusal]) -> list[str]:
    """The numbers in E.164, each once; what is wrong with them is added to `refusals`."""
    if len(allowlist) > ALLOWLIST_LIMIT:
        refusals.append(Refusal("allowlist_too_long", f"an allowlist takes {ALLOWLIST_LIMIT} numbers", "/allowlist"))
        return []
    found: dict[str, None] = {}
    for index, text in enumerate(allowlist):
        number = numbers.parse(text, None)
        if isinstance(number, numbers.BadNumber):
            refusals.append(Refusal(number.code, number.detail, f"/allowlist/{index}"))
        else:
            found[number.e164] = None
    return list(found)


async def _find(transaction: Transaction, workspace: int, name: str) -> list[Row]:
    return await transaction.fetch(
        f"SELECT {_COLUMNS} FROM environments e WHERE e.workspace = $1 AND e.name = $2", workspace, name
    )


async def _insert(
    transaction: Transaction,
    workspace: int,
    name: str,
    mode: str,
    recipients: list[str],
    seal: Callable[[str], str],
    now: int,
) -> None:
    await transaction.execute(
        "INSERT INTO environments (workspace, name, mode, allowlist, callback_secret, created_at) "
        "VALUES ($1, $2, $3, $4, $5, $6)",
        workspace,
        name,
        mode,
        msgspec.json.encode(recipients).decode(),
        seal(secret_from(secrets.token_bytes(32))),
        now,
    )


def _environment(row: Row) -> Environment:
    return Environment(row[0], row[1], msgspec.json.decode(row[2], type=list[str]), moment(row[3]))
