"""The GSM alphabets, septets, packing and headers: as the standard prints them."""

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.core import gsm
from tests.core.slow_segments import DATA

PUBLISHED = json.loads((DATA / "default_alphabet.json").read_text())
LANGUAGES = json.loads((DATA / "national_tables.json").read_text())["languages"]
PACKING = json.loads((DATA / "packing_vectors.json").read_text())["cases"]
GSM_TEXTS = st.text(sorted({*gsm.DEFAULT.basic, *gsm.DEFAULT.extension}))


def printed(cells: dict[str, str] | None) -> dict[int, str]:
    """A table as published: septet to character."""
    return {int(septet, 16): chr(int(code, 16)) for septet, code in (cells or {}).items()}


def shifted(name: str) -> list[gsm.Table]:
    locking = (None, name) if gsm.has_locking(name) else (None,)
    return [gsm.table(lock, single) for lock in locking for single in (None, name)]


def test_the_default_tables_are_those_of_the_standard() -> None:
    assert gsm.DEFAULT.characters == printed(PUBLISHED["basic"])
    assert gsm.DEFAULT.escaped == printed(PUBLISHED["extension"])
    assert len(gsm.DEFAULT.basic) == 127 and len(gsm.DEFAULT.extension) == 10


@pytest.mark.parametrize("character", "`çáíóúâêîôûëïãõ°²™\t\xa0\x1b")
def test_what_is_often_believed_to_be_in_the_alphabet_is_not(character: str) -> None:
    assert not gsm.DEFAULT.holds(character) and gsm.FOREIGN.search(character)
    with pytest.raises(ValueError, match="position 2"):
        gsm.encode(f"ok{character}")


@pytest.mark.parametrize("name", LANGUAGES)
def test_a_national_table_is_that_of_the_standard(name: str) -> None:
    published = LANGUAGES[name]
    assert gsm.table(None, name).escaped == printed(published["single"])
    assert gsm.has_locking(name) == (published["locking"] is not None)
    if gsm.has_locking(name):
        assert gsm.table(name, None).characters == printed(published["locking"])


@pytest.mark.parametrize("name", LANGUAGES)
def test_every_character_of_a_national_table_is_written_and_read_again(name: str) -> None:
    for tables in shifted(name):
        text = "".join({*tables.characters.values(), *tables.escaped.values()})
        septets = gsm.encode(text, tables)
        assert gsm.decode(septets, tables) == text and len(septets) == tables.cost(text)
        assert gsm.ESCAPE not in tables.characters and gsm.ESCAPE not in tables.escaped


def test_a_character_that_stands_twice_is_read_from_both_places_and_written_to_the_first() -> None:
    hindi = gsm.table(None, "hindi")
    assert gsm.decode(b"\x1b\x0b\x1b\x18\x1b\x13\x1b\x15", hindi) == "**¡¡"
    assert gsm.table("hindi", "hindi").extension["¡"] == 0x13


def test_spanish_has_no_locking_table() -> None:
    with pytest.raises(ValueError, match="spanish"):
        gsm.table("spanish", None)


def test_the_languages_are_those_that_have_tables() -> None:
    assert set(gsm.language_names()) == set(LANGUAGES)


@given(GSM_TEXTS)
def test_what_is_encoded_is_decoded_again(text: str) -> None:
    septets = gsm.encode(text)
    assert gsm.decode(septets) == text
    assert len(septets) == gsm.DEFAULT.cost(text)


@pytest.mark.parametrize(
    ("septets", "text"),
    [
        (b"\x1b\x65", "€"),
        (b"\x1b\x41", "A"),
        (b"a\x1b", "a "),
        (b"\x1b\x1ba", " a"),
        (b"\x00\x09", "@Ç"),
        (b"\xe1", "a"),
    ],
    ids=["extension", "unknown escape", "escape at the end", "escape for a further table", "corners", "a spare bit"],
)
def test_septets_are_read_as_handsets_read_them(septets: bytes, text: str) -> None:
    assert gsm.decode(septets) == text


def test_an_unassigned_septet_of_a_national_table_is_a_space() -> None:
    bengali = gsm.table("bengali", None)
    unassigned = next(septet for septet in range(128) if septet not in {*bengali.characters, gsm.ESCAPE})
    assert gsm.decode(bytes((unassigned,)), bengali) == " "


@pytest.mark.parametrize("case", PACKING, ids=[f"{case['text'][:12]} {case['udh']}" for case in PACKING])
def test_packing_gives_the_octets_that_two_other_codecs_give(case: dict[str, Any]) -> None:
    udh, user_data = bytes.fromhex(case["udh"]), bytes.fromhex(case["user_data"])
    tables = gsm.table(None, "turkish") if udh.startswith(b"\x03\x24\x01\x01") else gsm.DEFAULT
    septets, fill = gsm.encode(case["text"], tables), gsm.fill_bits(len(udh))
    assert septets.hex() == case["septets"] and fill == case["fill_bits"]
    assert udh + gsm.pack(septets, fill) == user_data
    assert gsm.unpack(user_data[len(udh) :], len(septets), fill) == septets
    assert gsm.decode(septets, tables) == case["text"]


@given(st.binary(max_size=160).map(lambda octets: bytes(octet & 0x7F for octet in octets)), st.integers(0, 6))
def test_what_is_packed_is_unpacked_again(septets: bytes, fill: int) -> None:
    packed = gsm.pack(septets, fill)
    assert gsm.unpack(packed, len(septets), fill) == septets
    assert len(packed) == -(-(len(septets) * 7 + fill) // 8)


@pytest.mark.parametrize(
    ("octets", "fill"), [(0, 0), (4, 3), (6, 1), (7, 0), (9, 5), (10, 4), (12, 2), (13, 1)]
)  # fmt: skip
def test_fill_bits_align_the_septets_behind_a_header(octets: int, fill: int) -> None:
    assert gsm.fill_bits(octets) == fill


def test_headers_say_part_total_and_reference() -> None:
    assert gsm.header(gsm.concatenation(0x2A, 3, 2)).hex() == "0500032a0302"
    assert gsm.header(gsm.concatenation(0x1234, 3, 2, bits=16)).hex() == "06080412340302"
    assert gsm.header() == b""


def test_a_header_names_the_languages_in_force() -> None:
    tables = gsm.table("turkish", "turkish")
    assert gsm.header(*gsm.shifts(tables)).hex() == "06250101240101"
    assert len(b"".join(gsm.shifts(tables))) == tables.header_octets == 6
    assert gsm.shifts(gsm.DEFAULT) == () and gsm.DEFAULT.header_octets == 0


def test_no_header_counts_beyond_255_parts() -> None:
    assert gsm.concatenation(1, 255, 255)
    with pytest.raises(ValueError, match="256"):
        gsm.concatenation(1, 256, 1)


@pytest.mark.parametrize("name", LANGUAGES)
def test_what_normalising_takes_apart_can_still_be_written(name: str) -> None:
    """NFC never composes Indic letters with a nukta, though tables hold them composed."""
    tables = shifted(name)[-1]
    for character in [*tables.basic, *tables.extension]:
        assert tables.holds(unicodedata.normalize("NFC", character))
