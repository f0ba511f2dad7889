"""What a reader takes for one character: code points that must stay in one part of a message.

A compact rule made of general categories, not the whole of UAX 29: marks, variation selectors, joiners, emoji modifiers and
tags stay with what they follow; regional indicators go in pairs; Hangul syllables and Indic conjuncts stay whole.
"""

import unicodedata
from collections.abc import Iterator
from typing import Final

_JOINER: Final = "\u200d"
_VIRAMA: Final = 9  # canonical combining class


def clusters(text: str) -> Iterator[str]:
    """The text in pieces that should not be cut."""
    start, regional = 0, 0
    for place in range(1, len(text)):
        before, here = text[place - 1], text[place]
        regional = regional + 1 if _regional(before) else 0
        if not _belongs(before, here, regional):
            yield text[start:place]
            start, regional = place, 0
    if text:
        yield text[start:]


def _belongs(before: str, here: str, regional: int) -> bool:
    """Does `here` stay with what stands before it?"""
    if here == _JOINER or before == _JOINER:
        return True
    category = unicodedata.category(here)
    if category in ("Mn", "Me", "Mc"):
        return True
    if "\U0001f3fb" <= here <= "\U0001f3ff" or "\U000e0020" <= here <= "\U000e007f":
        return True
    if _regional(here) and regional % 2 == 1:
        return True
    if category == "Lo":
        return unicodedata.combining(before) == _VIRAMA or _hangul(before, here)
    return False


def _regional(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _hangul(before: str, here: str) -> bool:
    """Leading consonant, vowel, trailing consonant: jamo that make one syllable."""
    if "\u1160" <= here <= "\u11a7":
        return "\u1100" <= before <= "\u11a7"
    if "\u11a8" <= here <= "\u11ff":
        return "\u1160" <= before <= "\u11ff" or "\uac00" <= before <= "\ud7a3"
    return "\u1100" <= here <= "\u115f" and "\u1100" <= before <= "\u115f"
