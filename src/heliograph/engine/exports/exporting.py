"""One export: what is asked for, checked at first; then its bytes, page by page.

Rows come in the order of their keys. What is written meanwhile may be in it or not; what is in it is as it was when its
page was read.
"""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping
from typing import Any, Final

import msgspec

from heliograph.core.failures import Refusal, Refused
from heliograph.engine import audit
from heliograph.engine.exports.formats import Writer, refusal, writer
from heliograph.engine.exports.tables import OF_WORKSPACE, TABLES, Cells, Table
from heliograph.engine.quality import first_since
from heliograph.engine.suggest import did_you_mean
from heliograph.store.port import Ledger

_PAGE: Final = 500
_SLACK_MS: Final = 3_600_000  # a message may get its id a while after it was accepted
_SHOWN: Final = 40


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is exported. Of a range the end is not in it any more."""

    workspace: int
    environment: int
    what: str
    format: str
    since: int | None = None
    until: int | None = None
    filters: Mapping[str, str] = {}
    texts: bool = False  # the texts of messages too


def check(asked: Asked) -> Table:
    """Raises `Refused` with what can't be."""
    table = TABLES.get(asked.what)
    if table is None:
        hint = did_you_mean(asked.what, TABLES)
        detail = f"{asked.what[:_SHOWN]!r} can't be exported; there are {', '.join(TABLES)}.{hint}"
        raise Refused(Refusal("not_found", detail, status=404))
    for name in asked.filters:
        if name not in table.filters:
            there = ", ".join(sorted(table.filters)) or "none"
            detail = f"{asked.what} can't be narrowed by {name[:_SHOWN]!r}; there are: {there}"
            raise Refused(
                Refusal("unknown_parameter", detail + did_you_mean(name, table.filters), f"/{name[:_SHOWN]}", 400)
            )
    if wrong := refusal(asked.format):
        raise Refused(wrong)
    return table


async def note(ledger: Ledger, asked: Asked, actor: str, now: int) -> None:
    """Whoever has the file is known: the entry is written before its first byte."""
    given = {"since": asked.since, "until": asked.until, "filters": dict(asked.filters), "texts": asked.texts}
    async with ledger.transaction() as transaction:
        await audit.note(
            transaction,
            workspace=asked.workspace,
            actor=actor,
            action=f"{asked.what}.exported",
            object=f"export:{asked.what}",
            now=now,
            detail={"format": asked.format, **{key: value for key, value in given.items() if value}},
        )


async def export(ledger: Ledger, asked: Asked, rows: AsyncIterable[list[Any]] | None = None) -> AsyncIterator[bytes]:
    """The bytes of an export that was checked, of the rows that are asked for unless others are given. Packing goes on
    in a thread, so that nobody waits for it."""
    table = TABLES[asked.what]
    out = await asyncio.to_thread(writer, asked.format, table.columns)
    if head := out.head():
        yield head
    async for page in rows if rows is not None else pages(ledger, table, asked):
        if piece := await asyncio.to_thread(_written, ledger, table, asked, out, page):
            yield piece
    yield await asyncio.to_thread(out.end)


def _written(ledger: Ledger, table: Table, asked: Asked, out: Writer, rows: list[Any]) -> bytes:
    protection = ledger.protection
    cells = [table.cells(protection, row) for row in rows]
    return out.rows(cells if asked.texts else without_texts(table, cells))


def without_texts(table: Table, rows: list[Cells]) -> list[Cells]:
    """What people wrote or were told is left out, unless it was asked for."""
    change = {place: _LEFT_OUT[column.name] for place, column in enumerate(table.columns) if column.name in _LEFT_OUT}
    if not change:
        return rows
    return [
        tuple(change[place](cell) if place in change and cell is not None else cell for place, cell in enumerate(row))
        for row in rows
    ]


def _data_without_text(data: str) -> str:
    """What an event says of a phone's message, without the message."""
    if '"text"' not in data:
        return data
    facts = msgspec.json.decode(data)
    facts.pop("text", None)
    return msgspec.json.encode(facts).decode()


_LEFT_OUT: Final[dict[str, Callable[[str], str | None]]] = {"text": lambda text: None, "data": _data_without_text}


async def pages(ledger: Ledger, table: Table, asked: Asked) -> AsyncIterator[list[Any]]:
    """The rows, along their key."""
    conditions, values = await _conditions(ledger, table, asked)
    key = ", ".join(table.key)
    marks = ", ".join(f"${len(values) + place}" for place in range(1, len(table.key) + 1))
    statement = (
        f"SELECT {key}, {table.select} FROM {table.source}{conditions} AND ({key}) > ({marks}) "
        f"ORDER BY {key} LIMIT {_PAGE}"
    )
    width, after = len(table.key), table.start
    while rows := await ledger.fetch(statement, *values, *after):
        yield [row[width:] for row in rows]
        if len(rows) < _PAGE:
            return
        after = rows[-1][:width]


async def _conditions(ledger: Ledger, table: Table, asked: Asked) -> tuple[str, list[Any]]:
    values: list[Any] = [asked.workspace]
    if asked.what not in OF_WORKSPACE:
        values.append(asked.environment)
    conditions = ""

    def add(condition: str, value: Any) -> None:
        nonlocal conditions
        values.append(value)
        conditions += f" AND {condition} ${len(values)}"

    if asked.since is not None:
        add(f"{table.at} >=", asked.since)
        if table.message is not None and ledger.is_alone:  # ids rise with time: begin where the range does
            add(f"{table.message} >=", await first_since(ledger, asked.since - _SLACK_MS))
    if asked.until is not None:
        add(f"{table.at} <", asked.until)
        if table.message is not None and ledger.is_alone:
            add(f"{table.message} <", await first_since(ledger, asked.until + _SLACK_MS))
    for name, value in asked.filters.items():
        add(f"{table.filters[name]} =", value)
    return conditions, values
