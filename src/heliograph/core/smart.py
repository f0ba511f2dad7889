"""Smart encoding: characters replaced by look-alikes so that a text fits GSM-7. All or nothing: if one character stays
outside, the text is left as it is. Links and right-to-left texts are never touched; what was replaced is shown."""

import re
import unicodedata
from functools import cache
from importlib import resources
from typing import Final, NamedTuple

import msgspec

from heliograph.core import gsm

_LINK: Final = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_NEVER: Final = frozenset("\u200d\u200c\ufe0f")  # they carry meaning inside emoji, Persian and Indic words


class Replaced(NamedTuple):
    """One replacement; `position` is that in the original text."""

    position: int
    original: str
    replacement: str


class Smart(NamedTuple):
    """The text to send, and what was replaced in it (nothing, when it could not be made to fit)."""

    text: str
    replaced: tuple[Replaced, ...]


class _Tier(msgspec.Struct):
    default: bool
    map: dict[str, str]


class _Tiers(msgspec.Struct):
    tiers: dict[str, _Tier]


@cache
def _tiers() -> dict[str, _Tier]:
    text = (resources.files("heliograph.core") / "data" / "smart_encoding.json").read_bytes()
    return msgspec.json.decode(text, type=_Tiers).tiers


def tier_names() -> tuple[str, ...]:
    return tuple(_tiers())


@cache
def _map(tiers: tuple[str, ...] | None) -> dict[str, str]:
    """Character → replacement, of the tiers named, or of those that are on by default."""
    chosen = [tier for name, tier in _tiers().items() if (tier.default if tiers is None else name in tiers)]
    return {chr(int(code, 16)): to for tier in chosen for code, to in tier.map.items() if chr(int(code, 16)) not in _NEVER}


def replacement(character: str) -> str | None:
    """What the default tiers would put for a character."""
    return _map(None).get(character)


def smart(text: str, tiers: tuple[str, ...] | None = None) -> Smart:
    """The text with its replacements, if all of it then fits GSM-7; else as it was."""
    if all(gsm.DEFAULT.cost(character) for character in text) or _right_to_left(text):
        return Smart(text, ())
    mapping = _map(tiers)
    links = [match.span() for match in _LINK.finditer(text)]
    out: list[str] = []
    replaced: list[Replaced] = []
    for position, character in enumerate(text):
        if gsm.DEFAULT.cost(character):
            out.append(character)
            continue
        to = mapping.get(character)
        if to is None or any(start <= position < end for start, end in links):
            return Smart(text, ())
        out.append(to)
        replaced.append(Replaced(position, character, to))
    return Smart("".join(out), tuple(replaced))


def _right_to_left(text: str) -> bool:
    """Direction marks matter only where letters run that way; there nothing is touched."""
    return any(unicodedata.bidirectional(character) in ("R", "AL") for character in text)
