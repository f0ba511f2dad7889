from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from heliograph.carriers.http.bulksms import BulkSms
from heliograph.carriers.http.provider import Answer, Callback, Text
from heliograph.core.message import Receipt
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

PROVIDER = build(BulkSms, token_id="u", secret="p", callback_token="t0ken")
SENDS = examples("bulksms", "send")
REPORTS = examples("bulksms", "status_callbacks")
QUERIES = examples("bulksms", "queries")
TEXT = Text(to="+447700900000", sender="Acme", text="Your code is 482913", number=1_234_567)
REQUESTS = {"one message": TEXT}  # the other two are shortened or wrong on purpose


def number(text: Text) -> str:
    [found] = parse_qs(urlsplit(PROVIDER.request(text).url).query)["deduplication-id"]
    return found


def body(text: Text) -> dict[str, Any]:
    return msgspec.json.decode(PROVIDER.request(text).body, type=dict[str, Any])


def told(**fields: object) -> list[Receipt]:
    one = [{"id": "A01abcdef", "type": "SENT", **fields}]
    headers = {"content-type": "application/json"}
    call = Callback("POST", "https://gw.example.test/in/x", headers, msgspec.json.encode(one), NOW)
    heard = PROVIDER.read(call)
    assert not heard.inbound
    return list(heard.receipts)


@pytest.mark.parametrize("name", REQUESTS)
def test_a_text_becomes_the_recorded_request(name: str) -> None:
    assert_request(PROVIDER.request(REQUESTS[name]), SENDS[name]["request"])


@pytest.mark.parametrize(
    ("of_the_message", "sent"), [(1, "1"), (2**31 - 1, "2147483647"), (2**31, "0"), (2**40 + 7, "7")]
)
def test_a_submission_is_known_again_by_the_number_of_its_message(of_the_message: int, sent: str) -> None:
    assert number(msgspec.structs.replace(TEXT, number=of_the_message)) == sent, "they take an int32"


def test_an_answer_about_another_text_is_no_acceptance() -> None:
    other = msgspec.structs.replace(TEXT, ref="att-2")
    assert PROVIDER.answer(other, answer_of(SENDS["one message"]["response"])).state == "unknown"


def test_a_long_text_may_have_all_its_parts() -> None:
    assert body(msgspec.structs.replace(TEXT, segments=7))["longMessageMaxParts"] == 7


def test_a_reference_too_long_to_echo_is_left_out() -> None:
    assert body(msgspec.structs.replace(TEXT, ref="r" * 20))["userSuppliedId"] == "r" * 20
    assert "userSuppliedId" not in body(msgspec.structs.replace(TEXT, ref="r" * 21))


@pytest.mark.parametrize(
    ("sender", "type_"),
    [("Acme", "ALPHANUMERIC"), ("24x7", "ALPHANUMERIC"), ("+447700900999", "INTERNATIONAL"), ("60100", "SHORTCODE")],
)
def test_a_sender_has_its_type(sender: str, type_: str) -> None:
    assert body(msgspec.structs.replace(TEXT, sender=sender))["from"] == {"type": type_, "address": sender}


def test_without_a_sender_the_account_decides() -> None:
    assert "from" not in body(msgspec.structs.replace(TEXT, sender=None))


@pytest.mark.parametrize("name", SENDS)
def test_a_recorded_answer_is_read(name: str) -> None:
    assert_outcome(PROVIDER.answer(TEXT, answer_of(SENDS[name]["response"])), SENDS[name]["expect"])


@pytest.mark.parametrize("said", [b"[7]", b'[{"id": 7}]', b'[{"id": ""}]', b'{"id": "A01abcdef"}'])
def test_an_unclear_answer_is_unknown(said: bytes) -> None:
    assert PROVIDER.answer(TEXT, Answer(201, said)).state == "unknown"


@pytest.mark.parametrize("name", REPORTS)
def test_a_recorded_report_is_read(name: str) -> None:
    assert_receipts(PROVIDER.read(callback_of(REPORTS[name]["request"])).receipts, REPORTS[name]["expect"])


@pytest.mark.parametrize(
    ("word", "why", "fact", "failure", "carrier_code"),
    [
        ("ACCEPTED", None, "buffered", None, None),
        ("SCHEDULED", None, "buffered", None, None),
        ("SENT", None, "buffered", None, None),
        ("UNKNOWN", None, "buffered", None, None),
        ("delivered", None, "delivered", None, None),
        ("FAILED", "EXPIRED", "expired", "unreachable", "FAILED.EXPIRED"),
        ("FAILED", "HANDSET_ERROR", "undelivered", "unreachable", "FAILED.HANDSET_ERROR"),
        ("FAILED", "BLOCKED", "refused", "opted_out", "FAILED.BLOCKED"),
        ("FAILED", "NOT_SENT", "refused", "unknown", "FAILED.NOT_SENT"),
        ("FAILED", "SOLAR_FLARE", "undelivered", "unknown", "FAILED.SOLAR_FLARE"),
        ("FAILED", None, "undelivered", "unknown", "FAILED"),
    ],
)
def test_a_state_is_read(word: str, why: str | None, fact: str, failure: str | None, carrier_code: str | None) -> None:
    [receipt] = told(status={"type": word, "subtype": why}, userSuppliedId=7, numberOfParts=True)
    assert (receipt.fact, receipt.failure, receipt.carrier_code) == (fact, failure, carrier_code)
    assert (receipt.code is None) == (failure is None)
    assert (receipt.ref, receipt.parts) == (None, None)


def test_what_is_not_understood_says_nothing() -> None:
    assert told(status={"type": "TELEPORTED"}) == []
    assert told(status={"type": ["SENT"]}) == []
    assert told(status="SENT") == []
    assert told(id=7, status={"type": "SENT"}) == []
    assert told(type="RECEIVED", **{"from": 7}) == []
    assert told(type=None) == []


def test_a_reply_is_read() -> None:
    heard = PROVIDER.read(callback_of(examples("bulksms", "inbound")["webhook"]["request"]))
    [inbound] = heard.inbound
    assert (inbound.sender, inbound.to, inbound.text) == ("+447700900000", "+447700900999", "STOP")
    assert inbound.carrier_id == "R1"
    assert not heard.receipts


def test_a_message_can_be_asked_for() -> None:
    assert_request(PROVIDER.question("A01abcdef"), QUERIES["message"]["request"])
    # No answer was recorded; by the API's description it is the message as a webhook brings it.
    [message] = REPORTS["webhook"]["request"]["json"]
    answer = Answer(200, msgspec.json.encode(message))
    assert_receipts(PROVIDER.report("A01abcdef", answer, NOW), REPORTS["webhook"]["expect"])
    assert not PROVIDER.report("another", answer, NOW)


def test_the_balance_is_read() -> None:
    one = QUERIES["profile with credits"]
    assert_request(PROVIDER.balance_request(), one["request"])
    assert PROVIDER.balance(answer_of(one["response"])) == (one["expect"]["balance"], "credits")
    assert PROVIDER.balance(Answer(200, b'{"credits": {"balance": true}}')) is None


def test_the_token_in_the_url_is_the_proof() -> None:
    assert PROVIDER.verify(callback_of({"url": "https://gw.example.test/in/carrier/status?token=t0ken"})) is None
    assert PROVIDER.verify(callback_of({"url": "https://gw.example.test/in/carrier/status?token=other"}))


def test_nonsense_is_survived() -> None:
    assert_survives(PROVIDER)
