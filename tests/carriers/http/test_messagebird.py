import base64
import hashlib
import hmac
import json
from urllib.parse import urlencode

import pytest

from heliograph.carriers.http.messagebird import MessageBird
from heliograph.carriers.http.proof import sha256_hex
from heliograph.carriers.http.provider import Answer, Callback, Text
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

SECRET = "messagebird_signing_key_0123456789"
URL = "https://gw.example.test/in/carrier/status"
PROVIDER = build(MessageBird, access_key="KEY", signature_secret=SECRET)
TEXT = Text(
    to="+447700900000",
    sender="Acme",
    text="Your code is 482913",
    status_url="https://gw.example.test/hooks/messagebird/status",
    valid_for_s=300,
)
SENDS = examples("messagebird", "send")
REPORTS = examples("messagebird", "status_callbacks")
REPLIES = examples("messagebird", "inbound")
QUERIES = examples("messagebird", "queries")
VECTORS = vectors("messagebird")
MESSAGE_ID = "e8077d803532c0b5937c639b60216938"
LISTED = ("authorization", "accept")


def reported(**fields: str) -> Callback:
    return Callback("GET", f"{URL}?ref=att-9&{urlencode({'id': 'x'} | fields)}", {}, b"", NOW)


def signed(body: bytes = b"", algorithm: str = "HS256", at: int = NOW, **claims: object) -> Callback:
    """A call with a token that our signing key signs."""

    def part(octets: bytes) -> str:
        return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()

    usual = {"iss": "MessageBird", "nbf": NOW // 1000, "exp": NOW // 1000 + 60, "url_hash": sha256_hex(URL.encode())}
    head = f"{part(json.dumps({'alg': algorithm}).encode())}.{part(json.dumps(usual | claims).encode())}"
    hashed = {"HS384": hashlib.sha384, "HS512": hashlib.sha512}.get(algorithm, hashlib.sha256)
    proof = part(hmac.new(SECRET.encode(), head.encode(), hashed).digest())
    return Callback("POST", URL, {"messagebird-signature-jwt": f"{head}.{proof}"}, body, at)


@pytest.mark.parametrize("name", SENDS)
def test_a_text_becomes_the_recorded_request(name: str) -> None:
    assert_request(PROVIDER.request(TEXT), SENDS[name]["request"], headers=LISTED)


def test_what_a_text_is_like_changes_its_request() -> None:
    body = json.loads(PROVIDER.request(Text(to="+447700900000", sender=None, text="✓", encoding="ucs2")).body)
    assert (body["datacoding"], body["originator"], body["validity"]) == ("unicode", "", 86_400)
    assert "reportUrl" not in body


@pytest.mark.parametrize("name", SENDS)
def test_a_recorded_answer_is_read(name: str) -> None:
    assert_outcome(PROVIDER.answer(TEXT, answer_of(SENDS[name]["response"])), SENDS[name]["expect"])


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (201, {"id": ""}),
        (201, {"id": 7}),
        (500, {"id": "x"}),
        (500, {"errors": [{"code": 777}]}),
        (500, {"errors": [{"code": None}]}),
        (500, {"errors": {"code": 10}}),
        (500, {"errors": [7]}),
    ],
)
def test_an_answer_that_is_neither_yes_nor_no_is_unknown(status: int, body: object) -> None:
    outcome = PROVIDER.answer(TEXT, Answer(status, json.dumps(body).encode()))
    assert (outcome.state, outcome.failure) == ("unknown", "unknown")


def test_the_code_of_a_report_says_nothing_in_an_answer() -> None:
    outcome = PROVIDER.answer(TEXT, Answer(422, b'{"errors": [{"code": 103}]}'))
    assert (outcome.state, outcome.failure, outcome.carrier_code) == ("refused", "permanent", "103")


@pytest.mark.parametrize("recipients", [None, [], {"items": []}, {"items": [7]}, {"items": [{"messagePartCount": 0}]}])
def test_an_id_is_enough(recipients: object) -> None:
    outcome = PROVIDER.answer(TEXT, Answer(201, json.dumps({"id": "x", "recipients": recipients}).encode()))
    assert (outcome.state, outcome.carrier_ids, outcome.parts) == ("accepted", ("x",), None)


@pytest.mark.parametrize("name", REPORTS)
def test_a_recorded_report_is_read(name: str) -> None:
    assert_receipts(PROVIDER.read(callback_of(REPORTS[name]["request"])).receipts, REPORTS[name]["expect"])


def test_a_report_says_which_attempt_and_why() -> None:
    [receipt] = PROVIDER.read(callback_of(REPORTS["delivery_failed 103"]["request"])).receipts
    assert (receipt.ref, receipt.code, receipt.carrier_code) == ("att-1", "opted_out_at_carrier", "103")
    assert (receipt.price, receipt.currency, receipt.parts, receipt.at) == ("0.045", "EUR", 1, NOW)
    [receipt] = PROVIDER.read(reported(status="delivered")).receipts
    assert receipt.ref == "att-9", "without an echo the URL says it"


def test_an_unknown_word_changes_nothing_and_an_unknown_code_is_unknown() -> None:
    assert not PROVIDER.read(reported(status="teleported")).receipts
    assert not PROVIDER.read(reported(status="delivered", id="")).receipts
    for code in ("777", "", "25"):  # 25 is known, but as the API's word for an empty account
        [receipt] = PROVIDER.read(reported(status="Delivery_failed", statusErrorCode=code)).receipts
        assert (receipt.fact, receipt.failure, receipt.carrier_code) == ("undelivered", "unknown", code or None)


@pytest.mark.parametrize(
    ("price", "parts"), [("-1", "0"), ("0.000", "-1"), ("1e400", "1.5"), ("nan", "9" * 5000), ("", "")]
)
def test_a_price_or_number_of_parts_that_is_none_is_left_out(price: str, parts: str) -> None:
    fields = {"price[amount]": price, "price[currency]": "EUR", "messagePartCount": parts}
    [receipt] = PROVIDER.read(reported(status="delivered", **fields)).receipts
    assert (receipt.fact, receipt.price, receipt.currency, receipt.parts) == ("delivered", None, None, None)


def test_a_price_without_a_currency_is_left_out() -> None:
    for more in ({}, {"price[currency]": ""}):
        [receipt] = PROVIDER.read(reported(status="delivered", **{"price[amount]": "0.045"}, **more)).receipts
        assert (receipt.price, receipt.currency) == (None, None)


@pytest.mark.parametrize("name", REPLIES)
def test_a_reply_is_read(name: str) -> None:
    expect = REPLIES[name]["expect"]
    call = callback_of(REPLIES[name]["request"])
    heard = PROVIDER.read(call)
    [inbound] = heard.inbound
    to = expect["to"] if name == "short code" else f"+{expect['to']}"
    assert (inbound.sender, inbound.to, inbound.text) == (f"+{expect['from_']}", to, expect["text"])
    assert (inbound.carrier_id, inbound.at) == (expect["message_id"], NOW)
    assert not heard.receipts
    thanks = PROVIDER.thanks(call)
    assert (thanks.status, thanks.media_type, thanks.body) == (200, "text/plain", b"OK")


def test_a_message_can_be_asked_for() -> None:
    one = QUERIES["message"]
    assert_request(PROVIDER.question(MESSAGE_ID), one["request"], headers=LISTED)
    receipts = PROVIDER.report(MESSAGE_ID, answer_of(one["response"]), NOW)
    assert_receipts(receipts, one["expect"])
    assert (receipts[0].ref, receipts[0].parts) == ("att-1", 1)
    assert not PROVIDER.report(MESSAGE_ID, Answer(404, json.dumps(one["response"]["json"]).encode()), NOW)


def test_an_end_that_was_asked_for_says_why() -> None:
    item = {"status": "delivery_failed", "statusErrorCode": 103, "price": {"amount": 0.045, "currency": "EUR"}}
    body = json.dumps({"reference": 7, "recipients": {"items": [item]}}).encode()
    [receipt] = PROVIDER.report("x", Answer(200, body), NOW)
    assert (receipt.carrier_id, receipt.failure, receipt.carrier_code) == ("x", "opted_out", "103")
    assert (receipt.price, receipt.currency, receipt.ref) == ("0.045", "EUR", None)


def test_the_balance_is_read() -> None:
    one = QUERIES["balance"]
    assert_request(PROVIDER.balance_request(), one["request"], headers=LISTED)
    assert PROVIDER.balance(answer_of(one["response"])) == (one["expect"]["balance"], "credits")
    assert PROVIDER.balance(Answer(200, b'{"type": "euros", "amount": -3}')) == ("-3", "EUR")
    assert PROVIDER.balance(Answer(200, b'{"type": "euros", "amount": true}')) is None
    assert PROVIDER.balance(Answer(200, b'{"type": 1, "amount": 3}')) is None
    assert PROVIDER.balance(Answer(401, b'{"type": "euros", "amount": 3}')) is None


@pytest.mark.parametrize("name", VECTORS)
def test_a_signature_is_judged(name: str) -> None:
    one = VECTORS[name]
    assert one["secret"] == SECRET
    assert (PROVIDER.verify(callback_of(one)) is None) == one["valid"]


def test_a_token_holds_for_one_url_only() -> None:
    one = VECTORS["GET status report: url_hash only"]
    assert PROVIDER.verify(callback_of(one, url=one["url"].replace("delivered", "expired")))
    assert PROVIDER.verify(callback_of(one, body=b"more"))


def test_a_token_holds_for_its_time_only() -> None:
    """The times of the recorded ones are wide; the time of a genuine one is short."""
    one = VECTORS["GET status report: url_hash only"]
    assert PROVIDER.verify(callback_of(one, at=(one["claims"]["exp"] + 2) * 1000))
    assert PROVIDER.verify(callback_of(one, at=(one["claims"]["nbf"] - 2) * 1000))
    assert PROVIDER.verify(signed(at=NOW + 61_000)) is None
    assert PROVIDER.verify(signed(at=NOW + 62_000))
    assert PROVIDER.verify(signed(at=NOW - 1_000)) is None
    assert PROVIDER.verify(signed(at=NOW - 2_000))


def test_only_a_whole_token_is_a_proof() -> None:
    assert PROVIDER.verify(signed(b"x", payload_hash=sha256_hex(b"x"))) is None
    assert PROVIDER.verify(signed(algorithm="HS384")) is None
    assert PROVIDER.verify(signed(algorithm="HS512")) is None
    assert PROVIDER.verify(signed(algorithm="none"))
    assert PROVIDER.verify(signed(b"x"))
    assert PROVIDER.verify(signed(payload_hash=sha256_hex(b"")))
    assert PROVIDER.verify(signed(iss="Somebody"))
    assert PROVIDER.verify(signed(url_hash=None))
    assert PROVIDER.verify(signed(nbf=None))
    assert PROVIDER.verify(signed(exp="9999999999"))


def test_without_a_signing_key_the_token_in_the_url_is_the_proof() -> None:
    unsigned = build(MessageBird, access_key="KEY", callback_token="t0ken")
    assert unsigned.verify(callback_of({"url": f"{URL}?token=t0ken"})) is None
    assert unsigned.verify(callback_of({"url": f"{URL}?token=other"}))


def test_nonsense_is_survived() -> None:
    assert_survives(PROVIDER)
