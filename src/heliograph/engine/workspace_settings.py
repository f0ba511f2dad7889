"""What a workspace has settled for itself: one value under each key, changed with an audit entry."""

from typing import Any

import msgspec

from heliograph.engine import audit
from heliograph.store.port import Ledger


async def read(ledger: Ledger, workspace: int, key: str) -> Any:
    """The value under a key; nothing settled is {}."""
    rows = await ledger.fetch("SELECT settings FROM workspaces WHERE id = $1", workspace)
    return msgspec.json.decode(rows[0][0]).get(key, {})


async def write(ledger: Ledger, workspace: int, key: str, value: Any, *, actor: str, now: int) -> None:
    """Put a value in the place of what was there; processes at work are told."""
    after = msgspec.to_builtins(value)
    async with ledger.transaction() as transaction:
        rows = await transaction.fetch(  # an update reads what nobody else can be changing
            "UPDATE workspaces SET settings = settings WHERE id = $1 RETURNING settings", workspace
        )
        settings = msgspec.json.decode(rows[0][0])
        text = msgspec.json.encode({**settings, key: after}).decode()
        await transaction.execute("UPDATE workspaces SET settings = $2 WHERE id = $1", workspace, text)
        await audit.note(
            transaction,
            workspace=workspace,
            actor=actor,
            action=f"{key}.changed",
            object=key,
            now=now,
            detail={"before": settings.get(key), "after": after},
        )
        await audit.config_changed(transaction)
