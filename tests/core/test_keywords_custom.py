"""A workspace's own keywords, and the answers to keywords."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.core.keywords import HELP, NONE, OPT_IN, OPT_OUT, TOPIC, Own, check, confirmation, prepare, read, tables
from heliograph.core.keywords.confirming import BRAND_LETTERS_MAX, CONTACT_LETTERS_MAX, answers
from heliograph.core.segments import measure

LEGAL = tables.words().legal.words
SHOP = prepare(
    [
        Own(("PIZZA", "Ma Carte"), flow="order"),
        Own(("VIP",), OPT_IN, topic="vip"),
        Own(("BASTA",), OPT_OUT),
        Own(("CANCEL",), flow="cancel_order"),
        Own(("HOURS",), HELP),
    ],
    topics=["news", "Flash Sales"],
)


@pytest.mark.parametrize(
    ("text", "country", "action", "flow", "topic"),
    [
        ("pizza", "US", NONE, "order", ""),
        ("Pizza please!", "US", NONE, "order", ""),
        ("MACARTE", "FR", NONE, "order", ""),
        ("vip", "US", OPT_IN, "", "vip"),
        ("Basta.", "IT", OPT_OUT, "", ""),
        ("hours?", "US", HELP, "", ""),
        ("cancel", "GB", NONE, "cancel_order", ""),
        ("cancel", "US", OPT_OUT, "", ""),
        ("cancel", "CA", OPT_OUT, "", ""),
        ("cancel", "", OPT_OUT, "", ""),
        ("STOP NEWS", "US", OPT_OUT, "", "news"),
        ("stopnews", "US", OPT_OUT, "", "news"),
        ("please stop flash sales", "US", OPT_OUT, "", "Flash Sales"),
        ("START news", "US", OPT_IN, "", "news"),
        ("pizza\nactually stop texting me", "US", OPT_OUT, "", ""),
    ],
)
def test_a_workspace_s_own_words_are_read(text: str, country: str, action: str, flow: str, topic: str) -> None:
    found = read(text, country=country, custom=SHOP)
    assert (found.action, found.flow, found.topic) == (action, flow, topic)
    assert not found.review
    assert (found.scope == TOPIC) == bool(topic)


@pytest.mark.parametrize("word", [*LEGAL, "OPTOUT", "Opt-Out", "s.t.o.p", "ＥＮＤ"])
@pytest.mark.parametrize("countries", [("US",), ("CA", "FR"), ()])
def test_a_word_of_the_law_keeps_its_meaning(word: str, countries: tuple[str, ...]) -> None:
    for own in (Own((word,), flow="x"), Own((word,), OPT_IN), Own((word,), HELP), Own((word,), OPT_OUT, topic="news")):
        (refusal,) = check([Own(("C",)), own], countries=countries)
        assert (refusal.code, refusal.pointer) == ("reserved_keyword", "/keywords/1/words/0")
        assert word in refusal.detail
    assert check([Own((word,), OPT_OUT)], countries=countries) == []


@pytest.mark.parametrize(
    ("owns", "topics", "codes"),
    [
        ([Own(("CANCEL",), flow="x")], [], []),
        ([Own(("STOP",), flow="x")], [], ["reserved_keyword"]),
        ([Own(("退订",), flow="x")], [], ["reserved_keyword"]),
        ([Own(("A", "a "))], [], ["bad_value"]),
        ([Own(("",))], [], ["bad_value"]),
        ([Own(("...",))], [], ["bad_value"]),
        ([Own(("A" * 31,))], [], ["bad_value"]),
        ([Own(("A",), "delete")], [], ["bad_value"]),
        ([], ["news", "all"], ["reserved_keyword"]),
        ([], ["Marketing"], ["reserved_keyword"]),
        ([], ["!"], ["bad_value"]),
    ],
)
def test_a_configuration_is_checked_elsewhere_too(owns: list[Own], topics: list[str], codes: list[str]) -> None:
    assert [refusal.code for refusal in check(owns, topics, countries=("DE",))] == codes


@given(st.sampled_from(LEGAL), st.sampled_from(["US", "CA", ""]))
def test_no_configuration_takes_a_legal_no_away(word: str, country: str) -> None:
    custom = prepare([Own((word,), OPT_IN)])
    assert read(word, country=country, custom=custom).action == OPT_OUT


# -- answers


@pytest.mark.parametrize("language", answers())
@pytest.mark.parametrize("action", [OPT_OUT, OPT_IN, HELP])
def test_an_answer_is_one_segment_and_says_who_writes(language: str, action: str) -> None:
    brand, contact = "B" * BRAND_LETTERS_MAX, "c" * CONTACT_LETTERS_MAX
    text = confirmation(action, language, brand, contact)
    assert measure(text)[1] == 1, (measure(text), len(text))
    assert text.startswith(brand) and "{" not in text
    assert (contact in text) == (action == HELP)


def test_every_language_with_words_has_answers() -> None:
    assert answers().keys() == tables.words().languages.keys()


@pytest.mark.parametrize("language", answers())
def test_the_words_that_an_answer_names_do_what_it_says(language: str) -> None:
    named = {}
    for action in (OPT_OUT, OPT_IN, HELP):
        text = confirmation(action, language, "Acme", "1")
        words = {*re.split(r"[\s「」]+", text), *re.findall("[A-Z]{2,}", text)}
        named[action] = {read(word, languages=(language,)).action for word in words}
    assert OPT_OUT in named[OPT_IN] and OPT_OUT in named[HELP]
    assert HELP in named[OPT_IN]


def test_a_brand_is_put_in_as_it_is() -> None:
    assert confirmation(HELP, "xx", "{contact} & Co", "1").startswith("{contact} & Co: for help contact 1.")
