"""Exports that are made again and again: one object for each period, written once the period is over.

One process at a time makes one, under its lease. How far it has come is kept after its object is: a crash between the
two makes it again, under the same name. Periods that were missed follow one after the other. Events are taken in the
order in which they were committed, so that one that tells of an earlier time is in the next object and never nowhere.
"""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from heliograph.core import sigv4
from heliograph.core.periods import end_of, label, start_of
from heliograph.core.views import moment
from heliograph.engine import leases
from heliograph.engine.background import Background
from heliograph.engine.exports.exporting import Asked, export
from heliograph.engine.exports.form import ExportForm
from heliograph.engine.exports.places import Bucket, Folder, NotKept, Place
from heliograph.engine.streams.progress import forget_gone
from heliograph.engine.turns import Turns
from heliograph.ports import Clock, Unavailable, Watch, WebCall
from heliograph.store.port import Ledger

_LOOK_S: Final = 2.0
_FORGET_S: Final = 300.0
_AGAIN_MS: Final = 60_000  # after a failure
_EVENTS: Final = "events"
_PAGE: Final = 500
_MINUTE_MS: Final = 60_000


class Scheduled(msgspec.Struct):
    """How an export that is made again and again stands."""

    name: str
    what: str
    format: str
    every: str
    done_until: str | None  # all before it is written
    last_object: str | None
    last_at: str | None
    error: str | None


class Job(msgspec.Struct, frozen=True):
    """One declared export with its progress."""

    workspace: int
    workspace_name: str
    name: str
    created_at: int
    form: ExportForm
    done_until: int | None
    position: str
    object: str | None
    done_at: int | None
    error: str | None
    failed_at: int | None

    @property
    def lease(self) -> str:
        return f"export:{self.workspace}:{self.name}"


async def jobs(ledger: Ledger, workspace: int | None = None) -> list[Job]:
    """All that are declared, or those of one workspace."""
    rows = await ledger.fetch(
        "SELECT d.workspace, w.name, d.name, d.created_at, d.spec, p.done_until, p.position, p.object, p.done_at, "
        "p.error, p.failed_at FROM declared d JOIN workspaces w ON w.id = d.workspace "
        "LEFT JOIN export_progress p ON p.workspace = d.workspace AND p.name = d.name "
        "WHERE d.kind = 'export' AND (d.workspace = $1 OR $1 = 0) ORDER BY d.id",
        workspace or 0,
    )
    return [
        Job(
            workspace=row[0],
            workspace_name=row[1],
            name=row[2],
            created_at=row[3],
            form=msgspec.json.decode(row[4], type=ExportForm),
            done_until=row[5],
            position=row[6] or "",
            object=row[7],
            done_at=row[8],
            error=row[9],
            failed_at=row[10],
        )
        for row in rows
    ]


async def scheduled(ledger: Ledger, workspace: int) -> list[Scheduled]:
    """As they are shown."""
    return [
        Scheduled(
            job.name,
            job.form.what,
            job.form.format,
            job.form.every,
            None if job.done_until is None else moment(job.done_until),
            job.object,
            None if job.done_at is None else moment(job.done_at),
            job.error,
        )
        for job in await jobs(ledger, workspace)
    ]


class ExportDesk:
    """Makes those of them that it is this process's turn to make."""

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        watch: Watch,
        call: WebCall,
        unseal: Callable[[str], str],
        data_dir: Path,
        made: Callable[[str], None],
    ) -> None:
        """`made` counts results: ok, failed."""
        self._ledger = ledger
        self._clock = clock
        self._watch = watch
        self._call = call
        self._unseal = unseal
        self._folder = data_dir / "exports"
        self._made = made
        self._turns = Turns(ledger, clock)
        self._jobs: list[Job] = []
        self._background = Background(watch)

    def start(self) -> None:
        self._background.every(leases.RENEW_MS / 1000, self.renew)
        self._background.every(_LOOK_S, self.make)
        self._background.every(_FORGET_S, lambda: forget_gone(self._ledger))

    async def stop(self) -> None:
        await self._background.stop()

    async def renew(self) -> None:
        self._jobs = await jobs(self._ledger)
        if self._jobs:
            await self._turns.renew(job.lease for job in self._jobs)

    async def make(self) -> None:
        """All that is due, one after the other."""
        for job in self._jobs:
            while self._turns.has(job.lease) and await self._is_made(job):
                fresh = [one for one in await jobs(self._ledger, job.workspace) if one.name == job.name]
                if not fresh:
                    break
                job = fresh[0]

    async def _is_made(self, job: Job) -> bool:
        """Make the next object of a job; False when none is due, or it failed."""
        now = self._clock.now_ms()
        if job.failed_at is not None and now - job.failed_at < _AGAIN_MS:
            return False
        if job.done_until is None:
            await self._begin(job)
            return True
        end = end_of(job.form.every, job.done_until)
        if end + job.form.wait_minutes * _MINUTE_MS > now:
            return False
        try:
            await self._write(job, job.done_until, end)
        except Unavailable:
            raise
        except Exception as error:  # the edge of a job: it is tried again, others go on
            self._made("failed")
            if isinstance(error, NotKept | OSError):
                self._watch.note("export_failed", export=job.name, reason=str(error))
            else:
                self._watch.defect(error)
            await self._failed(job, str(error) or type(error).__name__, now)
            return False
        self._made("ok")
        return True

    async def _begin(self, job: Job) -> None:
        """The first period is the one in which it was declared."""
        position = await self._ledger.events_end() if job.form.what == _EVENTS else ""
        async with self._ledger.transaction() as transaction:
            await transaction.execute(
                "INSERT INTO export_progress (workspace, name, done_until, position) VALUES ($1, $2, $3, $4) "
                "ON CONFLICT (workspace, name) DO NOTHING",
                *(job.workspace, job.name, start_of(job.form.every, job.created_at), position),
            )

    async def _write(self, job: Job, start: int, end: int) -> None:
        environments = await self._ledger.fetch(
            "SELECT id FROM environments WHERE workspace = $1 AND name = $2", job.workspace, job.form.environment
        )
        if not environments:
            raise NotKept(f"there is no environment {job.form.environment!r} any more")
        form = job.form
        asked = Asked(
            workspace=job.workspace,
            environment=environments[0][0],
            what=form.what,
            format=form.format,
            since=start,
            until=end,
            filters=form.filters,
            texts=form.texts,
        )
        name = f"{job.name}/{form.what}-{label(form.every, start)}.{form.format}"
        rows = _Committed(self._ledger, asked, job.position) if form.what == _EVENTS else None
        await self._place(job).keep(name, export(self._ledger, asked, rows))
        position = job.position if rows is None else rows.position
        async with self._ledger.transaction() as transaction:
            await transaction.execute(
                "UPDATE export_progress SET done_until = $3, position = $4, object = $5, done_at = $6, error = NULL, "
                "failed_at = NULL WHERE workspace = $1 AND name = $2 AND done_until = $7",
                *(job.workspace, job.name, end, position, name, self._clock.now_ms(), start),
            )

    async def _failed(self, job: Job, why: str, now: int) -> None:
        async with self._ledger.transaction() as transaction:
            await transaction.execute(
                "UPDATE export_progress SET error = $3, failed_at = $4 WHERE workspace = $1 AND name = $2",
                *(job.workspace, job.name, why[:500], now),
            )

    def _place(self, job: Job) -> Place:
        form = job.form
        if form.folder is not None:
            return Folder(self._folder / job.workspace_name / form.folder)
        assert form.bucket and form.s3_url and form.region and form.access_key_id and form.secret  # its form has them
        credentials = sigv4.Credentials(self._unseal(form.access_key_id), self._unseal(form.secret), form.region, "s3")
        bucket = f"{form.bucket}/{form.prefix}".rstrip("/")
        return Bucket(self._call, form.s3_url, bucket, credentials, self._clock.now_ms, self._folder / ".uploads")


class _Committed:
    """Events in the order of their commits: from a position on, to the end that there is."""

    def __init__(self, ledger: Ledger, asked: Asked, position: str) -> None:
        self._ledger = ledger
        self._asked = asked
        self.position = position

    async def __aiter__(self) -> AsyncIterator[list[Any]]:
        where = (self._asked.workspace, self._asked.environment)
        wanted = self._asked.filters.get("type")
        while True:
            events, following = await self._ledger.events_after(self.position, _PAGE)
            if not events:
                return
            ours = [e for e in events if (e.workspace, e.environment) == where and wanted in (None, e.type)]
            found = await self._messages(sorted({e.message for e in ours if e.message is not None}))
            if ours:
                yield [(*msgspec.structs.astuple(e), *found.get(e.message or 0, (None, None))) for e in ours]
            self.position = following

    async def _messages(self, numbers: list[int]) -> dict[int, tuple[int, str]]:
        if not numbers:
            return {}
        marks = ", ".join(f"${place}" for place in range(2, len(numbers) + 2))
        rows = await self._ledger.fetch(
            f"SELECT id, accepted_at, to_number FROM messages WHERE +workspace = $1 AND id IN ({marks})",
            self._asked.workspace,
            *numbers,
        )
        return {row[0]: (row[1], row[2]) for row in rows}
