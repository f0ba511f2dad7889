"""What a PDU carries: user data headers walked element by element, and which part of which message it is."""

from collections.abc import Mapping
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.smpp.codec import Pdu
from heliograph.smpp.commands import DATA_SM, DELIVER_SM, SUBMIT_SM, Tag
from heliograph.smpp.parts import UDHI, Part, Payload, payload, sar

PARTS: Final = st.integers(2, 255).flatmap(
    lambda total: st.tuples(st.integers(0, 0xFFFF), st.just(total), st.integers(1, total))
)


def carried(octets: bytes, *, esm_class: int = UDHI, tlvs: Mapping[int, bytes] | None = None) -> Payload:
    return payload(Pdu(SUBMIT_SM, {"esm_class": esm_class, "short_message": octets}, tlvs=tlvs))


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"\5\0\3\x2a\3\2world", Payload(b"world", [(0, b"\x2a\3\2")], Part(0x2A, 3, 2, "8"))),
        (b"\6\x08\4\x12\x34\3\2world", Payload(b"world", [(8, b"\x12\x34\3\2")], Part(0x1234, 3, 2, "16"))),
        # ports and a language beside it, before or after
        (
            b"\x0e\5\4\x15\x81\0\0" + b"\0\3\7\2\1" + b"\x24\1\1" + b"text",
            Payload(b"text", [(5, b"\x15\x81\0\0"), (0, b"\7\2\1"), (0x24, b"\1")], Part(7, 2, 1, "8")),
        ),
        (
            b"\x0b\0\3\7\2\2" + b"\5\4\0\1\0\2" + b"text",
            Payload(b"text", [(0, b"\7\2\2"), (5, b"\0\1\0\2")], Part(7, 2, 2, "8")),
        ),
        # headers that say nothing of parts
        (b"\3\x24\1\1text", Payload(b"text", [(0x24, b"\1")], None)),
        (b"\2\x70\0text", Payload(b"text", [(0x70, b"")], None)),
        (b"\0text", Payload(b"text", [], None)),
        (b"\5\0\3\x2a\3\2", Payload(b"", [(0, b"\x2a\3\2")], Part(0x2A, 3, 2, "8"))),
        (b"\5\0\3\1\2\2\0@\0", Payload(b"\0@\0", [(0, b"\1\2\2")], Part(1, 2, 2, "8"))),  # a NUL is an '@'
        (b"", Payload(b"", [], None)),
    ],
)  # fmt: skip
def test_a_header_is_walked_element_by_element(octets: bytes, expected: Payload) -> None:
    assert carried(octets) == expected
    assert carried(octets, esm_class=UDHI | 0x80 | 0x04) == expected


@pytest.mark.parametrize("octets", [b"\5\0\3\x2a\3\2world", b"\x06\x08\x04\x12\x34\3\2", b"plain"])
def test_without_its_flag_a_header_is_text(octets: bytes) -> None:
    """It happens; whoever guesses here eats the beginning of other texts."""
    assert carried(octets, esm_class=0) == Payload(octets, [], None)


@pytest.mark.parametrize("octets", [b"Hello", b"\5\0\3\x2a\3", b"\5", b"\xff" * 200, b"\1"])
def test_a_header_longer_than_its_message_is_text(octets: bytes) -> None:
    assert carried(octets) == Payload(octets, [], None)


@pytest.mark.parametrize(
    ("octets", "elements"),
    [
        (b"\5\0\4\x2a\3\2text", []),  # an element longer than the header
        (b"\5\0\xff\x2a\3\2text", []),
        (b"\1\0text", []),  # half an element
        (b"\6\0\3\x2a\3\2\0text", [(0, b"\x2a\3\2")]),  # and half of another
    ],
)
def test_garbage_in_a_header_is_dropped_with_it(octets: bytes, elements: list[tuple[int, bytes]]) -> None:
    found = carried(octets)
    assert (found.text, found.elements) == (b"text", elements)


@pytest.mark.parametrize(("total", "number"), [(0, 0), (2, 0), (0, 1), (2, 3), (255, 0), (1, 1), (1, 2)], ids=str)
def test_a_part_that_can_not_be_is_a_message_of_its_own(total: int, number: int) -> None:
    assert carried(bytes((5, 0, 3, 9, total, number)) + b"text") == Payload(
        b"text", [(0, bytes((9, total, number)))], None
    )
    assert carried(bytes((6, 8, 4, 9, 9, total, number)) + b"text").part is None
    tlvs = {
        Tag.SAR_MSG_REF_NUM: b"\0\7",
        Tag.SAR_TOTAL_SEGMENTS: bytes((total,)),
        Tag.SAR_SEGMENT_SEQNUM: bytes((number,)),
    }
    assert carried(b"text", esm_class=0, tlvs=tlvs) == Payload(b"text", [], None)


@pytest.mark.parametrize("element", [b"\0\2\1\2", b"\0\4\1\2\1\0", b"\x08\3\1\2\1", b"\x08\5\1\1\2\1\0"])
def test_an_element_of_another_length_is_no_part(element: bytes) -> None:
    assert carried(bytes((len(element),)) + element + b"text").part is None


def test_after_an_element_that_is_ignored_the_next_one_counts() -> None:
    assert carried(b"\x0a" + b"\0\3\1\2\0" + b"\0\3\7\2\1" + b"text").part == Part(7, 2, 1, "8")


@given(PARTS, st.binary(max_size=130))
def test_parts_of_all_three_kinds_are_read(numbers: tuple[int, int, int], text: bytes) -> None:
    reference, total, number = numbers
    eight = bytes((5, 0, 3, reference & 0xFF, total, number))
    sixteen = bytes((6, 8, 4, reference >> 8, reference & 0xFF, total, number))
    assert carried(eight + text) == Payload(text, [(0, eight[3:])], Part(reference & 0xFF, total, number, "8"))
    assert carried(sixteen + text) == Payload(text, [(8, sixteen[3:])], Part(reference, total, number, "16"))
    part = Part(reference, total, number, "sar")
    assert carried(text, esm_class=0, tlvs=sar(part)) == Payload(text, [], part)


def test_the_parameters_of_a_part_are_those_of_the_standard() -> None:
    assert sar(Part(0x11234, 3, 2, "sar")) == {0x020C: b"\x12\x34", 0x020E: b"\3", 0x020F: b"\2"}


@pytest.mark.parametrize("missing", [Tag.SAR_MSG_REF_NUM, Tag.SAR_TOTAL_SEGMENTS, Tag.SAR_SEGMENT_SEQNUM])
@pytest.mark.parametrize("is_empty", [False, True], ids=["absent", "empty"])
def test_of_the_three_parameters_all_are_needed(missing: int, is_empty: bool) -> None:
    tlvs = sar(Part(7, 3, 2, "sar"))
    del tlvs[missing]
    if is_empty:
        tlvs[missing] = b""
    assert carried(b"text", esm_class=0, tlvs=tlvs).part is None


def test_a_header_counts_more_than_parameters() -> None:
    assert carried(b"\5\0\3\1\2\2text", tlvs=sar(Part(7, 3, 3, "sar"))).part == Part(1, 2, 2, "8")
    assert carried(b"\3\x24\1\1text", tlvs=sar(Part(7, 3, 3, "sar"))).part == Part(7, 3, 3, "sar")


@pytest.mark.parametrize(
    "tlvs",
    [
        {Tag.SAR_MSG_REF_NUM: b"\0\7", Tag.SAR_TOTAL_SEGMENTS: b"\1\0", Tag.SAR_SEGMENT_SEQNUM: b"\1"},
        {Tag.SAR_MSG_REF_NUM: b"\0\7", Tag.SAR_TOTAL_SEGMENTS: b"\xff" * 9000, Tag.SAR_SEGMENT_SEQNUM: b"\xff" * 9000},
        {Tag.SAR_MSG_REF_NUM: b"\1" * 9000, Tag.SAR_TOTAL_SEGMENTS: b"\2", Tag.SAR_SEGMENT_SEQNUM: b"\1"},
    ],
    ids=["256 parts", "parts without end", "a reference without end"],
)
def test_numbers_larger_than_their_parameters_are_no_part(tlvs: dict[int, bytes]) -> None:
    assert carried(b"text", esm_class=0, tlvs=tlvs).part is None


# -- where the text stands


@pytest.mark.parametrize(
    ("pdu", "text"),
    [
        (Pdu(DELIVER_SM, {"short_message": b"short"}), b"short"),
        (Pdu(DELIVER_SM, {"short_message": b""}, tlvs={Tag.MESSAGE_PAYLOAD: b"long"}), b"long"),
        (Pdu(DELIVER_SM, {"short_message": b"short"}, tlvs={Tag.MESSAGE_PAYLOAD: b"long"}), b"long"),
        (Pdu(DELIVER_SM, {"short_message": b"short"}, tlvs={Tag.MESSAGE_PAYLOAD: b""}), b"short"),
        (Pdu(DATA_SM, {}, tlvs={Tag.MESSAGE_PAYLOAD: b"data"}), b"data"),
        (Pdu(DATA_SM), b""),
    ],
    ids=["short_message", "payload", "both", "empty payload", "data_sm", "nothing"],
)
def test_a_payload_wins_over_a_short_message(pdu: Pdu, text: bytes) -> None:
    assert payload(pdu) == Payload(text, [], None)


def test_a_payload_may_have_a_header() -> None:
    pdu = Pdu(DATA_SM, {"esm_class": UDHI}, tlvs={Tag.MESSAGE_PAYLOAD: b"\5\0\3\1\2\2text"})
    assert payload(pdu) == Payload(b"text", [(0, b"\1\2\2")], Part(1, 2, 2, "8"))


@given(st.binary(max_size=300), st.integers(0, 255))
def test_no_octets_raise_and_none_are_made_up(octets: bytes, esm_class: int) -> None:
    found = carried(octets, esm_class=esm_class)
    assert octets.endswith(found.text)
    assert sum(2 + len(data) for _, data in found.elements) <= len(octets) - len(found.text)
    if found.part is not None:
        assert 1 <= found.part.number <= found.part.total <= 255
