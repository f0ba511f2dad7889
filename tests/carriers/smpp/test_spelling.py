"""A message as a PDU: addresses, alphabets, validity and all else that a connector's settings decide."""

from typing import Any

import pytest

from heliograph.carriers import catalogue
from heliograph.carriers.smpp.settings import check
from heliograph.carriers.smpp.spelling import Speller
from heliograph.core import gsm, segments
from heliograph.smpp.codec import decode, encode
from heliograph.smpp.parts import payload
from tests.carriers.network import NOW, message
from tests.carriers.smpp.spelling import CYRILLIC, DAY_MS, LONG, NEEDED, TO, one, read, settings, spell, text_of

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
    assert not pdu.fields["esm_class"] and not pdu.tlvs


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
    assert one(text_of("Hello"), validity="none").fields["validity_period"] == ""


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
