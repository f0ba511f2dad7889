import json
from typing import Any

import pytest

from heliograph.carriers.http.clickatell import Clickatell
from heliograph.carriers.http.provider import Answer, Callback, Text
from heliograph.core.message import Outcome
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
)

PROVIDER = build(Clickatell, api_key="API_KEY_RAW", callback_token="t0ken")
TEXT = Text(to="+447700900000", sender="12345", text="Your code is 482913")
# The other recorded requests aren't ours: three name no message id of ours or no message, one is for the older API.
# What they were answered is read with the first.
REQUESTS = {"One API": TEXT}
SENDS = examples("clickatell", "send")
REPORTS = examples("clickatell", "status_callbacks")
INBOUND = examples("clickatell", "inbound")
MESSAGE_ID = "77fb29998253415fa5d66971d519d362"


@pytest.mark.parametrize("name", REQUESTS)
def test_a_text_becomes_the_recorded_request(name: str) -> None:
    assert_request(PROVIDER.request(REQUESTS[name]), SENDS[name]["request"], headers=("authorization", "accept"))


def test_what_is_not_given_is_left_out_and_numbers_have_no_plus() -> None:
    def sender(sender: str | None) -> Any:
        [message] = json.loads(PROVIDER.request(Text(to="+447700900000", sender=sender, text="Hi")).body)["messages"]
        return message.get("from")

    assert sender(None) is None
    assert sender("+447700900999") == "447700900999"


@pytest.mark.parametrize("name", SENDS)
def test_a_recorded_answer_is_read(name: str) -> None:
    assert_outcome(PROVIDER.answer(TEXT, answer_of(SENDS[name]["response"])), SENDS[name]["expect"])


@pytest.mark.parametrize(
    ("status", "message", "wanted"),
    [
        (207, {"accepted": False, "error": {"code": 987}}, ("refused", "unknown", "987")),  # a no is a no
        (207, {"accepted": False, "error": None}, ("refused", "unknown", None)),
        (202, {"accepted": False, "errorCode": "26", "error": "text"}, ("refused", "opted_out", "26")),  # the older API
        (400, {"accepted": False, "error": {"code": 25}}, ("refused", "permanent", "25")),
        (429, {"accepted": False, "error": {"code": 987}}, ("refused", "throttled", "429")),
        (500, {"accepted": False, "error": {"code": 987}}, ("unknown", "unknown", "500")),
        (500, {"accepted": True, "apiMessageId": "m1"}, ("unknown", "unknown", "500")),
        (202, {"accepted": True, "apiMessageId": None}, ("unknown", "unknown", "202")),
        (202, {"accepted": "yes", "apiMessageId": "m1"}, ("unknown", "unknown", "202")),
        (202, {"accepted": [], "error": [], "errorCode": {}}, ("unknown", "unknown", "202")),
    ],
)
def test_only_a_clear_answer_is_an_end(
    status: int, message: dict[str, Any], wanted: tuple[str, str, str | None]
) -> None:
    outcome = PROVIDER.answer(TEXT, Answer(status, json.dumps({"messages": [message]}).encode()))
    assert (outcome.state, outcome.failure, outcome.carrier_code) == wanted
    assert outcome.code


def test_an_error_of_the_whole_request_counts_by_its_code_where_we_know_it() -> None:
    def said(status: int, code: int) -> Outcome:
        return PROVIDER.answer(TEXT, Answer(status, json.dumps({"messages": [], "error": {"code": code}}).encode()))

    assert (said(400, 26).failure, said(400, 26).carrier_code) == ("opted_out", "26")
    assert (said(402, 987).failure, said(402, 987).carrier_code) == ("unauthorised", "402")
    assert said(202, 26).state == "unknown"  # of no message does it say no
    assert said(503, 26).state == "unknown"


@pytest.mark.parametrize("name", REPORTS)
def test_a_recorded_report_is_read(name: str) -> None:
    assert_receipts(PROVIDER.read(callback_of(REPORTS[name]["request"])).receipts, REPORTS[name]["expect"])


def test_every_bad_end_has_a_class_and_a_code_of_ours() -> None:
    for name, one in REPORTS.items():
        [receipt] = PROVIDER.read(callback_of(one["request"])).receipts
        ended_badly = receipt.fact in ("undelivered", "expired", "refused")
        assert (bool(receipt.failure), bool(receipt.code)) == (ended_badly, ended_badly), name


def test_the_newer_api_is_read_by_its_words() -> None:
    [receipt] = PROVIDER.read(_event({"status": "sent_to_supplier", "statusCode": 4})).receipts
    assert receipt.fact == "buffered"
    assert not PROVIDER.read(_event({"statusCode": 4})).receipts


def test_one_call_brings_several_reports_with_our_reference() -> None:
    first = {"status": "DEVICE_ACK", "statusCode": 5, "clientMessageId": "att-7"}
    second = {"status": "EXPIRED", "statusCode": 20, "messageId": "m2"}
    one, other = PROVIDER.read(_event(first, "nonsense", second)).receipts
    assert (one.carrier_id, one.fact, one.ref) == (MESSAGE_ID, "delivered", "att-7")
    assert (other.carrier_id, other.fact, other.ref) == ("m2", "expired", None)
    assert (other.failure, other.carrier_code) == ("unreachable", "20")


@pytest.mark.parametrize(
    ("error", "failure", "code"),
    [({"code": 26}, "opted_out", "26"), ({"code": 987}, "unknown", "23"), ("text", "unknown", "23")],
)
def test_the_reason_of_a_bad_end_goes_before_its_state(error: object, failure: str, code: str) -> None:
    callback = _event({"status": "DELIVERY_FAILURE", "statusCode": 23, "error": error})
    [receipt] = PROVIDER.read(callback).receipts
    assert (receipt.fact, receipt.failure, receipt.carrier_code) == ("undelivered", failure, code)


@pytest.mark.parametrize(
    "said",
    [
        {"messageId": MESSAGE_ID, "statusCode": 13},
        {"messageId": MESSAGE_ID, "statusCode": "4"},
        {"messageId": MESSAGE_ID, "statusCode": [4], "status": {}},
        {"messageId": None, "statusCode": 4},
        {"event": {"messageStatusUpdate": [{"messageId": MESSAGE_ID, "status": "PONDERING", "statusCode": 4}]}},
        {"event": {"messageStatusUpdate": {"messageId": MESSAGE_ID, "status": "READ"}}},
        {"event": "messageStatusUpdate"},
        {"fromNumber": 447700900000, "toNumber": "12345", "text": "Hello"},
    ],
)
def test_an_unknown_word_changes_nothing(said: dict[str, Any]) -> None:
    heard = PROVIDER.read(callback_of({"json": said}))
    assert not heard.receipts
    assert not heard.inbound


@pytest.mark.parametrize("name", INBOUND)
def test_a_reply_is_read(name: str) -> None:
    [inbound] = PROVIDER.read(callback_of(INBOUND[name]["request"])).inbound
    assert (inbound.sender, inbound.to, inbound.text) == ("+447700900000", "12345", "Hello")
    assert (inbound.carrier_id, inbound.at) == (INBOUND[name]["expect"]["message_id"], NOW)


@pytest.mark.parametrize(
    ("charset", "text", "read"),
    [
        ("UTF-16BE", "%00H%20%AC", "H€"),
        ("UTF-16BE", "\x00H\x00i", "Hi"),
        ("UTF-16BE", "%00H%20", "H\ufffd"),
        ("ISO-8859-1", "caf%E9+50%25", "café 50%"),
        ("iso-8859-1", "café", "café"),
        ("UTF-8", "50%25+café", "50%25+café"),
        (None, "50%+", "50%+"),
        (7, "Hi", "Hi"),
    ],
)
def test_a_text_is_read_in_its_charset(charset: object, text: str, read: str) -> None:
    said = INBOUND["older API"]["request"]["json"] | {"charset": charset, "text": text}
    [inbound] = PROVIDER.read(callback_of({"json": said})).inbound
    assert inbound.text == read


def test_the_balance_is_asked_and_read() -> None:
    one = examples("clickatell", "queries")["balance"]
    assert_request(PROVIDER.balance_request(), one["request"], headers=("authorization", "accept"))
    wanted = (one["expect"]["balance"], one["expect"]["currency"])
    assert PROVIDER.balance(answer_of(one["response"])) == wanted


def test_the_token_in_the_url_is_the_proof() -> None:
    genuine = callback_of({"url": "https://gw.example.test/in/carrier/status?token=t0ken"})
    assert PROVIDER.verify(genuine) is None
    assert PROVIDER.verify(callback_of({"url": "https://gw.example.test/in/carrier/status?token=other"}))


def test_nonsense_is_survived() -> None:
    assert_survives(PROVIDER)


def _event(*updates: object) -> Callback:
    told = [{"messageId": MESSAGE_ID} | one if isinstance(one, dict) else one for one in updates]
    return callback_of({"json": {"event": {"messageStatusUpdate": told}}})
