import pytest

from heliograph.carriers.http.proof import hmac_hex
from heliograph.carriers.http.provider import Answer, Callback, Text
from heliograph.carriers.http.smsto import SmsTo
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

SECRET = "smsto_endpoint_secret"
PROVIDER = build(SmsTo, api_key="SMSTO_KEY", signature_secret=SECRET)
TEXT = Text(to="+447700900000", sender="Acme", text="Your code is 482913")
# The requests of the other examples are shortened (no `bypass_optout`, which we always say), wrong on purpose, or of a
# kind that we don't send: the engine schedules by itself, and sends to one recipient at a time.
REQUESTS = {
    "one message": Text(
        to="+447700900000",
        sender="Acme",
        text="Your code is 482913",
        status_url="https://gw.example.test/hooks/smsto/01J",
    ),
}
CAMPAIGN = "several recipients: a campaign id comes back, not message ids"  # never asked for; tried below
ALL_SENDS = examples("smsto", "send")
SENDS = {name: one for name, one in ALL_SENDS.items() if name != CAMPAIGN}
QUERIES = examples("smsto", "queries")  # we ask for messages and the balance; lookups and OAuth tokens are not ours
MESSAGE_ID = "11ec-832f-a6f3fcfe-9fea-02420a0002ab"


@pytest.mark.parametrize("name", REQUESTS)
def test_a_text_becomes_the_recorded_request(name: str) -> None:
    assert_request(PROVIDER.request(REQUESTS[name]), SENDS[name]["request"], headers=("authorization", "accept"))


def test_what_is_not_known_is_not_said() -> None:
    request = dict(SENDS["throttled"]["request"])
    request["json"] = {**request["json"], "bypass_optout": False}
    assert_request(PROVIDER.request(Text(to="+447700900000", sender=None, text="Hi")), request)


@pytest.mark.parametrize("name", SENDS)
def test_a_recorded_answer_is_read(name: str) -> None:
    assert_outcome(PROVIDER.answer(TEXT, answer_of(SENDS[name]["response"])), SENDS[name]["expect"])


def test_a_campaign_is_no_message() -> None:
    assert PROVIDER.answer(TEXT, answer_of(ALL_SENDS[CAMPAIGN]["response"])).state == "unknown"


def test_an_id_with_a_no_is_unclear() -> None:
    assert PROVIDER.answer(TEXT, Answer(200, b'{"success": false, "message_id": "x"}')).state == "unknown"


@pytest.mark.parametrize("name", examples("smsto", "status_callbacks"))
def test_a_recorded_report_is_read(name: str) -> None:
    one = examples("smsto", "status_callbacks")[name]
    assert_receipts(PROVIDER.read(callback_of(one["request"])).receipts, one["expect"])


def test_a_report_says_which_attempt_and_why() -> None:
    one = examples("smsto", "status_callbacks")["status UNSUBSCRIBED"]
    call = callback_of(one["request"], url="https://gw.example.test/in/carrier/status?ref=att-7")
    [receipt] = PROVIDER.read(call).receipts
    assert (receipt.ref, receipt.code, receipt.carrier_code) == ("att-7", "opted_out_at_carrier", "UNSUBSCRIBED")
    assert (receipt.price, receipt.currency, receipt.at) == ("0.015", "EUR", NOW)


@pytest.mark.parametrize(
    "body",
    [
        b'{"messageId": 7, "status": "DELIVERED"}',
        b'{"messageId": "", "status": "DELIVERED"}',
        b'{"messageId": "x", "status": ["DELIVERED"]}',
        b'{"messageId": "x"}',
        b'{"from": 1, "message": {}}',
    ],
)
def test_a_report_of_wrong_types_says_nothing(body: bytes) -> None:
    heard = PROVIDER.read(
        Callback("POST", "https://gw.example.test/x", {"content-type": "application/json"}, body, NOW)
    )
    assert not heard.receipts
    assert not heard.inbound


@pytest.mark.parametrize(
    ("price", "parts"), [("-1", "0"), ("0", "-1"), ("1e400", "1.5"), ("nan", "9" * 5000), ("", "")]
)
def test_a_price_or_number_of_parts_that_is_none_is_left_out(price: str, parts: str) -> None:
    body = f"messageId=x&status=delivered&price={price}&parts={parts}".encode()
    headers = {"content-type": "application/x-www-form-urlencoded"}
    [receipt] = PROVIDER.read(Callback("POST", "https://gw.example.test/x", headers, body, NOW)).receipts
    assert (receipt.fact, receipt.price, receipt.currency, receipt.parts) == ("delivered", None, None, None)


def test_a_reply_is_read() -> None:
    request = examples("smsto", "inbound")["reply"]["request"]
    [inbound] = PROVIDER.read(callback_of(request)).inbound
    assert (inbound.sender, inbound.to, inbound.text) == ("+447700900000", "+357123346789", "STOP")
    [again] = PROVIDER.read(callback_of(request, at=NOW + 3_600_000)).inbound
    assert inbound.carrier_id == again.carrier_id, "a repetition is known as one"
    [later] = PROVIDER.read(callback_of(request | {"raw_body": request["raw_body"].replace("08Z", "09Z")})).inbound
    assert inbound.carrier_id != later.carrier_id, "the same word a second later is another message"


def test_a_message_can_be_asked_for() -> None:
    one = QUERIES["message"]
    assert_request(PROVIDER.question(MESSAGE_ID), one["request"], headers=("authorization", "accept"))
    assert_receipts(PROVIDER.report(MESSAGE_ID, answer_of(one["response"]), NOW), one["expect"])
    assert not PROVIDER.report(MESSAGE_ID, Answer(404, b'{"status": "FAILED"}'), NOW)
    assert not PROVIDER.report(MESSAGE_ID, Answer(200, b'{"status": "TELEPORTED"}'), NOW)


def test_the_balance_is_read() -> None:
    one = QUERIES["balance"]
    assert_request(PROVIDER.balance_request(), one["request"], headers=("authorization", "accept"))
    assert PROVIDER.balance(answer_of(one["response"])) == (one["expect"]["balance"], "EUR")
    assert PROVIDER.balance(Answer(200, b'{"balance": true}')) is None


@pytest.mark.parametrize("name", vectors("smsto"))
def test_a_signature_is_judged(name: str) -> None:
    one = vectors("smsto")[name]
    assert one["secret"] == SECRET
    assert (PROVIDER.verify(callback_of(one)) is None) == one["valid"]


def test_an_old_signature_is_refused() -> None:
    one = vectors("smsto")["form status callback"]
    assert PROVIDER.verify(callback_of(one, at=NOW + 12 * 3_600_000)) is None
    assert PROVIDER.verify(callback_of(one, at=NOW + 12 * 3_600_000 + 1))


def test_a_signed_time_that_is_none_is_refused() -> None:
    header = {"X-SMSto-Signature": "t=soon,s=" + hmac_hex("sha256", SECRET, b"x.soon")}
    assert PROVIDER.verify(callback_of({"headers": header, "raw_body": "x"}))


def test_nonsense_is_survived() -> None:
    assert_survives(PROVIDER)
