"""Encoding and parts of a text: the one rule that budget, preview and sending share.

GSM-7 if every character is in it, else UCS-2. One part holds 160 septets or 70 units; of several each holds less, for
their header. Parts are filled greedily; escape pairs and surrogate pairs are never cut, nor is what a reader takes for
one character, unless it is longer than a part. Texts come normalised: composed (NFC), line ends as LF. What takes more
than 255 parts is counted all the same; the budget refuses it.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from itertools import product
from typing import Final, NamedTuple

import msgspec

from heliograph.core import gsm
from heliograph.core.clusters import last_cut
from heliograph.core.smart import replacement

GSM7: Final = "gsm7"
UCS2: Final = "ucs2"
PARTS_MAX: Final = 255  # no header counts further
_OCTETS: Final = 140

_plain: Final = re.compile(f"[{re.escape(''.join(gsm.DEFAULT.basic))}]*").fullmatch  # one septet each
_forbidden: Final = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f\ud800-\udfff]").finditer


class Segment(msgspec.Struct, frozen=True):
    """One part: its text, how many septets or units it takes, and how many it might."""

    text: str
    units: int
    limit: int


class Forcing(msgspec.Struct, frozen=True):
    """A character that GSM-7 lacks: where it stands and what could stand there instead."""

    position: int
    character: str
    name: str
    replacement: str | None


class Split(msgspec.Struct, frozen=True):
    """A text as it goes over the air."""

    encoding: str
    segments: tuple[Segment, ...]
    units: int
    locking: str | None = None  # languages whose shift tables it is written in
    single: str | None = None

    @property
    def units_left(self) -> int:
        """What the last part still holds."""
        return self.segments[-1].limit - self.segments[-1].units

    @property
    def forced_by(self) -> tuple[Forcing, ...]:
        """The characters that keep the text out of plain GSM-7. For previews: sending never asks."""
        return tuple(_forcing("".join(segment.text for segment in self.segments)))


def normalise(text: str) -> str:
    """Composed characters, and one way to end a line: as the other functions want it."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def forbidden(text: str) -> list[tuple[int, str]]:
    """Control characters and lone surrogates, which no message may hold, with their positions."""
    if text.isprintable():  # true of nearly every text, and fast; false of line ends and some others that are allowed
        return []
    return [(match.start(), match.group()) for match in _forbidden(text)]


def measure(text: str) -> tuple[str, int]:
    """Encoding and number of parts, fast: what `split` says, without the parts."""
    if _plain(text):
        return GSM7, 1 if len(text) <= 160 else -(-len(text) // 153)
    way = _UCS2 if gsm.FOREIGN.search(text) else _GSM7
    return way.encoding, len(_parts(text, way, 8)[0])


def split(text: str, *, reference_bits: int = 8, national: Sequence[str] = ()) -> Split:
    """The parts of a text. `national` names languages (`turkish`, …) whose tables are used where they save a part."""
    if not gsm.FOREIGN.search(text):
        return _split(text, _GSM7, reference_bits)
    shifted = (_Way(GSM7, 7, tables.cost, tables) for tables in _tables(national) if tables.holds(text))
    return min((_split(text, way, reference_bits) for way in (_UCS2, *shifted)), key=_rank)


def split_as(encoding: str, text: str, *, reference_bits: int = 8) -> Split:
    """The parts of a text in an encoding that somebody else has chosen, and that holds it."""
    return _split(text, _UCS2 if encoding == UCS2 else _GSM7, reference_bits)


def capacity(header_octets: int, *, bits: int) -> int:
    """How many units of 7 or 16 bits stand behind a header; its length octet is counted here."""
    octets = _OCTETS - header_octets - (header_octets > 0)
    return octets * 8 // bits


def _units(text: str) -> int:
    """UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


class _Way(NamedTuple):
    """A way to write a text."""

    encoding: str
    bits: int
    cost: Callable[[str], int]
    tables: gsm.Table = gsm.DEFAULT


_GSM7: Final = _Way(GSM7, 7, gsm.DEFAULT.cost)
_UCS2: Final = _Way(UCS2, 16, _units)


def _tables(national: Sequence[str]) -> Iterable[gsm.Table]:
    locking = (None, *(name for name in national if gsm.has_locking(name)))
    return (gsm.table(lock, single) for lock, single in product(locking, (None, *national)))


def _rank(found: Split) -> tuple[int, bool, int]:
    """Fewest parts first; then UCS-2, which every handset reads; then what leaves most room."""
    return len(found.segments), found.encoding == GSM7, found.units


def _split(text: str, way: _Way, reference_bits: int) -> Split:
    parts, limit = _parts(text, way, reference_bits)
    segments = tuple(Segment(part, way.cost(part), limit) for part in parts)
    units = sum(segment.units for segment in segments)
    return Split(way.encoding, segments, units, way.tables.locking, way.tables.single)


def _parts(text: str, way: _Way, reference_bits: int) -> tuple[list[str], int]:
    """The parts, and what each may hold."""
    limit = capacity(way.tables.header_octets, bits=way.bits)
    if way.cost(text) <= limit:
        return [text], limit
    concatenation = 5 if reference_bits == 8 else 6
    limit = capacity(way.tables.header_octets + concatenation, bits=way.bits)
    parts: list[str] = []
    start = 0
    while start < len(text):
        end = last_cut(text, start, _full(text, start, way.cost, limit))
        parts.append(text[start:end])
        start = end
    return parts, limit


def _full(text: str, start: int, cost: Callable[[str], int], limit: int) -> int:
    """Where a part that begins at `start` is full."""
    end = min(start + limit, len(text))
    while (excess := cost(text[start:end]) - limit) > 0:
        end -= (excess + 1) // 2  # no character costs more than two: this takes none away that would fit
    return end


def _forcing(text: str) -> Iterable[Forcing]:
    for match in gsm.FOREIGN.finditer(text):
        character = match.group()
        name = f"U+{ord(character):04X} {unicodedata.name(character, 'unnamed')}"
        yield Forcing(match.start(), character, name, replacement(character))
