"""One-time codes: made of random bytes that are handed in, read from what people type, kept only as keyed hashes.

Letters that are easily taken for digits, and the other way round, are in no code.
"""

import hmac
import unicodedata
from collections.abc import Callable
from typing import Final

SHORTEST: Final = 4
LONGEST: Final = 10
NUMERIC: Final = "numeric"
ALPHANUMERIC: Final = "alphanumeric"
ALPHABETS: Final = {NUMERIC: "0123456789", ALPHANUMERIC: "23456789ABCDEFGHJKMNPQRSTVWXYZ"}
_LOOKALIKES: Final = str.maketrans("OIL", "011")
_TYPED_AT_MOST: Final = 64


def make(length: int, alphabet: str, random_bytes: Callable[[int], bytes]) -> str:
    """A code in which every character is equally likely: bytes that would favour some are thrown away."""
    letters = ALPHABETS[alphabet]
    fair = 256 - 256 % len(letters)
    code = ""
    while len(code) < length:
        code += "".join(letters[byte % len(letters)] for byte in random_bytes(2 * length) if byte < fair)
    return code[:length]


def normalise(typed: str) -> str:
    """What somebody typed, as a code would be spelt: digits of any script, no spaces or hyphens, capitals.

    O, I and L stand for the digits that they look like: no code of ours has these letters, nor 0 and 1 beside letters,
    and a code of the application's own is read the same way when it is kept and when it is checked.
    """
    kept = (_letter(letter) for letter in typed[:_TYPED_AT_MOST])
    return "".join(letter for letter in kept if letter.isalnum()).upper().translate(_LOOKALIKES)


def _letter(letter: str) -> str:
    digit = unicodedata.decimal(letter, None)
    return letter if digit is None else str(digit)


def is_same(kept: str, found: str) -> bool:
    """Two keyed hashes, compared in the same time wherever they differ."""
    return hmac.compare_digest(kept.encode(), found.encode())
