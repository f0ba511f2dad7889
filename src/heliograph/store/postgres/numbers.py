"""Row numbers in stock: taken from the ledger in blocks, given out without waiting.

The next block is fetched while half of the present one is still there, and every few seconds all go on in a new one:
so rows stand in the order of their time, whichever process wrote them, as lists and sweeps expect. Numbers that a
process does not use are lost; there are enough of them.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from heliograph.ports import Unavailable

BLOCK: Final = 1_000_000  # as the sequences count
_LOW: Final = BLOCK // 2


class Numbers:
    """Numbers of one kind of row."""

    def __init__(self, fetch: Callable[[], Awaitable[int]], first: int) -> None:
        self._fetch = fetch
        self._next = first
        self._end = first + BLOCK
        self._following: int | None = None
        self._fetching: asyncio.Task[None] | None = None

    def take(self) -> int:
        number = self._next
        if number == self._end:
            if self._following is None:
                self._order()
                raise Unavailable("the ledger has given out no more row numbers")
            number, self._following = self._following, None
            self._end = number + BLOCK
        elif self._end - number < _LOW and self._following is None:
            self._order()
        self._next = number + 1
        return number

    def renew(self, first: int) -> None:
        """Go on in this block: what another process took meanwhile comes before."""
        self._next, self._end, self._following = first, first + BLOCK, None

    def _order(self) -> None:
        if self._fetching is None:
            self._fetching = asyncio.get_running_loop().create_task(self._refill())

    async def _refill(self) -> None:
        try:
            self._following = await self._fetch()
        except Unavailable:
            pass  # asked for again with the next number
        finally:
            self._fetching = None
