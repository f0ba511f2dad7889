"""An independent, slow account of encoding, parts and clusters, written straight from the tables and the rules.

Shares no line with the package: it walks forwards where that cuts backwards, and reads the tables as published.
"""

import json
import unicodedata
from pathlib import Path

DATA = Path(__file__).parent / "data"
_ALPHABET = json.loads((DATA / "default_alphabet.json").read_text())
BASIC = {chr(int(code, 16)) for code in _ALPHABET["basic"].values()}
EXTENSION = {chr(int(code, 16)) for code in _ALPHABET["extension"].values()}
GSM = BASIC | EXTENSION
FLAGS = "".join(map(chr, range(0x1F1E6, 0x1F200)))
LIMITS = {("gsm7", 8): (160, 153), ("gsm7", 16): (160, 152), ("ucs2", 8): (70, 67), ("ucs2", 16): (70, 66)}


def encoding(text: str) -> str:
    return "gsm7" if GSM.issuperset(text) else "ucs2"


def cost(text: str, encoding: str) -> int:
    """Septets or UTF-16 units."""
    if encoding == "gsm7":
        return sum(2 if character in EXTENSION else 1 for character in text)
    return sum(2 if ord(character) > 0xFFFF else 1 for character in text)


def clusters(text: str) -> list[str]:
    """Forwards, each character taken by the piece before it or opening one of its own."""
    pieces: list[str] = []
    for character in text:
        if pieces and _takes(pieces[-1], character):
            pieces[-1] += character
        else:
            pieces.append(character)
    return pieces


def _takes(piece: str, character: str) -> bool:
    last, code = piece[-1], ord(character)
    if character in FLAGS:
        flags = len(piece) - len(piece.rstrip(FLAGS))
        return last == "\u200d" or flags % 2 == 1
    mark = unicodedata.category(character).startswith("M") or character in "\u200c\u200d\u0e33\u0eb3\uff9e\uff9f"
    tint_or_tag = 0x1F3FB <= code <= 0x1F3FF or 0xE0020 <= code <= 0xE007F
    conjunct = unicodedata.combining(last) == 9 and unicodedata.category(character) == "Lo"
    return last == "\u200d" or mark or tint_or_tag or conjunct or _syllable(ord(last), code)


def _syllable(last: int, code: int) -> bool:
    lead, jamo, made = range(0x1100, 0x1160), range(0x1100, 0x1200), range(0xAC00, 0xD7A4)
    if code in jamo and code not in lead:
        return last in jamo or last in made
    return last in lead and (code in lead or code in made)


def parts(text: str, encoding: str, reference_bits: int = 8) -> list[str]:
    """Greedy over clusters. One that is longer than a part is cut where the part is full; the rest is read afresh."""
    single, several = LIMITS[encoding, reference_bits]
    if cost(text, encoding) <= single:
        return [text]
    done: list[str] = []
    while text:
        ahead = text[: several + 1]  # more than a part: its last cluster never fits, whole or not
        done.append(_prefix(clusters(ahead), encoding, several) or _prefix(list(ahead), encoding, several))
        text = text[len(done[-1]) :]
    return done


def _prefix(pieces: list[str], encoding: str, limit: int) -> str:
    """As many whole pieces as fit."""
    taken, filled = 0, 0
    while taken < len(pieces) and filled + cost(pieces[taken], encoding) <= limit:
        filled += cost(pieces[taken], encoding)
        taken += 1
    return "".join(pieces[:taken])
