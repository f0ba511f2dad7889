"""What people type: takes the writing away from the digits; refuses what is more, or other, than a number."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from heliograph.core.numbers.number import BadNumber, shown

_LONGEST: Final = 250  # characters; the library's own limit
_DIGITS: Final = re.compile(r"\+?[0-9]+")
_LIST: Final = re.compile(r"[,;|&/\n+]")
_EXTENSION: Final = re.compile(
    r"[0-9](?P<extension>[\s;,]*(?:ext(?:n|ension)?|x|[#;,])[\s.:=#]*[0-9]{1,7}#?|\s*/[0-9]{1,2})$",
    re.IGNORECASE,
)
_PUNCTUATION: Final = frozenset("()[]./~\u2212\u30fc")  # beside blanks, dashes and invisible characters
_SLIPS: Final = str.maketrans("OoIl", "0011")
_KEYPAD: Final = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "22233344455566677778889999")


def digits_of(text: str) -> str | BadNumber:
    """The digits of a text, after a '+' if it has one, or why it is not the writing of one number."""
    if len(text) <= _LONGEST and _DIGITS.fullmatch(text):
        return text
    if len(text) > _LONGEST:
        return BadNumber("too_long", f"{shown(text)} has {len(text)} characters; a number has at most 15 digits")
    plain = unicodedata.normalize("NFKC", text)
    bare = "".join(_kept(plain))
    if not bare:
        return BadNumber("empty", "The number is empty; give it in international form, as in +447400123456")
    if sum(_count_digits(part) >= 7 for part in _LIST.split(plain)) > 1:
        return BadNumber("several_numbers", f"{shown(text)} holds several numbers; give one number for each message")
    if found := _EXTENSION.search(plain):
        extension = found["extension"].strip()
        return BadNumber("extension", f"{shown(text)} has the extension {extension!r}; messages can't reach extensions")
    if letters := "".join(character for character in bare if character.isalpha()):
        return BadNumber("letters", f"{shown(text)} has letters in it ({shown(letters)}); write the number in digits")
    if not _DIGITS.fullmatch(bare) or _has_raised_digits(text):
        return BadNumber(
            "bad_characters",
            f"{shown(text)} has characters that no number has; write a '+', then digits, as in +447400123456",
        )
    return bare


def without_additions(text: str) -> Iterator[str]:
    """The same text without its extension or letters: what may have been meant."""
    plain = unicodedata.normalize("NFKC", text)
    if found := _EXTENSION.search(plain):
        plain = plain[: found.start("extension")]
    bare = "".join(_kept(plain))
    digits = "".join(character for character in bare if character in "+0123456789")
    for candidate in (bare.translate(_SLIPS), digits, bare.upper().translate(_KEYPAD)):
        if _DIGITS.fullmatch(candidate):
            yield candidate


def _kept(plain: str) -> Iterator[str]:
    """The characters that are not mere writing, digits of every script as ASCII."""
    for character in plain:
        if character in _PUNCTUATION or character.isspace():
            continue
        category = unicodedata.category(character)
        if category == "Nd":
            yield str(unicodedata.decimal(character))
        elif category not in ("Pd", "Cf", "Mn", "Cc"):
            yield character


def _count_digits(part: str) -> int:
    return sum(character.isdecimal() for character in part)


def _has_raised_digits(text: str) -> bool:
    """Footnote marks and circled digits would otherwise become digits of the number."""
    return any(character.isdigit() and not character.isdecimal() for character in text)
