"""Opt-outs and opt-ins of numbers in a workspace: an append-only record, and the list that every sending asks.

Also asked in the transaction that hands a message over, so an opt-out that was answered holds from that moment on.
"""

from typing import Final

import msgspec

from heliograph.core.views import moment
from heliograph.engine import audit, erasing
from heliograph.store.port import Ledger, NewEvent, Transaction

OPT_OUT: Final = "opt_out"
OPT_IN: Final = "opt_in"


class Consent(msgspec.Struct):
    """One entry of the record."""

    number: str
    action: str
    source: str
    detail: msgspec.Raw
    at: str


class Suppressed(msgspec.Struct):
    """A number that no message may go to."""

    number: str
    since: str


async def record(
    ledger: Ledger,
    workspace: int,
    environment: int,
    number: str,
    action: str,
    *,
    source: str,
    detail: dict[str, str],
    actor: str,
    now: int,
) -> None:
    """Note an opt-out or opt-in, and let it hold."""
    async with ledger.transaction() as transaction:
        await _hold(transaction, workspace, number, action, source, msgspec.json.encode(detail).decode(), now)
        if action == OPT_IN:
            await erasing.lift(transaction, ledger.protection, workspace, number)
        facts = {"number": number, "source": source, **detail}
        name = "contact.opted_out" if action == OPT_OUT else "contact.opted_in"
        event = NewEvent(name, now, msgspec.json.encode(facts).decode())
        await transaction.record(workspace, environment, [event])
        await audit.note(
            transaction,
            workspace=workspace,
            actor=actor,
            action=f"consent.{action}",
            object=erasing.named(ledger.protection, workspace, number),
            now=now,
            detail={"source": source},
        )


async def _hold(
    transaction: Transaction, workspace: int, number: str, action: str, source: str, detail: str, now: int
) -> None:
    """Write the entry, and make the list that is asked before every sending agree with it."""
    rows = await transaction.fetch(
        "INSERT INTO consents (workspace, number, action, source, detail, at) VALUES ($1, $2, $3, $4, $5, $6) "
        "RETURNING id",
        *(workspace, number, action, source, detail, now),
    )
    if action == OPT_OUT:
        await transaction.execute(
            "INSERT INTO suppressions (workspace, number, consent, at) VALUES ($1, $2, $3, $4) "
            "ON CONFLICT (workspace, number) DO NOTHING",
            *(workspace, number, rows[0][0], now),
        )
    else:
        await transaction.execute("DELETE FROM suppressions WHERE workspace = $1 AND number = $2", workspace, number)


async def history(ledger: Ledger, workspace: int, number: str) -> list[Consent]:
    """All that was recorded of a number, the oldest first."""
    rows = await ledger.fetch(
        "SELECT number, action, source, detail, at FROM consents WHERE workspace = $1 AND number = $2 ORDER BY id",
        workspace,
        number,
    )
    return [Consent(row[0], row[1], row[2], msgspec.Raw(row[3].encode()), moment(row[4])) for row in rows]


async def suppressed(ledger: Ledger, workspace: int, after: str, limit: int) -> list[Suppressed]:
    """Numbers in their order, those after `after`."""
    rows = await ledger.fetch(
        "SELECT number, at FROM suppressions WHERE workspace = $1 AND number > $2 ORDER BY number LIMIT $3",
        workspace,
        after,
        limit,
    )
    return [Suppressed(row[0], moment(row[1])) for row in rows]
