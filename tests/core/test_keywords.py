"""What a phone's message wants."""

import json
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.core.keywords import HELP, NONE, OPT_IN, OPT_OUT, SENDER, TOPIC, normalise, prepare, read, tables
from heliograph.core.keywords.rules import RULES

DATA = Path(__file__).parent / "data"
VECTORS = json.loads((DATA / "keyword_vectors.json").read_text("utf-8"))
REVOCATIONS = json.loads((DATA / "revocations.json").read_text("utf-8"))
ORDINARY = json.loads((DATA / "ordinary_sentences.json").read_text("utf-8"))
LANGUAGES = tables.words().languages
KEYWORDS = [
    (language, action, keyword)
    for language, words in LANGUAGES.items()
    for action, keywords in ((OPT_OUT, words.opt_out), (OPT_IN, words.opt_in), (HELP, words.help))
    for keyword in keywords
]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["text"])
def test_a_known_message_is_read_as_agreed(vector: dict[str, str | None]) -> None:
    found = read(vector["text"] or "", languages=tuple(LANGUAGES))
    assert (found.action, found.tier or None) == (vector["action"], vector["tier"])
    assert not found.review
    if found.action == OPT_OUT:
        assert (found.topic or found.scope) == vector["scope"]


# -- the bar: every keyword in twenty spellings


def spellings(keyword: str, courtesy: str) -> Iterator[str]:
    """As people, phones and keyboards write a word."""
    yield from (keyword, keyword.lower(), keyword.upper(), keyword.capitalize(), keyword.swapcase())
    yield from (f'"{keyword}"', f"«{keyword}»", f"“{keyword}”", f"({keyword})", f"*{keyword}*", f"'{keyword}'")
    yield from (f"{keyword}.", f"{keyword}!!!", f"{keyword}?", f"- {keyword}", f"{keyword}…", f"{keyword}！")
    yield from (f"  {keyword}\t ", f"\n\n{keyword}", f"{keyword}\r\n\r\nSent from my iPhone", f"{keyword}\n-- \nJo")
    yield from (f"{keyword} {courtesy}", f"{courtesy}, {keyword}", f"{keyword}, {courtesy}!", f"{keyword} please")
    yield from (f"{keyword} 🛑", f"🙏🏽{keyword}", f"{keyword} ✋🏿🤬", f"👨‍👩‍👧 {keyword} ❤️")
    yield from (
        keyword[:1] + "\u200b" + keyword[1:],
        f"\ufeff{keyword}",
        f"\u202a{keyword}\u202c",
        "\u00ad".join(keyword),
    )
    yield from (" ".join(keyword), ".".join(keyword), "-".join(keyword), keyword.replace(" ", "_"))
    yield "".join(chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter for letter in keyword)
    yield unicodedata.normalize("NFD", keyword)
    if unicodedata.name(keyword[0]).startswith("LATIN"):
        yield "".join(letter for letter in unicodedata.normalize("NFD", keyword) if not unicodedata.combining(letter))


@pytest.mark.parametrize(("language", "action", "keyword"), KEYWORDS)
def test_every_keyword_is_recognised_in_twenty_spellings(language: str, action: str, keyword: str) -> None:
    written = {text for courtesy in LANGUAGES[language].courtesy[:2] for text in spellings(keyword, courtesy)}
    assert len(written) >= 20
    wrong = [
        (text, found)
        for text in sorted(written)
        if (found := read(text, languages=(language,))).action != action or found.review
    ]
    assert wrong == []


def test_no_word_means_two_things() -> None:
    meanings: dict[str, set[str]] = {}
    for _, action, keyword in KEYWORDS:
        meanings.setdefault(normalise(keyword).replace(" ", ""), set()).add(action)
    assert {word: found for word, found in meanings.items() if len(found) > 1} == {}


# -- the bar: ordinary sentences


@pytest.mark.parametrize("language", ORDINARY)
def test_an_ordinary_sentence_opts_nobody_out_unseen(language: str) -> None:
    found = {text: read(text, languages=(language,)) for text in ORDINARY[language]}
    assert [(text, got) for text, got in found.items() if got.action == OPT_OUT and not got.review] == []
    assert [(text, got) for text, got in found.items() if got.review and got.rule not in RULES] == []
    assert [(text, got) for text, got in found.items() if got.action not in (OPT_OUT, NONE)] == []


def test_the_ordinary_sentences_are_many_and_seldom_trouble_anybody() -> None:
    sentences = [(text, language) for language, texts in ORDINARY.items() for text in texts]
    assert len({text for text, _ in sentences}) >= 500
    assert sum(read(text, languages=(language,)).review for text, language in sentences) <= len(sentences) / 20


# -- no, in other words


@pytest.mark.parametrize("language", REVOCATIONS)
def test_a_no_in_other_words_is_never_missed(language: str) -> None:
    missed = [text for text in REVOCATIONS[language] if read(text, languages=(language,)).action != OPT_OUT]
    assert missed == []


@pytest.mark.parametrize("language", sorted(set(REVOCATIONS) - {"en"}))
def test_a_no_in_a_language_that_nobody_named_waits_for_a_person(language: str) -> None:
    for text in REVOCATIONS[language]:
        found = read(text, country="GB")
        assert found.action == OPT_OUT, text
        assert found.review or found.language == "en", text


@pytest.mark.parametrize("no", [". Stop texting me", " and stop texting me", "\nSTOP", ", take me off your list"])
def test_no_ordinary_sentence_hides_a_no_behind_it(no: str) -> None:
    assert [text for text in ORDINARY["en"] if read(text + no).action != OPT_OUT] == []


@pytest.mark.parametrize(
    ("text", "review", "rule"),
    [
        ("i think you should stop messaging me maybe?", True, "asks_to_stop_messages"),
        ("how do I unsubscribe?", True, "keyword_in_a_sentence"),
        ("I told you, STOP", False, "keyword_as_the_last_word"),
        ("You need to stop texting me", False, "asks_to_stop_messages"),
        ("I can't. Stop texting me", False, "asks_to_stop_messages"),
        ("wrong number", False, "wrong_number"),
        ("no thank you, remove", True, "keyword_in_a_sentence"),
        ("kindly terminate the newsletter", True, "ending_of_messages"),
        ("STOPPPP!!", False, "stretched_word"),
        ("stpo", False, "slip_of_the_finger"),
        ("stob", True, "one_letter_off"),
        ("please unsubcribe me", True, "slip_of_the_finger"),
        ("NO STOP", False, "keywords_together"),
        ("don't text me while I'm driving", True, "perhaps_means_messages"),
        ("退订！谢谢", True, "unsubscribing_is_mentioned"),
        ("stop, thank you", False, "keyword_and_courtesy"),
        ("我没有退订，请继续发", False, ""),
        ("don't stop texting me", False, ""),
        ("shop", False, ""),
        ("step", False, ""),
        ("RET", False, ""),
        ("ABMELDEN", True, "keyword_of_another_language"),
        (" ".join(["word"] * 50) + " stop texting me", True, "asks_to_stop_messages"),
    ],
)
def test_the_rule_that_decided_is_named(text: str, review: bool, rule: str) -> None:
    found = read(text)
    assert (found.action == OPT_OUT, found.review, found.rule) == (bool(rule), review, rule)


@pytest.mark.parametrize(
    ("text", "scope", "named", "topic"),
    [
        ("STOP", "all", False, ""),
        ("STOPALL", "all", True, ""),
        ("stop all", "all", True, ""),
        ("unsubscribe all", "all", True, ""),
        ("STOP MARKETING", TOPIC, True, "promotional"),
        ("stop texting me from this number", SENDER, True, ""),
    ],
)
def test_what_the_person_named_is_told(text: str, scope: str, named: bool, topic: str) -> None:
    found = read(text)
    assert (found.action, found.review) == (OPT_OUT, False)
    assert (found.scope, found.scope_named, found.topic) == (scope, named, topic)


def test_a_yes_counts_only_from_somebody_who_was_asked() -> None:
    assert [read(text).only_if_asked for text in ("YES", "START", "STOP")] == [True, False, False]


def test_the_languages_of_a_country_are_read_there() -> None:
    assert read("ABMELDEN", country="DE").review is False
    assert read("DUR", country="TR").action == OPT_OUT
    assert read("DUR", country="DE").action == NONE


# -- laws


@given(st.text() | st.text(st.sampled_from("STOP stop\n\r.,'’\u200bİıß­ﬀＡ退आं\u0301🛑")))
def test_what_is_normal_stays_as_it_is(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


def test_every_character_folds_once_and_for_all() -> None:
    """Two folded letters may join to a syllable of another form; each alone is settled by one folding."""
    letters = [chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) not in ("Cs", "Co", "Cn")]
    assert [letter for letter in letters if normalise(normalise(letter)) != normalise(letter)] == []


WORDS = [
    "stop",
    "don't",
    "start",
    "texting",
    "me",
    "bus",
    "please",
    "yes",
    "no",
    "the",
    "end",
    "\n",
    ".",
    "退订",
    "maybe",
]


@given(st.text() | st.lists(st.sampled_from(WORDS)).map(" ".join))
def test_any_text_is_read(text: str) -> None:
    found = read(text, languages=tuple(LANGUAGES))
    assert found.action in (OPT_OUT, OPT_IN, HELP, NONE)
    assert (found.action == NONE) == (found.rule == "") and (not found.rule or found.rule in RULES)
    assert not found.review or found.action == OPT_OUT
    assert bool(found.scope) == (found.action in (OPT_OUT, OPT_IN))


@pytest.mark.parametrize(
    "piece",
    ["stop ", "a", "don't want ", "stop\n", "will will ", "p", "remove remove ", ".", "\u0301", "unsubscrib ", "退"],
)
def test_an_endless_text_is_read_too(piece: str) -> None:
    assert read(piece * 20_000).action in (OPT_OUT, NONE)


INS = [keyword for _, action, keyword in KEYWORDS if action == OPT_IN]
OUTS = [keyword for _, action, keyword in KEYWORDS if action == OPT_OUT and " " not in keyword]


@given(st.sampled_from(INS), st.sampled_from(OUTS), st.sampled_from([" ", "\n", ". ", ", "]), st.booleans())
def test_an_opt_out_beats_an_opt_in_beside_it(opt_in: str, out: str, between: str, turned: bool) -> None:
    text = between.join((out, opt_in) if turned else (opt_in, out))
    assert read(text, languages=tuple(LANGUAGES)).action == OPT_OUT


# -- the data


def test_every_rule_of_the_phrases_has_a_name_that_is_explained() -> None:
    assert {rule.rule for rules in tables.rules().values() for rule in rules} <= RULES.keys()


def test_every_language_of_the_phrases_and_countries_has_words() -> None:
    assert {*tables.rules(), *tables.words().countries} <= LANGUAGES.keys()


def test_plain_words_are_opt_outs_of_their_language() -> None:
    assert [
        (name, word) for name, of_it in LANGUAGES.items() for word in of_it.plain if word not in of_it.opt_out
    ] == []


# -- the page

PAGE = (Path(__file__).parents[2] / "docs" / "keywords.md").read_text("utf-8")


def test_the_page_s_examples_are_read_as_it_says() -> None:
    tiers = re.findall(r"^\| `(exact|leading|phrase|fuzzy)` \| .*? \| (.*) \|$", PAGE, re.MULTILINE)
    custom = prepare([], ["news"])
    for tier, examples in tiers:
        for example in re.findall("`([^`]+)`", examples):
            found = read(example, custom=custom)
            assert (found.action, found.tier, found.review) == (OPT_OUT, tier, False), example
    doubts = PAGE.partition("| a doubt is |")[2].partition("\n\n")[0]
    examples = re.findall("`([^`]+)`", doubts)
    assert len(tiers) == 4 and len(examples) >= 8
    assert [example for example in examples if not read(example, country="GB").review] == []
