"""A text in several parts: how long they are, how they say which they are, and by what reference."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.carriers.smpp.settings import ALPHABETS
from heliograph.carriers.smpp.spelling import Speller
from heliograph.core import gsm, segments
from heliograph.smpp.codec import decode, encode
from heliograph.smpp.commands import SUBMIT_SM, Tag
from heliograph.smpp.parts import UDHI, payload
from tests.carriers.network import NOW
from tests.carriers.smpp.spelling import (
    AIR_MAX,
    CYRILLIC,
    LONG,
    WAYS_WITH_PARTS,
    expected_parts,
    on_air,
    one,
    read,
    settings,
    spell,
    text_of,
)

# -- long messages


@pytest.mark.parametrize(
    ("way", "headers"),
    [
        ("udh8", [b"\x05\x00\x03\x08\x02\x01", b"\x05\x00\x03\x08\x02\x02"]),
        ("udh16", [b"\x06\x08\x04\x12\x08\x02\x01", b"\x06\x08\x04\x12\x08\x02\x02"]),
    ],
)
def test_parts_say_in_a_header_which_they_are(way: str, headers: list[bytes]) -> None:
    pdus = Speller(settings(long_messages=way), 0x1207).pdus(text_of(LONG), NOW)
    for pdu, header in zip(pdus, headers, strict=True):
        assert pdu.fields["short_message"].startswith(header)
        assert pdu.fields["esm_class"] == UDHI
        assert not pdu.tlvs


def test_parts_say_in_parameters_which_they_are() -> None:
    pdus = Speller(settings(long_messages="sar"), 0x1207).pdus(text_of(LONG), NOW)
    assert [pdu.tlvs for pdu in pdus] == [
        {Tag.SAR_MSG_REF_NUM: b"\x12\x08", Tag.SAR_TOTAL_SEGMENTS: b"\x02", Tag.SAR_SEGMENT_SEQNUM: bytes((number,))}
        for number in (1, 2)
    ]
    assert [pdu.fields["short_message"] for pdu in pdus] == [LONG[:153].encode(), LONG[153:].encode()]
    assert not any(pdu.fields["esm_class"] for pdu in pdus)  # never both


@pytest.mark.parametrize("text", [LONG, CYRILLIC])
def test_a_payload_holds_the_whole_text(text: str) -> None:
    pdu = one(text_of(text), long_messages="payload")
    octets = pdu.tlvs[Tag.MESSAGE_PAYLOAD]
    assert octets == (text.encode("ascii") if text.isascii() else text.encode("utf-16-be"))
    assert pdu.fields["short_message"] == b""  # sm_length is 0 beside it
    assert decode(encode(pdu)).fields["short_message"] == b""


def test_a_short_text_needs_no_payload() -> None:
    pdu = one(text_of("Hello"), long_messages="payload")
    assert (pdu.fields["short_message"], pdu.tlvs) == (b"Hello", {})


@pytest.mark.parametrize(
    ("way", "text", "sizes"),
    [
        ("udh8", "a" * 160, [160]),
        ("udh8", "a" * 161, [153, 8]),
        ("udh8", "a" * 307, [153, 153, 1]),
        ("udh16", "a" * 161, [152, 9]),
        ("udh16", "a" * 304, [152, 152]),
        ("sar", "a" * 161, [153, 8]),
        ("udh8", "я" * 70, [70]),
        ("udh8", "я" * 71, [67, 4]),
        ("udh16", "я" * 71, [66, 5]),
        ("sar", "я" * 71, [67, 4]),
        ("udh8", "a" * 152 + "€" + "a" * 100, [152, 101]),  # an escape and its letter stay together
        ("udh8", "я" * 66 + "😀" + "я" * 10, [66, 11]),  # so do both halves of a surrogate pair
    ],
)
def test_parts_are_as_long_as_the_header_lets_them(way: str, text: str, sizes: list[int]) -> None:
    speech = settings(long_messages=way)
    pdus = Speller(speech).pdus(text_of(text), NOW)
    assert [len(read(pdu, speech, 0)) for pdu in pdus] == sizes


@pytest.mark.parametrize("way", ["udh8", "udh16"])
def test_packed_septets_begin_at_a_border_behind_the_header(way: str) -> None:
    """Else a phone shows every letter shifted: one bit is filled behind six octets, none behind seven."""
    first, second = spell(text_of(LONG), default_alphabet="gsm7-packed", long_messages=way)
    header = first.fields["short_message"][0] + 1
    size = 153 if way == "udh8" else 152
    for pdu, text in ((first, LONG[:size]), (second, LONG[size:])):
        bits = int.from_bytes(pdu.fields["short_message"][header:], "little") >> {6: 1, 7: 0}[header]
        assert bytes(bits >> 7 * place & 0x7F for place in range(len(text))).decode() == text
    assert len(first.fields["short_message"]) == AIR_MAX


def test_fields_other_than_the_text_are_the_same_in_all_parts() -> None:
    pdus = spell(text_of(LONG, sender="Acme"), tlvs={"0x1400": "entity"}, service_type="CMT")
    first, second = ({**pdu.fields, "short_message": b""} for pdu in pdus)
    assert first == second
    assert pdus[0].tlvs == pdus[1].tlvs == {0x1400: b"entity"}


def test_more_parts_than_a_header_counts_are_refused() -> None:
    fits, too_long = text_of("a" * 153 * 255), text_of("a" * (153 * 255 + 1))
    for way in WAYS_WITH_PARTS[::2]:
        assert len(spell(fits, long_messages=way)) == 255
        with pytest.raises(ValueError, match=r"bytes must be in range"):
            spell(too_long, long_messages=way)


GSM_LETTERS: Final = "".join((*gsm.DEFAULT.basic, *gsm.DEFAULT.extension))
# Plain, of GSM, of one script, of many, with letters that must not be cut; long ones by repeating.
TEXTS: Final = st.builds(
    lambda text, times: text * times,
    st.one_of(
        st.text("abc @\n", min_size=1, max_size=20),
        st.text(GSM_LETTERS, min_size=1, max_size=60),
        st.text("aé€£Δ[ñ", min_size=1, max_size=40),
        st.text("мир a", min_size=1, max_size=40),
        st.text("a😀👩‍👩‍👧🇬🇧é", min_size=1, max_size=30),
        st.text(min_size=1, max_size=40),
    ),
    st.integers(1, 12),
)
WAYS: Final = st.sampled_from(["udh8", "udh16", "sar", "payload"])


@given(text=TEXTS, alphabet=st.sampled_from(ALPHABETS), way=WAYS, reference=st.integers(0, 0xFFFF))
def test_parts_read_back_and_joined_give_the_text(text: str, alphabet: str, way: str, reference: int) -> None:
    speech = settings(default_alphabet=alphabet, long_messages=way)
    pdus = Speller(speech, reference).pdus(text_of(text), NOW)
    if way == "payload":
        [pdu] = pdus
        assert read(pdu, speech, gsm.DEFAULT.cost(text)) == text
        return
    wanted = expected_parts(pdus, text, speech)
    assert [read(pdu, speech, segment.units) for pdu, segment in zip(pdus, wanted, strict=True)] == [
        segment.text for segment in wanted
    ]
    assert "".join(segment.text for segment in wanted) == text
    parts = [payload(pdu).part for pdu in pdus]
    if len(pdus) == 1:
        assert parts == [None]
    else:
        assert [(part.total, part.number) for part in parts if part] == [(len(pdus), n + 1) for n in range(len(pdus))]
        width = {"udh8": "8", "udh16": "16", "sar": "sar"}[way]
        bits = 0xFF if way == "udh8" else 0xFFFF
        assert {(part.reference, part.width) for part in parts if part} == {((reference + 1) & bits, width)}


@given(text=TEXTS, alphabet=st.sampled_from(ALPHABETS), way=st.sampled_from(WAYS_WITH_PARTS))
def test_no_part_is_longer_on_air_than_a_part_may_be(text: str, alphabet: str, way: str) -> None:
    speech = settings(default_alphabet=alphabet, long_messages=way)
    pdus = Speller(speech).pdus(text_of(text), NOW)
    for pdu, segment in zip(pdus, expected_parts(pdus, text, speech), strict=True):
        assert on_air(pdu, speech, segment.units) <= AIR_MAX


@given(
    text=st.one_of(TEXTS, st.text(st.characters(), max_size=200)),  # lone surrogates, controls, NUL
    encoding=st.sampled_from([segments.GSM7, segments.UCS2]),
    alphabet=st.sampled_from(ALPHABETS),
    way=WAYS,
)
def test_a_wrong_letter_is_at_most_a_value_error(text: str, encoding: str, alphabet: str, way: str) -> None:
    """Whatever was counted before: the carrier answers for what it can't write, and nothing else may come up."""
    given_message = text_of(text, encoding=encoding)
    try:
        pdus = Speller(settings(default_alphabet=alphabet, long_messages=way)).pdus(given_message, NOW)
    except ValueError:
        return
    assert pdus and {pdu.command for pdu in pdus} == {SUBMIT_SM}


@given(text=TEXTS, alphabet=st.sampled_from([name for name in ALPHABETS if name != "utf-8"]), way=WAYS)
def test_what_is_spelled_can_be_written(text: str, alphabet: str, way: str) -> None:
    for pdu in spell(text_of(text), default_alphabet=alphabet, long_messages=way):
        again = decode(encode(pdu))
        assert {name: again.fields[name] for name in pdu.fields} == pdu.fields
        assert again.tlvs == pdu.tlvs


@pytest.mark.parametrize("way", ["udh8", "udh16", "sar", "payload"])
@pytest.mark.parametrize("text", [pytest.param("Δ" * 160), "a" * 160, "é" * 90 + "a" * 70])
def test_one_part_in_utf8_can_be_written(text: str, way: str) -> None:
    pdu = decode(encode(one(text_of(text), default_alphabet="utf-8", long_messages=way)))
    assert payload(pdu).text.decode() == text


@pytest.mark.parametrize("way", [*(pytest.param(way) for way in WAYS_WITH_PARTS), "payload"])
@pytest.mark.parametrize("text", ["é" * 150 + "a" * 20, "a" * 153 + "é" * 150])
def test_several_parts_in_utf8_can_be_written(text: str, way: str) -> None:
    speech = settings(default_alphabet="utf-8", long_messages=way)
    pdus = [decode(encode(pdu)) for pdu in Speller(speech).pdus(text_of(text), NOW)]
    assert "".join(read(pdu, speech, 0) for pdu in pdus) == text
    assert all(len(pdu.fields["short_message"]) <= 254 for pdu in pdus)


@pytest.mark.parametrize("sender", ["A" * 21, "Ωmega", "A\0B", "١٢٣٤"])
def test_a_sender_that_the_protocol_cannot_write_is_a_value_error(sender: str) -> None:
    with pytest.raises(ValueError, match="source_addr"):
        spell(text_of("Hello", sender=sender))


@pytest.mark.parametrize("sender", ["Acme", "A" * 20, "Café"])
def test_any_other_sender_is_left_to_the_carrier(sender: str) -> None:
    assert decode(encode(one(text_of("Hello", sender=sender)))).fields["source_addr"] == sender


# -- references


def references(speller: Speller, recipient: str, times: int = 1) -> list[int]:
    found = []
    for _ in range(times):
        part = payload(speller.pdus(text_of(LONG, to=recipient), NOW)[0]).part
        assert part is not None
        found.append(part.reference)
    return found


@pytest.mark.parametrize(
    ("way", "start", "expected"),
    [
        ("udh8", 0, [1, 2, 3]),
        ("udh8", 0xFE, [0xFF, 0, 1]),
        ("udh8", 0x1FE, [0xFF, 0, 1]),
        ("udh16", 0xFE, [0xFF, 0x100, 0x101]),
        ("udh16", 0xFFFE, [0xFFFF, 0, 1]),
        ("sar", 0xFFFE, [0xFFFF, 0, 1]),
    ],
)
def test_references_of_one_recipient_count_on_and_come_round(way: str, start: int, expected: list[int]) -> None:
    assert references(Speller(settings(long_messages=way), start), "+447700900001", 3) == expected


def test_each_recipient_has_references_of_his_own() -> None:
    """One counter for all would be at the same eight bits again while parts are on their way."""
    speller = Speller(settings())
    assert references(speller, "+447700900001", 2) == [1, 2]
    for number in range(1_000):
        references(speller, f"+44791100{number:04}")
    assert references(speller, "+447700900001") == [3]
    assert references(speller, "+447700900002") == [1]


def test_messages_in_one_part_take_no_reference() -> None:
    speller = Speller(settings())
    speller.pdus(text_of("Hello", to="+447700900001"), NOW)
    assert references(speller, "+447700900001") == [1]


def test_a_second_spelling_of_a_message_has_another_reference() -> None:
    """A phone that has parts of the first try must not join them with those of the second."""
    speller, long = Speller(settings()), text_of(LONG)
    first, second = (payload(speller.pdus(long, NOW)[0]).part for _ in range(2))
    assert first and second and first.reference != second.reference
