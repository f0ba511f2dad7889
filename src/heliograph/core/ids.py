"""TypeIDs: a prefix and a UUIDv7 in base32, made from a time and a row number and readable back to them.

Inside, rows have small integers; an id is only their dress at the doors. So no id is stored or looked up.
The row number is stirred by an odd factor, so that ids don't tell how much traffic there is at a glance.
"""

import re
from functools import lru_cache
from typing import Final

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_TRIPLES: Final = tuple(a + b + c for a in _ALPHABET for b in _ALPHABET for c in _ALPHABET)  # 2 MB, for speed
_VALUES: Final = {letter: index for index, letter in enumerate(_ALPHABET)}
_TIMES_KEPT: Final = 64
_BITS: Final = 62
_MASK: Final = (1 << _BITS) - 1
_FACTOR: Final = 0x1D8A_5C3F_9B27_46E5 & _MASK
_INVERSE: Final = pow(_FACTOR, -1, 1 << _BITS)
_VERSION: Final = 0x7 << 76
_VARIANT: Final = 0b10 << 62
_HEX: Final = re.compile("[0-9a-f]{32}")


def make(prefix: str, at_ms: int, number: int) -> str:
    """The id of row `number`, born at `at_ms`."""
    value = number * _FACTOR & _MASK
    triples = _TRIPLES
    # "e" and the 8: version 7 and variant 2, in the places where a UUID has them.
    return (
        f"{prefix}_{_time(at_ms)}e{triples[0x8 | value >> 60]}{triples[value >> 45 & 32767]}"
        f"{triples[value >> 30 & 32767]}{triples[value >> 15 & 32767]}{triples[value & 32767]}"
    )


@lru_cache(maxsize=_TIMES_KEPT)
def _time(at_ms: int) -> str:
    """The letters that tell the time; many ids share them."""
    return "".join(_TRIPLES[at_ms >> shift & 32767] for shift in (35, 20, 5)) + _ALPHABET[at_ms & 31]


def parse(prefix: str, text: str) -> tuple[int, int] | None:
    """(at_ms, number) of an id with this prefix, or None when it is none of ours."""
    head, _, body = text.rpartition("_")
    if head != prefix or len(body) != 26 or body[0] > "7":
        return None
    value = 0
    for letter in body:
        digit = _VALUES.get(letter)
        if digit is None:
            return None
        value = value << 5 | digit
    return _place(value)


def in_hex(at_ms: int, number: int) -> str:
    """The same id as the 32 hexadecimal digits that clients of other gateways expect."""
    return f"{at_ms << 80 | _VERSION | _VARIANT | number * _FACTOR & _MASK:032x}"


def parse_hex(text: str) -> tuple[int, int] | None:
    """(at_ms, number) of an id in hexadecimal digits, or None when it is none of ours."""
    return _place(int(text, 16)) if _HEX.fullmatch(text) else None


def _place(value: int) -> tuple[int, int] | None:
    if value & (0xFFFF << 64) != _VERSION & (0xFFFF << 64) or value >> 62 & 0b11 != 0b10:
        return None
    return value >> 80, (value & _MASK) * _INVERSE & _MASK


def reference(at_ms: int, number: int, attempt: int) -> str:
    """What a carrier is given to name an attempt: short, and not the same in two installations of one account."""
    return f"{_letters(at_ms // 1000)}-{_letters(number)}-{attempt}"


def read_reference(text: str) -> tuple[int, int] | None:
    """The message's row number and the attempt; None when it is no reference of ours."""
    _, _, rest = text.partition("-")
    letters, _, attempt = rest.partition("-")
    if not letters or not (attempt.isascii() and attempt.isdigit()) or len(text) > 40:
        return None
    number = 0
    for letter in letters:
        digit = _VALUES.get(letter)
        if digit is None:
            return None
        number = number << 5 | digit
    return number, int(attempt)


def _letters(value: int) -> str:
    letters = ""
    while value:
        value, digit = value >> 5, value & 31
        letters = _ALPHABET[digit] + letters
    return letters or _ALPHABET[0]
