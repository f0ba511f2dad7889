import json

import msgspec
import pytest

from heliograph.carriers.http.provider import Answer, Text
from heliograph.carriers.http.twilio import Settings, Twilio
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

SID = "SM00000000000000000000000000000001"
ACCOUNT = {
    "account_sid": "AC00000000000000000000000000000001",
    "auth_token": "0123456789abcdef0123456789abcdef",
}
PROVIDER = build(Twilio, **ACCOUNT)
SERVICE = build(Twilio, **ACCOUNT, messaging_service_sid="MG00000000000000000000000000000001")
TEXT = Text(
    to="+447700900000",
    sender="+15005550006",
    text="Your code is 482913",
    status_url="https://gw.example.test/hooks/twilio/status?m=01J",
    valid_for_s=300,
)
BUSY = "service unavailable: not an answer, outcome unknown"
OF_SERVICE = "from a Messaging Service: num_segments is 0 in the answer"
ALL_SENDS = examples("twilio", "send")
SENDS = {
    name: one
    for name, one in ALL_SENDS.items()
    if name != "cancel a scheduled one"  # not a send; we schedule, and cancel, ourselves
    and name != BUSY  # has a test of its own: the class is another
}
REQUESTS = {name: (PROVIDER, TEXT) for name in ALL_SENDS if name in SENDS or name == BUSY} | {
    OF_SERVICE: (SERVICE, Text(to="+447700900000", sender=None, text="Hi"))
}
del REQUESTS["scheduled by them"]  # we schedule ourselves
STATUS = examples("twilio", "status_callbacks")
INBOUND = examples("twilio", "inbound")
QUERIES = examples("twilio", "queries")
VECTORS = vectors("twilio")


@pytest.mark.parametrize("name", REQUESTS)
def test_a_text_becomes_the_recorded_request(name: str) -> None:
    provider, text = REQUESTS[name]
    assert_request(provider.request(text), ALL_SENDS[name]["request"])


def test_a_text_with_a_sender_keeps_it_beside_the_service() -> None:
    form = SERVICE.request(TEXT).body.decode()
    assert "From=%2B15005550006&MessagingServiceSid=MG00000000000000000000000000000001&" in form


def test_an_api_key_signs_in_and_the_path_keeps_the_account() -> None:
    call = build(Twilio, **ACCOUNT, api_key="SK1", api_secret="s").request(TEXT)
    assert call.headers["Authorization"] == "Basic U0sxOnM="
    assert call.url == ALL_SENDS["from a number"]["request"]["url"]


@pytest.mark.parametrize(("given", "missing"), [("api_key", "api_secret"), ("api_secret", "api_key")])
def test_half_an_api_key_is_refused(given: str, missing: str) -> None:
    wrong = Twilio.check(msgspec.convert({**ACCOUNT, given: "x"}, Settings))
    assert wrong is not None
    assert wrong[0] == missing


@pytest.mark.parametrize("name", SENDS)
def test_a_recorded_answer_is_read(name: str) -> None:
    assert_outcome(PROVIDER.answer(TEXT, answer_of(SENDS[name]["response"])), SENDS[name]["expect"])


@pytest.mark.parametrize("body", [ALL_SENDS[BUSY]["response"]["text"], '{"code":20503,"status":503}'])
def test_a_server_that_is_busy_has_said_nothing(body: str) -> None:
    outcome = PROVIDER.answer(TEXT, Answer(503, body.encode()))
    # the recorded class is transient, but that one goes to the next connector, and the text may have been taken here
    assert (outcome.state, outcome.failure, outcome.carrier_code) == ("unknown", "unknown", "503")


def test_an_unknown_code_counts_as_its_status_does() -> None:
    outcome = PROVIDER.answer(TEXT, Answer(400, b'{"code":29999,"status":400}'))
    assert (outcome.state, outcome.failure, outcome.carrier_code) == ("refused", "permanent", "29999")


@pytest.mark.parametrize("name", STATUS)
def test_a_recorded_report_is_read(name: str) -> None:
    assert_receipts(PROVIDER.read(callback_of(STATUS[name]["request"])).receipts, STATUS[name]["expect"])


def test_our_reference_comes_back_in_the_url() -> None:
    one = {**STATUS["delivered"]["request"], "url": "https://gw.example.test/in/carrier/status?ref=att-7"}
    [receipt] = PROVIDER.read(callback_of(one)).receipts
    assert receipt.ref == "att-7"


def test_an_unknown_word_changes_nothing_and_an_unknown_code_is_kept() -> None:
    request = STATUS["undelivered, handset off"]["request"]
    assert not PROVIDER.read(callback_of({**request, "raw_body": f"MessageSid={SID}&MessageStatus=lost"})).receipts
    ended = f"MessageSid={SID}&MessageStatus=UNDELIVERED&ErrorCode=39999"
    [receipt] = PROVIDER.read(callback_of({**request, "raw_body": ended})).receipts
    assert (receipt.fact, receipt.failure, receipt.carrier_code) == ("undelivered", "unknown", "39999")
    assert receipt.code == "unknown_at_carrier"


def test_a_failure_because_the_validity_is_over_is_an_expiry() -> None:
    ended = f"MessageSid={SID}&MessageStatus=failed&ErrorCode=30036"
    [receipt] = PROVIDER.read(callback_of({**STATUS["delivered"]["request"], "raw_body": ended})).receipts
    assert (receipt.fact, receipt.failure, receipt.carrier_code) == ("expired", "unreachable", "30036")


@pytest.mark.parametrize("name", INBOUND)
def test_a_recorded_reply_is_read(name: str) -> None:
    expect = INBOUND[name]["expect"]
    call = callback_of(INBOUND[name]["request"])
    heard = PROVIDER.read(call)
    [inbound] = heard.inbound
    assert not heard.receipts
    assert (inbound.sender, inbound.to, inbound.at) == ("+447700900000", "+15005550006", NOW)
    assert inbound.carrier_id == expect["message_id"]
    assert inbound.text == expect.get("text", "")  # pictures have no place in an inbound message of ours
    thanks = PROVIDER.thanks(call)
    assert (thanks.status, thanks.media_type, thanks.body) == (200, "text/xml", b"<Response></Response>")


def test_a_report_is_thanked_for_with_nothing() -> None:
    thanks = PROVIDER.thanks(callback_of(STATUS["delivered"]["request"]))
    assert (thanks.status, thanks.body) == (200, b"")


@pytest.mark.parametrize("name", VECTORS)
def test_a_signature_is_judged(name: str) -> None:
    one = VECTORS[name]
    headers = dict(one["headers"])
    if "content_type" in one or one["raw_body"]:
        headers["Content-Type"] = one.get("content_type", "application/x-www-form-urlencoded")
    method = "POST" if one["raw_body"] else "GET"
    provider = build(Twilio, account_sid="AC1", auth_token=one["secret"])
    why = provider.verify(callback_of({**one, "headers": headers}, method=method))
    assert (why is None) == one["valid"], why


def test_a_signed_url_proves_no_body_that_it_does_not_name() -> None:
    one = VECTORS["GET request: no form, only the URL is signed"]
    headers = {**one["headers"], "Content-Type": "application/json"}
    assert PROVIDER.verify(callback_of({**one, "headers": headers, "raw_body": "{}"}))


def test_a_report_that_comes_as_get_is_read_from_its_url() -> None:
    one = VECTORS["GET request: no form, only the URL is signed"]
    assert_receipts(PROVIDER.read(callback_of(one, method="GET")).receipts, {"message_id": SID, "state": "sent"})


def test_a_message_is_asked_for() -> None:
    one = QUERIES["message"]
    assert_request(PROVIDER.question(SID), one["request"])
    [receipt] = PROVIDER.report(SID, answer_of(one["response"]), NOW)
    assert_receipts([receipt], one["expect"])
    assert (receipt.price, receipt.currency, receipt.at) == ("0.00750", "USD", NOW)


@pytest.mark.parametrize("wrong", [{"status": 7}, {"status": "lost"}, {"status": None}])
def test_a_message_of_which_nothing_is_understood_brings_nothing(wrong: dict[str, object]) -> None:
    assert not PROVIDER.report(SID, Answer(200, json.dumps({"sid": SID, **wrong}).encode()), NOW)


def test_wrong_types_beside_a_status_are_left_out() -> None:
    odd = {"status": "failed", "error_code": [1], "num_segments": 2.5, "price": "much", "price_unit": 3}
    [receipt] = PROVIDER.report(SID, Answer(200, json.dumps(odd).encode()), NOW)
    assert (receipt.fact, receipt.failure, receipt.carrier_code) == ("refused", "unknown", None)
    assert (receipt.parts, receipt.price, receipt.currency) == (None, None, None)


def test_the_balance_is_read() -> None:
    one = QUERIES["balance"]
    assert_request(PROVIDER.balance_request(), one["request"])
    assert PROVIDER.balance(answer_of(one["response"])) == (one["expect"]["balance"], one["expect"]["currency"])


def test_nonsense_is_survived() -> None:
    assert_survives(PROVIDER)
