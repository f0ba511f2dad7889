"""A text as the rules look at it: read once, into words and links."""

import re
from functools import cached_property
from typing import Final

import msgspec

from heliograph.core.lint import links
from heliograph.core.lint.links import Link
from heliograph.core.lint.rules import DATA

_words: Final = re.compile(r"\w+").findall
# The same for ASCII, four times as fast: all that is no part of a word becomes a space.
_SPACED: Final = bytes(code if chr(code).isalnum() or chr(code) == "_" else 32 for code in range(128)) + bytes(128)
_LAST_LINE_CODE: Final = re.compile(r"\n@[\w.-]{1,253} #\w{1,20}\s*\Z")


class Circumstances(msgspec.Struct, frozen=True):
    """Whatever a finding depends on besides the text."""

    kind: str
    country: str
    brands: tuple[str, ...]
    domains: frozenset[str]
    sender_type: str | None


class Look:
    """What the rules ask of one text."""

    def __init__(self, text: str, circumstances: Circumstances) -> None:
        self.text = text
        self.circumstances = circumstances
        self.lower = text.lower()
        self.words = frozenset(
            self.lower.encode().translate(_SPACED).decode().split() if self.lower.isascii() else _words(self.lower)
        )

    @cached_property
    def links(self) -> list[Link]:
        """All links, but for the line that binds a code to its site."""
        bound = _LAST_LINE_CODE.search(self.text) if "\n@" in self.text else None
        return links.find(self.text[: bound.start()] if bound else self.text)

    @cached_property
    def topics(self) -> dict[str, str]:
        """Lexicon → the first entry of it that stands in the text."""
        found: dict[str, str] = {}
        for word in self.words & _ENTRIES.keys():
            for lexicon, entry, is_phrase in _ENTRIES[word]:
                if not is_phrase or entry in self.lower:
                    found[lexicon] = min(found.get(lexicon, entry), entry)
        for lexicon, entry in _UNUSUAL:
            if entry in self.lower:
                found[lexicon] = min(found.get(lexicon, entry), entry)
        return found

    @cached_property
    def odd_words(self) -> list[str]:
        """The words that are not all letters, in a fixed order."""
        return sorted(word for word in self.words if not word.isalpha())

    @cached_property
    def names_brand(self) -> bool:
        return any(brand.lower() in self.lower for brand in self.circumstances.brands)

    def count(self, lexicon: str) -> int:
        """How many different entries of a lexicon stand in the text."""
        return sum(1 for entry in DATA.lexicons[lexicon] if self.has(entry))

    def has(self, entry: str) -> bool:
        if entry.isalpha():
            return entry in self.words or f"{entry}s" in self.words
        return entry in self.lower

    def place(self, entry: str) -> tuple[int, int]:
        """Where an entry stands."""
        ends = r"\b" if entry[0].isalnum() else ""
        found = re.search(ends + re.escape(entry), self.text, re.IGNORECASE)
        return found.span() if found else (0, len(self.text))


def _index() -> tuple[dict[str, list[tuple[str, str, bool]]], list[tuple[str, str]]]:
    """Word → the entries that it is, or that begin with it; and the entries that begin with no word."""
    words: dict[str, list[tuple[str, str, bool]]] = {}
    unusual: list[tuple[str, str]] = []
    for lexicon, entries in DATA.lexicons.items():
        for entry in entries:
            first = _words(entry)[0]
            if not entry.startswith(first):
                unusual.append((lexicon, entry))
                continue
            for form in (entry, f"{entry}s", f"{entry}es") if first == entry else (first,):
                words.setdefault(form, []).append((lexicon, entry, first != entry))
    return words, unusual


_ENTRIES, _UNUSUAL = _index()
