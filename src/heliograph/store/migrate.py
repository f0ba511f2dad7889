"""Brings a ledger's schema up to date, or back: numbered SQL files, the same runner for both engines.

Each migration is one transaction and is noted in the table `migrations`. A ledger that knows a migration which this
program does not know is refused, never guessed at. Raw SQL and a runner of this size instead of Alembic: there is no
ORM whose models it could compare, and two engines need two texts anyway.
"""

import time
from collections.abc import Sequence
from importlib import resources
from typing import Any, Final, NamedTuple, Protocol

from heliograph.store.port import Row

# How a migration begins: one program at a time, the others wait. On PostgreSQL a statement that can't have its table
# lock soon gives up, because everybody else queues behind it.
_BEGIN: Final[dict[str, str]] = {
    "sqlite": "BEGIN IMMEDIATE",
    "postgres": "BEGIN; SELECT pg_advisory_xact_lock(7246571); SET LOCAL lock_timeout = '5s'",
}
_NOTES: Final = (
    "CREATE TABLE IF NOT EXISTS migrations (number BIGINT PRIMARY KEY, name TEXT NOT NULL, applied_at BIGINT NOT NULL)"
)


class Migration(NamedTuple):
    """One step of the schema."""

    number: int
    name: str
    up: str
    down: str

    def __str__(self) -> str:
        return _label(self.number, self.name)


class NewerLedger(Exception):
    """The ledger has a migration that this program does not know."""


class Migratable(Protocol):
    """A connection that runs statements as they are, outside any transaction of its own making."""

    async def script(self, sql: str) -> None:
        """Run several statements."""
        ...

    async def rows(self, sql: str, *values: Any) -> list[Row]: ...


def known(engine: str) -> list[Migration]:
    """All migrations of this program, in order."""
    folder = resources.files("heliograph.store") / "migrations" / engine
    found = []
    for file in folder.iterdir():
        number, _, name = file.name.removesuffix(".up.sql").partition("_")
        if file.name.endswith(".up.sql"):
            down = folder / file.name.replace(".up.sql", ".down.sql")
            found.append(Migration(int(number), name, file.read_text("utf-8"), down.read_text("utf-8")))
    return sorted(found)


async def current(target: Migratable, engine: str) -> Migration | None:
    """The newest migration of the ledger; None when it is empty."""
    migrations = known(engine)
    applied = await _applied(target, engine, migrations)
    return max((migration for migration in migrations if migration.number in applied), default=None)


async def pending(target: Migratable, engine: str) -> list[Migration]:
    """The migrations that the ledger still lacks."""
    migrations = known(engine)
    applied = await _applied(target, engine, migrations)
    return [migration for migration in migrations if migration.number not in applied]


async def up(target: Migratable, engine: str, to: int | None = None) -> list[Migration]:
    """Apply what is missing (up to number `to`); answers what was applied."""
    done = []
    for migration in await pending(target, engine):
        if to is not None and migration.number > to:
            break
        if await _step(target, engine, migration, up=True):
            done.append(migration)
    return done


async def down(target: Migratable, engine: str, to: int) -> list[Migration]:
    """Roll back everything after number `to`, newest first; answers what was rolled back."""
    migrations = known(engine)
    applied = await _applied(target, engine, migrations)
    done = []
    for migration in reversed(migrations):
        due = migration.number > to and migration.number in applied
        if due and await _step(target, engine, migration, up=False):
            done.append(migration)
    return done


async def _step(target: Migratable, engine: str, migration: Migration, *, up: bool) -> bool:
    """One migration in one transaction; False when somebody else was faster."""
    await target.script(_BEGIN[engine])
    try:
        await target.script(_NOTES)
        if bool(await target.rows("SELECT 1 FROM migrations WHERE number = $1", migration.number)) is up:
            await target.script("ROLLBACK")
            return False
        await target.script(migration.up if up else migration.down)
        if up:
            note: Sequence[Any] = (migration.number, migration.name, time.time_ns() // 1_000_000)
            await target.rows("INSERT INTO migrations (number, name, applied_at) VALUES ($1, $2, $3)", *note)
        else:
            await target.rows("DELETE FROM migrations WHERE number = $1", migration.number)
        await target.script("COMMIT")
    except BaseException:
        await target.script("ROLLBACK")
        raise
    return True


async def _applied(target: Migratable, engine: str, migrations: list[Migration]) -> set[int]:
    notes = (
        "SELECT 1 FROM sqlite_master WHERE name = 'migrations'"
        if engine == "sqlite"
        else "SELECT 1 WHERE to_regclass('migrations') IS NOT NULL"
    )
    if not await target.rows(notes):
        return set()
    applied: dict[int, str] = dict(await target.rows("SELECT number, name FROM migrations"))
    unknown = applied.keys() - {migration.number for migration in migrations}
    if unknown:
        newest = max(unknown)
        raise NewerLedger(
            f"this ledger was written by a newer Heliograph (migration {_label(newest, applied[newest])}); "
            f"this program knows up to {migrations[-1]}. Upgrade the program or restore a backup."
        )
    return set(applied)


def _label(number: int, name: str) -> str:
    return f"{number:04}_{name}"
