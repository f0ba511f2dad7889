"""What a process does beside its callers: again and again, or once out of band. Survives whatever its work raises."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from heliograph.ports import Unavailable, Watch

Work = Callable[[], Coroutine[Any, Any, None]]
_AGAIN_S: Final = 1.0  # what the ledger could not take is tried again soon


class Background:
    """The tasks of one process."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_stopping = False

    def every(self, pause_s: float, do: Work) -> None:
        async def run() -> None:
            while True:
                await asyncio.sleep(pause_s if await self._do(do) else min(pause_s, _AGAIN_S))

        self._tasks.add(asyncio.create_task(run()))

    def soon(self, do: Work) -> None:
        """Once; nothing any more when we are stopping, for the ledger will close."""
        if not self._is_stopping:
            task = asyncio.create_task(self._once(do))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        self._is_stopping = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _once(self, do: Work) -> None:
        await self._do(do)

    async def _do(self, do: Work) -> bool:
        try:
            await do()
        except Unavailable:
            return False  # who waits for the ledger tells of it
        except Exception as error:  # the edge of a task: it must live on; the watch raises the alarm
            self._watch.defect(error)
        return True
