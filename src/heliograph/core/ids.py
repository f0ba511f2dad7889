"""TypeIDs: a prefix and a UUIDv7 in base32, made from a time and a row number and readable back to them.

Inside, rows have small integers; an id is only their dress at the doors. So no id is stored or looked up.
The row number is stirred by an odd factor, so that ids don't tell how much traffic there is at a glance.
"""

from typing import Final

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS: Final = tuple(a + b for a in _ALPHABET for b in _ALPHABET)
_VALUES: Final = {letter: index for index, letter in enumerate(_ALPHABET)}
_BITS: Final = 62
_MASK: Final = (1 << _BITS) - 1
_FACTOR: Final = 0x1D8A_5C3F_9B27_46E5 & _MASK
_INVERSE: Final = pow(_FACTOR, -1, 1 << _BITS)
_VERSION: Final = 0x7 << 76
_VARIANT: Final = 0b10 << 62


def make(prefix: str, at_ms: int, number: int) -> str:
    """The id of row `number`, born at `at_ms`."""
    value = at_ms << 80 | _VERSION | _VARIANT | (number * _FACTOR & _MASK)
    pairs = _PAIRS
    return (
        f"{prefix}_{pairs[value >> 120]}{pairs[value >> 110 & 1023]}{pairs[value >> 100 & 1023]}"
        f"{pairs[value >> 90 & 1023]}{pairs[value >> 80 & 1023]}{pairs[value >> 70 & 1023]}"
        f"{pairs[value >> 60 & 1023]}{pairs[value >> 50 & 1023]}{pairs[value >> 40 & 1023]}"
        f"{pairs[value >> 30 & 1023]}{pairs[value >> 20 & 1023]}{pairs[value >> 10 & 1023]}{pairs[value & 1023]}"
    )


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
    if value & (0xFFFF << 64) != _VERSION & (0xFFFF << 64) or value >> 62 & 0b11 != 0b10:
        return None
    return value >> 80, (value & _MASK) * _INVERSE & _MASK
