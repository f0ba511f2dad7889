"""Audiences as they are read: lines of a CSV file into recipients or faults, and simple filters over contacts.

A file is fed in pieces as it arrives and never held as a whole. A fault names the line and the reason, never what stood
there: that is somebody's number.
"""

import codecs
import csv
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Final, NamedTuple

import msgspec
from msgspec import Meta

from heliograph.core import numbers, zones
from heliograph.core.failures import Refusal
from heliograph.core.numbers import BadNumber

TO: Final = ("to", "number", "phone")
TIME_ZONE: Final = "time_zone"
DUPLICATE: Final = "duplicate"
COLUMNS_AT_MOST: Final = 50
_RECORD_AT_MOST: Final = 64_000
_CELLS_AT_MOST: Final = 4_096
_encode: Final = msgspec.json.Encoder().encode


class BadFile(ValueError):
    """Why a file can't be read any further."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.detail)
        self.refusal = refusal


class Recipient(NamedTuple):
    """A line that names somebody who can be texted."""

    line: int
    number: str
    time_zone: str | None
    variables: str | None  # JSON


class Fault(NamedTuple):
    """Why a line names nobody."""

    line: int
    code: str
    detail: str


class Records:
    """Cuts a file that arrives in pieces into records; quotes may hold line ends."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._rest = ""
        self._line = 1
        self.delimiter = ","

    def feed(self, piece: bytes, *, last: bool = False) -> Iterator[tuple[int, list[str]]]:
        """The records that are whole now, each with the line that it begins in. Raises `BadFile`."""
        try:
            text = self._rest + self._decoder.decode(piece, last)
        except UnicodeDecodeError:
            raise BadFile(Refusal("bad_utf8", f"the file is not UTF-8 after line {self._line}")) from None
        lines = text.split("\n")
        self._rest = "" if last else lines.pop()
        if len(self._rest) > _RECORD_AT_MOST:
            raise BadFile(Refusal("bad_csv", f"line {self._line + len(lines)} does not end; is it CSV?"))
        yield from self._cut(lines, last=last)

    def _cut(self, lines: list[str], *, last: bool) -> Iterator[tuple[int, list[str]]]:
        open_from, quotes = 0, 0
        for index, line in enumerate(lines):
            quotes += line.count('"')
            if quotes % 2:
                continue
            record = line if open_from == index else "\n".join(lines[open_from : index + 1])
            number = self._line
            self._line += index + 1 - open_from
            open_from, quotes = index + 1, 0
            if record.strip():
                yield number, self._fields(record)
        if open_from < len(lines):
            self._keep_open(lines[open_from:], last=last)

    def _keep_open(self, lines: list[str], *, last: bool) -> None:
        """The last record of a piece has a quote that is still open."""
        self._rest = "\n".join([*lines, self._rest])
        if last or len(self._rest) > _RECORD_AT_MOST:
            raise BadFile(Refusal("bad_csv", f"the quote that line {self._line} opens is never closed"))

    def _fields(self, record: str) -> list[str]:
        if self._line <= 2 and "," not in record:
            self.delimiter = next((one for one in (";", "\t") if one in record), self.delimiter)
        if '"' not in record:
            return record.rstrip("\r").split(self.delimiter)
        return next(csv.reader([record], delimiter=self.delimiter))


class Header:
    """What the columns of a file mean."""

    def __init__(self, names: Sequence[str], variables: Sequence[str] | None) -> None:
        """`variables`: those that every line must have, when they are named; raises `BadFile` for other columns."""
        self.names = [name.strip() for name in names]
        self.to = next((self.names.index(name) for name in TO if name in self.names), -1)
        self.zone = self.names.index(TIME_ZONE) if TIME_ZONE in self.names else -1
        self.needed = frozenset(variables or ())
        self.variables = [name for place, name in enumerate(self.names) if place not in (self.to, self.zone)]
        if wrong := self._wrong(variables):
            raise BadFile(wrong)

    def _wrong(self, variables: Sequence[str] | None) -> Refusal | None:
        if self.to < 0:
            return Refusal("missing_column", f"the first line names no column {', '.join(TO)}; one of them is needed")
        if len(self.names) > COLUMNS_AT_MOST:
            return Refusal("bad_csv", f"a file has at most {COLUMNS_AT_MOST} columns, this one {len(self.names)}")
        if len(set(self.names)) < len(self.names) or "" in self.names:
            return Refusal("bad_csv", "every column needs a name of its own in the first line")
        if lacking := sorted(self.needed.difference(self.variables)):
            return Refusal("missing_column", f"there is no column {lacking[0][:40]!r}, which variables names")
        if variables is not None and (others := [name for name in self.variables if name not in self.needed]):
            named = ", ".join(sorted(self.needed)) or "none"
            return Refusal("unknown_column", f"column {others[0][:40]!r} is none of the variables ({named})")
        return None

    def read(self, line: int, cells: Sequence[str], default_country: str | None) -> Recipient | Fault:
        """One line: whom it names, or why nobody."""
        if len(cells) > len(self.names):
            return Fault(line, "unknown_column", f"the line has {len(cells)} cells, the first one {len(self.names)}")
        if len(cells) <= self.to:
            return Fault(line, "missing_number", "the line ends before its number")
        number = numbers.parse(cells[self.to].strip(), default_country)
        barred = number if isinstance(number, BadNumber) else numbers.policy(number)
        if isinstance(number, BadNumber) or barred is not None:
            assert barred is not None
            return Fault(line, barred.code, f"column {self.names[self.to]!r} holds no number that can be texted")
        zone = cells[self.zone].strip() if 0 <= self.zone < len(cells) else ""
        if zone and not zones.is_zone(zone):
            return Fault(line, "bad_time_zone", "no IANA time zone, such as Europe/Paris")
        given = {
            name: value
            for place, (name, cell) in enumerate(zip(self.names, cells, strict=False))
            if place not in (self.to, self.zone) and (value := cell.strip())
        }
        if lacking := self.needed.difference(given):
            return Fault(line, "missing_variable", f"column {min(lacking)[:40]!r} is empty")
        variables = _encode(given).decode() if given else None
        if variables is not None and len(variables) > _CELLS_AT_MOST:
            return Fault(line, "metadata_too_large", "the variables of a line may take 4 kB as JSON")
        return Recipient(line, number.e164, zone or None, variables)


# -- segments of the contacts


class Filter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"is_": "is", "in_": "in"}):
    """One thing that must be so of a contact. Without a comparison: the field must be there."""

    field: Annotated[
        str,
        Meta(
            pattern=r"^(name|locale|time_zone|external_id|country|consent|attributes\..{1,60})$",
            description="name, locale, time_zone, external_id, country, attributes.NAME; or consent: to what.",
        ),
    ]
    is_: str | None = None
    in_: Annotated[list[str], Meta(max_length=100)] | None = None
    is_not: str | None = None
    begins: str | None = None

    def fits(self, value: str | None) -> bool:
        if self.is_not is not None and value == self.is_not:
            return False
        if self.is_ is None and self.in_ is None and self.begins is None:
            return value is not None or self.is_not is not None
        return (
            (self.is_ is None or value == self.is_)
            and (self.in_ is None or value in self.in_)
            and (self.begins is None or (value is not None and value.startswith(self.begins)))
        )


def belongs(filters: Sequence[Filter], fields: Mapping[str, str | None]) -> bool:
    """Do all filters fit? `consent` is asked elsewhere: it takes the record."""
    return all(one.fits(fields.get(one.field)) for one in filters if one.field != "consent")
