"""Where a part may end: never inside what a reader takes for one character."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.core.clusters import last_cut, may_cut
from tests.core import slow_segments as slow
from tests.core.million_texts import ALPHABETS

TEXTS = st.lists(st.sampled_from([piece for pieces in ALPHABETS.values() for piece in pieces])).map("".join)


def pieces(text: str) -> list[str]:
    places = [place for place in range(1, len(text)) if may_cut(text, place)]
    return [text[start:end] for start, end in zip([0, *places], [*places, len(text)], strict=True) if text]


@pytest.mark.parametrize(
    "whole",
    [
        pytest.param("🇬🇷", id="flag"),
        pytest.param("🏴󠁧󠁢󠁳󠁣󠁴󠁿", id="flag made of tags"),
        pytest.param("👨‍👩‍👧‍👦", id="family"),
        pytest.param("👩🏽‍🚀", id="modifier and joiner"),
        pytest.param("👍🏿", id="modifier"),
        pytest.param("❤️", id="variation selector"),
        pytest.param("1️⃣", id="keycap"),
        pytest.param("a\u0335\u0301\u20dd", id="several marks"),
        pytest.param("क्ष", id="Devanagari conjunct"),
        pytest.param("क्\u200dष", id="conjunct with a joiner"),
        pytest.param("क्षि", id="conjunct with its vowel"),
        pytest.param("র্\u200c", id="non-joiner"),
        pytest.param("\u1112\u1161\u11ab", id="Hangul jamo"),
        pytest.param("\u1100\uac00", id="Hangul consonant before a syllable"),
        pytest.param("가\u1161\u11a8", id="Hangul syllable and jamo"),
        pytest.param("น้ำ", id="Thai vowel"),
        pytest.param("ｶﾞ", id="halfwidth voicing"),
    ],
)
def test_what_is_read_as_one_is_never_cut(whole: str) -> None:
    assert pieces(whole) == [whole]
    assert pieces(f"и{whole}и{whole}") == ["и", whole, "и", whole]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ab", ["a", "b"]),
        ("世界", ["世", "界"]),
        ("안녕", ["안", "녕"]),
        ("😀😀", ["😀", "😀"]),
        ("🇬🇷🇹🇷🇬", ["🇬🇷", "🇹🇷", "🇬"]),
        ("🇬🇷и🇹🇷", ["🇬🇷", "и", "🇹🇷"]),
        ("कम", ["क", "म"]),
        ("", []),
    ],
)
def test_what_is_read_as_several_may_be_cut(text: str, expected: list[str]) -> None:
    assert pieces(text) == expected


@given(TEXTS)
def test_reading_backwards_finds_the_pieces_that_reading_forwards_does(text: str) -> None:
    assert pieces(text) == slow.clusters(text)


@given(st.text())
def test_the_pieces_of_any_text_give_the_text(text: str) -> None:
    assert "".join(pieces(text)) == text


@given(TEXTS.filter(bool), st.data())
def test_the_last_cut_is_the_last_place_that_may_be_cut(text: str, data: st.DataObject) -> None:
    end = data.draw(st.integers(1, len(text)))
    cut = last_cut(text, 0, end)
    allowed = [place for place in range(1, end + 1) if may_cut(text, place)]
    assert cut == (allowed[-1] if allowed else end)
