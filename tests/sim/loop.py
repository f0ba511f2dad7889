"""Simulated time: an event loop that never waits, and the life of one process on it.

The loop jumps to the next moment at which something is due, so a day passes as fast as its events can be worked off,
and the same seed gives the same history. Nothing here knows the gateway.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, TypeVar

_T = TypeVar("_T")
EPOCH_MS: Final = 1_780_000_000_000  # when every simulated history begins
_TURNS_IN_ONE_MOMENT: Final = 100_000


class Stuck(Exception):
    """Nothing will ever happen again, or time does not move on."""


class _Jump(selectors.SelectSelector):
    """Instead of waiting for sockets it moves the time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self._turns = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Stuck("everybody waits and no timer is set")
        self._turns = 0 if timeout > 0 else self._turns + 1
        if self._turns > _TURNS_IN_ONE_MOMENT:
            raise Stuck(f"time stands still at {self.now:.3f} s")
        self.now += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time jumps."""

    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)
        self.set_task_factory(_belonging)

    def time(self) -> float:
        return self._jump.now


class Life:
    """One process between its start and its death. After its death nothing that it began goes on."""

    current: ContextVar["Life | None"] = ContextVar("life", default=None)

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.alive = True
        self._tasks: set[asyncio.Task[Any]] = set()

    def later(self, seconds: float, do: Callable[[], object]) -> asyncio.TimerHandle | asyncio.Handle:
        """Call `do` after `seconds`, unless we are dead by then."""
        if seconds > 0:
            return self.loop.call_later(seconds, self._if_alive, do)
        return self.loop.call_soon(self._if_alive, do)

    def _if_alive(self, do: Callable[[], object]) -> None:
        if self.alive:
            do()

    def run(self, work: Coroutine[Any, Any, _T]) -> asyncio.Task[_T]:
        """Work of this process; what it begins belongs to it too."""
        with self.within():
            return self.loop.create_task(work)

    @contextmanager
    def within(self) -> Iterator[None]:
        """Whatever is begun inside, now or by a call-back later, belongs to this process."""
        token = Life.current.set(self)
        try:
            yield
        finally:
            Life.current.reset(token)

    def owns(self, task: asyncio.Task[Any]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def end(self) -> None:
        """SIGKILL: nobody tidies up, nothing is written any more."""
        self.alive = False
        for task in list(self._tasks):
            task.cancel()


class SimClock:
    """`ports.Clock` of one process."""

    def __init__(self, life: Life) -> None:
        self._life = life

    def now_ms(self) -> int:
        return EPOCH_MS + int(self._life.loop.time() * 1000 + 1e-4)

    def monotonic(self) -> float:
        return self._life.loop.time()

    def later(self, seconds: float, do: Callable[[], None]) -> asyncio.TimerHandle | asyncio.Handle:
        return self._life.later(seconds, do)


def _belonging(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any], **more: Any) -> "asyncio.Task[Any]":
    task = asyncio.Task(work, loop=loop, **more)
    life = Life.current.get()
    if life is not None:
        life.owns(task)
    return task


def simulate(work: Coroutine[Any, Any, _T]) -> _T:
    """Run to the end in simulated time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)
