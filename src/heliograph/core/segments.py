"""Encoding and parts of a text: the one function that budget, preview and sending share.

GSM-7 if every character is in it, else UCS-2. One part holds 160 septets or 70 units; of several each holds less, for
their header. Parts are filled greedily; an escape pair, a surrogate pair or what a reader takes for one character is never
cut. Texts come normalised: composed (NFC), line ends as LF.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import product
from typing import Final

import msgspec

from heliograph.core import gsm
from heliograph.core.clusters import clusters
from heliograph.core.smart import replacement

GSM7: Final = "gsm7"
UCS2: Final = "ucs2"
PARTS_MAX: Final = 255
_OCTETS: Final = 140

_class: Final = re.escape("".join(gsm.BASIC_SEPTETS))
_plain: Final = re.compile(f"[{_class}]*").fullmatch  # one septet each
_gsm: Final = re.compile(f"[{_class}{re.escape(''.join(gsm.EXTENSION))}]*").fullmatch
_extended: Final = re.compile(f"[{re.escape(''.join(gsm.EXTENSION))}]").findall
_FORBIDDEN: Final = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f\ud800-\udfff]")


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
    forced_by: tuple[Forcing, ...] = ()
    locking: str | None = None
    single: str | None = None

    @property
    def units_left(self) -> int:
        """What the last part still holds."""
        return self.segments[-1].limit - self.segments[-1].units


def normalise(text: str) -> str:
    """Composed characters, and one way to end a line: as the other functions want it."""
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def forbidden(text: str) -> list[tuple[int, str]]:
    """Control characters and lone surrogates, which no message may hold, with their positions."""
    return [(match.start(), match.group()) for match in _FORBIDDEN.finditer(text)]


def measure(text: str) -> tuple[str, int]:
    """Encoding and number of parts, fast: what `split` says, without the parts."""
    if _plain(text):
        return GSM7, 1 if len(text) <= 160 else -(-len(text) // 153)
    if _gsm(text):
        if len(text) + len(_extended(text)) <= 160:
            return GSM7, 1
        return GSM7, len(_fill(text, [gsm.DEFAULT.cost(c) for c in text], 153))
    if _units(text) <= 70:
        return UCS2, 1
    return UCS2, len(_ucs2_parts(text, 67))


def split(text: str, *, reference_bits: int = 8, national: Sequence[str] = ()) -> Split:
    """The parts of a text. `national` names languages whose shift tables may be used (`turkish`, `spanish`, …)."""
    forced_by = () if _gsm(text) else tuple(_forcing(text))
    concatenation = 5 if reference_bits == 8 else 6
    best: Split | None = None
    for tables in _tables(national) if forced_by else (gsm.DEFAULT,):
        found = _gsm_split(text, tables, concatenation, forced_by)
        if found is not None and (best is None or _size(found) < _size(best)):
            best = found
    return best or _ucs2_split(text, concatenation, forced_by)


def _size(found: Split) -> tuple[int, int]:
    return len(found.segments), found.units


def capacity(header_octets: int, *, bits: int) -> int:
    """How many units of 7 or 16 bits stand behind a header; its length octet is counted here."""
    octets = _OCTETS - header_octets - (header_octets > 0)
    return octets * 8 // bits


def _tables(national: Sequence[str]) -> Iterable[gsm.Table]:
    locking = (None, *(name for name in national if gsm.has_locking(name)))
    return [gsm.table(lock, single) for lock, single in product(locking, (None, *national))]


def _gsm_split(text: str, tables: gsm.Table, concatenation: int, forced_by: tuple[Forcing, ...]) -> Split | None:
    costs = [tables.cost(character) for character in text]
    if not all(costs):
        return None
    limit = capacity(tables.header_octets, bits=7)
    parts = [text]
    if sum(costs) > limit:
        limit = capacity(tables.header_octets + concatenation, bits=7)
        parts = _fill(text, costs, limit)
    segments = tuple(Segment(part, sum(map(tables.cost, part)), limit) for part in parts)
    return Split(GSM7, segments, sum(costs), forced_by, tables.locking, tables.single)


def _ucs2_split(text: str, concatenation: int, forced_by: tuple[Forcing, ...]) -> Split:
    limit = capacity(0, bits=16)
    parts = [text]
    if _units(text) > limit:
        limit = capacity(concatenation, bits=16)
        parts = _ucs2_parts(text, limit)
    return Split(UCS2, tuple(Segment(part, _units(part), limit) for part in parts), _units(text), forced_by)


def _ucs2_parts(text: str, limit: int) -> list[str]:
    pieces: list[str] = []
    for cluster in clusters(text):
        pieces += [cluster] if _units(cluster) <= limit else list(cluster)  # longer than a part: cut it after all
    return _fill(pieces, [_units(piece) for piece in pieces], limit)


def _fill(pieces: Sequence[str], costs: Sequence[int], limit: int) -> list[str]:
    """Greedy: each part takes what fits."""
    parts: list[str] = []
    start, filled = 0, 0
    for place, cost in enumerate(costs):
        if filled + cost > limit:
            parts.append("".join(pieces[start:place]))
            start, filled = place, 0
        filled += cost
    return [*parts, "".join(pieces[start:])]


def _units(text: str) -> int:
    """UTF-16 code units."""
    return len(text.encode("utf-16-be", "surrogatepass")) // 2


def _forcing(text: str) -> Iterable[Forcing]:
    for position, character in enumerate(text):
        if not gsm.DEFAULT.cost(character):
            name = f"U+{ord(character):04X} {unicodedata.name(character, 'unnamed')}"
            yield Forcing(position, character, name, replacement(character))
