"""The GSM 7-bit alphabets (3GPP TS 23.038): default, extension, national shift tables; septets, packing, headers.

Tables only, and the code that reads them. One character of the basic table is one septet; one of the extension table is
an escape and a septet. What is chosen when stands in `segments`.
"""

import re
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Final, NamedTuple

import msgspec

ESCAPE: Final = 0x1B
_ALPHABET: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"  # the escape itself is no character, and has no entry below
    " !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_BASIC: Final = {septet: character for septet, character in enumerate(_ALPHABET) if septet != ESCAPE}
_EXTENSION: Final = dict(zip((0x0A, 0x14, 0x28, 0x29, 0x2F, 0x3C, 0x3D, 0x3E, 0x40, 0x65), "\f^{}\\[~]|€", strict=True))


class Table(NamedTuple):
    """Two tables that a message is written in, each both ways; what stands in both is written with the basic one."""

    basic: dict[str, int]
    extension: dict[str, int]  # after an escape
    characters: dict[int, str]
    escaped: dict[int, str]
    locking: str | None = None  # the language whose locking shift replaces the basic table
    single: str | None = None  # the language whose single shift replaces the extension table

    def holds(self, text: str) -> bool:
        """Can all of it be written?"""
        return all(character in self.basic or character in self.extension for character in text)

    def cost(self, text: str) -> int:
        """Septets of a text that can be written."""
        return len(text) + sum(map(text.count, self.extension))

    @property
    def header_octets(self) -> int:
        """What the shifts take in the user data header, without its length octet."""
        return 3 * ((self.locking is not None) + (self.single is not None))


def _table(characters: dict[int, str], escaped: dict[int, str], locking: str | None, single: str | None) -> Table:
    basic, extension = _septets(characters), _septets(escaped)
    once = {character: septet for character, septet in extension.items() if character not in basic}
    return Table(basic, once, characters, escaped, locking, single)


def _septets(cells: dict[int, str]) -> dict[str, int]:
    """Character → septet; where a character stands twice the first septet is written."""
    return {character: septet for septet, character in sorted(cells.items(), reverse=True)}


DEFAULT: Final = _table(_BASIC, _EXTENSION, None, None)
# Finds what the default tables can't write.
FOREIGN: Final = re.compile(f"[^{re.escape(''.join((*DEFAULT.basic, *DEFAULT.extension)))}]")


# -- national languages


class _Language(msgspec.Struct):
    id: int
    locking: dict[str, str] | None  # septet → code point, both in hexadecimal
    single: dict[str, str]


class _Languages(msgspec.Struct):
    languages: dict[str, _Language]


@cache
def _languages() -> dict[str, _Language]:
    text = (resources.files("heliograph.core") / "data" / "national_tables.json").read_bytes()
    return msgspec.json.decode(text, type=_Languages).languages


def language_names() -> tuple[str, ...]:
    """The languages that have shift tables."""
    return tuple(_languages())


def has_locking(name: str) -> bool:
    return _languages()[name].locking is not None


@cache
def table(locking: str | None, single: str | None) -> Table:
    """The tables with these shifts in force; None is the default one."""
    characters, escaped = _BASIC, _EXTENSION
    if locking is not None:
        cells = _languages()[locking].locking
        if cells is None:
            raise ValueError(f"{locking} has no locking shift table")
        characters = _cells(cells)
    if single is not None:
        escaped = _cells(_languages()[single].single)
    return _table(characters, escaped, locking, single)


def _cells(cells: dict[str, str]) -> dict[int, str]:
    read = {int(septet, 16): chr(int(code_point, 16)) for septet, code_point in cells.items()}
    return {septet: character for septet, character in read.items() if septet != ESCAPE}


# -- septets, one to an octet


def encode(text: str, tables: Table = DEFAULT) -> bytes:
    """One septet per octet. ValueError names the first character that the tables lack."""
    if tables is DEFAULT:
        octets = text.encode("latin-1", "ignore").translate(_LATIN)
        if len(octets) == len(text) and _NONE not in octets:
            return octets
    out = bytearray()
    for position, character in enumerate(text):
        septet = tables.basic.get(character)
        if septet is not None:
            out.append(septet)
        elif (septet := tables.extension.get(character)) is not None:
            out += bytes((ESCAPE, septet))
        else:
            raise ValueError(f"{character!r} at position {position} is not in the alphabet")
    return bytes(out)


# What nearly every text is made of: translated at once, not letter by letter.
_NONE: Final = 0xFF  # stands for a letter of Latin-1 that the basic table lacks
_LATIN: Final = bytes(DEFAULT.basic.get(chr(code), _NONE) for code in range(256))


def decode(septets: Iterable[int], tables: Table = DEFAULT) -> str:
    """Read septets as handsets do: an unknown escape shows the basic character; what stands for nothing is a space."""
    out: list[str] = []
    escaped = False
    for octet in septets:
        septet = octet & 0x7F
        if septet == ESCAPE and not escaped:
            escaped = True
            continue
        basic = tables.characters.get(septet, " ")
        out.append(tables.escaped.get(septet, basic) if escaped else basic)
        escaped = False
    return "".join(out) + (" " if escaped else "")


# -- packing: eight septets in seven octets, the first in the low bits


def pack(septets: bytes, fill_bits: int = 0) -> bytes:
    """Packed octets, after so many fill bits (which align the septets behind a header)."""
    bits, length = 0, fill_bits
    for septet in septets:
        bits |= septet << length
        length += 7
    return bits.to_bytes((length + 7) // 8, "little")


def unpack(octets: bytes, count: int, fill_bits: int = 0) -> bytes:
    """`count` septets out of packed octets. The count is never guessed: seven spare bits would look like an '@'."""
    bits = int.from_bytes(octets, "little") >> fill_bits
    return bytes(bits >> 7 * place & 0x7F for place in range(count))


def fill_bits(header_octets: int) -> int:
    """Bits between a header (its length octet included) and the first septet."""
    return -8 * header_octets % 7


# -- the user data header (3GPP TS 23.040, 9.2.3.24)


def concatenation(reference: int, total: int, part: int, bits: int = 8) -> bytes:
    """The header element that says: part `part` of `total` of message `reference`. ValueError beyond 255 parts."""
    if bits == 8:
        return bytes((0x00, 3, reference & 0xFF, total, part))
    return bytes((0x08, 4, reference >> 8 & 0xFF, reference & 0xFF, total, part))


def header(*elements: bytes) -> bytes:
    """A user data header of these elements; empty without any."""
    content = b"".join(elements)
    return bytes((len(content),)) + content if content else b""


def shifts(tables: Table) -> tuple[bytes, ...]:
    """The header elements that put a table's languages in force."""
    named = ((0x25, tables.locking), (0x24, tables.single))
    return tuple(bytes((element, 1, _languages()[name].id)) for element, name in named if name is not None)
