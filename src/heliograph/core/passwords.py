"""Which passwords are let through. Length counts, composition doesn't (NIST SP 800-63B, section 3.1.1.2): no rule about
digits or signs, but nothing that an attacker would try first.
"""

import unicodedata
from itertools import pairwise
from typing import Final

SHORTEST: Final = 12
LONGEST: Final = 256
_COMMON: Final = frozenset(
    {
        *("password", "passwort", "motdepasse", "contrasena", "qwerty", "qwertz", "qwertyuiop", "azerty", "asdfghjkl"),
        *(
            "zxcvbnm",
            "letmein",
            "welcome",
            "iloveyou",
            "monkey",
            "dragon",
            "football",
            "baseball",
            "superman",
            "batman",
        ),
        *("batman", "princess", "sunshine", "shadow", "master", "trustno", "abc", "abcdef", "abcdefgh", "abcdefghijkl"),
        *("admin", "administrator", "root", "secret", "changeme", "default", "login", "access", "heliograph"),
        *("correcthorsebatterystaple",),
    }
)


def normal(password: str) -> str:
    """The same password, however a keyboard composes its letters."""
    return unicodedata.normalize("NFKC", password)


def wrong_with(password: str, *, email: str, name: str) -> str | None:
    """What speaks against a password, or None. Never quotes it."""
    text = normal(password)
    if len(text) < SHORTEST:
        return f"use {SHORTEST} characters or more; several words are easy to keep in mind"
    if len(text) > LONGEST:
        return f"use at most {LONGEST} characters"
    if _is_predictable(text.casefold()):
        return "this is one of the first that anybody would try; choose words that don't belong together"
    if _is_about(text.casefold(), email, name):
        return "this is mostly your own name or e-mail address; choose something that nobody can know of you"
    return None


def _is_predictable(text: str) -> bool:
    """A common word with decorations, one sign over and over, or signs in a row."""
    letters = "".join(sign for sign in text if sign.isalpha())
    if letters and any(letters == word * (len(letters) // len(word)) for word in _COMMON):
        return True
    if any(text == (text[:width] * len(text))[: len(text)] for width in (1, 2, 3, 4)):
        return True
    steps = {ord(after) - ord(before) for before, after in pairwise(text)}
    return len(steps) == 1 or text in _ROWS * 2


_ROWS: Final = "1234567890" * 3 + "qwertyuiopasdfghjklzxcvbnm"


def _is_about(text: str, email: str, name: str) -> bool:
    """Is little left when one's own names are taken out?"""
    left = text
    parts = [email.casefold(), *email.casefold().replace("@", ".").split("."), *name.casefold().split()]
    for part in sorted(parts, key=len, reverse=True):
        if len(part) >= 3:
            left = left.replace(part, "")
    return len(left) < len(text) and len(left) < SHORTEST // 2
