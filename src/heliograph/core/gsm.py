"""The GSM 7-bit alphabets (3GPP TS 23.038): default, extension, national shift tables; septets, packing, headers.

Tables only, and the code that reads them. One character of the basic table is one septet; one of the extension table is
an escape and a septet. What is chosen when stands in `segments`.
"""

from functools import cache
from importlib import resources
from typing import Final, NamedTuple

import msgspec

ESCAPE: Final = 0x1B
# By septet. The escape itself is no character: its place holds U+001B, which no text may contain.
BASIC: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION: Final = {"\f": 0x0A, "^": 0x14, "{": 0x28, "}": 0x29, "\\": 0x2F, "[": 0x3C, "~": 0x3D, "]": 0x3E, "|": 0x40, "€": 0x65}
BASIC_SEPTETS: Final = {character: septet for septet, character in enumerate(BASIC) if septet != ESCAPE}
_EXTENSION_CHARACTERS: Final = {septet: character for character, septet in EXTENSION.items()}


class Table(NamedTuple):
    """A pair of tables that a message is written in: characters to septets, plain and after an escape."""

    basic: dict[str, int]
    extension: dict[str, int]
    locking: str | None = None  # the language whose locking shift replaces the basic table
    single: str | None = None  # the language whose single shift replaces the extension table

    def cost(self, character: str) -> int:
        """Septets of a character; 0 when it can't be written."""
        return 1 if character in self.basic else 2 if character in self.extension else 0

    @property
    def header_octets(self) -> int:
        """What the shifts take in the user data header, without its length octet."""
        return 3 * ((self.locking is not None) + (self.single is not None))


DEFAULT: Final = Table(BASIC_SEPTETS, EXTENSION)


class _Language(msgspec.Struct):
    id: int
    locking: dict[str, str] | None
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


def language_id(name: str) -> int:
    """The number of a language in the user data header."""
    return _languages()[name].id


@cache
def table(locking: str | None, single: str | None) -> Table:
    """The tables with these shifts in force; None is the default one."""
    basic, extension = BASIC_SEPTETS, EXTENSION
    if locking is not None:
        cells = _languages()[locking].locking
        if cells is None:
            raise ValueError(f"{locking} has no locking shift table")
        basic = _septets(cells)
    if single is not None:
        extension = _septets(_languages()[single].single)
    return Table(basic, extension, locking, single)


def has_locking(name: str) -> bool:
    return _languages()[name].locking is not None


def _septets(cells: dict[str, str]) -> dict[str, int]:
    """Character → septet; where a character stands twice the first septet is written."""
    septets: dict[str, int] = {}
    for septet, code_point in sorted(cells.items()):
        if int(septet, 16) != ESCAPE:
            septets.setdefault(chr(int(code_point, 16)), int(septet, 16))
    return septets


# -- septets, one to an octet


def encode(text: str, tables: Table = DEFAULT) -> bytes:
    """One septet per octet. ValueError names the first character that the tables lack."""
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


def decode(septets: bytes) -> str:
    """Read septets of the default alphabet as handsets do: an unknown escape shows the basic character, a last one a space."""
    out: list[str] = []
    escaped = False
    for octet in septets:
        septet = octet & 0x7F
        if escaped:
            out.append(_EXTENSION_CHARACTERS.get(septet) or (BASIC[septet] if septet != ESCAPE else " "))
            escaped = False
        elif septet == ESCAPE:
            escaped = True
        else:
            out.append(BASIC[septet])
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
    """`count` septets out of packed octets."""
    bits = int.from_bytes(octets, "little") >> fill_bits
    return bytes(bits >> 7 * place & 0x7F for place in range(count))


def fill_bits(header_octets: int) -> int:
    """Bits between a header (its length octet included) and the first septet."""
    return -8 * header_octets % 7


def concatenation(reference: int, total: int, part: int, bits: int = 8) -> bytes:
    """The header element that says: part `part` of `total` of message `reference`."""
    if bits == 8:
        return bytes((0x00, 3, reference & 0xFF, total, part))
    return bytes((0x08, 4, reference >> 8 & 0xFF, reference & 0xFF, total, part))


def header(*elements: bytes) -> bytes:
    """A user data header of these elements; empty without any."""
    content = b"".join(elements)
    return bytes((len(content),)) + content if content else b""


def shifts(tables: Table) -> tuple[bytes, ...]:
    """The header elements that put a table's languages in force."""
    elements = []
    if tables.locking is not None:
        elements.append(bytes((0x25, 1, language_id(tables.locking))))
    if tables.single is not None:
        elements.append(bytes((0x24, 1, language_id(tables.single))))
    return tuple(elements)
