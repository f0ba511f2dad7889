"""Adds entries to the audit log's chain: the last statements of a cold transaction, on both engines.

The one row of `audit_chain` is updated first, and so locked until the commit: writers in other processes wait, and each
sees the end that the one before it left. It is the last thing that a transaction does, because then nobody who holds
it waits for anything else.
"""

from collections.abc import Sequence

from heliograph.core.chain import Noted, link
from heliograph.store.port import Transaction


async def add(transaction: Transaction, key: bytes, notes: Sequence[Noted]) -> None:
    """Write entries behind the last one."""
    if not notes:
        return
    rows = await transaction.fetch(
        "UPDATE audit_chain SET last_id = last_id + $1 RETURNING last_id, last_hash", len(notes)
    )
    end, previous = rows[0]
    for number, noted in enumerate(notes, end - len(notes) + 1):
        previous = link(key, previous, number, noted)
        await transaction.execute(
            "INSERT INTO audit (id, workspace, at, actor, action, object, detail, ip, hash) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            *(number, *noted, previous),
        )
    await transaction.execute("UPDATE audit_chain SET last_hash = $1", previous)
