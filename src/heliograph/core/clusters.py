"""What a reader takes for one character: code points that must stay in one part of a message.

A compact rule made of general categories, not the whole of UAX 29: marks, variation selectors, joiners, emoji modifiers
and tags stay with what they follow; regional indicators go in pairs; Hangul syllables and Indic conjuncts stay whole.
Where it is coarser than UAX 29, a part ends a little earlier.
"""

import unicodedata
from typing import Final

_JOINER: Final = "\u200d"
# They follow like marks, but have other categories: joiners, Thai and Lao vowels, halfwidth voicing marks.
_FOLLOWING: Final = "\u200c\u200d\u0e33\u0eb3\uff9e\uff9f"
_VIRAMA: Final = 9  # canonical combining class


def last_cut(text: str, start: int, end: int) -> int:
    """The last place up to `end` where a part from `start` may end; `end` itself when nothing before it will do."""
    return next((place for place in range(end, start, -1) if may_cut(text, place, start)), end)


def may_cut(text: str, place: int, start: int = 0) -> bool:
    """May a part that begins at `start` end before this place?"""
    if place == len(text):
        return True
    before, here = text[place - 1], text[place]
    if _regional(before) and _regional(here):
        return _regional_run(text, place, start) % 2 == 0
    return not _belongs(before, here)


def _belongs(before: str, here: str) -> bool:
    """Does `here` stay with what stands before it?"""
    if before == _JOINER or here in _FOLLOWING:
        return True
    category = unicodedata.category(here)
    if category == "Lo":
        return unicodedata.combining(before) == _VIRAMA or _hangul(before, here)
    if category in ("Mn", "Mc", "Me"):
        return True
    return "\U0001f3fb" <= here <= "\U0001f3ff" or "\U000e0020" <= here <= "\U000e007f"


def _regional(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _regional_run(text: str, place: int, start: int) -> int:
    """How many regional indicators stand right before a place."""
    first = place
    while first > start and _regional(text[first - 1]):
        first -= 1
    return place - first


def _hangul(before: str, here: str) -> bool:
    """Leading consonants, vowels and trailing consonants: jamo that make one syllable."""
    if "\u1160" <= here <= "\u11ff":
        return "\u1100" <= before <= "\u11ff" or "\uac00" <= before <= "\ud7a3"
    leads = "\u1100" <= before <= "\u115f"
    return leads and ("\u1100" <= here <= "\u115f" or "\uac00" <= here <= "\ud7a3")
