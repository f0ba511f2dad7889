"""Consents and opt-outs as CSV: read with a report of every bad line, written as it was read.

Nothing of a file is kept unless the report says so: `dry_run` shows it first.
"""

import asyncio
import csv
import io
from typing import Final

import msgspec

from heliograph.core import consent
from heliograph.core.failures import Refusal
from heliograph.core.request import read_time
from heliograph.core.views import moment
from heliograph.engine.people import foreign
from heliograph.engine.people.record import Said, record_lines
from heliograph.engine.people.scopes import address_of, scope_of
from heliograph.engine.suggest import did_you_mean
from heliograph.store.port import Ledger

COLUMNS: Final = ("to", "action", "purpose", "sender", "source", "at", "channel", "language", "text", "text_version")
LINES_AT_MOST: Final = 100_000
_SHOWN: Final = 1_000
_LETTERS: Final = dict.fromkeys(("sender", "source", "channel", "language", "text_version"), 64) | {"text": 10_000}
_AT_ONCE: Final = 200  # entries in one transaction: nobody who sends meanwhile waits for long


class BadLine(msgspec.Struct, frozen=True):
    """A line that was not taken."""

    line: int
    code: str
    detail: str


class Report(msgspec.Struct, frozen=True):
    """What became of a file. `bad`: the first thousand lines that were not taken."""

    lines: int
    taken: int
    refused: int
    dry_run: bool
    bad: list[BadLine]


async def read_in(
    ledger: Ledger,
    workspace: int,
    environment: int,
    text: str,
    *,
    action: str | None,
    default_country: str | None,
    dry_run: bool,
    actor: str,
    now: int,
    is_foreign: bool = False,
) -> Report | Refusal:
    """Read a file. `action` is what lines mean that name none; `is_foreign`: it is a list of another gateway."""
    read = parse_foreign if is_foreign else parse
    found = await asyncio.to_thread(read, text, action, default_country, now)  # a second for a long one
    if isinstance(found, Refusal):
        return found
    good, bad = found
    if not dry_run:
        for start in range(0, len(good), _AT_ONCE):
            lines = good[start : start + _AT_ONCE]
            await record_lines(ledger, workspace, environment, lines, actor=actor, now=now)
    return Report(len(good) + len(bad), len(good), len(bad), dry_run, bad[:_SHOWN])


def parse(
    text: str, action: str | None, default_country: str | None, now: int
) -> tuple[list[Said], list[BadLine]] | Refusal:
    """The entries of a file, and its bad lines; a refusal when it is no such file at all."""
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    good: list[Said] = []
    bad: list[BadLine] = []
    try:
        names = [name.strip().lower() for name in rows.fieldnames or ()]
        if refusal := _bad_head(names):
            return refusal
        rows.fieldnames = names
        for row in rows:
            if len(good) + len(bad) >= LINES_AT_MOST:
                return Refusal("too_long", f"a file takes {LINES_AT_MOST} lines; split it", "/csv")
            said = _said({key: (value or "").strip() for key, value in row.items() if isinstance(key, str)
                          and not isinstance(value, list)}, action, default_country, now)  # fmt: skip
            if isinstance(said, Refusal):
                bad.append(BadLine(rows.line_num, said.code, said.detail))
            else:
                good.append(said)
    except csv.Error as error:
        return Refusal("bad_csv", f"line {rows.line_num + 1} can't be read: {error}", "/csv")
    return good, bad


def parse_foreign(
    text: str, action: str | None, default_country: str | None, now: int
) -> tuple[list[Said], list[BadLine]] | Refusal:
    """The same of a list of opt-outs as another gateway writes it."""
    lines = foreign.translated(text)
    if isinstance(lines, Refusal):
        return lines
    if len(lines) > LINES_AT_MOST:
        return Refusal("too_long", f"a file takes {LINES_AT_MOST} lines; split it", "/csv")
    good: list[Said] = []
    bad: list[BadLine] = []
    for number, row in lines:
        said = _said(row, action or consent.OPT_OUT, default_country, now)
        if isinstance(said, Refusal):
            bad.append(BadLine(number, said.code, said.detail))
        else:
            good.append(said)
    return good, bad


def _bad_head(names: list[str]) -> Refusal | None:
    unknown = next((name for name in names if name not in COLUMNS), None)
    if unknown is not None:
        hint = did_you_mean(unknown, COLUMNS)
        return Refusal("bad_csv", f"there is no column {unknown[:40]!r}; there are {', '.join(COLUMNS)}.{hint}", "/csv")
    if "to" not in names:
        return Refusal("bad_csv", "the first line names the columns; one of them must be `to`", "/csv")
    return None


def _said(row: dict[str, str], action: str | None, default_country: str | None, now: int) -> Said | Refusal:
    address = address_of(row["to"], default_country)
    if isinstance(address, Refusal):
        return address
    deed = row.get("action") or action
    if deed not in consent.ACTIONS:
        return Refusal("bad_value", f"{deed!r} is not an action; there are {', '.join(consent.ACTIONS)}")
    scope = scope_of(row.get("purpose") or None, row.get("sender") or None)
    if isinstance(scope, Refusal):
        return scope
    for name, most in _LETTERS.items():
        if len(row.get(name, "")) > most:
            return Refusal("too_long", f"{name} takes {most} characters")
    at = read_time(row["at"], "/at") if row.get("at") else now
    if isinstance(at, Refusal):
        return at
    if at > now:
        return Refusal("bad_time", f"{row['at']!r} is in the future")
    return Said(
        address=address,
        action=deed,
        scope=scope,
        # What a file says of a no is as good as any; a yes that comes by file lifts no no.
        source=consent.IMPORT,
        at=at,
        channel=row.get("channel") or None,
        language=row.get("language") or None,
        text=row.get("text") or None,
        text_version=row.get("text_version") or None,
        detail={"source": row["source"]} if row.get("source") else {},
    )


async def write_out(ledger: Ledger, workspace: int) -> bytes:
    """Everybody who said no, in the columns that are read."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(("to", "action", "purpose", "sender", "at"))
    after = ("", "")
    while rows := await ledger.fetch(
        "SELECT number, scope, out_at FROM stances WHERE workspace = $1 AND out_at IS NOT NULL "
        "AND (number, scope) > ($2, $3) ORDER BY number, scope LIMIT 1000",
        *(workspace, *after),
    ):
        writer.writerows(_line(*row) for row in rows)
        after = rows[-1][:2]
    return out.getvalue().encode()


def _line(number: str, scope: str, out_at: int) -> tuple[str, ...]:
    kind, _, name = scope.partition(":")
    purpose = {"*": "all", "topic": name, "sender": ""}.get(kind, scope)
    return number, consent.OPT_OUT, purpose, name if kind == "sender" else "", moment(out_at)
