"""How messages look to programs that were written for other gateways."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.core import ids
from heliograph.core.dropin import jasmin, kannel, twilio, twiml, vonage
from heliograph.core.dropin.numbers import international
from heliograph.core.lifecycle import CORRECTABLE, STATES
from heliograph.core.signing import twilio_signature

VECTORS = Path(__file__).parents[1] / "carriers/http/fixtures"
TIMES = st.integers(0, (1 << 48) - 1)
NUMBERS = st.integers(0, (1 << 62) - 1)


@given(TIMES, NUMBERS)
def test_a_sid_names_the_same_as_our_id(at: int, number: int) -> None:
    sid = twilio.sid("SM", at, number)
    assert len(sid) == 34 and twilio.parse_sid("SM", sid) == (at, number)
    assert twilio.parse_sid("VE", sid) is None


@given(st.text(max_size=40))
def test_what_is_no_sid_names_nothing(text: str) -> None:
    assert twilio.parse_sid("SM", text) is None
    assert ids.parse_hex("0" * 32) is None


@pytest.mark.parametrize("state", STATES)
def test_every_state_has_a_word_and_every_failure_a_number_with_a_meaning(state: str) -> None:
    known = {*STATES} - {"rejected", "expired"}
    for was_sent in (True, False):
        assert twilio.status_of(state, was_sent=was_sent) in known
        for failure in (None, "permanent", "nobody knows"):
            code = twilio.error_of(state, failure, None, was_sent=was_sent)
            assert code is None or code in twilio.MEANINGS
    assert state not in CORRECTABLE or twilio.error_of(state, None, None, was_sent=True)


def vectors(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((VECTORS / name).read_text())["vectors"]
    return found


@pytest.mark.parametrize(
    ("number", "meant"),
    [
        ("447700900123", "+447700900123"),
        ("00447700900123", "+447700900123"),
        ("+447700900123", "+447700900123"),
        ("07700900123", "07700900123"),
        ("12345", "12345"),
        ("Acme", "Acme"),
        (" 447700900123 ", "+447700900123"),
        ("", ""),
    ],
)
def test_numbers_without_a_sign_are_read_as_international(number: str, meant: str) -> None:
    assert international(number) == meant


def test_kannels_escapes_are_filled_and_encoded_and_nothing_else_is_touched() -> None:
    url = "http://example.com/dlr?type=%d&blank=a%20b&who=%p&unknown=%Z&id=%I"
    filled = kannel.filled(url, {"d": "8", "p": "+44 7700&x=1", "I": "msg_1"})
    expected = "http://example.com/dlr?type=8&blank=a%20b&who=%2B44%207700%26x%3D1&unknown=%Z&id=msg_1"
    assert filled == expected


@given(st.integers(0, 63))
def test_a_mask_asks_for_what_its_bits_say(mask: int) -> None:
    assert all(kannel.KINDS[event] & mask for event in kannel.events(mask))


@pytest.mark.parametrize("level", [1, 2, 3])
def test_jasmin_is_told_at_the_level_that_was_asked_for(level: int) -> None:
    told = {jasmin.level_of(event)[0] for event in jasmin.events(level)}
    assert told == ({1} if level == 1 else {1, 2})  # a refusal by the carrier is told at any level
    assert jasmin.uuid("0123456789abcdef0123456789abcdef") == "01234567-89ab-cdef-0123-456789abcdef"


def test_vonages_own_vectors_of_signatures_fit() -> None:
    found = [one for one in vectors("vonage/signature_vectors_sms_api.json") if one.get("method") == "sha256"]
    assert found
    for one in found:
        sig = one["params"].pop("sig")
        assert (vonage.signature(one["secret"].encode(), one["params"]) == sig.lower()) is one["valid"]


@pytest.mark.parametrize("name", ["published", "status callback", "inbound, UTF-8", "tampered status"])
def test_twilios_own_vectors_of_signatures_fit(name: str) -> None:
    found = [one for one in vectors("twilio/signature_vectors.json") if one["name"].startswith(name)]
    assert found
    for one in found:
        made = twilio_signature(one["secret"].encode(), one["url"], dict(one["form"]))
        assert (made == one["headers"]["X-Twilio-Signature"]) is one["valid"], one["name"]


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"<Response><Message>Hi</Message></Response>", ["Hi"]),
        (b'<?xml version="1.0"?><Response><Message><Body>Hi &amp; bye</Body></Message></Response>', ["Hi & bye"]),
        (b"<Response><Message>One</Message><Redirect>/x</Redirect><Message>Two</Message></Response>", ["One", "Two"]),
        (b"<Response/>", []),
        (b"<Response><Message> </Message></Response>", []),
        (b"<Other><Message>Hi</Message></Other>", []),
        (b"<Response><Message>Hi", []),
        (b"ok", []),
        (b"", []),
        (b'<!DOCTYPE x [<!ENTITY a "aaaa">]><Response><Message>&a;</Message></Response>', []),
        (b"<Response>" + b"<Message>x</Message>" * 50 + b"</Response>", ["x"] * 10),
    ],
)  # fmt: skip
def test_texts_are_read_out_of_twiml(body: bytes, found: list[str]) -> None:
    assert twiml.texts(body) == found


@given(st.binary(max_size=200))
def test_whatever_an_application_answers_is_read_or_left_alone(body: bytes) -> None:
    assert isinstance(twiml.texts(body), list)
