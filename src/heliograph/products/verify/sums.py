"""What the figures of verifications count: each one as it begins, and again when its code was right."""

from heliograph.engine.insight import verified
from heliograph.engine.insight.verified import Name
from heliograph.products.verify.row import BLOCKED, Verification
from heliograph.store.port import Transaction


async def began(transaction: Transaction, row: Verification) -> None:
    """Sent, or kept back; of what was kept back the price is saved."""
    is_blocked, names = row.state == BLOCKED, _names(row)
    if is_blocked and row.price is not None and row.currency is not None:
        names.append((verified.SAVED, f"{row.price} {row.currency}"))
    await verified.add(transaction, _where(row), row.started_at, names, started=1, blocked=int(is_blocked))


async def approved(transaction: Transaction, row: Verification) -> None:
    await verified.add(transaction, _where(row), row.started_at, _names(row), approved=1)


def _where(row: Verification) -> tuple[int, int]:
    return row.workspace, row.environment


def _names(row: Verification) -> list[Name]:
    return verified.names_of(row.country, row.to, row.client)
