"""A new master key takes over: everything that an earlier one has sealed is sealed again with the first one.

The new key is put in front of the old one first, and every process started again; then this; then the old key can go.
"""

import re
from typing import Final

from heliograph.engine import audit
from heliograph.engine.secrets import PREFIX, Vault
from heliograph.store.port import Ledger, Transaction

# Where sealed secrets stand, alone or inside JSON.
_PLACES: Final = (
    ("environments", "callback_secret"),
    ("declared", "spec"),
    ("declared_history", "spec"),
    ("authenticators", "secret"),
    ("clients", "auth_token"),
    ("users", "totp_secret"),
    ("users", "totp_pending"),
)
_SEALED: Final = re.compile(r"sealed:[0-9a-f]{8}:[0-9A-Za-z_=-]+")


async def reseal(ledger: Ledger, vault: Vault, *, actor: str, now: int) -> int:
    """Seal again what the first master key has not sealed; answers how many secrets that were."""
    async with ledger.transaction() as transaction:
        count = await _data_keys(transaction, vault)
        for table, column in _PLACES:
            count += await _column(transaction, vault, table, column)
        if count:
            await audit.note(
                transaction,
                workspace=None,
                actor=actor,
                action="master_key.rotated",
                object="master_key",
                now=now,
                detail={"secrets": count, "after": {"master_key": vault.current}},
            )
            await audit.config_changed(transaction)
    return count


async def _data_keys(transaction: Transaction, vault: Vault) -> int:
    rows = await transaction.fetch("SELECT purpose, number, sealed FROM data_keys")
    old = [row for row in rows if not vault.is_current(row[2])]
    for purpose, number, sealed in old:
        await transaction.execute(
            "UPDATE data_keys SET sealed = $1 WHERE purpose = $2 AND number = $3",
            *(vault.seal(vault.open(sealed, about=purpose), about=purpose), purpose, number),
        )
    return len(old)


async def _column(transaction: Transaction, vault: Vault, table: str, column: str) -> int:
    count = 0

    def again(found: re.Match[str]) -> str:
        nonlocal count
        if vault.is_current(found[0]):
            return found[0]
        count += 1
        return vault.seal(vault.open(found[0]))

    rows = await transaction.fetch(f"SELECT id, {column} FROM {table} WHERE {column} LIKE '%{PREFIX}%'")
    for number, text in rows:
        if (new := _SEALED.sub(again, text)) != text:
            await transaction.execute(f"UPDATE {table} SET {column} = $1 WHERE id = $2", new, number)
    return count
