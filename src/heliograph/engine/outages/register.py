"""Outages as they are kept, from their beginning to their end, with what became of messages; and what is shut now."""

from collections.abc import Mapping
from typing import Final

import msgspec

from heliograph.core import ids
from heliograph.core.outages import Shut
from heliograph.core.views import moment
from heliograph.store.port import Ledger, NewEvent

PREFIX: Final = "out"
_COLUMNS: Final = (
    "id, workspace, environment, connectors, country, why, shut_since, began_at, fine_since, ended_at, held, moved, "
    "failed"
)


class Outage(msgspec.Struct):
    """An outage as its row has it."""

    id: int
    workspace: int
    environment: int
    connectors: str
    country: str
    why: str
    shut_since: int
    began_at: int
    fine_since: int | None
    ended_at: int | None
    held: int
    moved: int
    failed: int

    @property
    def way(self) -> tuple[str, ...]:
        return tuple(msgspec.json.decode(self.connectors, type=list[str]))

    @property
    def key(self) -> tuple[int, tuple[str, ...], str]:
        return self.environment, self.way, self.country


class OutageView(msgspec.Struct):
    """An outage as the API shows it. `country` None: all of them."""

    id: str
    status: str
    connectors: list[str]
    country: str | None
    why: str
    shut_since: str
    began_at: str
    ended_at: str | None
    held: int
    moved: int
    failed: int


def view(outage: Outage) -> OutageView:
    status = "ended" if outage.ended_at else "recovering" if outage.fine_since else "out"
    return OutageView(
        *(ids.make(PREFIX, outage.began_at, outage.id), status, list(outage.way), outage.country or None, outage.why),
        *(moment(outage.shut_since), moment(outage.began_at)),
        None if outage.ended_at is None else moment(outage.ended_at),
        *(outage.held, outage.moved, outage.failed),
    )


async def open_ones(ledger: Ledger) -> list[Outage]:
    rows = await ledger.fetch(f"SELECT {_COLUMNS} FROM outages WHERE ended_at IS NULL ORDER BY id")
    return [Outage(*row) for row in rows]


async def listed(ledger: Ledger, workspace: int, environment: int, below: int | None, limit: int) -> list[Outage]:
    """The newest first."""
    rows = await ledger.fetch(
        f"SELECT {_COLUMNS} FROM outages WHERE workspace = $1 AND environment = $2 AND id < $3 ORDER BY id DESC "
        "LIMIT $4",
        *(workspace, environment, below or 1 << 62, limit),
    )
    return [Outage(*row) for row in rows]


async def begin(
    ledger: Ledger, workspace: int, environment: int, way: tuple[str, ...], country: str, shut: Shut, now: int
) -> Outage:
    """Keep it, and tell of it."""
    async with ledger.transaction() as transaction:
        rows = await transaction.fetch(
            "INSERT INTO outages (workspace, environment, connectors, country, why, shut_since, began_at) "
            f"VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING {_COLUMNS}",
            *(workspace, environment, msgspec.json.encode(way).decode(), country, shut.why, shut.since, now),
        )
        outage = Outage(*rows[0])
        event = NewEvent("outage.began", now, msgspec.json.encode(view(outage)).decode())
        await transaction.record(workspace, environment, [event])
    return outage


async def keep(ledger: Ledger, outage: Outage) -> None:
    """As it stands now."""
    async with ledger.transaction() as transaction:
        await transaction.execute(
            "UPDATE outages SET fine_since = $2, held = $3, moved = $4, failed = $5 WHERE id = $1",
            *(outage.id, outage.fine_since, outage.held, outage.moved, outage.failed),
        )


async def end(ledger: Ledger, outage: Outage, now: int) -> None:
    """It is over, and what it held may go."""
    outage.ended_at = now
    async with ledger.transaction() as transaction:
        await transaction.execute("UPDATE outages SET ended_at = $2 WHERE id = $1", outage.id, now)
        event = NewEvent("outage.ended", now, msgspec.json.encode(view(outage)).decode())
        await transaction.record(outage.workspace, outage.environment, [event])


async def shut(ledger: Ledger) -> dict[tuple[str, str], Shut]:
    """What is of no use at the moment, by connector and country."""
    rows = await ledger.fetch("SELECT connector, country, since, why FROM shut_connectors")
    return {(name, country): Shut(since, why) for name, country, since, why in rows}


async def publish(
    ledger: Ledger, ours: set[str], before: frozenset[tuple[str, str]] | None, now_shut: Mapping[tuple[str, str], Shut]
) -> frozenset[tuple[str, str]]:
    """Say which of our connectors are shut; `before` is what was said last, None: nothing yet."""
    after = frozenset(now_shut)
    if before == after:
        return after
    async with ledger.transaction() as transaction:
        rows = await transaction.fetch("SELECT connector, country FROM shut_connectors")
        for name, country in rows:
            if name in ours and (name, country) not in after:
                await transaction.execute(
                    "DELETE FROM shut_connectors WHERE connector = $1 AND country = $2", name, country
                )
        for (name, country), (since, why) in now_shut.items():
            await transaction.execute(
                "INSERT INTO shut_connectors (connector, country, since, why) VALUES ($1, $2, $3, $4) "
                "ON CONFLICT (connector, country) DO NOTHING",
                *(name, country, since, why),
            )
    return after
