"""What a carrier sends: receipts in all their dialects, messages from phones in all their alphabets."""

import json
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.carriers import catalogue
from heliograph.carriers.smpp.reports import Reader
from heliograph.carriers.smpp.settings import ALPHABETS, Settings
from heliograph.core import gsm
from heliograph.core.lifecycle import FACTS, NOTES
from heliograph.core.message import Inbound, Part, Receipt
from heliograph.smpp import receipts
from heliograph.smpp.codec import Pdu, decode, encode
from heliograph.smpp.commands import DATA_SM, DELIVER_SM, Tag
from heliograph.smpp.parts import INTERMEDIATE, RECEIPT, UDHI, sar
from heliograph.smpp.parts import Part as Place
from tests.carriers.network import NOW

CASES: Final[dict[str, dict[str, Any]]] = {
    case["name"]: case
    for case in json.loads((Path(__file__).parents[2] / "smpp/vectors/receipts.json").read_text("utf-8"))["receipts"]
}
READABLE: Final = [name for name, case in CASES.items() if case["expect"] is not None]
TEXT: Final = "id:7 sub:001 dlvrd:001 submit date:2611201430 done date:2611201431 stat:DELIVRD err:000 text:Hello"
PHONE: Final = "447700900123"
UCS2: Final = 8
# State word → fact, failure class, our code.
ENDS: Final[dict[str, tuple[str, str | None, str | None]]] = {
    "DELIVRD": ("delivered", None, None),
    "EXPIRED": ("expired", "unreachable", "expired_at_carrier"),
    "DELETED": ("refused", "permanent", "deleted_at_carrier"),
    "UNDELIV": ("undelivered", "unknown", "undeliverable"),
    "REJECTD": ("refused", "content", "refused_by_carrier"),
    "SKIPPED": ("refused", "transient", "skipped_by_carrier"),
}
PROGRESS: Final = ("ENROUTE", "ACCEPTD", "SCHEDULED", "UNKNOWN", "BUFFRED", "MAGIC")


def reader(**changes: Any) -> Reader:
    spec = {"host": "smsc.example", "system_id": "acme", "password": "secret", **changes}
    wrong = catalogue.check("smpp", spec)
    assert wrong is None, wrong
    return Reader("telco", msgspec.convert(spec, Settings))


def sent(command: int = DELIVER_SM, tlvs: dict[int, bytes] | None = None, **fields: Any) -> Pdu:
    """A PDU as it comes off the wire: with all its fields."""
    usual = {"source_addr_ton": 1, "source_addr_npi": 1, "source_addr": PHONE, "destination_addr": "72345"}
    return decode(encode(Pdu(command, usual | fields, tlvs=tlvs)))


def report(
    text: str | bytes = TEXT, *, esm_class: int = RECEIPT, tlvs: dict[int, bytes] | None = None, **f: Any
) -> Pdu:
    octets = text.encode("latin-1") if isinstance(text, str) else text
    return sent(esm_class=esm_class, short_message=octets, tlvs=tlvs, **f)


def received(pdu: Pdu, **changes: Any) -> Receipt:
    found = reader(**changes).receipt(pdu, NOW)
    assert found is not None
    return found


def heard(octets: bytes, *, tlvs: dict[int, bytes] | None = None, alphabet: str = "gsm7", **fields: Any) -> Inbound:
    """A message from a phone."""
    mine, pdu = reader(default_alphabet=alphabet), sent(short_message=octets, tlvs=tlvs, **fields)
    assert mine.receipt(pdu, NOW) is None and not mine.is_receipt(pdu)
    return mine.inbound(pdu, NOW)


def tlvs_of(case: dict[str, Any]) -> dict[int, bytes]:
    given_tlvs, found = case.get("tlvs", {}), {}
    if "receipted_message_id" in given_tlvs:
        found[Tag.RECEIPTED_MESSAGE_ID] = given_tlvs["receipted_message_id"].encode() + b"\0"
    if "message_state" in given_tlvs:
        found[Tag.MESSAGE_STATE] = bytes((given_tlvs["message_state"],))
    return found


def assert_as_meant(found: Receipt, case: dict[str, Any]) -> None:
    stat, err = case["expect"]["stat"], case["expect"].get("err")
    fact, failure, code = ENDS.get(stat, ("buffered", None, None))
    assert (found.connector, found.carrier_id, found.fact, found.at) == ("telco", case["expect"]["id"], fact, NOW)
    assert (found.failure, found.code) == (failure, code)
    assert found.carrier_code == (err if err and err.strip("0") else None)


# -- receipts


@pytest.mark.parametrize("esm_class", [RECEIPT, RECEIPT | 0x03, 0], ids=["marked", "with a mode", "unmarked"])
@pytest.mark.parametrize("name", READABLE)
def test_a_receipt_of_the_list_is_understood(name: str, esm_class: int) -> None:
    case = CASES[name]
    assert_as_meant(received(report(case["text"], esm_class=esm_class, tlvs=tlvs_of(case))), case)


@pytest.mark.parametrize("command", [DELIVER_SM, DATA_SM], ids=["deliver_sm", "data_sm"])
@pytest.mark.parametrize("esm_class", [RECEIPT, 0], ids=["marked", "unmarked"])
@pytest.mark.parametrize("name", READABLE)
def test_a_receipt_may_stand_in_message_payload(name: str, esm_class: int, command: int) -> None:
    case = CASES[name]
    tlvs = tlvs_of(case) | {Tag.MESSAGE_PAYLOAD: case["text"].encode("latin-1")}
    assert_as_meant(received(sent(command, tlvs, esm_class=esm_class)), case)


@pytest.mark.parametrize("command", [DELIVER_SM, DATA_SM], ids=["deliver_sm", "data_sm"])
@pytest.mark.parametrize("text_receipts", [True, False])
@pytest.mark.parametrize("esm_class", [RECEIPT, 0], ids=["marked", "unmarked"])
def test_a_receipt_may_be_parameters_only(esm_class: int, text_receipts: bool, command: int) -> None:
    tlvs = receipts.tlvs("a7-f3", "UNDELIV", (3, 27))
    found = received(sent(command, tlvs, esm_class=esm_class), text_receipts=text_receipts)
    assert (found.carrier_id, found.fact, found.carrier_code) == ("a7-f3", "undelivered", "3:27")


@pytest.mark.parametrize("name", READABLE)
@pytest.mark.parametrize("is_ucs2", [True, False], ids=["in UCS-2", "in plain octets"])
def test_a_marked_receipt_announced_as_ucs2_is_understood_either_way(name: str, is_ucs2: bool) -> None:
    """Some carriers copy the data_coding of the message onto a receipt whose own text is plain."""
    case = CASES[name]
    octets = case["text"].encode("utf-16-be" if is_ucs2 else "latin-1")[:254]
    found = received(report(octets, data_coding=UCS2, tlvs=tlvs_of(case)))
    assert (found.carrier_id, found.fact) == (
        case["expect"]["id"],
        ENDS.get(case["expect"]["stat"], ("buffered",))[0],
    )


def test_an_unmarked_receipt_in_ucs2_is_known_by_its_text() -> None:
    assert received(report(TEXT.encode("utf-16-be"), esm_class=0, data_coding=UCS2)).carrier_id == "7"


@pytest.mark.parametrize("header", [b"\x05\x00\x03\x07\x02\x01", b"\x06\x05\x04\x00\x00\x00\x00"])
def test_a_receipt_behind_a_user_data_header_is_understood(header: bytes) -> None:
    found = received(report(header + TEXT.encode(), esm_class=RECEIPT | UDHI))
    assert (found.carrier_id, found.fact, found.raw) == ("7", "delivered", TEXT.removesuffix("Hello"))


@pytest.mark.parametrize("stat", ENDS)
def test_each_end_is_a_fact_with_its_failure(stat: str) -> None:
    found = received(report(f"id:7 stat:{stat} err:000 text:"))
    assert (found.fact, found.failure, found.code) == ENDS[stat]
    assert found.fact in FACTS.keys() | NOTES


@pytest.mark.parametrize("stat", [*PROGRESS, "delivere", "ESME_RSYSERR"])
def test_what_is_no_end_is_progress(stat: str) -> None:
    found = received(report(f"id:7 stat:{stat} err:041 text:"))
    assert (found.fact, found.failure, found.code, found.carrier_code) == ("buffered", None, None, "041")


@pytest.mark.parametrize(
    ("stat", "fact"),
    [("DELIVERED", "delivered"), ("delivrd", "delivered"), ("FAILED", "undelivered"), ("REJECTED", "refused")],
)
def test_a_word_may_be_written_in_other_ways(stat: str, fact: str) -> None:
    assert received(report(f"id:7 stat:{stat}")).fact == fact


@pytest.mark.parametrize("stat", [*ENDS, *PROGRESS])
def test_an_intermediate_notification_is_progress_whatever_it_says(stat: str) -> None:
    found = received(report(f"id:7 stat:{stat} err:041 text:", esm_class=INTERMEDIATE))
    assert (found.carrier_id, found.fact, found.failure, found.carrier_code) == ("7", "buffered", None, "041")


@pytest.mark.parametrize(
    ("err", "network_error", "expected"),
    [
        ("000", None, None),
        ("0", None, None),
        ("0000", None, None),
        ("001", None, "001"),
        ("21b", None, "21b"),
        ("-1", None, "-1"),
        ("1042", b"\x03\x00\x1b", "1042"),  # the text says more than the network's number
        ("000", b"\x03\x00\x1b", "3:27"),
        ("000", b"\x08\x04\x57", "8:1111"),
        ("000", b"\x03\x00\x00", None),
        ("000", b"\x03\x1b", None),  # two octets are no error code
        ("000", b"", None),
    ],
)
def test_the_carriers_own_error_is_kept_as_it_stands(
    err: str, network_error: bytes | None, expected: str | None
) -> None:
    tlvs = None if network_error is None else {Tag.NETWORK_ERROR_CODE: network_error}
    assert received(report(f"id:7 stat:UNDELIV err:{err} text:", tlvs=tlvs)).carrier_code == expected


def test_the_error_of_the_network_is_kept_when_the_text_has_none() -> None:
    assert received(report("id:7 stat:UNDELIV", tlvs={Tag.NETWORK_ERROR_CODE: b"\x03\x00\x1b"})).carrier_code == "3:27"


def test_parameters_win_over_the_text() -> None:
    found = received(report(TEXT, tlvs=receipts.tlvs("8", "EXPIRED")))
    assert (found.carrier_id, found.fact, found.raw) == ("8", "expired", TEXT.removesuffix("Hello"))


def test_a_receipt_keeps_the_report_as_it_came_without_what_it_repeats_of_the_message() -> None:
    assert received(report("id:7 stat:REJECTD err:0x1f Text:caf\xe9\x01")).raw == "id:7 stat:REJECTD err:0x1f Text:"
    assert received(report("id:7 stat:REJECTD err:0x1f")).raw == "id:7 stat:REJECTD err:0x1f"


@pytest.mark.parametrize(
    "text",
    [
        "id:7 stat:DELIVRD text:id:9 stat:UNDELIV",
        "id:7 stat:DELIVRD text:\x00\x05\xff",
        "ID:7 STAT:DELIVRD",
        "id:7\nstat:DELIVRD",
        "id: 7 stat: DELIVRD",
    ],
)
@pytest.mark.parametrize("esm_class", [RECEIPT, 0], ids=["marked", "unmarked"])
def test_an_odd_text_is_understood(text: str, esm_class: int) -> None:
    found = received(report(text, esm_class=esm_class))
    assert (found.carrier_id, found.fact) == ("7", "delivered")


@pytest.mark.parametrize("text", ["", "Your message was delivered", "id:7", "stat:DELIVRD", "\0\0\0", "\xff\xfei\0d\0"])
@pytest.mark.parametrize("esm_class", [RECEIPT, INTERMEDIATE], ids=["receipt", "intermediate"])
def test_a_marked_receipt_that_cannot_be_read_is_no_message_either(text: str, esm_class: int) -> None:
    mine, pdu = reader(), report(text, esm_class=esm_class)
    assert mine.receipt(pdu, NOW) is None
    assert mine.is_receipt(pdu)


@pytest.mark.parametrize(
    ("esm_class", "expected"),
    [
        (0x00, False),
        (0x03, False),
        (0x04, True),
        (0x07, True),
        (0x44, True),
        (0x08, False),  # an acknowledgement by the phone
        (0x10, False),
        (0x18, False),
        (0x20, True),
        (0x23, True),
        (0x40, False),
        (0x60, True),
        (0x80, False),
    ],
)
def test_a_receipt_is_known_by_its_type_and_by_no_other_bit(esm_class: int, expected: bool) -> None:
    assert reader().is_receipt(report("Hello", esm_class=esm_class)) == expected


def test_a_message_that_begins_like_a_receipt_is_one_only_where_receipts_are_known_by_their_text() -> None:
    pdu = report(TEXT, esm_class=0)
    assert received(pdu).carrier_id == "7"
    marked_only = reader(text_receipts=False)
    assert marked_only.receipt(pdu, NOW) is None and not marked_only.is_receipt(pdu)
    assert marked_only.inbound(pdu, NOW).text == TEXT


@pytest.mark.parametrize(
    "text", ["id: none of your business", "id:7", "Identity", "Please call me, id: none", "My id:7 stat:DELIVRD", ""]
)
def test_a_message_that_merely_looks_like_a_receipt_stays_a_message(text: str) -> None:
    assert heard(text.encode()).text == text


def test_a_marked_receipt_is_read_also_where_text_alone_does_not_count() -> None:
    assert received(report(TEXT), text_receipts=False).carrier_id == "7"
    assert received(report(TEXT, esm_class=INTERMEDIATE), text_receipts=False).fact == "buffered"


@pytest.mark.parametrize("alphabet", ALPHABETS)
def test_receipts_do_not_depend_on_the_alphabet_of_the_link(alphabet: str) -> None:
    assert received(report("id:a_7 stat:DELIVRD"), default_alphabet=alphabet).carrier_id == "a_7"


@pytest.mark.parametrize("text", ["id:7\0 stat:UNDELIV err:041", "id:7 stat:UNDELIV err:041\0 text:"])
def test_no_id_and_no_error_holds_a_nul(text: str) -> None:
    found = received(report(text))
    assert (found.carrier_id, found.carrier_code) == ("7", "041")


# -- messages from phones


@pytest.mark.parametrize(
    ("data_coding", "octets", "text"),
    [
        (0, b"a\x00\x02\x11\x05 \x1b\x65", "a@$_é €"),
        (0xF0, b"a\x00\x02\x11\x05 \x1b\x65", "a@$_é €"),  # to be shown at once
        (0x10, b"a\x00\x02\x11\x05 \x1b\x65", "a@$_é €"),
        (0xF1, b"a\x00", "a@"),
        (8, "мир 😀".encode("utf-16-be"), "мир 😀"),
        (0x18, "мир 😀".encode("utf-16-be"), "мир 😀"),
        (8, b"\x04\x3c\x04", "м\ufffd"),  # cut in the middle of a letter
        (8, b"\xd8\x3d", "\ufffd"),  # half a pair
        (3, b"a@\xe9\xa3", "a@é£"),
        (2, b"\x00\x01\xff", "0001ff"),
        (4, b"\x00\x01\xff", "0001ff"),
        (0xF4, b"\x00\x01\xff", "0001ff"),
        (0xF5, b"\x00\x01\xff", "0001ff"),
        (0xF6, b"\x00\x01\xff", "0001ff"),
        (0, b"", ""),
        (8, b"", ""),
    ],
)
def test_a_text_is_read_by_its_whole_data_coding(data_coding: int, octets: bytes, text: str) -> None:
    assert heard(octets, data_coding=data_coding).text == text


@pytest.mark.parametrize(
    ("alphabet", "octets", "text"),
    [
        ("gsm7", b"a\x00\x02", "a@$"),
        ("gsm7-packed", bytes.fromhex("e8329bfd4697d9ec37"), "hellohello"),
        ("ascii", b"a@$_\xff", "a@$_\ufffd"),
        ("latin1", b"a@\xe9", "a@é"),
        ("cp1252", b"a@\x80\x81", "a@€\ufffd"),
        ("utf-8", "a@éΔ".encode() + b"\xff", "a@éΔ\ufffd"),
    ],
)
def test_a_text_in_the_default_alphabet_is_read_in_that_of_the_link(alphabet: str, octets: bytes, text: str) -> None:
    assert heard(octets, alphabet=alphabet).text == text
    assert heard(octets, alphabet=alphabet, data_coding=0xF0).text == text


@pytest.mark.parametrize("octets", [gsm.pack(b"Message"), gsm.pack(b"Message\r")], ids=["noughts", "CR"])
def test_spare_bits_of_packed_septets_are_no_letter(octets: bytes) -> None:
    assert heard(octets, alphabet="gsm7-packed").text == "Message"


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(b"\x05\x00\x03\x07\x02\x01"),
        b"\x06\x08\x04\x01\x07\x02\x01",  # ends at a border
        pytest.param(b"\x0b\x00\x03\x07\x02\x01\x05\x04\x23\xf4\x00\x00"),
    ],
)
def test_packed_septets_are_read_from_their_border_behind_the_header(header: bytes) -> None:
    octets = header + gsm.pack(b"Ten letters", gsm.fill_bits(len(header)))
    assert heard(octets, alphabet="gsm7-packed", esm_class=UDHI).text == "Ten letters"


@pytest.mark.parametrize("command", [DELIVER_SM, DATA_SM], ids=["deliver_sm", "data_sm"])
def test_a_long_text_may_stand_in_message_payload(command: int) -> None:
    text = "Ten letters" * 40
    pdu = sent(command, {Tag.MESSAGE_PAYLOAD: text.encode()})
    found = reader().inbound(pdu, NOW)
    assert (found.text, found.part) == (text, None)


def test_a_message_says_who_wrote_to_whom_and_when() -> None:
    found = heard(b"Hello")
    assert found == Inbound("telco", f"+{PHONE}", "72345", "Hello", NOW)


CONCATENATION_8: Final = b"\x00\x03\x07\x02\x01"
CONCATENATION_16: Final = b"\x08\x04\x01\x07\x02\x01"
PORTS: Final = b"\x05\x04\x23\xf4\x00\x00"


@pytest.mark.parametrize(
    ("elements", "part"),
    [
        (CONCATENATION_8, Part("8:7", 2, 1)),
        (CONCATENATION_16, Part("16:263", 2, 1)),
        (PORTS, None),
        (PORTS + CONCATENATION_8, Part("8:7", 2, 1)),
        (CONCATENATION_16 + PORTS, Part("16:263", 2, 1)),
        (b"\x24\x01\x01" + CONCATENATION_8, Part("8:7", 2, 1)),  # a language shift beside it
        (b"\x00\x03\x07\x02\x03", None),  # part 3 of 2: as if it was not there
        (b"\x00\x03\x07\x02\x00", None),
        (b"\x00\x03\x07\x01\x01", None),  # one of one
        (b"\x70\x00", None),
    ],
)
def test_the_user_data_header_is_no_text_and_tells_the_part(elements: bytes, part: Part | None) -> None:
    found = heard(bytes((len(elements),)) + elements + b"Hello", esm_class=UDHI)
    assert (found.text, found.part) == ("Hello", part)


def test_parameters_tell_the_part_as_well() -> None:
    found = heard(b"Hello", tlvs=sar(Place(0x107, 3, 2, "sar")))
    assert (found.text, found.part) == ("Hello", Part("sar:263", 3, 2))


def test_parts_in_different_ways_are_never_of_one_message() -> None:
    """The same number means something else in eight bits, in sixteen and in a parameter."""
    found = [
        heard(b"\x05" + CONCATENATION_8 + b"a", esm_class=UDHI),
        heard(b"\x06\x08\x04\x00\x07\x02\x01a", esm_class=UDHI),
        heard(b"a", tlvs=sar(Place(7, 2, 1, "sar"))),
    ]
    assert len({one.part.reference for one in found if one.part}) == 3


def test_a_header_that_can_be_none_is_text() -> None:
    assert heard(b"Hello", esm_class=UDHI).text == "Hello"


@pytest.mark.parametrize(
    ("octets", "data_coding", "text"),
    [("мир".encode("utf-16-be"), 8, "мир"), (b"\x00\xff", 4, "00ff"), (b"a\x00", 0, "a@"), (b"\xe9", 3, "é")],
)
def test_a_part_is_read_by_its_own_data_coding(octets: bytes, data_coding: int, text: str) -> None:
    found = heard(b"\x05" + CONCATENATION_8 + octets, esm_class=UDHI, data_coding=data_coding)
    assert (found.text, found.part) == (text, Part("8:7", 2, 1))


def test_a_letter_that_was_cut_in_two_is_whole_again_in_the_joined_text() -> None:
    """Phones cut between any two units: what each part alone would show as a mistake belongs together."""
    octets = "Hi 😀!".encode("utf-16-be")
    texts = [
        heard(bytes((5, 0, 3, 7, 2, number)) + half, esm_class=UDHI, data_coding=8).text
        for number, half in ((1, octets[:8]), (2, octets[8:]))
    ]
    assert "".join(texts).encode("utf-16-be", "surrogatepass").decode("utf-16-be") == "Hi 😀!"


# -- numbers


@pytest.mark.parametrize(
    ("ton", "npi", "address", "country_code", "expected"),
    [
        (1, 1, "447700900123", "", "+447700900123"),
        (1, 1, "447700900123", "44", "+447700900123"),
        (1, 1, "+447700900123", "44", "+447700900123"),
        (0, 1, "447700900123", "44", "+447700900123"),
        (0, 0, "447700900123", "", "+447700900123"),
        (1, 1, "00447700900123", "", "+447700900123"),
        (0, 0, "00447700900123", "44", "+447700900123"),
        (2, 1, "00447700900123", "44", "+447700900123"),
        (2, 1, "7700900123", "44", "+447700900123"),
        (2, 1, "07700900123", "44", "+447700900123"),
        (0, 1, "07700900123", "44", "+447700900123"),
        (2, 8, "07700900123", "44", "+447700900123"),
        (2, 1, "7700900123", "", "7700900123"),  # of which country is not known: as it came
        (2, 1, "07700900123", "", "07700900123"),
        (0, 1, "07700900123", "", "07700900123"),
        pytest.param(2, 1, "+447700900123", "44", "+447700900123"),
        (2, 1, "+447700900123", "", "+447700900123"),
        (0, 1, "+447700900123", "44", "+447700900123"),
        (0, 1, "72345", "44", "72345"),
        (3, 0, "72345", "44", "72345"),
        (2, 1, "0123", "44", "0123"),
        (5, 0, "Acme", "44", "Acme"),
        (5, 0, "", "44", ""),
        (1, 1, "44 7700 900", "44", "44 7700 900"),
    ],
)
def test_a_number_is_e164_where_it_is_a_whole_one(
    ton: int, npi: int, address: str, country_code: str, expected: str
) -> None:
    pdu = sent(
        source_addr_ton=ton,
        source_addr_npi=npi,
        source_addr=address,
        dest_addr_ton=ton,
        dest_addr_npi=npi,
        destination_addr=address,
    )
    found = reader(country_code=country_code).inbound(pdu, NOW)
    assert (found.sender, found.to) == (expected, expected)


def test_a_phone_is_the_same_whichever_way_it_is_written() -> None:
    ways = [(1, "447700900123"), (2, "7700900123"), (2, "07700900123"), (0, "00447700900123"), (0, "+447700900123")]
    mine = reader(country_code="44")
    found = {mine.inbound(sent(source_addr_ton=ton, source_addr=address), NOW).sender for ton, address in ways}
    assert found == {"+447700900123"}


# -- whatever comes

OCTETS: Final = st.integers(0, 255)
ADDRESSES: Final = st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=20)
NOISE: Final = st.lists(
    st.sampled_from(
        [
            b"id:",
            b"ID:",
            b"stat:",
            b"err:",
            b"text:",
            b"7",
            b"DELIVRD",
            b" ",
            b"\0",
            b"\xff",
            b"\x05\x00\x03\x07\x02\x01",
        ]
    ),
    max_size=20,
).map(b"".join)
TLVS: Final = st.dictionaries(
    st.sampled_from(
        [
            *(Tag.RECEIPTED_MESSAGE_ID, Tag.MESSAGE_STATE, Tag.NETWORK_ERROR_CODE, Tag.MESSAGE_PAYLOAD),
            Tag.DELIVERY_FAILURE_REASON,
            *(Tag.SAR_MSG_REF_NUM, Tag.SAR_TOTAL_SEGMENTS, Tag.SAR_SEGMENT_SEQNUM, 0x1400),
        ]
    ),
    st.one_of(st.binary(max_size=5), NOISE),
    max_size=5,
)


@given(
    command=st.sampled_from([DELIVER_SM, DATA_SM]),
    fields=st.fixed_dictionaries(
        {
            "source_addr_ton": OCTETS,
            "source_addr_npi": OCTETS,
            "source_addr": ADDRESSES,
            "dest_addr_ton": OCTETS,
            "destination_addr": ADDRESSES,
            "esm_class": OCTETS,
            "data_coding": OCTETS,
            "short_message": st.one_of(NOISE, st.binary(max_size=255)).map(lambda octets: octets[:255]),
        }
    ),
    tlvs=TLVS,
    alphabet=st.sampled_from(ALPHABETS),
    text_receipts=st.booleans(),
)
def test_nothing_that_comes_raises(
    command: int, fields: dict[str, Any], tlvs: dict[int, bytes], alphabet: str, text_receipts: bool
) -> None:
    codes = {"7": "invalid_number", "3:27": "memory_full"}
    mine = reader(default_alphabet=alphabet, text_receipts=text_receipts, country_code="44", receipt_codes=codes)
    pdu = sent(command, tlvs, **fields)
    found = mine.receipt(pdu, NOW)
    if found is not None:
        assert found.carrier_id and found.fact in FACTS.keys() | NOTES
        assert (found.failure is None) == (found.fact in ("delivered", "buffered"))
    message = mine.inbound(pdu, NOW)
    assert message.part is not None or message.text.encode() is not None  # no half of a pair: the ledger keeps UTF-8
    assert message.part is None or 1 <= message.part.number <= message.part.total


@given(st.binary(max_size=200))
def test_no_receipt_is_found_in_octets_without_an_id(octets: bytes) -> None:
    if b"id:" not in octets.lower() and b"i\0d\0:" not in octets.lower():
        assert reader().receipt(report(octets), NOW) is None
