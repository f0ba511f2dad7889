"""Audiences in the ledger: lists of recipients with their variables, each number once, and the faults of what was read.

An audience is filled piece by piece, in short transactions, so that nobody waits behind a file of millions. Until it is
whole it is `filling`, and no campaign can take it; one that broke off is filled anew under its name.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from heliograph.core.audiences import DUPLICATE, Fault, Filter, Recipient
from heliograph.core.failures import Refusal, Refused
from heliograph.core.views import moment
from heliograph.engine import audit
from heliograph.store.port import Ledger, Row, Transaction

FILLING, READY, BROKEN = "filling", "ready", "broken"
Name = Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9-]{0,39}$")]
PIECE: Final = 500  # rows of one transaction: about five milliseconds
_ERASED_AT_ONCE: Final = 2_000
_COLUMNS: Final = (
    "id, workspace, environment, name, state, filters, variables, read_lines, valid, bad, duplicates, "
    "created_at, filled_at"
)


class Audience(msgspec.Struct, frozen=True):
    """An audience as a row."""

    id: int
    workspace: int
    environment: int
    name: str
    state: str
    filters: str | None
    variables: str
    read_lines: int
    valid: int
    bad: int
    duplicates: int
    created_at: int
    filled_at: int | None


class AudienceView(msgspec.Struct):
    """An audience as the API shows it. `lines`: all that were read, and what became of them."""

    name: str
    status: str
    filters: list[Filter] | None
    variables: list[str]
    lines: int
    valid: int
    bad: int
    duplicates: int
    created_at: str
    filled_at: str | None


class FaultView(msgspec.Struct):
    """A line that names nobody, and why."""

    line: int
    code: str
    detail: str


def view(audience: Audience) -> AudienceView:
    filters = msgspec.json.decode(audience.filters, type=list[Filter]) if audience.filters is not None else None
    return AudienceView(
        audience.name,
        audience.state,
        filters,
        msgspec.json.decode(audience.variables, type=list[str]),
        audience.read_lines,
        audience.valid,
        audience.bad,
        audience.duplicates,
        moment(audience.created_at),
        None if audience.filled_at is None else moment(audience.filled_at),
    )


# -- reading


async def find(ledger: Ledger, environment: int, name: str) -> Audience | None:
    rows = await ledger.fetch(
        f"SELECT {_COLUMNS} FROM audiences WHERE environment = $1 AND name = $2", environment, name
    )
    return Audience(*rows[0]) if rows else None


async def of_id(ledger: Ledger, audience: int) -> Audience:
    return Audience(*(await ledger.fetch(f"SELECT {_COLUMNS} FROM audiences WHERE id = $1", audience))[0])


async def page(ledger: Ledger, environment: int, after: str, limit: int) -> tuple[list[Audience], str | None]:
    """Audiences by name."""
    rows = await ledger.fetch(
        f"SELECT {_COLUMNS} FROM audiences WHERE environment = $1 AND name > $2 ORDER BY name LIMIT $3",
        *(environment, after, limit + 1),
    )
    found = [Audience(*row) for row in rows[:limit]]
    return found, found[-1].name if len(rows) > limit else None


async def faults(ledger: Ledger, audience: int, after: int, limit: int) -> tuple[list[FaultView], int | None]:
    """What was wrong, line by line."""
    rows = await ledger.fetch(
        "SELECT line, code, detail FROM audience_faults WHERE audience = $1 AND line > $2 ORDER BY line LIMIT $3",
        *(audience, after, limit + 1),
    )
    found = [FaultView(*row) for row in rows[:limit]]
    return found, found[-1].line if len(rows) > limit else None


async def rows_after(ledger: Ledger, audience: Audience, line: int, limit: int) -> list[Recipient]:
    """The next recipients of an audience, in the order of their lines."""
    rows = await ledger.fetch(
        "SELECT line, number, time_zone, variables FROM audience_rows WHERE audience = $1 AND line > $2 "
        "ORDER BY line LIMIT $3",
        *(audience.id, line, limit),
    )
    if ledger.protection.seal is None:
        return [Recipient(*row) for row in rows]
    return [Recipient(row[0], row[1], row[2], _opened(ledger, audience, row)) for row in rows]


def _opened(ledger: Ledger, audience: Audience, row: Row) -> str | None:
    return ledger.protection.read(audience.workspace, f"audience {audience.id} {row[0]}", row[3])


# -- filling


async def begin(
    ledger: Ledger,
    workspace: int,
    environment: int,
    name: str,
    *,
    filters: Sequence[Filter] | None,
    actor: str,
    now: int,
) -> Audience:
    """A new audience, to be filled; one of this name that broke off begins anew. Raises `Refused`."""
    before = await find(ledger, environment, name)
    if before is not None:
        if before.state == READY:
            detail = f"there is an audience {name!r} already; delete it first, or choose another name"
            raise Refused(Refusal("already_exists", detail, "/name", 409))
        await _drop(ledger, before)
    spec = None if filters is None else msgspec.json.encode(filters).decode()
    async with ledger.transaction() as transaction:
        rows = await transaction.fetch(
            "INSERT INTO audiences (workspace, environment, name, state, filters, created_at) "
            f"VALUES ($1, $2, $3, 'filling', $4, $5) ON CONFLICT (environment, name) DO NOTHING RETURNING {_COLUMNS}",
            *(workspace, environment, name, spec, now),
        )
        if not rows:
            raise Refused(Refusal("already_exists", f"somebody else is filling {name!r} just now", "/name", 409))
        facts = {"after": {"filters": spec}} if spec is not None else {}
        await _note(transaction, workspace, actor, "audience.created", name, now, facts)
    return Audience(*rows[0])


async def add(ledger: Ledger, audience: Audience, found: Sequence[Recipient | Fault]) -> None:
    """Keep what was read; numbers that are there already become faults."""
    recipients = [one for one in found if isinstance(one, Recipient)]
    wrong = [one for one in found if isinstance(one, Fault)]
    async with ledger.transaction() as transaction:
        doubled = await _add_rows(ledger, transaction, audience, recipients)
        wrong += doubled
        if wrong:
            values = [value for one in wrong for value in one]
            await transaction.execute(
                f"INSERT INTO audience_faults (audience, line, code, detail) VALUES {_marks(len(wrong), 3)}",
                *(audience.id, *values),
            )
        await transaction.execute(
            "UPDATE audiences SET read_lines = read_lines + $2, valid = valid + $3, bad = bad + $4, "
            "duplicates = duplicates + $5 WHERE id = $1",
            *(audience.id, len(found), len(recipients) - len(doubled), len(wrong) - len(doubled), len(doubled)),
        )


async def _add_rows(
    ledger: Ledger, transaction: Transaction, audience: Audience, recipients: Sequence[Recipient]
) -> list[Fault]:
    if not recipients:
        return []
    values: list[Any] = []
    for one in recipients:
        place = f"audience {audience.id} {one.line}"
        values += (*one[:3], ledger.protection.kept(audience.workspace, place, one.variables))
    kept = await transaction.fetch(
        f"INSERT INTO audience_rows (audience, line, number, time_zone, variables) VALUES {_marks(len(recipients), 4)} "
        "ON CONFLICT (number, audience) DO NOTHING RETURNING line",
        *(audience.id, *values),
    )
    if len(kept) == len(recipients):
        return []
    lines = {row[0] for row in kept}
    doubled = [one for one in recipients if one.line not in lines]
    numbers = [one.number for one in doubled]
    marks = ", ".join(f"${place}" for place in range(2, len(numbers) + 2))
    first: dict[str, int] = dict(
        await transaction.fetch(
            f"SELECT number, line FROM audience_rows WHERE audience = $1 AND number IN ({marks})", audience.id, *numbers
        )
    )
    return [Fault(one.line, DUPLICATE, f"line {first[one.number]} names this number already") for one in doubled]


def _marks(rows: int, columns: int) -> str:
    """Places for so many rows, the audience first in each."""
    return ", ".join(
        f"($1, {', '.join(f'${row * columns + column + 2}' for column in range(columns))})" for row in range(rows)
    )


async def finish(ledger: Ledger, audience: Audience, variables: Sequence[str], *, actor: str, now: int) -> Audience:
    """It is whole."""
    async with ledger.transaction() as transaction:
        rows = await transaction.fetch(
            f"UPDATE audiences SET state = 'ready', variables = $2, filled_at = $3 WHERE id = $1 RETURNING {_COLUMNS}",
            *(audience.id, msgspec.json.encode(variables).decode(), now),
        )
        done = Audience(*rows[0])
        facts = {"valid": done.valid, "bad": done.bad, "duplicates": done.duplicates}
        await _note(transaction, done.workspace, actor, "audience.filled", done.name, now, facts)
    return done


async def break_off(ledger: Ledger, audience: Audience) -> None:
    """It did not come to its end."""
    async with ledger.transaction() as transaction:
        await transaction.execute(
            "UPDATE audiences SET state = 'broken' WHERE id = $1 AND state = 'filling'", audience.id
        )


# -- taking away


async def delete(ledger: Ledger, audience: Audience, *, actor: str, now: int) -> None:
    """Take an audience away. Raises `Refused` while a campaign has need of it."""
    await _drop(ledger, audience)
    async with ledger.transaction() as transaction:
        await _note(transaction, audience.workspace, actor, "audience.deleted", audience.name, now, {})


async def _drop(ledger: Ledger, audience: Audience) -> None:
    rows = await ledger.fetch("SELECT name FROM campaigns WHERE audience = $1 LIMIT 1", audience.id)
    if rows:
        detail = f"the campaign {rows[0][0]!r} reaches it; delete that first"
        raise Refused(Refusal("still_used", detail, status=409))
    async with ledger.transaction() as transaction:
        await transaction.execute("UPDATE audiences SET state = 'broken' WHERE id = $1", audience.id)
    for table in ("audience_rows", "audience_faults"):
        while await _drop_some(ledger, audience, table):
            pass
    async with ledger.transaction() as transaction:
        await transaction.execute("DELETE FROM audiences WHERE id = $1", audience.id)


async def _drop_some(ledger: Ledger, audience: Audience, table: str) -> bool:
    async with ledger.transaction() as transaction:
        gone = await transaction.fetch(
            f"DELETE FROM {table} WHERE audience = $1 AND line IN "
            f"(SELECT line FROM {table} WHERE audience = $1 ORDER BY line LIMIT $2) RETURNING line",
            *(audience.id, _ERASED_AT_ONCE),
        )
    return bool(gone)


async def _note(
    transaction: Transaction, workspace: int, actor: str, action: str, name: str, now: int, detail: dict[str, Any]
) -> None:
    await audit.note(
        transaction,
        workspace=workspace,
        actor=actor,
        action=action,
        object=f"audience/{name}",
        now=now,
        detail=detail,
    )
