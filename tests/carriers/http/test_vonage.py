import json
from typing import Any
from urllib.parse import urlencode

import pytest

from heliograph.carriers.http.proof import hmac_hex
from heliograph.carriers.http.provider import Answer, Callback, Provider, Text
from heliograph.carriers.http.vonage import Vonage
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

FORM = "application/x-www-form-urlencoded"
SECRET = "my_signature_secret_0123456789"
URL = "https://gw.example.test/in/carrier/status?ref=att-9&token=t0ken"
PROVIDER = build(Vonage, api_key="abcd1234", api_secret="SECRET", signature_secret=SECRET, signature_method="sha256")
TEXT = Text(
    to="+447700900000",
    sender="AcmeInc",
    text="Your code is 482913",
    status_url="https://gw.example.test/hooks/vonage/status",
    valid_for_s=300,
)


def of_the_sms_api(file: str) -> dict[str, dict[str, Any]]:
    """The others belong to test_vonage_messages.py."""
    return {name: one for name, one in examples("vonage", file).items() if one["api"] == "sms"}


SENDS = of_the_sms_api("send")
REPORTS = of_the_sms_api("status_callbacks")
REPLIES = of_the_sms_api("inbound")
QUERIES = {name: one for name, one in examples("vonage", "queries").items() if name != "number insight basic"}
VECTORS = vectors("vonage", "signature_vectors_sms_api")


def sent(text: Text) -> dict[str, str]:
    return Callback("POST", "", {"content-type": FORM}, PROVIDER.request(text).body, NOW).form()


def reported(**fields: str) -> Callback:
    return Callback("POST", URL, {"content-type": FORM}, urlencode(fields).encode(), NOW)


def answered(*parts: object, status: int = 200) -> Answer:
    return Answer(status, json.dumps({"messages": parts}).encode())


@pytest.mark.parametrize("name", SENDS)
def test_a_text_becomes_the_recorded_request(name: str) -> None:
    assert_request(PROVIDER.request(TEXT), SENDS[name]["request"], headers=("accept",))


def test_what_a_text_is_like_changes_its_request() -> None:
    form = sent(Text(to="+447700900000", sender=None, text="✓", encoding="ucs2", valid_for_s=5))
    assert (form["type"], form["ttl"], form["from"]) == ("unicode", "20000", "")
    assert "callback" not in form
    assert sent(Text(to="+447700900000", sender="A", text="x", valid_for_s=10**6))["ttl"] == "604800000"


def test_a_callback_url_that_would_be_refused_is_left_out() -> None:
    url = "https://gw.example.test/".ljust(100, "x")
    assert sent(Text(to="+447700900000", sender="A", text="x", status_url=url))["callback"] == url
    assert "callback" not in sent(Text(to="+447700900000", sender="A", text="x", status_url=url + "x"))


@pytest.mark.parametrize("name", SENDS)
def test_a_recorded_answer_is_read(name: str) -> None:
    expect = SENDS[name]["expect"]
    outcome = PROVIDER.answer(TEXT, answer_of(SENDS[name]["response"]))
    assert_outcome(outcome, expect)
    assert outcome.currency == ("EUR" if outcome.state == "accepted" else None)
    assert outcome.retry_after_ms == expect.get("wait_ms")


def test_a_part_without_a_price_leaves_the_price_open() -> None:
    parts = [{"status": "0", "message-id": "a", "message-price": "0.03"}, {"status": "0", "message-id": "b"}]
    outcome = PROVIDER.answer(TEXT, answered(*parts))
    assert (outcome.state, outcome.carrier_ids, outcome.price, outcome.currency) == ("accepted", ("a", "b"), None, None)


@pytest.mark.parametrize(
    "answer",
    [
        answered({"status": "0"}),
        answered({"status": "0", "message-id": ""}),
        answered({"status": "0", "message-id": 7}),
        answered({"status": 0, "message-id": "x"}),
        answered({"message-id": "x"}),
        answered("x"),
        answered({"status": "0", "message-id": "x"}, None),
        answered({"status": "0", "message-id": "x"}, status=502),
        answered({"status": "777"}),
    ],
)
def test_an_answer_that_is_neither_yes_nor_no_is_unknown(answer: Answer) -> None:
    outcome = PROVIDER.answer(TEXT, answer)
    assert (outcome.state, outcome.failure) == ("unknown", "unknown")


def test_only_a_throttled_answer_asks_for_a_pause() -> None:
    outcome = PROVIDER.answer(TEXT, answered({"status": "7", "error-text": "please wait [ 250 ] and retry"}))
    assert (outcome.state, outcome.retry_after_ms) == ("refused", None)


@pytest.mark.parametrize("name", REPORTS)
def test_a_recorded_report_is_read(name: str) -> None:
    assert_receipts(PROVIDER.read(callback_of(REPORTS[name]["request"])).receipts, REPORTS[name]["expect"])


def test_a_report_says_which_attempt_and_why() -> None:
    [receipt] = PROVIDER.read(callback_of(REPORTS["SMS API rejected/9"]["request"])).receipts
    assert (receipt.ref, receipt.code, receipt.carrier_code) == ("att-1", "opted_out_at_carrier", "9")
    assert (receipt.price, receipt.currency, receipt.at) == ("0.03330000", "EUR", NOW)


def test_an_unknown_word_changes_nothing_and_an_unknown_code_is_unknown() -> None:
    assert not PROVIDER.read(reported(status="teleported", messageId="x")).receipts
    [receipt] = PROVIDER.read(reported(status="FAILED", messageId="x", **{"err-code": "777"})).receipts
    assert (receipt.fact, receipt.failure, receipt.carrier_code) == ("undelivered", "unknown", "777")
    [receipt] = PROVIDER.read(reported(status="failed", messageId="x")).receipts
    assert (receipt.failure, receipt.carrier_code, receipt.ref) == ("unknown", None, None)


@pytest.mark.parametrize("price", ["-1", "0.000", "1e400", "nan", "", "9" * 5000])
def test_a_price_that_is_none_is_left_out(price: str) -> None:
    [receipt] = PROVIDER.read(reported(status="delivered", messageId="x", price=price)).receipts
    assert (receipt.fact, receipt.price, receipt.currency) == ("delivered", None, None)


@pytest.mark.parametrize("name", REPLIES)
def test_a_reply_is_read(name: str) -> None:
    one = REPLIES[name]
    heard = PROVIDER.read(callback_of(one["request"]))
    [inbound] = heard.inbound
    # The parts of a long reply come one by one, and we have no place for their order.
    wanted = dict(one["request"]["form"])
    assert (inbound.sender, inbound.to, inbound.text) == ("+447700900001", "+447700900000", wanted["text"])
    assert inbound.carrier_id == one["expect"]["message_id"]
    assert not heard.receipts


@pytest.mark.parametrize(
    "body",
    [
        b'{"status": ["delivered"], "messageId": "x"}',
        b'{"status": "delivered", "messageId": {}}',
        b'{"status": "delivered", "messageId": ""}',
        b'{"msisdn": "447700900001", "to": null, "text": "x"}',
    ],
)
def test_a_call_of_wrong_types_says_nothing(body: bytes) -> None:
    heard = PROVIDER.read(Callback("POST", URL, {"content-type": "application/json"}, body, NOW))
    assert not heard.receipts
    assert not heard.inbound


def test_the_balance_is_read() -> None:
    one = QUERIES["balance"]
    assert_request(PROVIDER.balance_request(), one["request"])
    assert PROVIDER.balance(answer_of(one["response"])) == (one["expect"]["balance"], one["expect"]["currency"])
    assert PROVIDER.balance(Answer(200, b'{"value": -0.5}')) == ("-0.5", "EUR")
    assert PROVIDER.balance(Answer(200, b'{"value": true}')) is None
    assert PROVIDER.balance(Answer(401, b'{"value": 1}')) is None


def signed_by(method: str) -> Provider:
    return build(Vonage, api_key="abcd1234", api_secret="SECRET", signature_secret=SECRET, signature_method=method)


def ways(params: dict[str, str], at: int = NOW) -> list[Callback]:
    """An account chooses how it is called."""
    return [
        Callback("POST", URL, {"content-type": FORM}, urlencode(params).encode(), at),
        Callback("POST", URL, {"content-type": "application/json"}, json.dumps(params).encode(), at),
        Callback("GET", f"{URL}&{urlencode(params)}", {}, b"", at),
    ]


@pytest.mark.parametrize("name", VECTORS)
def test_a_signature_is_judged(name: str) -> None:
    one = VECTORS[name]
    assert one["secret"] == SECRET
    for call in ways(one["params"]):
        assert (signed_by(one["method"]).verify(call) is None) == one["valid"]


@pytest.mark.parametrize("name", [name for name, one in VECTORS.items() if one["valid"]])
def test_a_changed_call_is_refused(name: str) -> None:
    one = VECTORS[name]
    changed = [one["params"] | {"messageId": "other"}, one["params"] | {"more": "x"}, one["params"] | {"sig": ""}]
    for params in changed:
        assert all(signed_by(one["method"]).verify(call) for call in ways(params))


def test_an_old_signature_is_refused() -> None:
    params = VECTORS["delivery receipt, HMAC-sha256"]["params"]
    for call in ways(params, NOW + 25 * 3_600_000):
        assert PROVIDER.verify(call) is None
    for call in ways(params, NOW + 25 * 3_600_000 + 1):
        assert PROVIDER.verify(call)


def test_a_signature_without_a_time_is_refused() -> None:
    params = {"messageId": "x", "sig": hmac_hex("sha256", SECRET, b"&messageId=x")}
    assert all(PROVIDER.verify(call) for call in ways(params))


def test_without_a_signature_secret_the_token_is_the_proof() -> None:
    unsigned = build(Vonage, api_key="abcd1234", api_secret="SECRET", callback_token="t0ken")
    assert unsigned.verify(reported(status="delivered", messageId="x")) is None
    assert unsigned.verify(callback_of({"url": URL.replace("t0ken", "other")}))


def test_nonsense_is_survived() -> None:
    assert_survives(PROVIDER)
