"""A message as PDUs: addresses, alphabets, parts, validity and all else that a connector's settings decide."""

from typing import Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.carriers import catalogue
from heliograph.carriers.smpp.settings import ALPHABETS, Settings, check
from heliograph.carriers.smpp.spelling import Speller
from heliograph.core import gsm, segments
from heliograph.core.message import Message
from heliograph.smpp.codec import Pdu, decode, encode
from heliograph.smpp.commands import SUBMIT_SM, Tag
from heliograph.smpp.parts import UDHI, payload
from tests.carriers.network import NOW, message

NEEDED: Final = {"host": "smsc.example", "system_id": "acme", "password": "secret"}
DAY_MS: Final = 86_400_000
TO: Final = "+447700900123"
AIR_MAX: Final = 140  # octets that one part may take between the carrier and the phone
LONG: Final = "Ten letters" * 20  # 220 septets: two parts
CYRILLIC: Final = "Привет, мир! " * 10  # 130 units: two parts
WAYS_WITH_PARTS: Final = ("udh8", "udh16", "sar")
CODECS: Final = {"ascii": "ascii", "latin1": "latin-1", "cp1252": "cp1252", "utf-8": "utf-8"}
# How many octets stand in front of a part on air; a message centre writes eight bits of a sar reference.
HEADERS: Final = {"udh8": 6, "udh16": 7, "sar": 6}


def settings(**changes: Any) -> Settings:
    spec = {**NEEDED, **changes}
    wrong = catalogue.check("smpp", spec)
    assert wrong is None, wrong
    return msgspec.convert(spec, Settings)


def text_of(text: str, **changes: Any) -> Message:
    """A message with this text, counted as intake counts."""
    encoding, count = segments.measure(text)
    fields = {"encoding": encoding, "segments": count, "valid_until": NOW + DAY_MS, "to": TO, **changes}
    return message(text=text, **fields)


def spell(given_message: Message, **changes: Any) -> list[Pdu]:
    return Speller(settings(**changes)).pdus(given_message, NOW)


def one(given_message: Message, **changes: Any) -> Pdu:
    [pdu] = spell(given_message, **changes)
    return pdu


def is_ucs2(pdu: Pdu, speech: Settings) -> bool:
    return bool(pdu.fields["data_coding"] == speech.data_coding_ucs2)


def read(pdu: Pdu, speech: Settings, units: int) -> str:
    """The text of one part, as the peer reads it. Packed septets don't say how many they are: `units` does."""
    found = payload(pdu)
    if is_ucs2(pdu, speech):
        return found.text.decode("utf-16-be", "surrogatepass")
    if speech.default_alphabet == "gsm7":
        return gsm.decode(found.text)
    if speech.default_alphabet == "gsm7-packed":
        header = len(pdu.fields.get("short_message", b"")) - len(found.text) if found.elements else 0
        fill = gsm.fill_bits(header)
        assert len(found.text) == -(-(fill + 7 * units) // 8)
        return gsm.decode(gsm.unpack(found.text, units, fill))
    return found.text.decode(CODECS[speech.default_alphabet])


def on_air(pdu: Pdu, speech: Settings, units: int) -> int:
    """Octets of a part between the carrier and the phone, where seven bits are seven bits."""
    header = HEADERS[speech.long_messages] if payload(pdu).part else 0
    if is_ucs2(pdu, speech):
        return header + len(payload(pdu).text)
    return header + (gsm.fill_bits(header) + 7 * units + 7) // 8


def expected_parts(pdus: list[Pdu], text: str, speech: Settings) -> list[segments.Segment]:
    """What the rule of `core.segments` makes of a text in the alphabet that was chosen."""
    encoding = segments.UCS2 if is_ucs2(pdus[0], speech) else segments.GSM7
    bits = 16 if speech.long_messages == "udh16" else 8
    return list(segments.split_as(encoding, text, reference_bits=bits).segments)


# -- addresses


@pytest.mark.parametrize(
    ("sender", "changes", "expected"),
    [
        ("Acme", {}, (5, 0, "Acme")),
        ("Acme 24-7", {}, (5, 0, "Acme 24-7")),
        ("3Com", {}, (5, 0, "3Com")),
        ("Acme", {"plus_sign": True}, (5, 0, "Acme")),
        ("+447700900123", {}, (1, 1, "447700900123")),
        ("+447700900123", {"plus_sign": True}, (1, 1, "+447700900123")),
        ("447700900123", {}, (1, 1, "447700900123")),
        ("+1234567", {}, (1, 1, "1234567")),  # short, but with a plus: a whole number
        ("72345", {}, (3, 0, "72345")),
        ("723", {}, (3, 0, "723")),
        ("12345678", {}, (3, 0, "12345678")),
        ("123456789", {}, (1, 1, "123456789")),
        ("72345", {"short_code_ton": 6, "short_code_npi": 1}, (6, 1, "72345")),
        ("72345", {"plus_sign": True}, (3, 0, "72345")),
        (None, {}, (0, 0, "")),  # the carrier fills it in
        ("", {}, (0, 0, "")),
        ("Acme", {"source_ton": 0, "source_npi": 0}, (0, 0, "Acme")),
        ("+447700900123", {"source_ton": 0}, (0, 1, "447700900123")),
        ("+447700900123", {"source_npi": 9}, (1, 9, "447700900123")),
        ("72345", {"source_ton": 1, "source_npi": 1}, (1, 1, "72345")),
        (None, {"source_ton": 5, "source_npi": 0}, (5, 0, "")),
    ],
)
def test_a_sender_is_written_by_its_form(
    sender: str | None, changes: dict[str, Any], expected: tuple[int, int, str]
) -> None:
    fields = one(text_of("Hello", sender=sender), **changes).fields
    assert (fields["source_addr_ton"], fields["source_addr_npi"], fields["source_addr"]) == expected


def test_a_carrier_that_wants_the_plus_sign_gets_it_on_every_whole_number() -> None:
    assert one(text_of("Hello", sender="447700900123"), plus_sign=True).fields["source_addr"] == "+447700900123"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, (1, 1, "447700900123")),
        ({"plus_sign": True}, (1, 1, "+447700900123")),
        ({"dest_ton": 0, "dest_npi": 0}, (0, 0, "447700900123")),
        ({"dest_ton": 2, "dest_npi": 8}, (2, 8, "447700900123")),
    ],
)
def test_a_recipient_is_international_unless_the_settings_say_otherwise(
    changes: dict[str, Any], expected: tuple[int, int, str]
) -> None:
    fields = one(text_of("Hello"), **changes).fields
    assert (fields["dest_addr_ton"], fields["dest_addr_npi"], fields["destination_addr"]) == expected


def test_one_sender_is_spelled_the_same_for_every_recipient_and_shares_nothing() -> None:
    """What is kept of a sender is copied: one message's fields are never another's."""
    speller = Speller(settings())
    [first], [second] = (
        speller.pdus(text_of("One", to="+447700900001"), NOW),
        speller.pdus(text_of("Two", to="+447700900002"), NOW),
    )
    assert (first.fields["destination_addr"], first.fields["short_message"]) == ("447700900001", b"One")
    assert (second.fields["destination_addr"], second.fields["short_message"]) == ("447700900002", b"Two")


def test_senders_without_number_are_forgotten_and_spelled_again() -> None:
    speller = Speller(settings())
    for number in range(10_050):
        assert speller.pdus(text_of("Hi", sender=f"A{number}"), NOW)[0].fields["source_addr"] == f"A{number}"
    assert speller.pdus(text_of("Hi", sender="A1"), NOW)[0].fields["source_addr"] == "A1"


# -- alphabets


@pytest.mark.parametrize(
    ("alphabet", "text", "octets"),
    [
        ("gsm7", "a@$_é{€", b"a\x00\x02\x11\x05\x1b\x28\x1b\x65"),
        ("gsm7-packed", "hellohello", bytes.fromhex("e8329bfd4697d9ec37")),  # 3GPP TS 23.038's own example
        ("ascii", "a@$_{}", b"a@$_{}"),
        ("latin1", "a@é¡¿", b"a@\xe9\xa1\xbf"),
        ("cp1252", "a@é€", b"a@\xe9\x80"),
        ("utf-8", "a@é€Δ", "a@é€Δ".encode()),
    ],
)
def test_a_text_is_written_in_the_alphabet_of_the_link(alphabet: str, text: str, octets: bytes) -> None:
    pdu = one(text_of(text), default_alphabet=alphabet)
    assert (pdu.fields["short_message"], pdu.fields["data_coding"]) == (octets, 0)
    assert "esm_class" not in pdu.fields and not pdu.tlvs


@pytest.mark.parametrize(
    ("alphabet", "text"),
    [
        ("gsm7", "Привет"),
        ("gsm7", "😀"),
        ("gsm7-packed", "ç"),
        ("ascii", "é"),  # GSM has it, this link has not
        ("ascii", "£"),
        ("latin1", "€"),
        ("latin1", "Δ"),
        ("cp1252", "Ω"),
        ("utf-8", "Привет"),  # the message was counted in UCS-2, so that is what goes
    ],
)
def test_what_the_alphabet_of_the_link_lacks_goes_as_ucs2(alphabet: str, text: str) -> None:
    pdu = one(text_of(text), default_alphabet=alphabet)
    assert (pdu.fields["short_message"], pdu.fields["data_coding"]) == (text.encode("utf-16-be"), 8)


@pytest.mark.parametrize(
    ("alphabet", "text", "parts"),
    [
        ("ascii", "é" * 70, 1),
        ("ascii", "é" * 71, 2),
        ("ascii", "a" * 159 + "é", 3),  # one part in GSM
        ("latin1", "€" * 80, 2),
        ("cp1252", "Δ" * 160, 3),
        ("ascii", LONG + "é", 4),  # two parts in GSM
    ],
)
def test_a_text_that_the_alphabet_of_the_link_lacks_may_need_more_parts(alphabet: str, text: str, parts: int) -> None:
    speech = settings(default_alphabet=alphabet)
    pdus = Speller(speech).pdus(text_of(text), NOW)
    assert [pdu.fields["data_coding"] for pdu in pdus] == [8] * parts
    assert "".join(read(pdu, speech, 0) for pdu in pdus) == text


def test_a_text_that_was_asked_for_in_ucs2_goes_in_ucs2() -> None:
    pdu = one(text_of("Hello", encoding=segments.UCS2))
    assert (pdu.fields["short_message"], pdu.fields["data_coding"]) == ("Hello".encode("utf-16-be"), 8)


@pytest.mark.parametrize(
    ("changes", "text", "expected"),
    [
        ({}, "Hello", 0),
        ({"data_coding": 1}, "Hello", 1),
        ({"data_coding": 241}, "Hello", 241),
        ({"data_coding": 3, "default_alphabet": "latin1"}, "é", 3),
        ({"data_coding": 3, "default_alphabet": "latin1"}, "€", 8),
        ({}, "мир", 8),
        ({"data_coding_ucs2": 0x18}, "мир", 0x18),
        ({"data_coding_ucs2": 0x18}, CYRILLIC, 0x18),
        ({"data_coding": 1}, LONG, 1),
    ],
)
def test_data_coding_is_what_the_settings_say(changes: dict[str, Any], text: str, expected: int) -> None:
    assert {pdu.fields["data_coding"] for pdu in spell(text_of(text), **changes)} == {expected}


def test_one_data_coding_for_both_alphabets_does_not_mix_them_up() -> None:
    pdus = spell(text_of(LONG), data_coding=0, data_coding_ucs2=0)
    assert [payload(pdu).text for pdu in pdus] == [LONG[:153].encode(), LONG[153:].encode()]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Message"),
        pytest.param(LONG[:159]),
        pytest.param("a" * 153 + "Messages"),
        LONG[:160],
        "Messages",
        "Messag",
    ],
)
def test_spare_bits_of_packed_septets_are_no_letter(text: str) -> None:
    """Seven spare bits hold CR, as in 3GPP TS 23.038, 6.1.2.3.1: zeros would be read as an '@'."""
    found = ""
    for pdu in spell(text_of(text), default_alphabet="gsm7-packed"):
        octets = payload(pdu).text
        fill = 1 if payload(pdu).part else 0
        found += gsm.decode(gsm.unpack(octets, (len(octets) * 8 - fill) // 7, fill)).removesuffix("\r")
    assert found == text


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
    assert all("esm_class" not in pdu.fields for pdu in pdus)  # never both


@pytest.mark.parametrize("text", [LONG, CYRILLIC])
def test_a_payload_holds_the_whole_text(text: str) -> None:
    pdu = one(text_of(text), long_messages="payload")
    octets = pdu.tlvs[Tag.MESSAGE_PAYLOAD]
    assert octets == (text.encode("ascii") if text.isascii() else text.encode("utf-16-be"))
    assert "short_message" not in pdu.fields  # sm_length is 0 beside it
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


# -- validity


@pytest.mark.parametrize(
    ("way", "left_ms", "expected"),
    [
        ("relative", 60_000, "000000000100000R"),
        ("relative", DAY_MS, "000001000000000R"),
        ("relative", 3 * DAY_MS + 3_661_000, "000003010101000R"),
        ("relative", 60_999, "000000000100000R"),
        ("relative", 400, "000000000001000R"),  # at least a second: all noughts would be the carrier's own default
        ("relative", -5_000, "000000000001000R"),
        ("relative", 200 * DAY_MS, "000099235959000R"),  # days and smaller: months have no length
        ("absolute", 0, "231114221320000+"),
        ("absolute", 60_500, "231114221420500+"),
        ("absolute", DAY_MS, "231115221320000+"),
    ],
)
def test_validity_is_written_as_the_carrier_wants_it(way: str, left_ms: int, expected: str) -> None:
    pdu = one(text_of("Hello", valid_until=NOW + left_ms), validity=way)
    assert pdu.fields["validity_period"] == expected
    assert decode(encode(pdu)).fields["validity_period"] == expected


def test_validity_may_be_left_to_the_carrier() -> None:
    assert "validity_period" not in one(text_of("Hello"), validity="none").fields


def test_relative_validity_counts_from_the_moment_of_leaving() -> None:
    speller, waiting = Speller(settings()), text_of("Hello", valid_until=NOW + 3_600_000)
    found = [speller.pdus(waiting, NOW + later)[0].fields["validity_period"] for later in (0, 1_800_000)]
    assert found == ["000000010000000R", "000000003000000R"]


# -- what else the settings say


@pytest.mark.parametrize(
    ("changes", "name", "expected"),
    [
        ({}, "registered_delivery", 1),
        ({"registered_delivery": 0}, "registered_delivery", 0),
        ({"registered_delivery": 0x11}, "registered_delivery", 0x11),
        ({}, "service_type", ""),
        ({"service_type": "CMT"}, "service_type", "CMT"),
        ({}, "priority_flag", 0),
        ({"priority_flag": 3}, "priority_flag", 3),
    ],
)
def test_a_setting_stands_in_every_part(changes: dict[str, Any], name: str, expected: Any) -> None:
    for text in ("Hello", LONG, CYRILLIC):
        assert {pdu.fields[name] for pdu in spell(text_of(text), **changes)} == {expected}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"0x1400": "1101234567890123456"}, {0x1400: b"1101234567890123456"}),
        ({"1401": "0x0102ff"}, {0x1401: b"\x01\x02\xff"}),
        ({"0x130C": "0x"}, {0x130C: b""}),  # legal, with nothing in it
        ({"0x1400": "Übung"}, {0x1400: "Übung".encode()}),
        ({"0x1400": "a", "0x1401": "b"}, {0x1400: b"a", 0x1401: b"b"}),
    ],
)
@pytest.mark.parametrize("way", ["udh8", "sar", "payload"])
def test_parameters_of_the_settings_go_with_every_part(
    way: str, written: dict[str, str], expected: dict[int, bytes]
) -> None:
    for text in ("Hello", LONG):
        for pdu in spell(text_of(text), tlvs=written, long_messages=way):
            again = decode(encode(pdu))
            assert {tag: again.tlvs[tag] for tag in expected} == expected


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"tlvs": {"entity": "a"}}, "tlvs"),
        ({"tlvs": {"0x1400": "0x123"}}, "tlvs"),
        ({"tlvs": {"0x1400": "0xzz"}}, "tlvs"),
        ({"error_codes": {"0x400": "sometimes"}}, "error_codes"),
        ({"error_codes": {"RTOOFAST": "throttle"}}, "error_codes"),
        ({"host": []}, "host"),
        ({"host": ""}, "host"),
        ({"system_id": "x" * 16}, "system_id"),
        ({"service_type": "TOOLONG"}, "service_type"),
        ({"default_alphabet": "ebcdic"}, "default_alphabet"),
        ({"long_messages": "udh"}, "long_messages"),
        ({"window": 0}, "window"),
        ({"source_ton": 256}, "source_ton"),
        ({"country_code": "+44"}, "country_code"),
        ({"pasword": "x"}, "pasword"),
    ],
)
def test_a_wrong_setting_is_told_by_its_key(changes: dict[str, Any], key: str) -> None:
    wrong = catalogue.check("smpp", {"kind": "smpp", **NEEDED, **changes})
    assert wrong is not None and wrong[0] == key


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"tlvs": {"0x14000": "a"}}, "tlvs"),  # tags have 16 bits
        ({"tlvs": {"-1": "a"}}, "tlvs"),
        ({"tlvs": {"0x1400": "a" * 65_536}}, "tlvs"),
        ({"system_id": "ключ"}, "system_id"),
        ({"password": "пароль"}, "password"),
        ({"system_type": "тип"}, "system_type"),
        ({"service_type": "тип"}, "service_type"),
    ],
)
def test_a_setting_that_the_protocol_cannot_write_is_told_by_its_key(changes: dict[str, Any], key: str) -> None:
    wrong = catalogue.check("smpp", {"kind": "smpp", **NEEDED, **changes})
    assert wrong is not None and wrong[0] == key


def test_good_settings_pass() -> None:
    good: dict[str, Any] = {
        "host": ["a.example", "b.example"],
        "error_codes": {"0x58": "throttle", "RINVDSTADR": "route", "ESME_RSYSERR": "permanent", "1375": "transient"},
    }
    assert check(settings(**good)) is None


def test_a_message_whose_text_is_gone_is_empty() -> None:
    """Retention may have taken the text while the message waited."""
    pdu = one(message(text=None, encoding="gsm7", segments=1, valid_until=NOW, to=TO))
    assert pdu.fields["short_message"] == b""
