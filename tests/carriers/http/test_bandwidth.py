from typing import Any

import msgspec
import pytest

from heliograph.carriers.http.bandwidth import Bandwidth, Settings
from heliograph.carriers.http.proof import basic
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
)

ACCOUNT = {
    "account_id": "5500000",
    "application_id": "93de2206-9669-4e07-948d-329f4b722ee2",
    "username": "u",
    "password": "p",
}
BASIC = {"callback_username": "bandwidth", "callback_password": "hush"}
PROVIDER = build(Bandwidth, **ACCOUNT, callback_token="t0ken")
SENDS = examples("bandwidth", "send")
QUERY = examples("bandwidth", "queries")["messages"]  # the other one is a lookup of numbers: not ours
REPORTS = examples("bandwidth", "status_callbacks")
MESSAGE_ID = "1585680960447kepdqmnc6zhg4yve"
TEXT = Text(to="+15554443333", sender="+15553332222", text="Your code is 482913", kind="otp", at=NOW, valid_for_s=300)
REQUESTS = dict.fromkeys(SENDS, TEXT)  # they were all recorded with the same text


def call(body: Any, **headers: str) -> Callback:
    headers = {"content-type": "application/json", **headers}
    return Callback("POST", "https://gw.example.test/in/carrier/status", headers, msgspec.json.encode(body), NOW)


@pytest.mark.parametrize("name", REQUESTS)
def test_a_text_becomes_the_recorded_request(name: str) -> None:
    assert_request(PROVIDER.request(REQUESTS[name]), SENDS[name]["request"])


def test_only_one_time_passwords_go_first() -> None:
    request = PROVIDER.request(msgspec.structs.replace(TEXT, kind="promotional"))
    assert msgspec.json.decode(request.body)["priority"] == "default"


@pytest.mark.parametrize("name", SENDS)
def test_a_recorded_answer_is_read(name: str) -> None:
    assert_outcome(PROVIDER.answer(TEXT, answer_of(SENDS[name]["response"])), SENDS[name]["expect"])


@pytest.mark.parametrize("name", REPORTS)
def test_a_recorded_report_is_read(name: str) -> None:
    assert_receipts(PROVIDER.read(callback_of(REPORTS[name]["request"])).receipts, REPORTS[name]["expect"])


def test_several_reports_come_in_one_call() -> None:
    first, second = (REPORTS[name]["request"]["json"][0] for name in ("message-sent", "message-failed 4775"))
    receipts = PROVIDER.read(call([first, "nonsense", {"message": 7}, second])).receipts
    assert [receipt.fact for receipt in receipts] == ["buffered", "undelivered"]
    assert (receipts[1].code, receipts[1].carrier_code) == ("opted_out_at_carrier", "4775")


@pytest.mark.parametrize(
    ("code", "fact", "failure"),
    [
        (4470, "refused", "content"),  # Bandwidth's own no
        ("4770", "undelivered", "content"),  # the carrier's
        (4999, "undelivered", "unknown"),
        (0, "undelivered", "unknown"),
        (None, "undelivered", "unknown"),
        ([4770], "undelivered", "unknown"),
        (10**40, "undelivered", "unknown"),
    ],
)
def test_a_failure_is_read_by_its_code(code: object, fact: str, failure: str) -> None:
    [event] = REPORTS["message-failed 4720"]["request"]["json"]
    [receipt] = PROVIDER.read(call([event | {"errorCode": code}])).receipts
    assert (receipt.fact, receipt.failure) == (fact, failure)
    assert receipt.code


@pytest.mark.parametrize(
    "event",
    [
        {"type": "message-teleported", "message": {"id": "x"}},
        {"type": ["message-sent"], "message": {"id": "x"}},
        {"type": "message-sent", "message": {"id": 7}},
        {"type": "message-sent", "message": {}},
        {"type": "message-received", "to": [], "message": {"from": "+15554443333", "text": "x"}},
        {"type": "message-received", "to": "+15553332222", "message": {"from": {}, "text": "x"}},
    ],
)
def test_what_is_not_understood_says_nothing(event: dict[str, Any]) -> None:
    heard = PROVIDER.read(call([event]))
    assert not heard.receipts
    assert not heard.inbound


def test_a_report_of_wrong_types_is_read_as_far_as_it_goes() -> None:
    message = {"id": "x", "tag": 7, "segmentCount": True}
    [receipt] = PROVIDER.read(call([{"type": "message-delivered", "message": message}])).receipts
    assert (receipt.fact, receipt.ref, receipt.parts) == ("delivered", None, None)


def test_a_reply_is_read() -> None:
    heard = PROVIDER.read(callback_of(examples("bandwidth", "inbound")["text"]["request"]))
    [inbound] = heard.inbound
    assert (inbound.sender, inbound.to, inbound.text) == ("+15554443333", "+15553332222", "STOP")
    assert inbound.carrier_id == "m-in-1"
    assert not heard.receipts


def test_a_message_can_be_asked_for() -> None:
    assert_request(PROVIDER.question(MESSAGE_ID), QUERY["request"])
    assert_receipts(PROVIDER.report(MESSAGE_ID, answer_of(QUERY["response"]), NOW), QUERY["expect"])
    assert not PROVIDER.report("another", answer_of(QUERY["response"]), NOW)


@pytest.mark.parametrize(
    ("word", "facts"),
    [
        ("RECEIVED", ["buffered"]),
        ("QUEUED", ["buffered"]),
        ("SENDING", ["buffered"]),
        ("SENT", ["buffered"]),
        ("ACCEPTED", ["buffered"]),
        ("FAILED", ["undelivered"]),
        ("UNDELIVERED", ["undelivered"]),
        ("TELEPORTED", []),
        (None, []),
    ],
)
def test_a_state_is_read(word: str | None, facts: list[str]) -> None:
    answer = {"messages": [{"messageId": MESSAGE_ID, "messageStatus": word, "errorCode": 4720}, None]}
    receipts = PROVIDER.report(MESSAGE_ID, Answer(200, msgspec.json.encode(answer)), NOW)
    assert [receipt.fact for receipt in receipts] == facts
    assert [receipt.carrier_code for receipt in receipts] == [
        "4720" if fact == "undelivered" else None for fact in facts
    ]


def test_the_token_in_the_url_is_the_proof() -> None:
    assert PROVIDER.verify(callback_of({"url": "https://gw.example.test/in/carrier/status?token=t0ken"})) is None
    assert PROVIDER.verify(callback_of({"url": "https://gw.example.test/in/carrier/status?token=other"}))
    assert PROVIDER.verify(call([], authorization=basic("", ""))), "no credentials are set"


def test_credentials_are_a_proof_too() -> None:
    genuine, wrong = call([], authorization=basic("bandwidth", "hush")), call([], authorization=basic("bandwidth", "x"))
    without_token = build(Bandwidth, **ACCOUNT, **BASIC)
    assert without_token.verify(genuine) is None
    assert without_token.verify(wrong)
    assert without_token.verify(callback_of({"url": "https://gw.example.test/in/carrier/status?token="}))
    both = build(Bandwidth, **ACCOUNT, **BASIC, callback_token="t0ken")
    assert both.verify(genuine) is None
    assert both.verify(wrong)
    assert both.verify(callback_of({"url": "https://gw.example.test/in/carrier/status?token=t0ken"})) is None


@pytest.mark.parametrize(
    ("proof", "key"),
    [
        ({}, "callback_token"),
        ({"callback_username": "bandwidth"}, "callback_password"),
        ({"callback_password": "hush", "callback_token": "t0ken"}, "callback_password"),
        ({"callback_username": "", "callback_password": ""}, "callback_token"),
    ],
)
def test_some_proof_must_be_agreed_on(proof: dict[str, str], key: str) -> None:
    wrong = Bandwidth.check(msgspec.convert(ACCOUNT | proof, Settings))
    assert wrong is not None
    assert wrong[0] == key


def test_nonsense_is_survived() -> None:
    assert_survives(PROVIDER)
    assert_survives(build(Bandwidth, **ACCOUNT, **BASIC))
