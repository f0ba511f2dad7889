"""The write-ahead log of a served ledger, moved into its file beside the commits.

By itself SQLite moves it within the commit that finds it long, and all that waits for this commit waits for some ten
milliseconds more. Here another connection does it, which hinders no writer. Only when that never catches up, because
writing never ceases, the rest is moved while the writer stands still: then the log can begin anew.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import apsw

from heliograph.store.sqlite.connection import TROUBLE, connect

LONG: Final = 4_000  # pages: 16 MB
TOO_LONG: Final = 40_000
_EVERY_S: Final = 0.5


class Log:
    """The log behind a writer's connection."""

    def __init__(
        self, path: Path, writer: apsw.Connection, alone: Callable[[Callable[[], None]], Awaitable[None]]
    ) -> None:
        """`alone`: has something done while nobody writes."""
        self._path = path
        self._writer = writer
        self._alone = alone
        self._pages = 0
        self._stopping = asyncio.Event()
        writer.set_wal_hook(self._grown)  # instead of SQLite's own
        self._tending = asyncio.create_task(self._tend())

    def _grown(self, _: apsw.Connection, __: str, pages: int) -> int:
        self._pages = pages
        return apsw.SQLITE_OK

    async def _tend(self) -> None:
        mover = connect(self._path)
        while not await self._is_over():
            if self._pages >= LONG:
                await asyncio.to_thread(_move, mover)
            if self._pages >= TOO_LONG:
                await self._alone(lambda: _move(self._writer))
        mover.close()

    async def _is_over(self) -> bool:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), _EVERY_S)
        return self._stopping.is_set()

    async def close(self) -> None:
        self._stopping.set()
        await self._tending


def _move(connection: apsw.Connection) -> None:
    with suppress(*TROUBLE):  # a full disk, for one: whoever writes tells of it, and the log stays as it is
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
