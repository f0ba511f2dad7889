"""A workspace's own keywords and topics, and what they may not be.

Words that mean no to everybody can't be given another meaning: STOP and its like anywhere, and those of the law
(CANCEL, END, QUIT, …) wherever it may hold.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

import msgspec

from heliograph.core.failures import Refusal
from heliograph.core.keywords import tables
from heliograph.core.keywords.tables import HELP, NONE, OPT_IN, OPT_OUT
from heliograph.core.keywords.text import normalise, squeeze

ACTIONS: Final = (OPT_OUT, OPT_IN, HELP, NONE)
_LETTERS_MAX: Final = 30


class Own(msgspec.Struct, frozen=True):
    """Words of a workspace that mean one thing; `none` is for those that only start a flow."""

    words: tuple[str, ...]
    action: str = NONE
    topic: str = ""
    flow: str = ""


class Custom(msgspec.Struct, frozen=True):
    """A workspace's own, ready for reading: make it with `prepare`, once for each configuration."""

    words: Mapping[str, tuple[str, Own]] = {}  # without spaces → as it was written, and what it means
    topics: Mapping[str, str] = {}


NOTHING_OWN: Final = Custom()


def prepare(owns: Iterable[Own], topics: Iterable[str] = ()) -> Custom:
    """Fold a configuration that `check` has nothing against."""
    words = {squeeze(normalise(word)): (word, own) for own in owns for word in own.words}
    return Custom(words, {squeeze(normalise(topic)): topic for topic in topics})


def check(owns: Sequence[Own], topics: Sequence[str] = (), *, countries: Collection[str]) -> list[Refusal]:
    """What is wrong with a configuration for numbers of these countries; none named: of all."""
    found: list[Refusal] = []
    seen: set[str] = set()
    is_law = not countries or not tables.words().legal.countries.isdisjoint(countries)
    for number, own in enumerate(owns):
        if own.action not in ACTIONS:
            detail = f"action is one of {', '.join(ACTIONS)}, not {own.action!r}"
            found.append(Refusal("bad_value", detail, f"/keywords/{number}/action"))
        for place, word in enumerate(own.words):
            pointer = f"/keywords/{number}/words/{place}"
            found.extend(_check_word(word, own, seen, pointer, is_law=is_law))
    for number, topic in enumerate(topics):
        found.extend(_check_topic(topic, f"/topics/{number}"))
    return found


def _check_word(word: str, own: Own, seen: set[str], pointer: str, *, is_law: bool) -> Iterable[Refusal]:
    folded = squeeze(normalise(word))
    if not 0 < len(folded) <= _LETTERS_MAX:
        yield Refusal("bad_value", f"a keyword has 1 to {_LETTERS_MAX} letters or digits, {word!r} has not", pointer)
    elif folded in seen:
        yield Refusal("bad_value", f"{word!r} is there twice; leave one of them out", pointer)
    elif _is_reserved(folded, is_law=is_law) and (own.action != OPT_OUT or own.topic or own.flow):
        detail = f"{word!r} always means to opt out of everything here; use another word, such as C or {word}ORDER"
        yield Refusal("reserved_keyword", detail, pointer)
    seen.add(folded)


def _check_topic(topic: str, pointer: str) -> Iterable[Refusal]:
    folded = squeeze(normalise(topic))
    if not 0 < len(folded) <= _LETTERS_MAX:
        yield Refusal("bad_value", f"a topic has 1 to {_LETTERS_MAX} letters or digits, {topic!r} has not", pointer)
    elif folded == "all" or f"stop{folded}" in tables.of((), "").words:
        detail = f"STOP {topic} has a meaning already; use another name for the topic"
        yield Refusal("reserved_keyword", detail, pointer)


def _is_reserved(folded: str, *, is_law: bool) -> bool:
    keyword = tables.of(tuple(tables.words().languages), "").words.get(folded)
    return keyword is not None and keyword.action == OPT_OUT and (keyword.is_plain or (is_law and keyword.is_legal))
