"""Price tables: read from CSV, checked whole, kept in place of what the same connectors had before.

    connector,item,country,network,kind,price,currency
    vonage,,GB,,,0.0345,EUR
    vonage,,GB,,otp,0.0390,EUR
    vonage,,,,,0.08,EUR
    vonage,surcharge,US,,,0.003,EUR
    vonage,inbound,,,,0.005,EUR

The columns may stand in any order. All but connector, price and currency may be missing. An empty item is `message`, an
empty country, network or kind all of them.
"""

import asyncio
import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from heliograph.core import numbers
from heliograph.core.decide import SANDBOX
from heliograph.core.failures import Refusal, Refused
from heliograph.core.message import LANES
from heliograph.core.prices import INBOUND, ITEMS, LOOKUP, MESSAGE, SURCHARGE
from heliograph.engine import audit
from heliograph.engine.declared import OPERATOR
from heliograph.engine.suggest import did_you_mean
from heliograph.store.port import Ledger, Transaction

COLUMNS: Final = ("connector", "item", "country", "network", "kind", "price", "currency")
_KEY: Final = 5  # of them name the line
_OPTIONAL: Final = ("item", "country", "network", "kind")
_ANY: Final = "*"  # every country that is named
_EMPTY: Final = {"item": MESSAGE}
_POINTER: Final = "/csv"
_AUDITED: Final = 200  # lines that an audit entry shows
_TOLD: Final = 20  # refusals of one file; the rest is only counted
_AT_ONCE: Final = 200  # lines in one statement
_PRICE: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")


class PriceLine(msgspec.Struct, frozen=True):
    """What one segment, or one question about a number, costs. Empty: every country, every network, every kind."""

    connector: str
    item: str
    country: str
    network: str
    kind: str
    price: str
    currency: str


class Imported(msgspec.Struct, frozen=True):
    """What an import did: these connectors have these prices now, and no others."""

    connectors: list[str]
    lines: int


async def list_prices(ledger: Ledger) -> list[PriceLine]:
    rows = await ledger.fetch(
        f"SELECT {', '.join(COLUMNS)} FROM prices ORDER BY connector, item, country, network, kind"
    )
    return [PriceLine(*row) for row in rows]


async def import_prices(ledger: Ledger, text: str, *, actor: str, now: int, ip: str | None = None) -> Imported:
    """Replace the prices of the connectors that a file names. Raises `Refused` with what is wrong in it."""
    rows = await ledger.fetch("SELECT name FROM declared WHERE kind = 'connector'")
    lines = await asyncio.to_thread(read, text, [SANDBOX, *(row[0] for row in rows)])  # long tables take a while
    imported = Imported(sorted({line.connector for line in lines}), len(lines))
    async with ledger.transaction() as transaction:
        operator = await transaction.fetch("SELECT id FROM workspaces WHERE name = $1", OPERATOR)
        before: dict[tuple[str, ...], str] = {}
        for connector in imported.connectors:
            rows = await transaction.fetch(f"SELECT {', '.join(COLUMNS)} FROM prices WHERE connector = $1", connector)
            before |= {row[:_KEY]: f"{row[_KEY]} {row[_KEY + 1]}" for row in rows}
            await transaction.execute("DELETE FROM prices WHERE connector = $1", connector)
        for start in range(0, len(lines), _AT_ONCE):
            await _insert(transaction, lines[start : start + _AT_ONCE])
        await audit.note(
            transaction,
            workspace=operator[0][0],
            actor=actor,
            action="prices.imported",
            object="prices",
            now=now,
            detail=msgspec.structs.asdict(imported) | _difference(before, lines),
            ip=ip,
        )
        await audit.config_changed(transaction)
    return imported


def _difference(before: Mapping[tuple[str, ...], str], lines: Sequence[PriceLine]) -> dict[str, object]:
    """The prices that are not what they were, as far as an entry has room for them."""
    after: dict[tuple[str, ...], str] = {line[:_KEY]: f"{line[_KEY]} {line[_KEY + 1]}" for line in map(_tuple, lines)}
    changed = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    shown = sorted(changed)[:_AUDITED]
    return {
        "changed": len(changed),
        "before": {_named(key): before[key] for key in shown if key in before},
        "after": {_named(key): after[key] for key in shown if key in after},
    }


def _named(key: tuple[str, ...]) -> str:
    """A line in few words: what it is the price of is said where that is not a message."""
    return " ".join(cell for cell in key if cell and cell != MESSAGE)


async def _insert(transaction: Transaction, lines: Sequence[PriceLine]) -> None:
    width = len(COLUMNS)
    places = (
        f"({', '.join(f'${row * width + column}' for column in range(1, width + 1))})" for row in range(len(lines))
    )
    values = [value for line in lines for value in _tuple(line)]
    await transaction.execute(f"INSERT INTO prices ({', '.join(COLUMNS)}) VALUES {', '.join(places)}", *values)


def _tuple(line: PriceLine) -> tuple[Any, ...]:
    return msgspec.structs.astuple(line)


# -- reading


def read(text: str, connectors: Sequence[str]) -> list[PriceLine]:
    """The lines of a file. Raises `Refused` with what is wrong, each by its line."""
    lines: dict[tuple[str, ...], tuple[PriceLine, int]] = {}
    refusals: list[Refusal] = []
    for number, cells in _rows(text):
        line = PriceLine(*(cells.get(column, "") or _EMPTY.get(column, "") for column in COLUMNS))
        key = _tuple(line)[:_KEY]
        found = list(_wrong(line, connectors))
        if key in lines:
            found.append(("duplicate_price", f"the price of line {lines[key][1]} stands here again"))
        refusals += [_refusal(code, number, detail) for code, detail in found]
        lines.setdefault(key, (line, number))
    if len(refusals) > _TOLD:
        detail = f"{len(refusals) - _TOLD} more things are wrong further down"
        refusals = [*refusals[:_TOLD], Refusal("bad_csv", detail, _POINTER)]
    if not refusals and not lines:
        refusals = [Refusal("bad_csv", "there are no prices under the first line", _POINTER)]
    refusals = refusals or _mixed(list(lines.values()))
    if refusals:
        raise Refused(*refusals)
    return [line for line, _ in lines.values()]


def _mixed(lines: Sequence[tuple[PriceLine, int]]) -> list[Refusal]:
    """Surcharges in another currency than the messages that they would come on top of."""
    currencies: dict[tuple[str, str], dict[str, str]] = {}  # (connector, country): currency → an example
    for line, _ in lines:
        if line.item == MESSAGE:
            for country in {line.country, _ANY}:
                currencies.setdefault((line.connector, country), {})[line.currency] = line.country or "every country"
    found = []
    for line, number in lines:
        if line.item != SURCHARGE:
            continue
        theirs = currencies.get((line.connector, line.country or _ANY), {}) | currencies.get((line.connector, ""), {})
        if other := next((currency for currency in theirs if currency != line.currency), None):
            detail = f"a surcharge in {line.currency} can't be added to prices in {other} ({theirs[other]})"
            found.append(_refusal("bad_currency", number, detail))
    return found[:_TOLD]


def _rows(text: str) -> Iterator[tuple[int, Mapping[str, str]]]:
    """(number of the line, column → cell) of each; empty lines are left out."""
    rows = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    columns: list[str] = []
    try:
        for row in rows:
            cells = [cell.strip() for cell in row]
            if not any(cells):
                continue
            if not columns:
                columns = _columns(cells, rows.line_num)
                continue
            if len(cells) > len(columns):
                detail = f"{len(cells)} cells, but the first line names {len(columns)} columns"
                raise Refused(_refusal("bad_csv", rows.line_num, detail))
            yield rows.line_num, dict(zip(columns, cells, strict=False))
    except csv.Error as error:
        raise Refused(_refusal("bad_csv", rows.line_num, f"this is not CSV: {error}")) from None
    if not columns:
        raise Refused(_refusal("bad_csv", 1, f"the columns are missing; write {','.join(COLUMNS)}"))


def _columns(cells: Sequence[str], number: int) -> list[str]:
    columns = [cell.lower() for cell in cells]
    refusals = [
        _refusal("bad_csv", number, f"{name[:40]!r} is not a column: {','.join(COLUMNS)}.{did_you_mean(name, COLUMNS)}")
        for name in columns
        if name not in COLUMNS
    ]
    refusals = refusals or [
        _refusal("bad_csv", number, f"the column {name} must be there once")
        for name in COLUMNS
        if columns.count(name) > 1 or (name not in columns and name not in _OPTIONAL)
    ]
    if refusals:
        raise Refused(*refusals[:_TOLD])
    return columns


def _wrong(line: PriceLine, connectors: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(code, detail) of each cell that can't be right."""
    if line.connector not in connectors:
        hint = did_you_mean(line.connector[:64], connectors)
        yield "unknown_connector", f"there is no connector {line.connector[:64]!r}.{hint}"
    if line.country and not numbers.is_country(line.country):
        detail = f"{line.country[:40]!r} is not a country; give two capital letters, such as GB, or nothing for all"
        yield "unknown_country", detail
    if line.item not in ITEMS:
        yield "unknown_item", f"{line.item[:40]!r} has no price: {', '.join(ITEMS)}.{did_you_mean(line.item, ITEMS)}"
    if line.network and line.network not in numbers.networks():
        hint = did_you_mean(line.network, numbers.networks())
        yield "unknown_network", f"no range of numbers was given out to {line.network[:40]!r}.{hint}"
    if line.item in (INBOUND, LOOKUP) and (line.network or line.kind):
        yield "bad_value", f"the price of {line.item} depends on the country alone; leave network and kind empty"
    if line.kind and line.kind not in LANES:
        yield "unknown_kind", f"{line.kind[:40]!r} is not a kind: {', '.join(LANES)}, or nothing for all"
    if not _PRICE.fullmatch(line.price):
        yield "bad_price", f"{line.price[:40]!r} is not a price; give a decimal number, such as 0.0345"
    if not _CURRENCY.fullmatch(line.currency):
        yield "bad_currency", f"{line.currency[:40]!r} is not a currency; give three capital letters, such as EUR"


def _refusal(code: str, number: int, detail: str) -> Refusal:
    return Refusal(code, f"line {number}: {detail}", _POINTER)
