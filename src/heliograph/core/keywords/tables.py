"""The words of the languages, made ready once for each set of languages that is read together.

English is always among them. A language that is not is still understood where it says no, but then only as a doubt:
its short words (RET, DUR, BAJA) are ordinary ones elsewhere.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from importlib import resources
from typing import Final

import msgspec

from heliograph.core.keywords.phrases import DOUBT, HIDING, SURE, Index, Phrase, Rule, gate, index
from heliograph.core.keywords.text import fold, squeeze
from heliograph.core.keywords.typos import single

OPT_OUT: Final = "opt_out"
OPT_IN: Final = "opt_in"
HELP: Final = "help"
NONE: Final = "none"

ENGLISH: Final = "en"
_FOREIGN_LETTERS_MIN: Final = 4  # RET and TD say nothing to whoever doesn't read that language


class Language(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one language calls things."""

    name: str
    opt_out: tuple[str, ...]
    opt_in: tuple[str, ...]
    help: tuple[str, ...]
    plain: tuple[str, ...] = ()  # mean no wherever they stand in a text; the others only alone
    objects: tuple[str, ...] = ()  # what may follow a plain word without making a doubt of it
    endings: tuple[str, ...] = ()  # with one of `messages` beside them they may mean no
    messages: tuple[str, ...] = ()
    courtesy: tuple[str, ...] = ()  # what may stand around any keyword
    unspaced: bool = False


class _Legal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    countries: frozenset[str]
    words: tuple[str, ...]


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file of words."""

    legal: _Legal
    topics: dict[str, str]
    everything: tuple[str, ...]
    only_if_asked: tuple[str, ...]
    insisting: tuple[str, ...]
    misspelt: tuple[str, ...]
    not_misspelt: tuple[str, ...]
    countries: dict[str, tuple[str, ...]]
    languages: dict[str, Language]


class Keyword(msgspec.Struct, frozen=True):
    """One keyword of one language."""

    action: str
    written: str
    language: str
    topic: str = ""
    is_everything: bool = False
    only_if_asked: bool = False
    is_plain: bool = False
    is_legal: bool = False


class Table(msgspec.Struct, frozen=True):
    """All that a reading needs, by the folded words without spaces."""

    words: Mapping[str, Keyword]
    foreign_words: Mapping[str, Keyword]
    phrases: Index
    foreign_phrases: Index
    foreign_gate: frozenset[str]
    unspaced: Sequence[Phrase]
    objects: frozenset[str]
    gate: frozenset[str]  # a text with none of these words says no in no way that `phrases` or `endings` know
    endings: frozenset[str]
    messages: frozenset[str]
    before: Mapping[str, Sequence[tuple[str, ...]]]  # courtesies by their first word
    after: Mapping[str, Sequence[tuple[str, ...]]]  # and by their last
    unspaced_courtesies: Sequence[str]
    insisting: frozenset[str]
    stretched: Mapping[str, tuple[str, Keyword]]  # by the word with each letter once
    misspelt: Mapping[int, Sequence[tuple[str, Keyword]]]  # by the lengths of words that may be slips of them
    not_misspelt: frozenset[str]


@cache
def words() -> Words:
    return msgspec.json.decode(_file("keywords.json"), type=Words)


@cache
def rules() -> dict[str, tuple[Rule, ...]]:
    """The rules for ordinary language, by language."""
    return msgspec.json.decode(_file("revocations.json"), type=dict[str, tuple[Rule, ...]])


@cache
def legal_words() -> frozenset[str]:
    """What always means no by law, in the countries where it does."""
    return frozenset(squeeze(fold(word)) for word in words().legal.words)


def languages_of(country: str) -> tuple[str, ...]:
    """The languages whose words are expected from numbers of a country."""
    return tuple(language for language, countries in words().countries.items() if country in countries)


@lru_cache(maxsize=1024)
def of(languages: tuple[str, ...], country: str) -> Table:
    """The table for these languages, those of the country, and English."""
    wanted = {ENGLISH, *languages, *languages_of(country)}
    return _table(tuple(language for language in words().languages if language in wanted))


def _file(name: str) -> bytes:
    return (resources.files("heliograph.core") / "data" / name).read_bytes()


@lru_cache(maxsize=256)
def _table(languages: tuple[str, ...]) -> Table:
    known = {name: words().languages[name] for name in languages}
    found = _keywords(known)
    foreign = _keywords({name: words().languages[name] for name in words().languages if name not in known})
    spoken = [(language, rule) for language, of_it in rules().items() for rule in of_it]
    spaced = [(language, rule) for language, rule in spoken if not rule.unspaced]
    own = [rule for rule in spaced if rule[0] in known]
    others = [rule for rule in _with_doubts(spaced, known) if rule[0] not in known and rule[1].means not in HIDING]
    courtesies = [tuple(fold(text).split()) for language in known.values() for text in language.courtesy]
    misspelt = [(word, found[word]) for text in words().misspelt if (word := squeeze(fold(text))) in found]
    return Table(
        words=found,
        foreign_words={
            word: keyword
            for word, keyword in foreign.items()
            if keyword.action == OPT_OUT and word not in found and _says_much(word)
        },
        phrases=index(own),
        foreign_phrases=index(others),
        foreign_gate=gate(others),
        unspaced=_unspaced(_with_doubts(spoken, known)),
        objects=_folded(language.objects for language in known.values()),
        gate=_openers(found) | gate(own) | _folded(language.endings for language in known.values()),
        endings=_folded(language.endings for language in known.values()),
        messages=_folded(language.messages for language in known.values()),
        before=_by(courtesies, 0),
        after=_by(courtesies, -1),
        unspaced_courtesies=tuple(
            fold(text) for language in known.values() if language.unspaced for text in language.courtesy
        ),
        insisting=_folded([words().insisting]),
        stretched={single(word): (word, keyword) for word, keyword in misspelt},
        misspelt={
            length: [(word, keyword) for word, keyword in misspelt if abs(len(word) - length) <= 1]
            for length in range(max(len(word) for word, _ in misspelt) + 2)
        },
        not_misspelt=_folded([words().not_misspelt]),
    )


def _keywords(languages: Mapping[str, Language]) -> dict[str, Keyword]:
    """English first; of two languages with the same word the first has it, and no word means two things."""
    found: dict[str, Keyword] = {}
    for name, language in languages.items():
        for action, texts in ((OPT_OUT, language.opt_out), (HELP, language.help), (OPT_IN, language.opt_in)):
            for text in texts:
                found.setdefault(squeeze(fold(text)), _keyword(action, text, name, language))
    return found


def _keyword(action: str, text: str, name: str, language: Language) -> Keyword:
    return Keyword(
        action=action,
        written=text,
        language=name,
        topic=words().topics.get(text, ""),
        is_everything=text in words().everything,
        only_if_asked=text in words().only_if_asked,
        is_plain=text in language.plain,
        is_legal=squeeze(fold(text)) in legal_words(),
    )


def _openers(keywords: Mapping[str, Keyword]) -> frozenset[str]:
    outs = (keyword.written for keyword in keywords.values() if keyword.action == OPT_OUT)
    return frozenset(word for written in outs for word in (squeeze(fold(written)), fold(written).split()[0]))


def _folded(texts: Iterable[Iterable[str]]) -> frozenset[str]:
    return frozenset(fold(text) for some in texts for text in some)


def _says_much(word: str) -> bool:
    return len(word) >= _FOREIGN_LETTERS_MIN or not word.isascii()


def _with_doubts(spoken: Iterable[tuple[str, Rule]], known: Mapping[str, Language]) -> Iterable[tuple[str, Rule]]:
    """What is sure in a language that is expected is a doubt in another."""
    for language, rule in spoken:
        is_sure = rule.means == SURE and language not in known
        yield language, msgspec.structs.replace(rule, means=DOUBT) if is_sure else rule


def _unspaced(spoken: Iterable[tuple[str, Rule]]) -> tuple[Phrase, ...]:
    """The longest first: what says more decides."""
    found = [
        Phrase(fold(text), language, rule, ()) for language, rule in spoken if rule.unspaced for text in rule.phrases
    ]
    return tuple(sorted(found, key=lambda phrase: -len(phrase.text)))


def _by(courtesies: Iterable[tuple[str, ...]], place: int) -> dict[str, list[tuple[str, ...]]]:
    found: dict[str, list[tuple[str, ...]]] = {}
    for courtesy in courtesies:
        found.setdefault(courtesy[place], []).append(courtesy)
    return found
