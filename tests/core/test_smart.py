"""Smart encoding: all or nothing, never in links, never in letters that run right to left, and always shown."""

import json
import unicodedata
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.core.segments import measure, normalise
from heliograph.core.smart import replacement, smart, tier_names
from tests.core import slow_segments as slow
from tests.core.million_texts import ALPHABETS

TIERS = json.loads((resources.files("heliograph.core") / "data" / "smart_encoding.json").read_text())["tiers"]
MAPPED = {name: {chr(int(code, 16)): to for code, to in tier["map"].items()} for name, tier in TIERS.items()}
BY_DEFAULT = {character: to for name in MAPPED if TIERS[name]["default"] for character, to in MAPPED[name].items()}
TEXTS = st.text(st.sampled_from([*"aZ é€", *BY_DEFAULT]) | st.sampled_from([*"aя😀ç“", "a", " "]))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("“It’s here”", '"It\'s here"'),
        ("1–2 … 3", "1-2 ... 3"),
        ("a\u00a0b", "a b"),
        ("zero\u200bwidth", "zerowidth"),
        ("stray mark\u200f", "stray mark"),
        ("ﬁn", "fin"),
        ("ʜɪ ❨now❩", "HI (now)"),
        ("plain", "plain"),
        ("", ""),
    ],
)
def test_look_alikes_are_put_in(text: str, expected: str) -> None:
    assert smart(text).text == expected


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("“yes” 😀", id="an emoji is left"),
        pytest.param("“да”", id="another alphabet"),
        pytest.param("garçon’s", id="a letter of a tier that is off"),
        pytest.param("‘x’ at https://example.com/it’s", id="in a link"),
        pytest.param("WWW.example.com/it’s", id="in a link without a scheme"),
        pytest.param("myapp+x://it’s", id="in a link of an app"),
        pytest.param("“שלום”", id="Hebrew"),
        pytest.param("«مرحبا»", id="Arabic"),
        pytest.param("👩\u200d🚀 …", id="joiner"),
        pytest.param("\u200b", id="nothing would be left"),
    ],
)
def test_a_text_is_left_alone(text: str) -> None:
    assert smart(text) == (text, ())


def test_a_link_does_not_keep_the_rest_from_being_converted() -> None:
    assert smart("It’s at https://example.com/a?b=c – now").text == "It's at https://example.com/a?b=c - now"


def test_what_was_replaced_is_shown() -> None:
    assert smart("a…b’").replaced == ((1, "…", "..."), (3, "’", "'"))


@given(TEXTS)
def test_all_or_nothing(text: str) -> None:
    """A text that smart encoding changes is wholly GSM-7 after it; else it is the text that it was."""
    found = smart(text)
    if found.replaced:
        assert slow.encoding(found.text) == "gsm7" != slow.encoding(text)
    else:
        assert found.text == text


@given(TEXTS)
def test_the_replacements_shown_reproduce_the_change(text: str) -> None:
    found = smart(text)
    characters = list(text)
    for change in found.replaced:
        assert characters[change.position] == change.original
        characters[change.position] = change.replacement
    assert "".join(characters) == found.text


@given(TEXTS)
def test_a_text_is_converted_once(text: str) -> None:
    once = smart(text).text
    assert smart(once) == (once, ())


@given(st.lists(st.sampled_from(["“", "’", "a", " ", "https://x.example/’", "www.x/…", "https://x.example/?a"])))
def test_links_stay_as_they_are(words: list[str]) -> None:
    text = " ".join(words)
    links = [word for word in words if "/" in word]
    assert [word for word in smart(text).text.split(" ") if "/" in word] == links


@given(TEXTS, st.sampled_from(ALPHABETS["arabic"]).filter(str.isalpha), st.data())
def test_texts_that_run_right_to_left_stay_as_they_are(text: str, letter: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(text)))
    mixed = text[:place] + letter + text[place:]
    assert smart(mixed, tier_names()) == (mixed, ())


def test_smart_encoding_saves_a_part() -> None:
    text = "We’re closed — " * 8
    assert (measure(text), measure(smart(text).text)) == (("ucs2", 2), ("gsm7", 1))


# -- the tiers


def test_a_tier_that_is_off_is_used_when_named() -> None:
    assert smart("garçon’s").replaced == ()
    assert smart("garçon’s", ("typographic", "latin_letters")).text == "garcon's"
    assert smart("it’s", ()).replaced == ()


def test_a_tier_that_is_not_there_is_refused() -> None:
    with pytest.raises(KeyError):
        smart("it’s", ("everything",))


def test_the_tiers_are_those_of_the_table() -> None:
    assert tier_names() == tuple(TIERS)
    assert {name for name in TIERS if TIERS[name]["default"]} == {"typographic", "compatibility", "decorative"}


@pytest.mark.parametrize("name", TIERS)
def test_a_tier_replaces_what_is_foreign_by_what_is_not(name: str) -> None:
    for character, to in MAPPED[name].items():
        assert slow.encoding(character) == "ucs2" and slow.encoding(to) == "gsm7"
        assert normalise(to) == to


@pytest.mark.parametrize("name", TIERS)
def test_no_tier_holds_joiners_or_letters_that_run_right_to_left(name: str) -> None:
    letters = {character for character in MAPPED[name] if unicodedata.bidirectional(character) in ("R", "AL")}
    assert not {"\u200c", "\u200d", "\ufe0f"} & set(MAPPED[name])
    assert letters <= {"\u200f"}  # a mark, not a letter


@pytest.mark.parametrize(("character", "expected"), [("’", "'"), ("ç", None), ("a", None)])
def test_a_preview_knows_what_would_be_put(character: str, expected: str | None) -> None:
    assert replacement(character) == expected
