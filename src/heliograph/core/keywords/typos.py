"""Words typed in haste: stretched (STOPPPP), or one slip away from a keyword (SOTP, UNSUBCRIBE)."""

import re
from typing import Final

STRETCHED: Final = "stretched_word"
SLIP: Final = "slip_of_the_finger"
UNLIKELY: Final = "one_letter_off"

_repeated: Final = re.compile(r"(.)\1+").sub
_ROWS: Final = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_KEYS: Final = {key: (row, column) for row, keys in enumerate(_ROWS) for column, key in enumerate(keys)}


def slip(word: str, keyword: str) -> str | None:
    """How far a word that is not the keyword is from it: a slip of the finger, one letter off, or None: too far."""
    if abs(len(word) - len(keyword)) > 1:
        return None
    pairs = enumerate(zip(word, keyword, strict=False))
    start = next((at for at, (a, b) in pairs if a != b), min(len(word), len(keyword)))
    if len(word) != len(keyword):
        short, long = sorted((word, keyword), key=len)
        return SLIP if short[start:] == long[start + 1 :] else None
    if word[start + 1 :] == keyword[start + 1 :]:
        return SLIP if _are_neighbours(word[start], keyword[start]) else UNLIKELY
    swapped = word[:start] + word[start : start + 2][::-1] + word[start + 2 :]
    return SLIP if swapped == keyword else None


def single(word: str) -> str:
    """Each letter that is repeated, once."""
    return _repeated(r"\1", word)


def _are_neighbours(a: str, b: str) -> bool:
    """Do two keys touch each other on a phone's keyboard?"""
    if a not in _KEYS or b not in _KEYS:
        return False
    (row, column), (other_row, other_column) = _KEYS[a], _KEYS[b]
    return abs(row - other_row) <= 1 and abs(column - other_column) <= 1
