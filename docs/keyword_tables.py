"""The page of all keywords, phrases and answers, out of the data that decide."""

from collections.abc import Iterable, Iterator
from typing import Final

from heliograph.core.keywords import HELP, OPT_IN, OPT_OUT, RULES, confirmation, tables
from heliograph.core.keywords.confirming import answers

_BEGINNING: Final = """\
# Keywords, phrases and answers

How they are used stands in [Keywords](../keywords.md). Case, accents, punctuation, spaces and emoji make no difference.
"""
_PLAIN: Final = """\
Words in **bold** are plain: they mean no at the beginning of a short line and in a sentence too. The others count only
as a whole line, with or without a courtesy around them. † counts only from somebody who is opted out or was asked.
"""


def page() -> str:
    return "\n".join([_BEGINNING, *_words(), *_countries(), *_answers(), *_rules(), *_phrases()])


def _words() -> Iterator[str]:
    yield f"## Keywords\n\n{_PLAIN}"
    yield from _head("language", "opt out", "opt in", "help")
    for code, language in tables.words().languages.items():
        out = ", ".join(f"**{word}**" if word in language.plain else word for word in language.opt_out)
        into = ", ".join(f"{word}†" if word in tables.words().only_if_asked else word for word in language.opt_in)
        yield _row(f"{language.name} (`{code}`)", out, into, ", ".join(language.help))
    topics = ", ".join(f"{words} ({topic})" for words, topic in tables.words().topics.items())
    yield f"\nOf one purpose only: {topics}.\n"
    legal = tables.words().legal
    yield f"By law always an opt-out in {' and '.join(sorted(legal.countries))}: {', '.join(legal.words)}.\n"


def _countries() -> Iterator[str]:
    yield "## Languages by country of the number\n\nEnglish is read everywhere.\n"
    yield from _head("language", "countries")
    for code, countries in tables.words().countries.items():
        yield _row(tables.words().languages[code].name, " ".join(sorted(countries)))
    yield ""


def _answers() -> Iterator[str]:
    yield "## Answers\n\nEach is one segment with a brand of up to 20 letters and a contact of up to 20.\n"
    yield from _head("language", "to an opt-out", "to an opt-in", "to a call for help")
    for code in answers():
        texts = (confirmation(action, code, "Acme", "help@acme.test") for action in (OPT_OUT, OPT_IN, HELP))
        yield _row(tables.words().languages[code].name, *texts)
    yield ""


def _rules() -> Iterator[str]:
    yield "## Rules\n\nEach reading names the one that decided.\n"
    yield from _head("rule", "what it says")
    yield from (_row(f"`{name}`", text) for name, text in RULES.items())
    yield ""


def _phrases() -> Iterator[str]:
    yield "## Phrases\n\n`a/b` is either word; `*` stands for up to three words of any kind.\n"
    for code, rules in tables.rules().items():
        yield f"### {tables.words().languages[code].name}\n"
        yield from _head("rule", "means", "phrases")
        for rule in rules:
            yield _row(f"`{rule.rule}`", rule.means, "; ".join(f"`{phrase}`" for phrase in rule.phrases))
        yield ""


def _head(*cells: str) -> Iterable[str]:
    return _row(*cells), _row(*("---" for _ in cells))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
