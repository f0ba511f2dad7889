"""What a phone's message wants: to opt out, to opt in, help, or none of these; and by which rule.

Four tiers, from sure to unsure: the first line *is* a keyword (exact), begins with one (leading), the text *says* it
(phrase), a word looks like one (fuzzy). An opt-out beats whatever else a message says. Where a person may have meant no
and may have not, the reading is an opt-out that asks for `review`; it never becomes silence.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from heliograph.core.keywords import tables
from heliograph.core.keywords.custom import NOTHING_OWN, Custom
from heliograph.core.keywords.phrases import ALONE, DOUBT, HEDGE, HIDING, SURE, Hit, scan
from heliograph.core.keywords.tables import NONE, OPT_IN, OPT_OUT, Keyword, Table
from heliograph.core.keywords.text import clauses, fold, squeeze
from heliograph.core.keywords.typos import STRETCHED, UNLIKELY, single, slip

EXACT: Final = "exact"
LEADING: Final = "leading"
PHRASE: Final = "phrase"
FUZZY: Final = "fuzzy"

ALL: Final = "all"
SENDER: Final = "sender"
TOPIC: Final = "topic"

_LETTERS_MAX: Final = 60  # of a line that may be a keyword with courtesies around it
_COURTEOUS_MAX: Final = 8  # words of such a line
_LEADING_MAX: Final = 4  # words of a line that a keyword decides by standing first
_ALONE_MAX: Final = 6  # words beside which "wrong number" still is all that is said
_SURE_MAX: Final = 40  # a longer text is a letter, and a person should read it
_MISSPELT_MIN: Final = 7  # letters of a word that can be recognised inside a sentence in spite of a slip


class Reading(msgspec.Struct, frozen=True):
    """What a message wants.

    `opt_out` without `review`: record it at once, then confirm. With `review`: nobody may be told that it is done;
    hold promotional messages to the person until somebody of the workspace has read the text and decided.
    `opt_in` that is `only_if_asked` (YES) counts only from somebody who is opted out or was asked to confirm.
    """

    action: str = NONE
    tier: str = ""
    scope: str = ""  # all | sender | topic: what an opt-out or opt-in is about
    scope_named: bool = False  # the person said so; if not, the workspace's own rule for STOP decides
    topic: str = ""
    language: str = ""
    keyword: str = ""  # the keyword as in the tables, or the words of the phrase as they were found
    review: bool = False
    rule: str = ""  # why: a name in RULES
    only_if_asked: bool = False
    flow: str = ""  # of the workspace's own keyword


NOTHING: Final = Reading()


def read(text: str, *, languages: Sequence[str] = (), country: str = "", custom: Custom = NOTHING_OWN) -> Reading:
    """Read a message, in English, in the languages named, and in those of the country of the number it came from.

    `custom` are the workspace's own words. They never outrank those that mean no to everybody; nor, where the country
    is the United States or Canada, or isn't known, those that the law names.
    """
    lines = fold(text)
    if not lines:
        return NOTHING
    table = tables.of(tuple(languages), country)
    line = lines.partition("\n")[0]
    found = _line(line, table, country, custom) if len(line) <= _LETTERS_MAX else None
    if found is not None and (found.action == OPT_OUT or lines == line):
        return found
    return _revocation(text, line, lines, table) or found or NOTHING


# -- the first line is a keyword


def _line(line: str, table: Table, country: str, custom: Custom) -> Reading | None:
    """A keyword as the whole line, with courtesies around it, or with a topic behind it."""
    found = _exact(squeeze(line), table, country, custom)
    if found is not None:
        return found
    words = line.split()
    if len(words) > _COURTEOUS_MAX:
        return None
    core = _bare(words, table)
    found = _exact("".join(core), table, country, custom)
    if found is None:
        found = _insisted(core, table) or _topical(core, table, custom)
    return None if found is None else msgspec.structs.replace(found, tier=LEADING, rule=_courteous(found.rule))


def _exact(squeezed: str, table: Table, country: str, custom: Custom) -> Reading | None:
    keyword = table.words.get(squeezed)
    own = custom.words.get(squeezed)
    if own is not None and not (keyword is not None and _outranks(keyword, country)):
        written, meant = own
        scope = TOPIC if meant.topic else ALL if meant.action in (OPT_OUT, OPT_IN) else ""
        return Reading(
            *(meant.action, EXACT, scope, bool(meant.topic), meant.topic, "", written),
            rule="own_keyword",
            flow=meant.flow,
        )
    if keyword is not None:
        return _of(keyword, EXACT, "keyword")
    foreign = table.foreign_words.get(squeezed)
    return None if foreign is None else _of(foreign, EXACT, "keyword_of_another_language", review=True)


def _outranks(keyword: Keyword, country: str) -> bool:
    """Does a keyword stay what it is whatever a workspace says?"""
    is_law = not country or country in tables.words().legal.countries
    return keyword.action == OPT_OUT and (keyword.is_plain or (is_law and keyword.is_legal))


def _of(keyword: Keyword, tier: str, rule: str, *, review: bool = False) -> Reading:
    scoped = keyword.action in (OPT_OUT, OPT_IN)
    return Reading(
        action=keyword.action,
        tier=tier,
        scope="" if not scoped else TOPIC if keyword.topic else ALL,
        scope_named=bool(keyword.topic) or keyword.is_everything,
        topic=keyword.topic,
        language=keyword.language,
        keyword=keyword.written,
        review=review,
        rule=rule,
        only_if_asked=keyword.only_if_asked,
    )


def _courteous(rule: str) -> str:
    return "keyword_and_courtesy" if rule == "keyword" else rule


def _bare(words: list[str], table: Table) -> list[str]:
    """The words without the courtesies around them."""
    words = words[:]
    while words:
        before = next((c for c in table.before.get(words[0], ()) if words[: len(c)] == [*c]), None)
        if before is not None:
            del words[: len(before)]
            continue
        after = next((c for c in table.after.get(words[-1], ()) if words[-len(c) :] == [*c]), None)
        if after is None:
            break
        del words[-len(after) :]
    if len(words) == 1:
        for courtesy in table.unspaced_courtesies:
            words = [words[0].removeprefix(courtesy).removesuffix(courtesy)]
    return words


def _insisted(words: list[str], table: Table) -> Reading | None:
    """Nothing but keywords, one of them an opt-out: STOP STOP STOP, no stop, YES STOP."""
    named = [table.words.get(word) for word in words if word not in table.insisting]
    if not named or any(keyword is None for keyword in named):
        return None
    outs = [keyword for keyword in named if keyword is not None and keyword.action == OPT_OUT]
    return _of(outs[0], LEADING, "keywords_together") if outs else None


def _topical(words: list[str], table: Table, custom: Custom) -> Reading | None:
    """STOP NEWS and START NEWS, where the workspace has such a topic; with or without the space."""
    if not custom.topics or not words:
        return None
    squeezed = "".join(words)
    for length in range(1, len(squeezed)):
        topic = custom.topics.get(squeezed[length:])
        keyword = table.words.get(squeezed[:length])
        if topic is not None and keyword is not None and keyword.action in (OPT_OUT, OPT_IN):
            found = _of(keyword, LEADING, "keyword_and_topic")
            return msgspec.structs.replace(found, scope=TOPIC, scope_named=True, topic=topic)
    return None


# -- the text says no in other words


def _revocation(text: str, line: str, lines: str, table: Table) -> Reading | None:
    words = lines.split()
    found = _leading(line.split(), table) if len(line) <= _LETTERS_MAX else None
    return (
        found
        or _spoken(text, words, table)
        or _unspaced(squeeze(lines), table)
        or _fuzzy(words, table)
        or _foreign(text, words, table)
    )


def _plain(word: str, table: Table) -> Keyword | None:
    keyword = table.words.get(word)
    return keyword if keyword is not None and keyword.is_plain else None


def _leading(words: list[str], table: Table) -> Reading | None:
    """A short line that begins with a plain keyword and goes on about messages: stop texting me."""
    if not 1 < len(words) <= _LEADING_MAX:
        return None
    for length in (1, 2):  # optout, opt out
        keyword = _plain("".join(words[:length]), table)
        rest = words[length:]
        if keyword is not None and rest and all(_goes_with(word, table) for word in rest):
            found = _of(keyword, LEADING, "keyword_about_messages")
            return msgspec.structs.replace(found, scope_named=rest in (["all"], ["everything"]))
    return None


def _goes_with(word: str, table: Table) -> bool:
    return word in table.objects or word in table.insisting or word.isdecimal() or (word,) in table.before.get(word, ())


def _spoken(text: str, words: list[str], table: Table) -> Reading | None:
    """The phrases of all clauses together; then the plain keywords that no phrase explains."""
    if table.gate.isdisjoint(words):
        return None
    hits: list[Hit] = []
    left: list[str] = []
    said = clauses(text)
    for clause in said:
        in_clause, uncovered = scan(clause, table.phrases)
        hits += in_clause
        left += [*uncovered, ""]  # no two words of different clauses are neighbours
    hedged = any(hit.phrase.rule.means == HEDGE for hit in hits) or len(words) > _SURE_MAX
    means = [(hit, _means(hit, words, hedged=hedged)) for hit in hits]
    sure = next((hit for hit, meant in means if meant == SURE), None)
    if sure is not None:
        return _said(sure, review=False)
    last = _plain("".join(_bare(said[-1], table)), table)
    if last is not None and not hedged:
        return _of(last, PHRASE, "keyword_as_the_last_word")
    doubt = next((hit for hit, meant in means if meant == DOUBT), None)
    return _said(doubt, review=True) if doubt is not None else _unexplained(left, table) or _apart(said, table)


def _means(hit: Hit, words: list[str], *, hedged: bool) -> str:
    means = hit.phrase.rule.means
    if means == ALONE:
        means = SURE if len(words) <= _ALONE_MAX else DOUBT
    return DOUBT if means == SURE and hedged else means


def _said(hit: Hit, *, review: bool) -> Reading:
    rule = hit.phrase.rule
    return Reading(
        action=OPT_OUT,
        tier=PHRASE,
        scope=rule.scope or ALL,
        scope_named=bool(rule.scope),
        language=hit.phrase.language,
        keyword=" ".join(hit.words),
        review=review,
        rule=rule.rule,
    )


def _unexplained(left: list[str], table: Table) -> Reading | None:
    """A plain keyword somewhere in the text, or talk of ending messages: perhaps meant as an opt-out."""
    ending = said = ""
    for word, following in zip(left, [*left[1:], ""], strict=True):
        keyword = _plain(word, table) or _plain(word + following, table)
        if keyword is not None:
            return _of(keyword, PHRASE, "keyword_in_a_sentence", review=True)
        ending = "" if not word else word if word in table.endings else ending
        said = "" if not word else word if word in table.messages else said
        if ending and said:
            return Reading(OPT_OUT, PHRASE, ALL, keyword=f"{ending} … {said}", review=True, rule="ending_of_messages")
    return None


def _apart(said: list[list[str]], table: Table) -> Reading | None:
    """A keyword that is a clause of its own: no thank you, remove."""
    keywords = (table.words.get("".join(_bare(clause, table))) for clause in said)
    keyword = next((keyword for keyword in keywords if keyword is not None and keyword.action == OPT_OUT), None)
    return None if keyword is None else _of(keyword, PHRASE, "keyword_in_a_sentence", review=True)


def _unspaced(squeezed: str, table: Table) -> Reading | None:
    """Phrases of languages without spaces; the longest that is there decides."""
    if squeezed.isascii():
        return None
    for phrase in table.unspaced:
        if phrase.text in squeezed:
            hit = Hit(phrase, (phrase.text,))
            return None if phrase.rule.means in HIDING else _said(hit, review=phrase.rule.means == DOUBT)
    return None


def _foreign(text: str, words: list[str], table: Table) -> Reading | None:
    """A clear no in a language that nobody named."""
    if table.foreign_gate.isdisjoint(words):
        return None
    for clause in clauses(text):
        for hit in scan(clause, table.foreign_phrases)[0]:
            if hit.phrase.rule.means != HEDGE:
                return _said(hit, review=True)
    return None


# -- a word looks like a keyword


def _fuzzy(words: list[str], table: Table) -> Reading | None:
    """A misspelt keyword alone is one; a long one in a sentence may be one."""
    bare = _bare(words, table) if len(words) <= _COURTEOUS_MAX else words
    is_alone = len(bare) == 1
    for word in bare[:_SURE_MAX]:
        if (not is_alone and len(word) < _MISSPELT_MIN) or word in table.not_misspelt or word in table.words:
            continue
        found = _misspelt(word, table)
        if found is not None and (is_alone or len(found[1]) >= _MISSPELT_MIN):
            how, _, keyword = found
            return _of(keyword, FUZZY, how, review=not is_alone or how == UNLIKELY)
    return None


def _misspelt(word: str, table: Table) -> tuple[str, str, Keyword] | None:
    """How a word is like a keyword, and which one."""
    target, keyword = table.stretched.get(single(word), ("", None))
    if keyword is not None and len(word) > len(target):
        return STRETCHED, target, keyword
    for target, keyword in table.misspelt.get(len(word), ()):
        how = slip(word, target)
        if how is not None:
            return how, target, keyword
    return None
