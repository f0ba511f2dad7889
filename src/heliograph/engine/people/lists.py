"""Lists of people: who said no, and who may have."""

import msgspec

from heliograph.core.views import moment
from heliograph.engine import audit
from heliograph.engine.people import files
from heliograph.store.port import Ledger


class Suppressed(msgspec.Struct):
    """Somebody who said no, and what to."""

    to: str
    scope: str
    since: str
    firm: bool


class Review(msgspec.Struct):
    """Somebody who may have said no."""

    to: str
    scope: str
    since: str
    text: str | None


async def suppressed(ledger: Ledger, workspace: int, cursor: str, limit: int) -> tuple[list[Suppressed], str | None]:
    """Those who said no, by address, and the next page's cursor."""
    number, _, scope = cursor.partition(" ")
    rows = await ledger.fetch(
        "SELECT number, scope, out_at, firm FROM stances WHERE workspace = $1 AND out_at IS NOT NULL "
        "AND (number, scope) > ($2, $3) ORDER BY number, scope LIMIT $4",
        *(workspace, number, scope, limit + 1),
    )
    page = [Suppressed(row[0], row[1], moment(row[2]), bool(row[3])) for row in rows[:limit]]
    return page, f"{page[-1].to} {page[-1].scope}" if len(rows) > limit else None


async def export(ledger: Ledger, workspace: int, *, actor: str, now: int) -> bytes:
    """All of them as CSV. That it was taken is an audit entry."""
    content = await files.write_out(ledger, workspace)
    async with ledger.transaction() as transaction:
        await audit.note(
            transaction,
            workspace=workspace,
            actor=actor,
            action="suppressions.exported",
            object="suppressions",
            now=now,
            detail={"lines": content.count(b"\n") - 1},
        )
    return content


async def reviews(ledger: Ledger, workspace: int) -> list[Review]:
    """What waits for a human to decide, the oldest first."""
    rows = await ledger.fetch(
        "SELECT s.number, s.scope, s.doubt_at, (SELECT c.text FROM consents c WHERE c.workspace = s.workspace "
        "AND c.number = s.number AND c.action = 'doubt' ORDER BY c.id DESC LIMIT 1) FROM stances s "
        "WHERE s.workspace = $1 AND s.doubt_at IS NOT NULL ORDER BY s.doubt_at LIMIT 1000",
        workspace,
    )
    return [Review(row[0], row[1], moment(row[2]), row[3]) for row in rows]
