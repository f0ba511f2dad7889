"""Phrases in ordinary language, and where a text says them.

A phrase is a row of words; `a/b` is either word, `*` up to three words of any kind. A text is read from its beginning:
at each word the longest phrase wins, and what it covers is used up. So "don't stop" hides the "stop" in it, and nothing
is ever tried twice: the time grows with the text's length alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from heliograph.core.keywords.text import fold

SURE: Final = "sure"  # a revocation
ALONE: Final = "alone"  # a revocation when little else is said; else a doubt
DOUBT: Final = "doubt"  # perhaps one
HEDGE: Final = "hedge"  # makes a doubt of what would be sure
ORDINARY: Final = "ordinary"  # something else, unless a revocation goes on behind it: need to stop texting me
NEGATED: Final = "negated"  # the contrary, whatever goes on behind it: don't stop texting me
HIDING: Final = (ORDINARY, NEGATED)

_GAP_MAX: Final = 3
_Step = frozenset[str] | None  # one of these words; None: a gap


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Phrases that mean the same, by the name under which a person finds them."""

    rule: str
    means: str
    phrases: tuple[str, ...]
    scope: str = ""
    unspaced: bool = False  # of a language that writes no spaces: found anywhere in a line


class Phrase(msgspec.Struct, frozen=True):
    """One phrase, ready to be looked for."""

    text: str
    language: str
    rule: Rule
    steps: tuple[_Step, ...]
    second: _Step = None  # what must follow the first word; most phrases are ruled out by it


class Hit(msgspec.Struct, frozen=True):
    """A phrase that a text holds."""

    phrase: Phrase
    words: tuple[str, ...]


Index = Mapping[str, Sequence[Phrase]]


def index(rules: Iterable[tuple[str, Rule]]) -> dict[str, list[Phrase]]:
    """Phrases by the word that they begin with."""
    found: dict[str, list[Phrase]] = {}
    for language, rule in rules:
        for text in rule.phrases:
            steps = tuple(_steps(text))
            assert steps[0] is not None, text
            phrase = Phrase(text, language, rule, steps, steps[1] if len(steps) > 1 else None)
            for word in steps[0]:
                found.setdefault(word, []).append(phrase)
    return found


def gate(rules: Iterable[tuple[str, Rule]]) -> frozenset[str]:
    """Of each phrase that can mean no the step that says most: a text without any of these words holds none of them."""
    found: set[str] = set()
    for _, rule in rules:
        if rule.means not in (HEDGE, *HIDING):
            for text in rule.phrases:
                steps = [step for step in _steps(text) if step is not None]
                found |= max(reversed(steps), key=lambda step: min(map(len, step)))
    return frozenset(found)


def scan(words: Sequence[str], phrases: Index) -> tuple[list[Hit], list[str]]:
    """The phrases in a clause from left to right, and the words that none of them covers."""
    hits: list[Hit] = []
    left: list[str] = []
    at = 0
    while at < len(words):
        best, end = _longest(words, at, phrases)
        if best is None:
            left.append(words[at])
            at += 1
            continue
        if best.rule.means == ORDINARY:
            end = next((inner for inner in range(at + 1, end) if _reaches(words, inner, end, phrases)), end)
        hits.append(Hit(best, tuple(words[at:end])))
        at = end
    return hits, left


def _longest(words: Sequence[str], at: int, phrases: Index) -> tuple[Phrase | None, int]:
    """The longest phrase that begins at a word, and where it ends."""
    best, end = None, at
    following = words[at + 1] if at + 1 < len(words) else ""
    for phrase in phrases.get(words[at], ()):
        if phrase.second is not None and following not in phrase.second:
            continue
        reached = _end(words, at, phrase.steps)
        if reached > end:
            best, end = phrase, reached
    return best, end


def _reaches(words: Sequence[str], at: int, beyond: int, phrases: Index) -> bool:
    """Does a revocation begin here that goes on behind that place?"""
    best, end = _longest(words, at, phrases)
    return best is not None and end > beyond and best.rule.means in (SURE, DOUBT)


def _steps(text: str) -> Iterable[_Step]:
    for part in text.split():
        if part == "*":
            yield None
        elif "/" in part:
            yield frozenset(fold(choice) for choice in part.split("/"))
        else:  # "you've" is two words
            yield from (frozenset((word,)) for word in fold(part).split())


def _end(words: Sequence[str], at: int, steps: Sequence[_Step]) -> int:
    """Where a phrase that begins at `at` ends; -1: it isn't there."""
    for number, step in enumerate(steps):
        if step is None:
            starts = range(at, min(at + _GAP_MAX + 1, len(words)))
            return max((_end(words, start, steps[number + 1 :]) for start in starts), default=-1)
        if at >= len(words) or words[at] not in step:
            return -1
        at += 1
    return at
