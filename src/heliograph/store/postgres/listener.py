"""Hears what other processes wrote: PostgreSQL's NOTIFY, on a connection of its own that is made again when it breaks.

A notice may be lost with the connection; so after each new one every topic is woken, as if all had been heard.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from heliograph.ports import Unavailable
from heliograph.store.postgres.commit import CHANNEL
from heliograph.store.postgres.connection import Connection, connect, is_trouble

TOPICS: Final = ("queue", "deliveries", "config")
_CHECK_S: Final = 30.0  # how long a connection may be dead in silence
_FIRST_PAUSE_S: Final = 0.05
_LONGEST_PAUSE_S: Final = 5.0


class Listener:
    """Calls `woken` with a topic; `is_own` tells the server processes whose notices are our own."""

    def __init__(self, url: str, woken: Callable[[str], None], is_own: Callable[[int], bool]) -> None:
        self._url = url
        self._woken = woken
        self._is_own = is_own
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        connection = await self._connect()
        self._task = asyncio.get_running_loop().create_task(self._run(connection))

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self, connection: Connection) -> None:
        while True:
            try:
                await self._stay(connection)
            finally:
                connection.terminate()
            connection = await self._again()
            for topic in TOPICS:
                self._woken(topic)

    async def _again(self) -> Connection:
        pause = _FIRST_PAUSE_S
        while True:
            try:
                return await self._connect()
            except Unavailable:
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_S)

    async def _connect(self) -> Connection:
        connection = await connect(self._url)
        await connection.add_listener(CHANNEL, self._heard)
        return connection

    async def _stay(self, connection: Connection) -> None:
        """Until the connection breaks."""
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _: lost.set())
        while not connection.is_closed():
            try:
                await asyncio.wait_for(lost.wait(), _CHECK_S)
            except TimeoutError:
                if not await _answers(connection):
                    return

    def _heard(self, _connection: Connection, process: int, _channel: str, topic: object) -> None:
        if not self._is_own(process):
            self._woken(str(topic))


async def _answers(connection: Connection) -> bool:
    try:
        await connection.execute("SELECT 1")
    except Exception as error:  # sorted by is_trouble
        if not is_trouble(error, connection):
            raise
        return False
    return True
