"""Letters that are not what they look like, and letters that nobody sees.

Only what imitates counts: Greek capitals that GSM-7 has for their own sake, a Latin abbreviation with a Cyrillic ending
or a unit with an Ω are ordinary.
"""

import re
from collections.abc import Iterable
from typing import Final

from heliograph.core.lint.rules import DATA

# Cyrillic and Greek letters that a reader takes for Latin ones, and the Latin ones that he takes for them.
_LATIN_OF: Final = dict(
    zip(
        "АВЕЅІЈКМНОРСТУХаеѕіјорсухһԁԛԝգΑΒΕΖΗΙΚΜΝΟΡΤΥΧαινορυχ",
        "ABESIJKMHOPCTYXaesijopcyxhdqwqABEZHIKMNOPTYXaivopux",
        strict=True,
    )
)
_LOOKS_LATIN: Final = frozenset(_LATIN_OF)
_LOOKS_CYRILLIC: Final = frozenset("ABCEHKMOPTXYaceopxy")
_foreign: Final = re.compile("[\u0370-\u03ff\u0400-\u052f\u0561-\u0587]")
_foreign_words: Final = re.compile(r"[^\W\d_]*[\u0370-\u03ff\u0400-\u052f\u0561-\u0587][^\W\d_]*").finditer
_has_latin: Final = re.compile("[A-Za-z\u00c0-\u024f]").search
_latin: Final = re.compile("[A-Za-z\u00c0-\u024f]").findall
_DIGITS: Final = (str.maketrans("013457", "oieast"), str.maketrans("013457", "oleast"))
_DISGUISED: Final = frozenset(DATA.lexicons["disguised"])
_PROTECTED: Final = frozenset(DATA.protected_names)
_LONGEST_READ: Final = 24

_invisible: Final = re.compile(
    "[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
).finditer
_right_to_left: Final = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]").search
_DIRECTIONS: Final = frozenset("\u061c\u200e\u200f\u2066\u2067\u2068\u2069")
_joins: Final = re.compile("[\u0600-\u109f\u1780-\u17ff\u1800-\u18af]").fullmatch  # scripts that need joiners
_emoji: Final = re.compile("[\u00a9\u2190-\u2bff\ufe0f\U0001f000-\U0001faff]").fullmatch

Span = tuple[int, int]


def is_disguised(word: str, *, whole: bool = False) -> bool:
    """Does a word mix scripts so that it reads as one? `whole`: also one that is all made of imitations."""
    foreign = _foreign.findall(word)
    if not foreign:
        return False
    if not _has_latin(word):
        return whole and _LOOKS_LATIN.issuperset(foreign)
    return _LOOKS_LATIN.issuperset(foreign) or _LOOKS_CYRILLIC.issuperset(_latin(word))


def disguised_word(text: str) -> Span | None:
    """The first word that mixes scripts."""
    if text.isascii() or not _foreign.search(text):
        return None
    return next((match.span() for match in _foreign_words(text) if is_disguised(match.group())), None)


def foreign_words(text: str) -> list[str]:
    """The words with letters that may be taken for Latin ones."""
    return [match.group() for match in _foreign_words(text)] if _foreign.search(text) else []


def word_with_digits(words: Iterable[str]) -> str | None:
    """The first of these words that filters watch, written with digits for letters: `fr33`, `v1agra`."""
    return next((word for word in words if not _DISGUISED.isdisjoint(_readings(word))), None)


def imitated_name(words: Iterable[str], names: frozenset[str]) -> str | None:
    """The first of these words that reads like a well-known name, or one of these, and is written otherwise."""
    watched = _PROTECTED | names
    for word in words:
        plain = "".join(_LATIN_OF.get(letter, letter) for letter in word)
        if word not in names and any(name in watched and name != word for name in (plain, *_readings(plain))):
            return word
    return None


def _readings(word: str) -> tuple[str, ...]:
    """What a word reads like when its digits are taken for letters."""
    if len(word) > _LONGEST_READ or not word[0].isalpha():
        return ()
    return tuple(word.translate(table) for table in _DIGITS)


def invisible(text: str) -> Span | None:
    """The first format character, but for joiners and marks where scripts and emoji need them."""
    if text.isascii():
        return None
    runs_right_to_left = _right_to_left(text) is not None
    for match in _invisible(text):
        place, character = match.start(), match.group()
        before = text[place - 1] if place else " "
        if character in "\u200c\u200d" and (_joins(before) or _emoji(before)):
            continue
        if runs_right_to_left and character in _DIRECTIONS:
            continue
        if character >= "\U000e0020" and (before == "\U0001f3f4" or before >= "\U000e0020"):
            continue  # a flag of a region
        return place, place + 1
    return None
