"""Who carries out exchanges: `Calm` for programs that wait, `Async` for those that do not. Both only do as they are
told by `exchange`, and both can be given another way to send (`testing` does).
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, Final, TypeVar

import httpx

from heliograph.sdk.exchange import Answer, Ask, NoAnswer, Patience, Pause, Request, World, exchange
from heliograph.sdk.models import Page

T = TypeVar("T")

WORLD: Final = World(random.random, time.time)
_NEVER_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


class Calm:
    """Waits for each answer."""

    def __init__(
        self,
        send: Callable[[Request], Answer | NoAnswer],
        headers: dict[str, str],
        patience: Patience,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._send = send
        self._headers = headers
        self._patience = patience
        self._sleep = sleep

    def perform(self, ask: Ask[T]) -> T:
        steps = exchange(ask, self._headers, self._patience, WORLD)
        try:
            step = next(steps)
            while True:
                if isinstance(step, Pause):
                    self._sleep(step.seconds)
                    step = next(steps)
                else:
                    step = steps.send(self._send(step))
        except StopIteration as done:
            answer: T = done.value
            return answer

    def all_of(self, ask: Ask[Page[T]]) -> Iterator[T]:
        cursor: str | None = ""
        while cursor is not None:
            page = self.perform(ask.after(cursor) if cursor else ask)
            yield from page.data
            cursor = page.next_cursor


class Async:
    """Lets other things go on meanwhile."""

    def __init__(
        self,
        send: Callable[[Request], Awaitable[Answer | NoAnswer]],
        headers: dict[str, str],
        patience: Patience,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._send = send
        self._headers = headers
        self._patience = patience
        self._sleep = sleep

    async def perform(self, ask: Ask[T]) -> T:
        steps = exchange(ask, self._headers, self._patience, WORLD)
        try:
            step = next(steps)
            while True:
                if isinstance(step, Pause):
                    await self._sleep(step.seconds)
                    step = next(steps)
                else:
                    step = steps.send(await self._send(step))
        except StopIteration as done:
            answer: T = done.value
            return answer

    async def all_of(self, ask: Ask[Page[T]]) -> AsyncIterator[T]:
        cursor: str | None = ""
        while cursor is not None:
            page = await self.perform(ask.after(cursor) if cursor else ask)
            for one in page.data:
                yield one
            cursor = page.next_cursor


# -- over HTTP


def over(client: httpx.Client) -> Callable[[Request], Answer | NoAnswer]:
    def send(request: Request) -> Answer | NoAnswer:
        try:
            return _answer(client.request(**_arguments(request)))
        except httpx.TransportError as error:
            return _none(error)

    return send


def over_async(client: httpx.AsyncClient) -> Callable[[Request], Awaitable[Answer | NoAnswer]]:
    async def send(request: Request) -> Answer | NoAnswer:
        try:
            return _answer(await client.request(**_arguments(request)))
        except httpx.TransportError as error:
            return _none(error)

    return send


def _arguments(request: Request) -> dict[str, Any]:
    method, path, headers, content = request
    return {"method": method, "url": path, "headers": headers, "content": content or None}


def _answer(response: httpx.Response) -> Answer:
    return Answer(response.status_code, dict(response.headers), response.content)  # names are in lower case there


def _none(error: httpx.TransportError) -> NoAnswer:
    return NoAnswer(f"{type(error).__name__}: {error}", not isinstance(error, _NEVER_SENT))
