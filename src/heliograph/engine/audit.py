"""Who changed what: one entry for each change, written in the transaction of the change itself.

A change that running processes must see also raises the `config` counter, in the same transaction.
"""

from collections.abc import Mapping

import msgspec

from heliograph.core import ids
from heliograph.core.views import moment
from heliograph.store.port import Ledger, Transaction


class AuditEntry(msgspec.Struct, frozen=True):
    """One entry of the audit log."""

    id: str
    at: str
    actor: str
    action: str
    object: str
    detail: msgspec.Raw
    ip: str | None


async def note(
    transaction: Transaction,
    *,
    workspace: int | None,
    actor: str,
    action: str,
    object: str,
    now: int,
    detail: Mapping[str, object] | None = None,
    ip: str | None = None,
) -> None:
    """Add an entry. `workspace` is None for what concerns all of them; `detail` never holds a secret."""
    await transaction.execute(
        "INSERT INTO audit (workspace, at, actor, action, object, detail, ip) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        workspace,
        now,
        actor,
        action,
        object,
        msgspec.json.encode(detail or {}).decode(),
        ip,
    )


async def config_changed(transaction: Transaction) -> None:
    """Make every running process read the configuration again."""
    await transaction.execute("UPDATE counters SET value = value + 1 WHERE name = 'config'")


async def entries(
    ledger: Ledger, workspace: int, *, everyones: bool, cursor: str | None, limit: int
) -> tuple[list[AuditEntry], str | None]:
    """A page of entries, newest first, and the next page's cursor. `everyones`: also what concerns all."""
    place = ids.parse("aud", cursor) if cursor else None
    rows = await ledger.fetch(
        "SELECT id, at, actor, action, object, detail, ip FROM audit "
        "WHERE (workspace = $1 OR ($2 = 1 AND workspace IS NULL)) AND id < $3 ORDER BY id DESC LIMIT $4",
        workspace,
        int(everyones),
        place[1] if place else 1 << 62,
        limit + 1,
    )
    page = [
        AuditEntry(ids.make("aud", at, number), moment(at), actor, action, thing, msgspec.Raw(detail.encode()), ip)
        for number, at, actor, action, thing, detail, ip in rows[:limit]
    ]
    return page, page[-1].id if len(rows) > limit else None
