"""The audit log as it is read, exported, checked and thinned out (`audit.py` writes it).

The check walks the whole chain. It finds an entry that was changed, removed, moved or inserted by somebody who has the
database but not the master key. What it can't find by itself is that the newest entries were cut off: for that, `head`
is noted elsewhere and given to the check as an anchor.
"""

import csv
import hmac
import io
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from itertools import takewhile
from typing import Final, NamedTuple

import msgspec

from heliograph.core import ids
from heliograph.core.chain import Noted, base_proof, link
from heliograph.core.failures import Refusal, Refused
from heliograph.core.views import moment
from heliograph.engine import audit
from heliograph.store.port import Ledger, Row, Transaction

_COLUMNS: Final = "id, workspace, at, actor, action, object, detail, ip, hash"
_PAGE: Final = 1_000
_TOLD: Final = 20  # faults of one check; the rest is only counted
EXPORT_LIMIT: Final = 100_000
FORMATS: Final = ("jsonl", "csv")


class AuditEntry(msgspec.Struct, frozen=True):
    """One entry of the audit log."""

    id: str
    at: str
    actor: str
    action: str
    object: str
    detail: msgspec.Raw
    ip: str | None
    hash: str | None  # its link of the chain


class Narrowed(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries are wanted. `action` may end with *, such as key.*"""

    workspace: int | None = None  # None: those of all
    everyones: bool = True  # also what concerns all workspaces
    actor: str | None = None
    action: str | None = None
    object: str | None = None
    since: int | None = None
    until: int | None = None


class Head(msgspec.Struct, frozen=True):
    """Where the chain ends. Noted elsewhere, it shows later whether the log was cut off before it."""

    entry: int
    hash: str

    def __str__(self) -> str:
        return f"{self.entry}:{self.hash}"


class Fault(msgspec.Struct, frozen=True):
    """Something that isn't as we wrote it."""

    entry: int
    what: str


class Verification(msgspec.Struct, frozen=True):
    """What a check of the chain found."""

    intact: bool
    entries: int
    first: int
    head: Head
    faults: list[Fault]
    more_faults: int


class _Base(NamedTuple):
    """The last entry that retention removed, and the proof that it was retention."""

    number: int
    hash: str
    proof: str


# -- reading


async def entries(
    ledger: Ledger, narrowed: Narrowed, *, cursor: str | None, limit: int
) -> tuple[list[AuditEntry], str | None]:
    """A page of entries, newest first, and the next page's cursor."""
    place = ids.parse("aud", cursor) if cursor else None
    rows = await _rows(ledger, narrowed, place[1] if place else 1 << 62, limit + 1)
    page = [_entry(row) for row in rows[:limit]]
    return page, page[-1].id if len(rows) > limit else None


async def hand_out(
    ledger: Ledger,
    narrowed: Narrowed,
    form: str,
    asked: Mapping[str, object],
    *,
    workspace: int,
    actor: str,
    now: int,
) -> bytes:
    """An export is an entry itself, written first: whoever has the file is known. `asked`: how it was narrowed."""
    async with ledger.transaction() as transaction:
        await audit.note(
            transaction,
            workspace=workspace,
            actor=actor,
            action="audit.exported",
            object="audit",
            now=now,
            detail=asked,
        )
    return await export(ledger, narrowed, form)


async def export(ledger: Ledger, narrowed: Narrowed, form: str) -> bytes:
    """All of these entries, newest first, as JSON lines or CSV. Raises `Refused` when they are too many."""
    found: list[AuditEntry] = []
    below = 1 << 62
    while rows := await _rows(ledger, narrowed, below, _PAGE):
        found += map(_entry, rows)
        below = rows[-1][0]
        if len(found) > EXPORT_LIMIT:
            detail = f"an export takes {EXPORT_LIMIT} entries; narrow it with since and until"
            raise Refused(Refusal("export_too_large", detail, "/since"))
    if form == "jsonl":
        return b"".join(msgspec.json.encode(entry) + b"\n" for entry in found)
    text = io.StringIO(newline="")
    lines = csv.writer(text)
    lines.writerow(AuditEntry.__struct_fields__)
    lines.writerows([*map(_cell, msgspec.structs.astuple(entry))] for entry in found)
    return text.getvalue().encode()


def _cell(value: object) -> str:
    """What begins like a formula must not be one to a spreadsheet."""
    text = bytes(value).decode() if isinstance(value, msgspec.Raw) else "" if value is None else str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


async def _rows(ledger: Ledger, narrowed: Narrowed, below: int, limit: int) -> list[Row]:
    conditions, values = ["id < $1"], [below]  # type: tuple[list[str], list[object]]

    def add(condition: str, value: object) -> None:
        if value is not None:
            values.append(value)
            conditions.append(condition.format(f"${len(values)}"))

    if narrowed.workspace is not None:
        # The plus keeps the operator's question off the index of workspaces, which would sort all that it finds.
        add("(+workspace = {} OR workspace IS NULL)" if narrowed.everyones else "workspace = {}", narrowed.workspace)
    add("actor = {}", narrowed.actor)
    add("object = {}", narrowed.object)
    add("at >= {}", narrowed.since)
    add("at < {}", narrowed.until)
    if narrowed.action is not None and narrowed.action.endswith("*"):
        start = narrowed.action[:-1]
        add("action >= {}", start)
        add("action < {}", f"{start}\U0010ffff")
    else:
        add("action = {}", narrowed.action)
    values.append(limit)
    return await ledger.fetch(
        f"SELECT {_COLUMNS} FROM audit WHERE {' AND '.join(conditions)} ORDER BY id DESC LIMIT ${len(values)}", *values
    )


def _entry(row: Row) -> AuditEntry:
    number, _, at, actor, action, thing, detail, ip, proof = row
    place = ids.make("aud", at, number)
    return AuditEntry(place, moment(at), actor, action, thing, msgspec.Raw(detail.encode()), ip, proof)


# -- the chain


async def head(ledger: Ledger) -> Head:
    """Where the chain ends now."""
    rows = await ledger.fetch("SELECT last_id, last_hash FROM audit_chain")
    return Head(*rows[0])


class HeadTeller:
    """Tells the head to the log, which is kept elsewhere: so that an audit log that was cut off is noticed."""

    def __init__(self, ledger: Ledger, note: Callable[..., None]) -> None:
        self._ledger = ledger
        self._note = note
        self._told: Head | None = None

    async def tell(self) -> None:
        found = await head(self._ledger)
        if found != self._told:
            self._told = found
            self._note("audit_head", anchor=str(found))


def read_anchor(text: str) -> Head:
    """`NUMBER:HASH`, as `head` is shown. Raises `Refused`."""
    number, _, proof = text.strip().partition(":")
    if not (number.isascii() and number.isdigit() and len(number) < 19 and len(proof) == 64):
        detail = f"{text[:80]!r} is not an anchor; give what `heliograph audit head` printed, NUMBER:HASH"
        raise Refused(Refusal("bad_anchor", detail, "/anchor"))
    return Head(int(number), proof)


async def verify(ledger: Ledger, anchors: Sequence[Head] = ()) -> Verification:
    """Check every entry that is there, and that the anchors are among them."""
    key = ledger.protection.audit_key
    while True:
        base, end = await _bounds(ledger)
        walk = _Walk(key, base, anchors)
        if base.number and not hmac.compare_digest(base.proof, base_proof(key, base.number, base.hash)):
            walk.fault(base.number, "the note of what retention removed was not written by us")
        async for row in _entries_after(ledger, base.number, end):
            walk.step(row)
        walk.end(end)
        outside = await ledger.fetch(
            "SELECT a.id FROM audit a, audit_chain c WHERE a.id > c.last_id OR a.id <= c.base_id ORDER BY a.id LIMIT 1"
        )
        if outside:
            walk.fault(outside[0][0], "stands outside the chain")
        if (await _bounds(ledger))[0] == base:  # else retention was at work meanwhile
            return walk.result(end)


async def _entries_after(ledger: Ledger, number: int, end: Head) -> AsyncIterator[Row]:
    while rows := await ledger.fetch(
        f"SELECT {_COLUMNS} FROM audit WHERE id > $1 AND id <= $2 ORDER BY id LIMIT {_PAGE}", number, end.entry
    ):
        for row in rows:
            yield row
        number = rows[-1][0]


class _Walk:
    """One walk along the chain."""

    def __init__(self, key: bytes, base: _Base, anchors: Sequence[Head]) -> None:
        self._key = key
        self._base = base.number
        self._last, self._previous = base.number, base.hash
        self._anchors = {anchor.entry: anchor for anchor in anchors}
        self._more = 0
        self._first = self._count = 0
        self.faults: list[Fault] = []

    def fault(self, number: int, what: str) -> None:
        if len(self.faults) < _TOLD:
            self.faults.append(Fault(number, what))
        else:
            self._more += 1

    def step(self, row: Row) -> None:
        number, kept = row[0], row[8] or ""
        self._first = self._first or number
        self._count += 1
        if not kept:
            self.fault(number, "was inserted past us: it has no link")
        elif not hmac.compare_digest(kept, link(self._key, self._previous, number, Noted(*row[1:8]))):
            self.fault(number, "was changed, or does not follow the entry that stood before it")
        anchor = self._anchors.pop(number, None)
        if anchor is not None and anchor.hash != kept:
            self.fault(number, "is another one than the anchor says")
        self._last, self._previous = number, kept

    def end(self, end: Head) -> None:
        if (self._last, self._previous) != (end.entry, end.hash):
            self.fault(end.entry, "the end of the chain is missing, or its note was changed")
        for number in self._anchors:
            if number > self._base:  # older ones went with their entries: retention
                self.fault(number, "the anchor's entry is missing: the log was cut off, or begun anew")

    def result(self, end: Head) -> Verification:
        return Verification(not self.faults, self._count, self._first, end, self.faults, self._more)


async def _bounds(ledger: Ledger) -> tuple[_Base, Head]:
    rows = await ledger.fetch("SELECT base_id, base_hash, base_proof, last_id, last_hash FROM audit_chain")
    return _Base(*rows[0][:3]), Head(*rows[0][3:])


async def take_in(transaction: Transaction, key: bytes) -> None:
    """Chain the entries that are older than the chain: at its beginning, and never again."""
    await transaction.execute("UPDATE audit_chain SET last_id = last_id")  # others wait from here on
    previous, last = "", 0
    while rows := await transaction.fetch(
        f"SELECT {_COLUMNS} FROM audit WHERE id > $1 ORDER BY id LIMIT {_PAGE}", last
    ):
        for row in rows:
            last, previous = row[0], link(key, previous, row[0], Noted(*row[1:8]))
            await transaction.execute("UPDATE audit SET hash = $2 WHERE id = $1", last, previous)
    await transaction.execute("UPDATE audit_chain SET last_id = $1, last_hash = $2", last, previous)


async def thin_out(ledger: Ledger, now: int, days: int) -> bool:
    """Remove entries older than `days` from the beginning of the chain; True: there may be more."""
    rows = await ledger.fetch(f"SELECT id, hash, at FROM audit ORDER BY id LIMIT {_PAGE}")
    old = list(takewhile(lambda row: row[2] < now - days * 86_400_000 and row[1], rows))
    if not old:
        return False
    number, previous, _ = old[-1]
    async with ledger.transaction() as transaction:
        await transaction.execute(
            "UPDATE audit_chain SET base_id = $1, base_hash = $2, base_proof = $3 WHERE base_id < $1",
            *(number, previous, base_proof(ledger.protection.audit_key, number, previous)),
        )
        await transaction.execute("DELETE FROM audit WHERE id <= $1", number)
    return len(old) == _PAGE
