"""The outside world, as it really is: the clock, and posts to customers' URLs."""

import asyncio
import time
from collections.abc import Callable
from typing import cast

from heliograph.outgoing.pool import Pool
from heliograph.outgoing.url import BadUrl, Target, target
from heliograph.ports import Answer, Timer, WebTarget


class SystemClock:
    """This machine's clock, and the event loop's timers."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic()

    def later(self, seconds: float, do: Callable[[], None]) -> Timer:
        return self._loop.call_later(seconds, do) if seconds > 0 else self._loop.call_soon(do)


class Web:
    """The pool of outgoing connections, as the engine asks for it."""

    def __init__(self, pool: Pool) -> None:
        self._post = pool.post

    def target(self, url: str) -> WebTarget | None:
        found = target(url)
        return None if isinstance(found, BadUrl) else found

    def post(
        self, to: WebTarget, headers: bytes, body: bytes, timeout_s: float, done: Callable[[Answer], None]
    ) -> None:
        self._post(cast(Target, to), headers, body, timeout_s, done)  # `target` made it
