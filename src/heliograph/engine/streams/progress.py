"""How far each stream has come, as the ledger knows it; and how that is shown."""

from typing import Final

import msgspec

from heliograph.core.views import moment
from heliograph.engine.streams.form import StreamForm
from heliograph.store.port import Ledger, Row

_REASON: Final = 500


class Stream(msgspec.Struct):
    """A declared stream at work."""

    workspace: int
    workspace_name: str
    name: str
    environment: int
    form: StreamForm
    position: str | None  # None: it has not begun

    @property
    def lease(self) -> str:
        return f"stream:{self.workspace}:{self.name}"

    @property
    def labels(self) -> tuple[str, str]:
        """By which its metrics are told from those of others."""
        return self.workspace_name, self.name


class StreamView(msgspec.Struct):
    """How a stream stands."""

    name: str
    kind: str
    environment: str
    events: list[str]
    disabled: bool
    sent: int
    last_event_at: str | None  # of the last event that it has gone past
    moved_at: str | None
    failing_since: str | None
    error: str | None


async def _rows(ledger: Ledger, workspace: int) -> list[tuple[Row, StreamForm]]:
    rows = await ledger.fetch(
        "SELECT d.workspace, d.name, d.spec, p.position, p.event_at, p.sent, p.moved_at, p.failing_since, p.error, "
        "w.name FROM declared d JOIN workspaces w ON w.id = d.workspace "
        "LEFT JOIN stream_progress p ON p.workspace = d.workspace AND p.name = d.name "
        "WHERE d.kind = 'stream' AND (d.workspace = $1 OR $1 = 0) ORDER BY d.id",
        workspace,
    )
    return [(row, msgspec.json.decode(row[2], type=StreamForm)) for row in rows]


async def streams(ledger: Ledger) -> list[Stream]:
    """All that are declared, of environments that exist."""
    rows = await _rows(ledger, 0)
    if not rows:
        return []
    found = await ledger.fetch("SELECT workspace, name, id FROM environments")
    environments = {(workspace, name): number for workspace, name, number in found}
    return [
        Stream(row[0], row[9], row[1], environments[row[0], form.environment], form, row[3])
        for row, form in rows
        if (row[0], form.environment) in environments
    ]


async def shown(ledger: Ledger, workspace: int) -> list[StreamView]:
    """Those of a workspace."""
    return [
        StreamView(
            row[1],
            form.kind,
            form.environment,
            form.events,
            form.disabled,
            row[5] or 0,
            _maybe(row[4]),
            _maybe(row[6]),
            _maybe(row[7]),
            row[8],
        )
        for row, form in await _rows(ledger, workspace)
    ]


def _maybe(at: int | None) -> str | None:
    return None if at is None else moment(at)


async def begin(ledger: Ledger, stream: Stream, position: str, now: int) -> None:
    """The first place of a stream; one that somebody else gave it meanwhile stays."""
    async with ledger.transaction() as transaction:
        await transaction.execute(
            "INSERT INTO stream_progress (workspace, name, position, sent, moved_at) VALUES ($1, $2, $3, 0, $4) "
            "ON CONFLICT (workspace, name) DO NOTHING",
            *(stream.workspace, stream.name, position, now),
        )
        rows = await transaction.fetch(
            "SELECT position FROM stream_progress WHERE workspace = $1 AND name = $2", stream.workspace, stream.name
        )
    stream.position = rows[0][0]


async def moved(ledger: Ledger, stream: Stream, position: str, event_at: int, sent: int, now: int) -> None:
    """Everything up to this position is taken. Whoever has lost the stream to another process moves nothing."""
    async with ledger.transaction() as transaction:
        await transaction.execute(
            "UPDATE stream_progress SET position = $3, event_at = $4, sent = sent + $5, moved_at = $6, error = NULL, "
            "failing_since = NULL WHERE workspace = $1 AND name = $2 AND position = $7",
            *(stream.workspace, stream.name, position, event_at, sent, now, stream.position),
        )
        rows = await transaction.fetch(
            "SELECT position FROM stream_progress WHERE workspace = $1 AND name = $2", stream.workspace, stream.name
        )
    stream.position = rows[0][0] if rows else None


async def failed(ledger: Ledger, stream: Stream, why: str, now: int) -> None:
    """Nothing is taken, and since when."""
    async with ledger.transaction() as transaction:
        await transaction.execute(
            "UPDATE stream_progress SET error = $3, failing_since = COALESCE(failing_since, $4) "
            "WHERE workspace = $1 AND name = $2",
            *(stream.workspace, stream.name, why[:_REASON], now),
        )


async def forget_gone(ledger: Ledger) -> None:
    """A stream or export that is declared no longer begins anew if it comes back."""
    async with ledger.transaction() as transaction:
        for table, kind in (("stream_progress", "stream"), ("export_progress", "export")):
            await transaction.execute(
                f"DELETE FROM {table} WHERE NOT EXISTS (SELECT 1 FROM declared d WHERE d.kind = '{kind}' "
                f"AND d.workspace = {table}.workspace AND d.name = {table}.name)"
            )
