import base64
import hashlib
import hmac
import json

import pytest

from heliograph.carriers.http.proof import basic, sha256_hex
from heliograph.carriers.http.provider import Answer, Callback, Text
from heliograph.carriers.http.vonage_messages import VonageMessages
from tests.carriers.http.harness import (
    NOW,
    answer_of,
    assert_outcome,
    assert_receipts,
    assert_request,
    assert_survives,
    build,
    callback_of,
    examples,
    vectors,
)

SECRET = "vonage_messages_signature_secret_0123456789"
URL = "https://gw.example.test/in/carrier/status"
PROVIDER = build(VonageMessages, api_key="abcd1234", api_secret="SECRET", signature_secret=SECRET)
TEXT = Text(
    to="+447700900000",
    sender="AcmeInc",
    text="Your code is 482913",
    status_url="https://gw.example.test/hooks/vonage/messages",
    valid_for_s=300,
)
# The others belong to test_vonage.py; so does the balance, which this host does not tell.
SENDS = {name: one for name, one in examples("vonage", "send").items() if one["api"] == "messages"}
REPORTS = {name: one for name, one in examples("vonage", "status_callbacks").items() if one["api"] == "messages"}
VECTORS = vectors("vonage", "signature_vectors_messages_api")


def reported(**fields: object) -> Callback:
    body = json.dumps({"message_uuid": "x", **fields}).encode()
    return Callback("POST", URL, {"content-type": "application/json"}, body, NOW)


def signed(body: bytes, algorithm: str = "HS256", scheme: str = "Bearer", **claims: object) -> Callback:
    """A call with a token that our secret signs."""

    def part(octets: bytes) -> str:
        return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()

    claims = {"iat": NOW // 1000, "payload_hash": sha256_hex(body)} | claims
    head = f"{part(json.dumps({'alg': algorithm}).encode())}.{part(json.dumps(claims).encode())}"
    proof = part(hmac.new(SECRET.encode(), head.encode(), hashlib.sha256).digest())
    return Callback("POST", URL, {"authorization": f"{scheme} {head}.{proof}"}, body, NOW)


@pytest.mark.parametrize("name", SENDS)
def test_a_text_becomes_the_recorded_request(name: str) -> None:
    """But for the token of an application, which is recorded: we name the account."""
    call = PROVIDER.request(TEXT)
    assert_request(call, SENDS[name]["request"], headers=("accept",))
    assert call.headers["Authorization"] == basic("abcd1234", "SECRET")


def test_what_a_text_is_like_changes_its_request() -> None:
    text = Text(to="+447700900000", sender=None, text="✓", encoding="ucs2", valid_for_s=5)
    body = json.loads(PROVIDER.request(text).body)
    assert (body["sms"], body["ttl"], body["from"]) == ({"encoding_type": "unicode"}, 20, "")
    assert "webhook_url" not in body


@pytest.mark.parametrize("name", SENDS)
def test_a_recorded_answer_is_read(name: str) -> None:
    assert_outcome(PROVIDER.answer(TEXT, answer_of(SENDS[name]["response"])), SENDS[name]["expect"])


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (202, {"message_uuid": ""}),
        (202, {"message_uuid": 7}),
        (500, {"message_uuid": "x"}),
        (500, {"type": "https://developer.nexmo.com/api-errors#1999"}),
        (500, {"type": ["#1000"]}),
    ],
)
def test_an_answer_that_is_neither_yes_nor_no_is_unknown(status: int, body: object) -> None:
    outcome = PROVIDER.answer(TEXT, Answer(status, json.dumps(body).encode()))
    assert (outcome.state, outcome.failure) == ("unknown", "unknown")


@pytest.mark.parametrize("name", REPORTS)
def test_a_recorded_report_is_read(name: str) -> None:
    assert_receipts(PROVIDER.read(callback_of(REPORTS[name]["request"])).receipts, REPORTS[name]["expect"])


def test_a_report_says_what_it_cost_and_why() -> None:
    [receipt] = PROVIDER.read(callback_of(REPORTS["Messages API rejected"]["request"])).receipts
    assert (receipt.price, receipt.currency, receipt.parts, receipt.at) == ("0.0333", "EUR", 1, NOW)
    assert (receipt.code, receipt.carrier_code) == ("unreachable", "1260")


def test_who_said_stop_has_opted_out() -> None:
    [receipt] = PROVIDER.read(reported(status="rejected", error={"type": "https://x.test/#1240"})).receipts
    assert (receipt.fact, receipt.failure, receipt.code) == ("undelivered", "opted_out", "opted_out_at_carrier")


def test_an_unknown_word_changes_nothing_and_an_unknown_code_is_unknown() -> None:
    assert not PROVIDER.read(reported(status="teleported")).receipts
    # 1060 is known, but as the word of an answer: in a report it means something else
    for error in ({"type": "#1999"}, {"type": "#1060"}, {"type": "#word"}, {"type": 1000}, {}, "x", None):
        [receipt] = PROVIDER.read(reported(status="Rejected", error=error)).receipts
        assert (receipt.fact, receipt.failure) == ("undelivered", "unknown")


@pytest.mark.parametrize(
    "fields",
    [
        {"usage": {"price": "-1", "currency": "EUR"}, "sms": {"count_total": "0"}},
        {"usage": {"price": "0.0333"}, "sms": {"count_total": []}},
        {"usage": "0.0333", "sms": 1},
        {"client_ref": 7},
        {"client_ref": ""},
    ],
)
def test_what_is_of_a_wrong_type_is_left_out(fields: dict[str, object]) -> None:
    [receipt] = PROVIDER.read(reported(status="delivered", **fields)).receipts
    assert (receipt.price, receipt.currency, receipt.parts, receipt.ref) == (None, None, None, None)


def test_a_reply_is_read() -> None:
    one = examples("vonage", "inbound")["Messages API"]
    heard = PROVIDER.read(callback_of(one["request"]))
    [inbound] = heard.inbound
    assert (inbound.sender, inbound.to, inbound.text) == ("+447700900001", "+447700900000", "Hello")
    assert (inbound.carrier_id, inbound.at) == (one["expect"]["message_id"], NOW)
    assert not heard.receipts


def test_a_call_of_wrong_types_says_nothing() -> None:
    calls = [
        reported(message_uuid=7, status="delivered"),
        reported(message_uuid="", status="delivered"),
        reported(status=["delivered"]),
        reported(**{"from": {"number": "447700900001"}, "to": "447700900000", "text": "x"}),
    ]
    for call in calls:
        heard = PROVIDER.read(call)
        assert not heard.receipts
        assert not heard.inbound


@pytest.mark.parametrize("name", VECTORS)
def test_a_signature_is_judged(name: str) -> None:
    one = VECTORS[name]
    assert one["secret"] == SECRET
    assert (PROVIDER.verify(callback_of(one)) is None) == one["valid"]


def test_an_old_signature_is_refused() -> None:
    one = VECTORS["status webhook"]
    assert PROVIDER.verify(callback_of(one, at=NOW + 25 * 3_600_000)) is None
    assert PROVIDER.verify(callback_of(one, at=NOW + 25 * 3_600_000 + 1))


def test_only_a_whole_token_is_a_proof() -> None:
    assert PROVIDER.verify(signed(b"{}")) is None
    assert PROVIDER.verify(signed(b"{}", "HS512"))
    assert PROVIDER.verify(signed(b"{}", scheme="Basic"))
    assert PROVIDER.verify(signed(b"{}", iat="soon"))
    assert PROVIDER.verify(signed(b"{}", iat=None))
    assert PROVIDER.verify(signed(b"{}", payload_hash=None))


def test_without_a_signature_secret_the_token_in_the_url_is_the_proof() -> None:
    unsigned = build(VonageMessages, api_key="abcd1234", api_secret="SECRET", callback_token="t0ken")
    assert unsigned.verify(callback_of({"url": f"{URL}?token=t0ken"})) is None
    assert unsigned.verify(callback_of({"url": f"{URL}?token=other"}))


def test_nonsense_is_survived() -> None:
    assert_survives(PROVIDER)
