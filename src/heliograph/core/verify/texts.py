"""The words around a code, in many languages: one part by design.

Each language has a usual text and a short one, which is taken where the usual one would need a second part. The code
stands first, so that previews show it. The last lines are for machines: the hash by which an Android app is given the
message, and the origin that a browser may fill the code in at, which must be the very last.
"""

import re
from functools import cache
from importlib import resources
from typing import Final, NamedTuple

import msgspec

from heliograph.core.segments import measure

ENGLISH: Final = "en"
ORIGIN: Final = re.compile(r"(?=.{3,80}$)([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]([a-z0-9-]*[a-z0-9])?")
APP_HASH: Final = re.compile(r"[A-Za-z0-9+/]{11}")


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of one language."""

    name: str
    usual: str
    short: str


class Text(NamedTuple):
    """A text and the language that it came out in."""

    text: str
    locale: str


@cache
def languages() -> dict[str, Words]:
    """By their tags."""
    file = resources.files("heliograph.core") / "data" / "verification_texts.json"
    return msgspec.json.decode(file.read_bytes(), type=dict[str, Words])


def language(locale: str | None) -> str:
    """The language that is nearest to a tag such as pt-BR; English where there is none."""
    tag = (locale or ENGLISH).replace("_", "-")
    known = {name.lower(): name for name in languages()}
    for size in range(tag.count("-") + 1, 0, -1):
        found = known.get("-".join(tag.lower().split("-")[:size]))
        if found is not None:
            return found
    return ENGLISH


def write(
    code: str, brand: str, minutes: int, locale: str | None, *, origin: str | None = None, app_hash: str | None = None
) -> Text:
    """The text of a message; the short one where the usual one would take a second part."""
    name = language(locale)
    words = languages()[name]
    lines = [app_hash] if app_hash else []
    lines += [f"@{origin} #{code}"] if origin else []
    tail = "".join(f"\n{line}" for line in lines)
    tail = f"\n{tail}" if origin else tail  # a blank line before it, as the standard shows it
    usual = words.usual.format(code=code, brand=brand, minutes=minutes) + tail
    if measure(usual)[1] == 1:
        return Text(usual, name)
    return Text(words.short.format(code=code, brand=brand) + tail.replace("\n\n", "\n"), name)
