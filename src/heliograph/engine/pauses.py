"""Pauses: an operator's hand on the tap. What is paused is accepted and kept, but not handed over.

`all` stops everything; `connector` and `kind` stop one of them for every workspace; `workspace` stops one
workspace.
"""

from typing import Final

import msgspec

from heliograph.core.decide import SANDBOX
from heliograph.core.failures import Refusal, Refused
from heliograph.core.message import LANES
from heliograph.core.views import moment
from heliograph.engine import audit
from heliograph.engine.suggest import did_you_mean
from heliograph.store.port import Ledger, Transaction

SCOPES: Final = ("all", "workspace", "connector", "kind")


class Pause(msgspec.Struct, frozen=True):
    """One pause as the public API shows it."""

    scope: str
    value: str
    actor: str
    since: str


async def list_pauses(ledger: Ledger, workspace: str | None = None) -> list[Pause]:
    """Pauses in force; with a workspace's name only those that concern it: its own, `all` and kinds."""
    rows = await ledger.fetch("SELECT scope, value, actor, at FROM pauses ORDER BY at, scope, value")
    return [
        Pause(scope, value, actor, moment(at))
        for scope, value, actor, at in rows
        if workspace is None or scope in ("all", "kind") or (scope, value) == ("workspace", workspace)
    ]


async def pause(
    ledger: Ledger, workspace: int, scope: str, value: str, *, actor: str, now: int, ip: str | None = None
) -> Pause:
    """Stop something; what is stopped stays so. `workspace` is that of the actor. Raises `Refused`."""
    async with ledger.transaction() as transaction:
        if refusal := await _unknown(transaction, scope, value):
            raise Refused(refusal)
        new = await transaction.fetch(
            "INSERT INTO pauses (scope, value, actor, at) VALUES ($1, $2, $3, $4) "
            "ON CONFLICT (scope, value) DO NOTHING RETURNING scope",
            scope,
            value,
            actor,
            now,
        )
        if new:
            await _note(transaction, workspace, "pause.set", scope, value, actor, now, ip)
        rows = await transaction.fetch("SELECT actor, at FROM pauses WHERE scope = $1 AND value = $2", scope, value)
    return Pause(scope, value, rows[0][0], moment(rows[0][1]))


async def resume(
    ledger: Ledger, workspace: int, scope: str, value: str, *, actor: str, now: int, ip: str | None = None
) -> None:
    """Let something go on. Raises `Refused` when it was not paused."""
    async with ledger.transaction() as transaction:
        gone = await transaction.fetch(
            "DELETE FROM pauses WHERE scope = $1 AND value = $2 RETURNING scope", scope, value
        )
        if not gone:
            raise Refused(Refusal("not_found", f"{scope} {value!r} is not paused".replace(" ''", ""), status=404))
        await _note(transaction, workspace, "pause.lifted", scope, value, actor, now, ip)


async def _note(
    transaction: Transaction,
    workspace: int,
    action: str,
    scope: str,
    value: str,
    actor: str,
    now: int,
    ip: str | None,
) -> None:
    name = f"{scope}:{value}" if value else scope
    is_set = action == "pause.set"
    await audit.note(
        transaction,
        workspace=workspace,
        actor=actor,
        action=action,
        object=name,
        now=now,
        detail={"before": {"paused": not is_set}, "after": {"paused": is_set}},
        ip=ip,
    )
    await audit.config_changed(transaction)


async def _unknown(transaction: Transaction, scope: str, value: str) -> Refusal | None:
    """Why this can't be paused: a pause with a typing error would stop nothing, and nobody would notice."""
    if scope == "all":
        return Refusal("bad_value", "scope all takes no value; leave it out", "/value") if value else None
    if scope == "kind":
        known = list(LANES)
    elif scope == "connector":
        rows = await transaction.fetch("SELECT name FROM declared WHERE kind = 'connector' ORDER BY name")
        known = [*dict.fromkeys([*(row[0] for row in rows), SANDBOX])]
    elif scope == "workspace":
        known = [row[0] for row in await transaction.fetch("SELECT name FROM workspaces ORDER BY name")]
    else:
        hint = did_you_mean(scope, SCOPES)
        return Refusal(
            "unknown_pause_scope",
            f"{scope[:40]!r} can't be paused; there are {', '.join(SCOPES)}.{hint}",
            "/scope",
        )
    if value in known:
        return None
    return Refusal(f"unknown_{scope}", f"there is no {scope} {value[:40]!r}.{did_you_mean(value, known)}", "/value")
