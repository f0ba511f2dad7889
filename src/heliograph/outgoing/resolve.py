"""Names to addresses that may be called: looked up once, judged by the guard, kept for a short while.

Each name is looked up at most once at a time, in threads of its own, so that a dead name server of one customer
holds up neither the others nor the program's other threads. What is given out has been judged; connect to nothing
else.
"""

import asyncio
import socket
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import Final

from heliograph.outgoing.guard import Guard
from heliograph.outgoing.url import Target, Unreachable

_KEPT_MAX: Final = 4096
_KEPT_S: Final = 30.0
_FAILURE_KEPT_S: Final = 5.0
_THREADS: Final = 64  # they only wait; each stuck name keeps one busy
_ADDRESSES_MAX: Final = 6

Lookup = Callable[[str, int], Awaitable[Sequence[str]]]  # OSError when the name has no address


class Resolver:
    """Finds the addresses of a target that may be called."""

    def __init__(self, loop: asyncio.AbstractEventLoop, guard: Guard, lookup: Lookup | None = None) -> None:
        self._loop = loop
        self._guard = guard
        self._threads = ThreadPoolExecutor(_THREADS, "names")
        self._lookup = lookup or self._system_lookup
        self._kept: OrderedDict[str, tuple[float, list[str] | OSError]] = OrderedDict()
        self._asking: dict[str, asyncio.Task[list[str] | OSError]] = {}

    async def addresses(self, to: Target) -> list[str]:
        """At least one address, judged; Unreachable when there is none or none may be called."""
        bad = self._guard.refuses_target(to)
        if bad is not None:
            raise Unreachable(bad.code, bad.detail)
        if to.address is not None:
            return [str(to.address)]
        found = await self._find(to.host, to.port)
        if isinstance(found, OSError):
            raise Unreachable("dns_failed", f"{to.host}: {found.strerror or found}")
        refused = {text: self._guard.refuses_address(ip_address(text)) for text in found}
        good = [text for text in found if refused[text] is None]
        if not good:
            raise Unreachable("blocked_address", f"{to.host} is {refused[found[0]]}: only public addresses are called")
        return good[:_ADDRESSES_MAX]

    def close(self) -> None:
        for task in self._asking.values():
            task.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _find(self, host: str, port: int) -> list[str] | OSError:
        kept = self._kept.get(host)
        if kept is not None and kept[0] > self._loop.time():
            return kept[1]
        task = self._asking.get(host)
        if task is None:
            task = self._asking[host] = self._loop.create_task(self._ask(host, port))
        return await asyncio.shield(task)  # who gives up waiting must not end it for the others

    async def _ask(self, host: str, port: int) -> list[str] | OSError:
        found: list[str] | OSError
        try:
            found = list(await self._lookup(host, port)) or OSError("it has no address")
        except OSError as error:
            found = error
        except UnicodeError:  # the library's own check of a name's form
            found = OSError("not a valid name")
        finally:
            del self._asking[host]
        kept_s = _FAILURE_KEPT_S if isinstance(found, OSError) else _KEPT_S
        self._kept[host] = (self._loop.time() + kept_s, found)
        self._kept.move_to_end(host)
        if len(self._kept) > _KEPT_MAX:
            self._kept.popitem(last=False)
        return found

    async def _system_lookup(self, host: str, port: int) -> list[str]:
        rows = await self._loop.run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        )
        return list(dict.fromkeys(str(row[4][0]) for row in rows))
