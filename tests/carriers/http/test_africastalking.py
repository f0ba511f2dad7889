from urllib.parse import urlencode

import msgspec
import pytest

from heliograph.carriers.http.africastalking import AfricasTalking
from heliograph.carriers.http.provider import Answer, Callback, Heard, Text
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

PROVIDER = build(AfricasTalking, username="acme", api_key="KEY", callback_token="t0ken")
SENDS = examples("africastalking", "send")
REPORTS = examples("africastalking", "status_callbacks")
INBOUND = examples("africastalking", "inbound")
BALANCE = examples("africastalking", "queries")["balance"]  # the other one fetches replies, which are brought to us
TEXT = Text(to="+254711000000", sender="ACME", text="Your code is 482913")
REQUESTS = dict.fromkeys(SENDS, TEXT)  # they were all recorded with the same text


def report(**fields: str) -> Heard:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return PROVIDER.read(Callback("POST", "https://gw.example.test/in/x", headers, urlencode(fields).encode(), NOW))


def recipient(**fields: object) -> Answer:
    return Answer(201, msgspec.json.encode({"SMSMessageData": {"Message": "", "Recipients": [fields]}}))


@pytest.mark.parametrize("name", REQUESTS)
def test_a_text_becomes_the_recorded_request(name: str) -> None:
    assert_request(PROVIDER.request(REQUESTS[name]), SENDS[name]["request"], headers=("apikey", "accept"))


def test_without_a_sender_theirs_is_used() -> None:
    assert b"from=" not in PROVIDER.request(msgspec.structs.replace(TEXT, sender=None)).body


@pytest.mark.parametrize("name", SENDS)
def test_a_recorded_answer_is_read(name: str) -> None:
    outcome = PROVIDER.answer(TEXT, answer_of(SENDS[name]["response"]))
    assert_outcome(outcome, SENDS[name]["expect"])
    assert outcome.currency == ("KES" if outcome.state == "accepted" else None)


@pytest.mark.parametrize(
    "answer",
    [
        recipient(statusCode=101, messageId="None"),
        recipient(statusCode=101, messageId=True),
        recipient(statusCode=999, messageId="ATXid_1"),
        recipient(statusCode=[101], messageId="ATXid_1"),
        Answer(201, b'{"SMSMessageData": {"Message": "Sent to 0/1", "Recipients": []}}'),
        Answer(201, b'{"SMSMessageData": {"Message": 7, "Recipients": []}}'),
        Answer(201, b'{"SMSMessageData": {"Recipients": [7]}}'),
        Answer(201, b'{"SMSMessageData": []}'),
    ],
)
def test_an_unclear_answer_is_unknown(answer: Answer) -> None:
    outcome = PROVIDER.answer(TEXT, answer)
    assert (outcome.state, outcome.failure) == ("unknown", "unknown")


@pytest.mark.parametrize("cost", ["0", "KES 0.0000", "KES -1", "KES", "KES 1e9", 0.8, None])
def test_a_cost_that_is_no_price_is_left_out(cost: object) -> None:
    outcome = PROVIDER.answer(TEXT, recipient(statusCode=100, messageId="ATXid_1", cost=cost, messageParts=True))
    assert (outcome.state, outcome.price, outcome.currency, outcome.parts) == ("accepted", None, None, None)


@pytest.mark.parametrize("name", REPORTS)
def test_a_recorded_report_is_read(name: str) -> None:
    assert_receipts(PROVIDER.read(callback_of(REPORTS[name]["request"])).receipts, REPORTS[name]["expect"])


@pytest.mark.parametrize(
    ("status", "reason", "failure", "carrier_code"),
    [
        ("FAILED", "UserInBlacklist", "opted_out", "UserInBlacklist"),
        ("Rejected", "userinblacklist", "opted_out", "userinblacklist"),
        ("Rejected", "SolarFlare", "permanent", "SolarFlare"),
        ("Failed", "SolarFlare", "unknown", "SolarFlare"),
        ("Expired", "", "unreachable", "Expired"),
        ("Success", "UserInBlackList", None, None),
    ],
)
def test_a_bad_end_is_read_by_its_reason(
    status: str, reason: str, failure: str | None, carrier_code: str | None
) -> None:
    [receipt] = report(id="x", status=status, failureReason=reason).receipts
    assert (receipt.failure, receipt.carrier_code) == (failure, carrier_code)
    assert (receipt.code is None) == (failure is None)


def test_what_is_not_understood_says_nothing() -> None:
    assert report(id="x", status="Teleported") == Heard()
    assert report(id="", status="Success") == Heard()
    assert report(text="Hello") == Heard()


def test_a_reply_is_read() -> None:
    heard = PROVIDER.read(callback_of(INBOUND["text"]["request"]))
    [inbound] = heard.inbound
    assert (inbound.sender, inbound.to, inbound.text) == ("+254711000000", "22384", "Hello")
    assert inbound.carrier_id == "28a92cdf-2d63-4ee3-93df-4233d3de0356"
    assert not heard.receipts


def test_an_opt_out_notice_is_read() -> None:
    one = INBOUND["bulk opt-out notice"]
    assert PROVIDER.read(callback_of(one["request"])) == Heard(opted_out=[one["expect"]["from_"]])
    assert list(report(senderId="ACME", phoneNumber="254711000000").opted_out) == ["+254711000000"]


@pytest.mark.parametrize(
    "fields",
    [
        {"phoneNumber": "+254711000000"},
        {"senderId": "ACME"},
        {"senderId": "ACME", "phoneNumber": "22384"},
        {"senderId": "ACME", "phoneNumber": "+"},
        {"senderId": "ACME", "phoneNumber": "everybody"},
        {"senderId": "ACME", "phoneNumber": "+254711000000", "id": "x", "status": "Success"},
        {"senderId": "ACME", "phoneNumber": "+254711000000", "id": "x", "status": "Teleported"},
        {"senderId": "ACME", "phoneNumber": "+254711000000", "from": "+254711000000", "text": "Hello"},
    ],
)
def test_nobody_has_opted_out_by_another_call(fields: dict[str, str]) -> None:
    assert list(report(**fields).opted_out) == []


def test_the_balance_is_read() -> None:
    assert_request(PROVIDER.balance_request(), BALANCE["request"], headers=("apikey", "accept"))
    assert PROVIDER.balance(answer_of(BALANCE["response"])) == ("1785.50", "KES")
    assert PROVIDER.balance(Answer(200, b'{"UserData": {"balance": 7}}')) is None


def test_the_token_in_the_url_is_the_proof() -> None:
    assert PROVIDER.verify(callback_of({"url": "https://gw.example.test/in/carrier/status?token=t0ken"})) is None
    assert PROVIDER.verify(callback_of({"url": "https://gw.example.test/in/carrier/status?token=other"}))


def test_nonsense_is_survived() -> None:
    assert_survives(PROVIDER)
