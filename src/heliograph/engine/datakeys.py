"""Keys for data: each is made once, kept in the ledger sealed with the master key, and known to every process.

So whoever has the database alone has no key, and a new master key only needs these to be sealed again, not the data.
"""

import secrets
from typing import Final

from heliograph.engine import auditing
from heliograph.engine.secrets import Vault
from heliograph.store.port import Ledger

AUDIT: Final = "audit"
ERASED: Final = "erased"
BODIES: Final = "bodies"
_BYTES: Final = 32


async def load(ledger: Ledger, vault: Vault, *, now: int) -> None:
    """Give a ledger its keys; the first start makes them. Raises `CannotOpen` when the master key is another one."""
    known = await _known(ledger, vault)
    for purpose in (AUDIT, ERASED, BODIES):
        if (purpose, 1) not in known:
            await _make(ledger, vault, purpose, now)
    known = await _known(ledger, vault)
    ledger.protection.audit_key = known[AUDIT, 1][0]


async def _known(ledger: Ledger, vault: Vault) -> dict[tuple[str, int], tuple[bytes, int]]:
    """(purpose, number) → key, active from."""
    rows = await ledger.fetch("SELECT purpose, number, sealed, active_at FROM data_keys")
    return {
        (purpose, number): (vault.open(sealed, about=purpose), active_at) for purpose, number, sealed, active_at in rows
    }


async def _make(ledger: Ledger, vault: Vault, purpose: str, now: int) -> None:
    """The first key of a purpose. Of two processes that start at once one makes it; the other one waits for it."""
    key = secrets.token_bytes(_BYTES)
    async with ledger.transaction() as transaction:
        made = await transaction.fetch(
            "INSERT INTO data_keys (purpose, number, sealed, active_at) VALUES ($1, 1, $2, $3) "
            "ON CONFLICT (purpose, number) DO NOTHING RETURNING number",
            *(purpose, vault.seal(key, about=purpose), now),
        )
        if made and purpose == AUDIT:
            await auditing.take_in(transaction, key)
