"""Migrations: forward, back and forward again lead to the same schema; a newer ledger is refused, never guessed at."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import apsw
import asyncpg
import pytest

from heliograph.core.message import DELIVERY_COLUMNS, MESSAGE_COLUMNS, Event
from heliograph.store import migrate
from heliograph.store.migrate import Migratable, NewerLedger
from heliograph.store.port import AttemptRow
from heliograph.store.postgres import PostgresMigratable
from heliograph.store.sqlite.connection import SqliteMigratable

pytestmark = pytest.mark.asyncio

Connect = Callable[[], Any]

_SCHEMA = {
    "sqlite": ("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name",),
    "postgres": (
        "SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns "
        "WHERE table_schema = 'public' ORDER BY table_name, ordinal_position",
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY indexname",
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE connamespace = 'public'::regnamespace ORDER BY conname, 2",
        "SELECT sequencename, increment_by FROM pg_sequences WHERE schemaname = 'public' ORDER BY 1",
        "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1",
        "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1",
    ),
}
_COLUMNS = {
    "sqlite": "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'",
    "postgres": "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'",
}


@pytest.fixture
def connect(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Connect:
    """Opens connections to one empty database."""
    url = request.getfixturevalue("postgres_url") if engine == "postgres" else ""

    @asynccontextmanager
    async def open_it() -> AsyncIterator[Migratable]:
        if engine == "sqlite":
            yield SqliteMigratable(apsw.Connection(str(tmp_path / "ledger.db")))
        else:
            connection = await asyncpg.connect(url)
            yield PostgresMigratable(connection)
            await connection.close()

    return open_it


async def _schema(target: Migratable, engine: str) -> list[list[tuple[Any, ...]]]:
    return [await target.rows(sql) for sql in _SCHEMA[engine]]


async def test_up_down_and_up_again_give_the_same_schema(engine: str, connect: Connect) -> None:
    async with connect() as target:
        steps = migrate.known(engine)
        assert await migrate.current(target, engine) is None
        assert await migrate.pending(target, engine) == steps
        assert await migrate.up(target, engine) == steps
        fresh = await _schema(target, engine)
        assert await migrate.current(target, engine) == steps[-1]
        assert await migrate.up(target, engine) == []
        assert await migrate.down(target, engine, 0) == steps[::-1]
        assert await migrate.current(target, engine) is None
        assert {table for table, _ in await target.rows(_COLUMNS[engine])} == {"migrations"}
        await migrate.up(target, engine)
        assert await _schema(target, engine) == fresh


async def test_each_step_can_be_taken_by_itself(engine: str, connect: Connect) -> None:
    async with connect() as target:
        for step in migrate.known(engine):
            assert await migrate.up(target, engine, to=step.number) == [step]
            before = await _schema(target, engine)
            assert await migrate.down(target, engine, step.number - 1) == [step]
            assert await migrate.up(target, engine, to=step.number) == [step]
            assert await _schema(target, engine) == before


async def test_a_newer_ledger_is_refused(engine: str, connect: Connect) -> None:
    async with connect() as target:
        await migrate.up(target, engine)
        await target.rows("INSERT INTO migrations (number, name, applied_at) VALUES (9007, 'x', 0)")
        for deed in (migrate.up, migrate.current, migrate.pending):
            with pytest.raises(NewerLedger, match=r"9007_x\); this program knows up to \d{4}_\w+\. Upgrade"):
                await deed(target, engine)
        with pytest.raises(NewerLedger):
            await migrate.down(target, engine, 0)


async def test_programs_that_start_together_migrate_once(engine: str, connect: Connect) -> None:
    async def start() -> int:
        async with connect() as target:
            return len(await migrate.up(target, engine))

    starts = await asyncio.gather(*(start() for _ in range(4)))
    # Each step once; which of them takes it is a matter of luck.
    assert sum(starts) == len(migrate.known(engine))
    async with connect() as target:
        assert await migrate.pending(target, engine) == []


async def test_a_step_that_fails_leaves_nothing(engine: str, connect: Connect) -> None:
    async with connect() as target:
        await target.script("CREATE TABLE watermarks (x BIGINT)")
        before = await _schema(target, engine)
        with pytest.raises((apsw.SQLError, asyncpg.DuplicateTableError)):
            await migrate.up(target, engine)
        assert await _schema(target, engine) == before


async def test_both_engines_have_the_same_numbers_and_names() -> None:
    steps = [[(step.number, step.name) for step in migrate.known(engine)] for engine in ("sqlite", "postgres")]
    assert steps[0] == steps[1]
    assert [number for number, _ in steps[0]] == list(range(1, len(steps[0]) + 1))


async def test_both_engines_have_the_same_tables_and_columns(tmp_path: Path, postgres_url: str) -> None:
    file = SqliteMigratable(apsw.Connection(str(tmp_path / "ledger.db")))
    await migrate.up(file, "sqlite")
    connection = await asyncpg.connect(postgres_url)
    server = PostgresMigratable(connection)
    await migrate.up(server, "postgres")
    sqlite = set(await file.rows(_COLUMNS["sqlite"]))
    postgres = set(await server.rows(_COLUMNS["postgres"]))
    await connection.close()
    # The number of the writing transaction is what keeps readers of several processes in order.
    assert postgres - sqlite == {("events", "xid")}
    assert sqlite - postgres == set()


async def test_tables_have_their_columns_in_the_order_in_which_rows_are_written(open_sqlite: Any) -> None:
    """The hot rows are written by place."""
    ledger = await open_sqlite()
    columns = {
        "messages": MESSAGE_COLUMNS,
        "events": Event.__struct_fields__,
        "deliveries": DELIVERY_COLUMNS,
        "attempts": AttemptRow.__struct_fields__,
    }
    for table, names in columns.items():
        assert await ledger.fetch(f"SELECT name FROM pragma_table_info('{table}')") == [(name,) for name in names]
