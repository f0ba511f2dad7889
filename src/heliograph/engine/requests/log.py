"""The request log: what programs with a key asked, and what they were answered. For who asks why it does not work.

Noting is an append in memory; once a second what gathered is written behind the answers. Of a client's equal answers at
one route a few are kept each on their own, the others within the same second as a number on the last of them: so that
thousands of messages a second are a handful of rows. What can't be kept is dropped, the oldest first, and counted.

No number, text or value of a caller gets in: of a request its place, its names and its sizes are kept (`core.traces`).
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from heliograph.core import traces
from heliograph.core.failures import Refusal, code_of
from heliograph.engine.clients import Client
from heliograph.ports import Unavailable
from heliograph.store.port import Ledger, Statement, Transaction

_EVERY_S: Final = 1.0
_FEW: Final = 5  # good answers of one kind within a second that have a row each
_MANY: Final = 100  # and those that were refused
_AT_MOST: Final = 2_000  # rows that wait for being written
_AT_ONCE: Final = 200  # rows of one transaction: who sends must not wait long for it
_ERRORS: Final = 10  # of one request
_TRIM_AFTER: Final = 500  # rows of one environment until what is too many is looked for
COLUMNS: Final = (
    *("workspace", "environment", "client", "at", "method", "route", "path", "query", "status", "code", "errors"),
    *("took_ms", "request_id", "user_agent", "bytes_in", "bytes_out", "has_key", "times"),
)
_INSERT: Final = (
    f"INSERT INTO requests ({', '.join(COLUMNS)}) VALUES ({', '.join(f'${n}' for n in range(1, len(COLUMNS) + 1))})"
)


class Asked(NamedTuple):
    """Where a request went. `route`: its pattern; empty: there is none."""

    method: str
    route: str
    path: str
    query: bytes = b""


class Exchange(Protocol):
    """What is read of a request once it is answered."""

    @property
    def asked(self) -> Asked: ...
    @property
    def now(self) -> int: ...  # when it came
    @property
    def refusals(self) -> Sequence[Refusal]: ...
    @property
    def request_id(self) -> bytes: ...
    @property
    def user_agent(self) -> bytes | None: ...
    @property
    def size(self) -> int: ...  # of its body
    @property
    def key(self) -> bytes | None: ...  # its Idempotency-Key


class _Entry:
    """One row to be."""

    __slots__ = ("kind", "number", "place", "row", "times", "took")

    def __init__(
        self, kind: tuple[object, ...], client: Client, it: Exchange, status: int, size: int | None, took: int
    ) -> None:
        """What is left out is left out here: nothing of it waits anywhere."""
        asked, refusals, agent = it.asked, it.refusals, it.user_agent
        errors = [(traces.pointer(one.pointer), one.code) for one in refusals[:_ERRORS] if one.pointer]
        self.kind = kind
        self.number = 1  # of its kind
        self.times = 1
        self.took = took
        self.place = client.workspace, client.environment
        self.row: tuple[Any, ...] = (
            *(*self.place, client.id, it.now, asked.method[:10], asked.route),
            *(traces.path(asked.path), _json(traces.names(asked.query)), status),
            *(code_of(refusals) if refusals else None, _json(errors)),
            *(traces.label(it.request_id), None if agent is None else traces.label(agent)),
            *(it.size, size, int(it.key is not None)),
        )

    def statement(self) -> Statement:
        return (_INSERT, *self.row[:11], self.took, *self.row[11:], self.times)


class RequestLog:
    """The log of one process."""

    def __init__(self, ledger: Ledger, keep: int, dropped: Callable[[int], None]) -> None:
        """`keep`: rows of each environment; 0: nothing is noted. `dropped`: told how many requests were not kept."""
        self._ledger = ledger
        self._keep = keep
        self._dropped = dropped
        self._entries: deque[_Entry] = deque()
        self._last: dict[tuple[object, ...], _Entry] = {}  # by kind, of this second
        self._untrimmed: dict[tuple[int, int], int] = {}  # rows by environment since its last trimming

    def note(self, client: Client, it: Exchange, status: int, size: int | None, took: int) -> None:
        """Note a request and its answer; `size`: of the answer, None where it is poured. People's sessions are no
        programs: they are not noted."""
        if client.id < 0 or not self._keep:
            return
        refusals = it.refusals
        kind = (client.id, it.asked[1], status, refusals[0].code if refusals else None)
        last = self._last.get(kind)
        if last is not None and last.number >= (_MANY if refusals else _FEW):
            last.times += 1
            if took > last.took:
                last.took = took
            return
        entry = self._last[kind] = _Entry(kind, client, it, status, size, took)
        if last is not None:
            entry.number += last.number
        self._entries.append(entry)
        self._bound()

    def _bound(self) -> None:
        while len(self._entries) > _AT_MOST:
            oldest = self._entries.popleft()
            if self._last.get(oldest.kind) is oldest:
                del self._last[oldest.kind]
            self._dropped(oldest.times)

    # -- behind the answers

    async def run(self, report: Callable[[BaseException], None]) -> None:
        """Write once a second what gathered. Runs until cancelled; then what is left is written."""
        writing: asyncio.Future[None] | None = None
        try:
            while True:
                await asyncio.sleep(_EVERY_S)
                writing = asyncio.ensure_future(self._try(report))
                await asyncio.shield(writing)
        finally:
            if writing is not None:
                await writing
            await self._try(report)

    async def _try(self, report: Callable[[BaseException], None]) -> None:
        try:
            await self.write()
        except Unavailable:
            pass  # what gathered waits, within its bounds; who needs the ledger tells of it
        except Exception as error:  # the edge of a task: it must live on
            report(error)

    async def write(self) -> None:
        """Write what gathered until now."""
        self._last = {}  # another second begins
        entries = self._entries
        for _ in range(-(-len(entries) // _AT_ONCE)):
            some = [entries.popleft() for _ in range(min(_AT_ONCE, len(entries)))]
            statements = [entry.statement() for entry in some]
            try:
                await self._ledger.briefly(partial(_execute, statements))
            except Unavailable:  # another time
                entries.extendleft(reversed(some))
                self._bound()
                raise
            except Exception:
                self._dropped(sum(entry.times for entry in some))
                raise
            await self._trim(some)

    async def _trim(self, written: Sequence[_Entry]) -> None:
        """Of environments that had many rows since they were looked at, or never were, the oldest go."""
        untrimmed = self._untrimmed
        for entry in written:
            untrimmed[entry.place] = untrimmed.get(entry.place, _TRIM_AFTER) + 1
        for place in {entry.place for entry in written}:
            if untrimmed[place] > _TRIM_AFTER:
                untrimmed[place] = 0
                while await trim(self._ledger, *place, self._keep):
                    await asyncio.sleep(0)


async def _execute(statements: Sequence[Statement], transaction: Transaction) -> None:
    await transaction.execute_all(statements)


_encode: Final = msgspec.json.Encoder().encode


def _json(value: object) -> str:
    return _encode(value).decode()


async def trim(ledger: Ledger, workspace: int, environment: int, keep: int) -> bool:
    """Remove some of what is more than an environment may keep, the oldest first; answers whether there may be more."""

    async def write(transaction: Transaction) -> int:
        gone = await transaction.fetch(
            "DELETE FROM requests WHERE id IN (SELECT id FROM requests WHERE workspace = $1 AND environment = $2 "
            "AND id <= (SELECT id FROM requests WHERE workspace = $1 AND environment = $2 "
            "ORDER BY id DESC LIMIT 1 OFFSET $3) ORDER BY id LIMIT $4) RETURNING id",
            *(workspace, environment, keep, _AT_ONCE),
        )
        return len(gone)

    return await ledger.briefly(write) == _AT_ONCE
