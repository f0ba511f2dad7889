"""`heliograph backup` and `restore`: a copy of the embedded ledger while it is served, and the way back.

A copy is one file, as of one moment, checked before it gets its name. It holds all that the ledger holds, but not the
master key, without which sealed secrets and texts stay closed. PostgreSQL has tools of its own for this.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from heliograph.cli.options import Config, DataDir, Json, load
from heliograph.cli.output import Mistake, facts, is_watched, redraw, show

if TYPE_CHECKING:
    import apsw

    from heliograph.settings import Settings

_PAGES = 2_000  # of 4 kB at a time
_BESIDE = ("-wal", "-shm")
_CHUNK = 1 << 20


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The copy; it must not be there yet.")],
    config: Config = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Copy the embedded ledger while it is served: one file, as of one moment, checked."""
    import apsw

    settings = load(config, data_dir)
    source = _ledger_file(settings)
    if not source.exists():
        raise Mistake(f"{source} does not exist: there is nothing to copy")
    if file.exists():
        raise Mistake(f"{file} is there already: give each copy a name of its own, such as one with the day")
    part = file.with_name(f"{file.name}.part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    try:
        with closing(apsw.Connection(str(source), flags=apsw.SQLITE_OPEN_READONLY)) as live:
            _copy(live, part, is_told=not as_json)
        at = _check(part)
        _to_disk(part)
        part.rename(file)
        _to_disk(file.parent)
    finally:
        part.unlink(missing_ok=True)
    found = {"file": str(file), "bytes": file.stat().st_size, "sha256": _sha256(file), "schema": at}
    show(found, f"{facts(list(found.items()))}\n\n{_key_hint(settings)}", as_json)


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A copy that `backup` has made.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Put the ledger that is there aside; it is kept beside the new one.")
    ] = False,
    config: Config = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Put a copy made by `backup` in the place of the ledger. The server must not run."""
    settings = load(config, data_dir)
    target = _ledger_file(settings)
    if not file.is_file():
        raise Mistake(f"{file} does not exist")
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(target):
        if target.exists() and not replace:
            raise Mistake(f"{target} is there already; --replace puts it aside")
        part = target.with_name(f"{target.name}.restored")
        try:
            _copy_file(file, part)
            at = _check(part)
            _opens(part, settings)
            _to_disk(part)
            aside = _put_aside(target) if target.exists() else None
            part.rename(target)
            _to_disk(target.parent)
        finally:
            part.unlink(missing_ok=True)
    told = {"file": str(target), "schema": at, "before": None if aside is None else str(aside)}
    hint = (
        "Erase again whom the copy has brought back: heliograph erasures replay JOURNAL (see docs/data-protection.md)."
    )
    show(told, f"{facts(list(told.items()))}\n\n{hint}", as_json)


def _ledger_file(settings: "Settings") -> Path:
    from heliograph.cli.schema import engine_of, file_of

    url = settings.store_url(os.environ)
    if engine_of(url) != "sqlite":
        raise Mistake("the ledger is in PostgreSQL: copy it with pg_dump or base backups, as docs/install.md shows")
    return file_of(url)


def _copy(live: "apsw.Connection", part: Path, *, is_told: bool) -> None:
    """Page by page out of one reading transaction: whoever writes meanwhile is neither held up nor seen."""
    import apsw

    live.execute("BEGIN")
    live.execute("SELECT count(*) FROM sqlite_master").fetchall()  # now it stands at its moment
    with closing(apsw.Connection(str(part))) as copy:
        with copy.backup("main", live, "main") as work:
            while not work.done:
                work.step(_PAGES)
                if is_told and is_watched():
                    share = 100 * (1 - work.remaining / max(1, work.page_count))
                    redraw(f"{share:.0f} %", is_last=work.done)
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, with nothing beside it


def _check(path: Path) -> str:
    """Raise `Mistake` unless this is a whole ledger that this program understands; answers where its schema stands."""
    import asyncio

    import apsw

    from heliograph.store import migrate
    from heliograph.store.sqlite.connection import SqliteMigratable

    try:
        with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as copy:
            verdict = [row[0] for row in copy.execute("PRAGMA integrity_check(3)")]
            at = asyncio.run(migrate.current(SqliteMigratable(copy), "sqlite"))
    except apsw.NotADBError:
        raise Mistake(f"{path.name} is no copy of a ledger: it is not an SQLite file") from None
    if verdict != ["ok"]:
        raise Mistake(f"{path.name} is damaged: {'; '.join(map(str, verdict))}")
    if at is None:
        raise Mistake(f"{path.name} is no copy of a ledger: nothing of Heliograph is in it")
    return str(at)


def _opens(path: Path, settings: "Settings") -> None:
    """Raise `Mistake` when the master key is not the one that the copy was sealed with."""
    import apsw

    from heliograph.engine import secrets

    with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as copy:
        has_keys = list(copy.execute("SELECT 1 FROM sqlite_master WHERE name = 'data_keys'"))
        rows = list(copy.execute("SELECT purpose, sealed FROM data_keys")) if has_keys else []
    if rows and secrets.VARIABLE not in os.environ and not (settings.data_dir / secrets.FILE).exists():
        raise Mistake(
            f"the master key of this copy is not here: put {secrets.FILE} into {settings.data_dir}, or its text into "
            f"{secrets.VARIABLE}"
        )
    vault = secrets.load(os.environ, settings.data_dir) if rows else None
    for purpose, sealed in rows:
        try:
            assert vault is not None
            vault.open(sealed, about=purpose)
        except secrets.CannotOpen as error:
            raise Mistake(f"the master key here is not the one of this copy: {error}") from None


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """No server meanwhile: the lock that a serving process holds is ours."""
    path = target.with_suffix(".lock")
    with path.open("a+b") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            pid = lock.read(32).decode(errors="replace").strip() or "unknown"
            raise Mistake(f"process {pid} serves {target.parent}: stop it first") from None
        yield


def _put_aside(target: Path) -> Path:
    """The ledger with what belongs to it, under another name in the same folder."""
    number = 1
    while (aside := target.with_name(f"{target.stem}.before-restore-{number}{target.suffix}")).exists():
        number += 1
    for beside in _BESIDE:
        there = target.with_name(target.name + beside)
        if there.exists():
            there.rename(aside.with_name(aside.name + beside))
    target.rename(aside)
    return aside


def _copy_file(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    target.touch(mode=0o600)
    with source.open("rb") as from_, target.open("wb") as to:
        while chunk := from_.read(_CHUNK):
            to.write(chunk)


def _to_disk(path: Path) -> None:
    """Nothing is done before it is on the disk: of a file its content, of a folder its names."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _key_hint(settings: "Settings") -> str:
    from heliograph.engine import secrets

    where = f"${secrets.VARIABLE}" if secrets.VARIABLE in os.environ else str(settings.data_dir / secrets.FILE)
    return f"The master key is not in it: keep a copy of {where} in another place. Without it nothing sealed opens."
