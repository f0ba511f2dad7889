"""How a person is named where nothing can be erased, and how who was erased comes back.

Entries of the audit log can't be changed; therefore they name people by mask and hash from the beginning.
"""

from typing import Final

from heliograph.core.numbers import mask_number
from heliograph.store.port import Transaction
from heliograph.store.protection import Protection

EVERYBODY: Final = 0  # the workspace of what the operator says for all of them


def named(protection: Protection, workspace: int, address: str) -> str:
    """To be recognised by who knows the address, and by nobody else."""
    shown = mask_number(address) if address.startswith("+") else "…"
    return f"person:{shown}:{protection.hash_number(workspace, address)[:16]}"


async def lift(transaction: Transaction, protection: Protection, workspace: int, address: str) -> None:
    """The person came back and said yes: the hash says no no longer."""
    await transaction.execute(
        "UPDATE erased SET is_suppressed = 0 WHERE workspace = $1 AND hash = $2",
        *(workspace, protection.hash_number(workspace, address)),
    )
