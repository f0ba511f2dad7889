"""Texts from phones, made comparable: two spellings that a person takes for the same word become the same letters.

Nothing here knows a keyword. The tables are folded by the same functions as what arrives, so both always agree.
"""

import re
import unicodedata
from typing import Final

_plain: Final = re.compile(r"[^a-z0-9\n]+").sub
_negated: Final = re.compile(r"n['’‘ʼ´`]t\b").sub  # don't and dont are one word
_clause_ends: Final = re.compile(r"[.,;:!?\n\r\u2028\u2029\u061b\u061f\u060c\u0964\u3001\u3002]+").split
_BREAKS: Final = frozenset("\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029")
# Letters that Unicode doesn't take apart though people type them without their stroke or dot.
_FOLDED: Final = {"ı": "i", "ł": "l", "ø": "o", "đ": "d", "ð": "d", "æ": "ae", "œ": "oe", "ـ": ""}
_MARKS: Final = ((0x0300, 0x036F), (0x064B, 0x065F), (0x0670, 0x0670))  # accents; Arabic vowels and hamzas
_EMPTY_CATEGORIES: Final = frozenset({"Cf", "Me"})  # invisible characters; the frames of keycap emoji
_KEPT_MAX: Final = 0x10000  # the characters of living languages; a bound for the memory of what was seen


class _Folding(dict[int, str]):
    """Code point → what stands for it in a folded text."""

    def __missing__(self, code: int) -> str:
        folded = _fold_character(chr(code))
        if code < _KEPT_MAX:
            self[code] = folded
        return folded


def fold(text: str) -> str:
    """All lines that hold a letter or a digit, each as words with one space between them."""
    if text.isascii():
        folded = _plain(" ", _negated("nt", text.lower().replace("\r", "\n")))
    else:
        text = _negated("nt", unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold()))
        folded = unicodedata.normalize("NFC", text.translate(_folding))
    return "\n".join(filter(None, (" ".join(line.split()) for line in folded.split("\n"))))


def normalise(text: str) -> str:
    """What is compared with the keywords: the first line that says something. A phone's signature stands below it."""
    return fold(text).partition("\n")[0]


def squeeze(folded: str) -> str:
    """Without spaces: OPT OUT, OPT-OUT and OPTOUT are one."""
    return folded.replace(" ", "")


def clauses(text: str) -> list[list[str]]:
    """The words of each clause: "I can't. Stop texting" never says "can't stop"."""
    text = text if text.isascii() else unicodedata.normalize("NFKC", text)
    folded = (fold(clause).split() for clause in _clause_ends(text))
    return [words for words in folded if words]


def _fold_character(character: str) -> str:
    code = ord(character)
    category = unicodedata.category(character)
    if any(first <= code <= last for first, last in _MARKS) or category in _EMPTY_CATEGORIES:
        return ""
    if character in _FOLDED:
        return _FOLDED[character]
    if character in _BREAKS:
        return "\n"
    if 0xFE00 <= code <= 0xFE0F:  # they choose how an emoji looks
        return ""
    return character if category[0] in "LM" or category == "Nd" else " "


_folding: Final = _Folding()
