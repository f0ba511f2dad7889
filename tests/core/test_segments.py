"""Segments: the published vectors, and laws that hold for every text. The laws themselves stand in `million_texts`."""

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.core import gsm
from heliograph.core.clusters import may_cut
from heliograph.core.segments import GSM7, UCS2, Forcing, Split, capacity, forbidden, measure, normalise, split
from tests.core import slow_segments as slow
from tests.core.million_texts import ALPHABETS, check, check_block

VECTORS: list[dict[str, Any]] = json.loads((slow.DATA / "segment_vectors.json").read_text())["cases"]
# The vectors cut flags, letters from their marks, and what a joiner joins; a reader wants them whole. So some parts
# end a little earlier, and 33 flags need a third part, as the vector itself says.
KEPT_WHOLE = {
    *(f"flag x{times}" for times in (18, 33, 34)),
    *(f"combining x{times}" for times in (36, 40)),
    *(f"e+acute decomposed latin x{times}" for times in (36, 70)),
    "random unicode",
}
TURKISH = "ığşİĞŞ"
TEXTS = st.lists(st.sampled_from([piece for pieces in ALPHABETS.values() for piece in pieces]), max_size=400)
FEW = st.text(st.sampled_from(["a", "€", TURKISH[0], "é", "क", "्", "ा"]), max_size=300)


def cuts_a_cluster(case: dict[str, Any]) -> bool:
    place, places = 0, []
    for length in case["part_lengths_code_points"]:
        place += length
        places.append(place)
    return not all(may_cut(case["text"], place) for place in places[:-1])


@pytest.mark.parametrize("case", VECTORS, ids=[f"{number} {case['name']}" for number, case in enumerate(VECTORS)])
@pytest.mark.parametrize(("reference_bits", "key"), [(8, "segments"), (16, "segments_16bit_ref")])
def test_a_text_takes_as_many_parts_as_the_vector_says(case: dict[str, Any], reference_bits: int, key: str) -> None:
    found = split(case["text"], reference_bits=reference_bits)
    assert found.encoding == {"GSM-7": GSM7, "UCS-2": UCS2}[case["encoding"]]
    assert found.units == case["units"]
    assert len(found.segments) == case.get("segments_if_graphemes_kept_whole", case[key])
    if reference_bits == 8 and not cuts_a_cluster(case):
        assert [len(segment.text) for segment in found.segments] == case["part_lengths_code_points"]


def test_only_vectors_with_flags_and_marks_cut_what_is_read_as_one() -> None:
    assert {case["name"] for case in VECTORS if cuts_a_cluster(case)} == KEPT_WHOLE


@given(TEXTS.map("".join).map(normalise), st.sampled_from((8, 16)))
def test_every_text_keeps_the_laws(text: str, reference_bits: int) -> None:
    check(text, reference_bits)


@given(st.text(max_size=300).map(normalise))
def test_texts_of_any_characters_keep_the_laws(text: str) -> None:
    check(text)


def test_two_thousand_random_texts_keep_the_laws() -> None:
    counts: Counter[tuple[str, int]] = sum((check_block(f"tests/{block}") for block in range(2)), Counter())
    assert counts.total() == 2_000
    assert {encoding for encoding, _ in counts} == {GSM7, UCS2}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a" * 160, (GSM7, 1)),
        ("a" * 161, (GSM7, 2)),
        ("a" * 320, (GSM7, 3)),  # three, not two: a part of several holds 153
        ("€" * 80, (GSM7, 1)),
        ("€" * 153, (GSM7, 3)),  # 306 septets; no escape pair is cut
        ("я" * 70, (UCS2, 1)),
        ("я" * 71, (UCS2, 2)),
        ("😀" * 35, (UCS2, 1)),
        ("😀" * 67, (UCS2, 3)),  # 134 units; no surrogate pair is cut
        ("🇬🇷" * 33, (UCS2, 3)),
        ("a" * 149 + "✅", (UCS2, 3)),
        ("", (GSM7, 1)),
    ],
)
def test_parts_are_filled_not_divided(text: str, expected: tuple[str, int]) -> None:
    assert measure(text) == expected


def test_one_check_mark_changes_the_encoding_and_is_shown() -> None:
    plain = "Your order is on its way. Track it in the app, or answer STOP to hear no more of it."
    assert measure(plain) == (GSM7, 1)
    found = split(plain + "✅")
    assert (found.encoding, len(found.segments)) == (UCS2, 2)
    assert found.forced_by == (Forcing(len(plain), "✅", "U+2705 WHITE HEAVY CHECK MARK", None),)


def test_what_could_stand_for_a_forcing_character_is_shown() -> None:
    assert [(at.position, at.name, at.replacement) for at in split("it’s\t…").forced_by] == [
        (2, "U+2019 RIGHT SINGLE QUOTATION MARK", "'"),
        (4, "U+0009 unnamed", " "),
        (5, "U+2026 HORIZONTAL ELLIPSIS", "..."),
    ]


@pytest.mark.parametrize(
    ("text", "left"), [("", 160), ("a" * 154, 6), ("a" * 161, 145), ("я" * 60, 10), ("я" * 71, 63)]
)
def test_it_tells_what_the_last_part_still_holds(text: str, left: int) -> None:
    assert split(text).units_left == left


@given(st.text("abя", max_size=200))
def test_what_is_left_in_one_part_can_be_filled_without_another(text: str) -> None:
    found = split(text)
    filler = "a" if found.encoding == GSM7 else "я"
    assert measure(text + filler * found.units_left)[1] == len(found.segments)
    if len(found.segments) > 1:
        assert measure(text + filler * (found.units_left + 1))[1] == len(found.segments) + 1


def test_what_follows_a_forced_cut_is_read_afresh() -> None:
    check("a\u200d" + "🇬\u200d" * 21 + "🇬" * 60)  # the cut falls between two halves of a flag


def test_a_cluster_longer_than_a_part_is_cut_after_all() -> None:
    towering = "я" + "\u0301" * 150
    found = split("ab" + towering)
    assert found.segments[0].text == "ab"
    assert "".join(segment.text for segment in found.segments) == "ab" + towering
    assert all(segment.units <= segment.limit for segment in found.segments)


def test_more_than_255_parts_are_counted_all_the_same() -> None:
    assert measure("a" * 153 * 256) == (GSM7, 256)
    assert len(split("я" * 67 * 300).segments) == measure("я" * 67 * 300)[1] == 300


@pytest.mark.parametrize(
    ("octets", "septets", "units"),
    [
        (0, 160, 70),
        (3, 155, 68),
        (5, 153, 67),
        (6, 152, 66),
        (8, 149, 65),
        (9, 148, 65),
        (11, 146, 64),
        (12, 145, 63),
    ],
)
def test_a_header_leaves_what_the_standard_says(octets: int, septets: int, units: int) -> None:
    assert (capacity(octets, bits=7), capacity(octets, bits=16)) == (septets, units)


# -- before it is counted


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\r\nb\rc\n", "a\nb\nc\n"),
        ("cafe\u0301", "café"),
        ("\u212b \u2126", "Å Ω"),
        ("plain", "plain"),
        ("и\u0306", "й"),
        ("\r\r\n", "\n\n"),
    ],
)
def test_normalising_composes_and_has_one_way_to_end_a_line(text: str, expected: str) -> None:
    assert normalise(text) == expected


def test_composed_characters_save_the_alphabet() -> None:
    assert measure(normalise("cafe\u0301")) == (GSM7, 1)


@given(st.text())
def test_normalising_twice_changes_nothing_more(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once and "\r" not in once


def test_control_characters_are_named_with_their_positions() -> None:
    assert forbidden("a\nb\x00 é\u200d😀") == [(3, "\x00")]
    assert forbidden("a\x00b\x1b\x7f\ud800") == [(1, "\x00"), (3, "\x1b"), (4, "\x7f"), (5, "\ud800")]


def test_exactly_the_controls_that_no_phone_shows_are_forbidden() -> None:
    refused = {character for character in map(chr, range(0xE000)) if forbidden(character)}
    controls = {*map(chr, range(0x20)), "\x7f"} - set("\t\n\f\r")
    assert refused == controls | {*map(chr, range(0xD800, 0xE000))}


# -- national tables, where a route allows them


def written(found: Split) -> gsm.Table:
    return gsm.table(found.locking, found.single)


@pytest.mark.parametrize(
    ("text", "national", "expected"),
    [
        ("ì" + TURKISH[0] * 70, ("turkish",), (GSM7, 1, None, "turkish")),
        (TURKISH[0] * 78, ("turkish",), (GSM7, 1, "turkish", None)),
        (TURKISH[0] * 71 + "a" * 20, ("spanish",), (UCS2, 2, None, None)),
        (TURKISH[0] * 71, ("spanish", "turkish"), (GSM7, 1, "turkish", None)),
        (TURKISH[0] * 70, ("turkish",), (UCS2, 1, None, None)),
        (TURKISH[0] * 71, (), (UCS2, 2, None, None)),
        ("a" * 200, ("turkish",), (GSM7, 2, None, None)),
    ],
    ids=["single", "locking", "the wrong one", "the right one", "saves nothing", "not allowed", "not needed"],
)
def test_a_national_table_is_used_where_it_saves_a_part(
    text: str, national: tuple[str, ...], expected: tuple[str, int, str | None, str | None]
) -> None:
    found = split(text, national=national)
    assert (found.encoding, len(found.segments), found.locking, found.single) == expected


@given(FEW, st.sampled_from([("turkish",), ("hindi",), ("turkish", "hindi")]), st.sampled_from((8, 16)))
def test_parts_in_national_tables_keep_the_laws(text: str, national: tuple[str, ...], reference_bits: int) -> None:
    without = split(text, reference_bits=reference_bits)
    found = split(text, reference_bits=reference_bits, national=national)
    tables = written(found)
    assert "".join(segment.text for segment in found.segments) == text
    assert all(segment.units <= segment.limit for segment in found.segments)
    assert all(may_cut(text, place) for place in places(found))
    if tables != gsm.DEFAULT:
        assert len(found.segments) < len(without.segments)
        header = gsm.header(*gsm.shifts(tables), *several(found, reference_bits))
        for segment in found.segments:
            septets = gsm.encode(segment.text, tables)
            assert len(septets) == segment.units and gsm.decode(septets, tables) == segment.text
            assert len(header + gsm.pack(septets, gsm.fill_bits(len(header)))) <= 140
    else:
        assert found == without


def several(found: Split, reference_bits: int) -> list[bytes]:
    return [gsm.concatenation(1, len(found.segments), 1, reference_bits)] if len(found.segments) > 1 else []


def places(found: Split) -> list[int]:
    """Where the parts end."""
    lengths = [len(segment.text) for segment in found.segments]
    return [sum(lengths[: count + 1]) for count in range(len(lengths) - 1)]
