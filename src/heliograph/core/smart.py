"""Smart encoding: characters replaced by look-alikes so that a text fits GSM-7.

All or nothing: if one character stays outside, the text is left as it is, since half a conversion costs fidelity and
saves nothing. Links are never touched; nor are letters that run right to left and joiners, for which the tiers hold
nothing. What was replaced is shown.
"""

import re
from functools import cache
from importlib import resources
from typing import Final, NamedTuple

import msgspec

from heliograph.core import gsm

_links: Final = re.compile(r"(?:[a-z][a-z0-9+.-]{1,15}://|www\.)\S+", re.IGNORECASE).finditer


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
    map: dict[str, str]  # code point in hexadecimal → what stands for it


class _Tiers(msgspec.Struct):
    tiers: dict[str, _Tier]


@cache
def _tiers() -> dict[str, _Tier]:
    text = (resources.files("heliograph.core") / "data" / "smart_encoding.json").read_bytes()
    return msgspec.json.decode(text, type=_Tiers).tiers


def tier_names() -> tuple[str, ...]:
    """From the least loss to the most."""
    return tuple(_tiers())


@cache
def _map(tiers: tuple[str, ...] | None) -> dict[str, str]:
    """Character → replacement, of the tiers named, or of those that are on by default."""
    names = [name for name, tier in _tiers().items() if tier.default] if tiers is None else tiers
    return {chr(int(code, 16)): to for name in names for code, to in _tiers()[name].map.items()}


def replacement(character: str) -> str | None:
    """What the default tiers would put for a character."""
    return _map(None).get(character)


def smart(text: str, tiers: tuple[str, ...] | None = None) -> Smart:
    """The text with its replacements, if all of it then fits GSM-7 and something is left; else as it was."""
    mapping = _map(tiers)
    replaced: list[Replaced] = []
    for match in gsm.FOREIGN.finditer(text):
        to = mapping.get(match.group())
        if to is None:
            return Smart(text, ())
        replaced.append(Replaced(match.start(), match.group(), to))
    if not replaced:
        return Smart(text, ())
    links = [match.span() for match in _links(text)]
    if any(start <= change.position < end for change in replaced for start, end in links):
        return Smart(text, ())
    result = gsm.FOREIGN.sub(lambda match: mapping[match.group()], text)
    return Smart(result, tuple(replaced)) if result else Smart(text, ())
