import json
from typing import Any

import pytest
from msgspec import ValidationError, structs

from heliograph.carriers.http.answers import accepted
from heliograph.carriers.http.infobip import Infobip
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

PROVIDER = build(Infobip, base_url="https://YOURBASE.api.infobip.com", api_key="API_KEY", callback_token="t0ken")
TEXT = Text(
    to="+447700900000",
    sender="Acme",
    text="Your code is 482913",
    status_url="https://gw.example.test/hooks/infobip/status",
    valid_for_s=300,
)
MESSAGE_ID = "c9823180-94d4-4ea0-9bf3-ec907e7534a6"  # a random one; ours follow from our reference
SENDS = examples("infobip", "send")
REPORTS = examples("infobip", "status_callbacks")
QUERIES = examples("infobip", "queries")
LOGS = "logs: last 48 h, repeatable"
ONCE = "reports: each is given once"  # so we don't ask them: a lost answer would be a lost report


def _with_our_id(request: dict[str, Any], message_id: str) -> dict[str, Any]:
    """The recorded request, its message id one of ours."""
    [message] = request["json"]["messages"]
    [destination] = message["destinations"]
    assert destination["messageId"] == MESSAGE_ID
    return request | {"json": {"messages": [message | {"destinations": [destination | {"messageId": message_id}]}]}}


def _id(body: bytes) -> Any:
    return json.loads(body)["messages"][0]["destinations"][0]["messageId"]


@pytest.mark.parametrize("name", SENDS)
def test_a_text_becomes_the_recorded_request(name: str) -> None:
    wanted = _with_our_id(SENDS[name]["request"], "efeffaff-a0ea-58d9-a7b3-858ce4eeff4a")
    assert_request(PROVIDER.request(TEXT), wanted, headers=("authorization", "accept"))


def test_a_repeat_has_the_same_id_and_another_attempt_another() -> None:
    first, again, other = (PROVIDER.request(structs.replace(TEXT, ref=ref)).body for ref in ("att-7", "att-7", "att-8"))
    assert first == again
    assert _id(first) != _id(other)


def test_what_is_not_given_is_left_out() -> None:
    body = json.loads(PROVIDER.request(Text(to="+447700900000", sender=None, text="Hi", valid_for_s=90)).body)
    [message] = body["messages"]
    assert "sender" not in message
    assert "delivery" not in message["webhooks"]
    assert message["options"] == {"validityPeriod": {"amount": 90, "timeUnit": "SECONDS"}}


def test_each_account_has_its_own_host() -> None:
    with pytest.raises(ValidationError, match="base_url"):
        build(Infobip, api_key="API_KEY", callback_token="t0ken")


@pytest.mark.parametrize("name", SENDS)
def test_a_recorded_answer_is_read(name: str) -> None:
    assert_outcome(PROVIDER.answer(TEXT, answer_of(SENDS[name]["response"])), SENDS[name]["expect"])


@pytest.mark.parametrize("name", REPORTS)
def test_a_recorded_report_is_read(name: str) -> None:
    receipts = PROVIDER.read(callback_of(REPORTS[name]["request"])).receipts
    assert_receipts(receipts, REPORTS[name]["expect"])
    assert [one.currency for one in receipts] == ["EUR"]


def test_one_call_brings_several_reports_and_the_price_is_for_all_parts() -> None:
    first, second = (_report("delivered") for _ in range(2))
    second |= {"messageId": "m2", "messageCount": 3}
    receipts = PROVIDER.read(_callback(first, "nonsense", second)).receipts
    assert [(one.carrier_id, one.price, one.parts) for one in receipts] == [(MESSAGE_ID, "0.01", 1), ("m2", "0.03", 3)]


@pytest.mark.parametrize(
    ("changed", "failure", "code"),
    [
        ({"error": {"id": 99_999, "permanent": False}}, "unknown", "99999"),
        ({"error": {"id": 27, "permanent": True}}, "unreachable", "27"),  # no question of trying again at once
        ({"error": {"id": 1, "permanent": False}}, "transient", "1"),  # their own word goes before our table
        ({"error": {"id": 34, "permanent": True}}, "permanent", "34"),
        ({"status": {"groupId": 5, "id": 10}, "error": {"id": 1}}, "opted_out", "1"),
        ({"status": {"groupId": 5, "id": 98_765}, "error": None}, "unknown", "98765"),
        ({"status": {"groupId": 5}, "error": {"id": "x"}}, "unknown", None),
    ],
)
def test_the_class_of_a_bad_end(changed: dict[str, Any], failure: str, code: str | None) -> None:
    [receipt] = PROVIDER.read(_callback(_report("undeliverable, unknown subscriber") | changed)).receipts
    assert (receipt.failure, receipt.carrier_code) == (failure, code)
    assert receipt.code


@pytest.mark.parametrize(
    "changed",
    [
        {"status": {"groupId": 9, "id": 5}},
        {"status": {"groupId": [3], "id": {}}},
        {"status": "DELIVERED"},
        {"messageId": 7},
        {"status": {"groupId": 5, "id": 23}},  # the refusal of a repeat is not the end of the first
    ],
)
def test_an_unknown_word_changes_nothing(changed: dict[str, Any]) -> None:
    assert not PROVIDER.read(_callback(_report("delivered") | changed)).receipts


def test_a_delivered_that_is_not_the_handsets_is_no_end() -> None:
    [receipt] = PROVIDER.read(_callback(_report("delivered") | {"status": {"groupId": 3, "id": 77}})).receipts
    assert receipt.fact == "buffered"


@pytest.mark.parametrize(
    "price",
    [None, 0.01, {}, {"pricePerMessage": "0.01", "currency": "EUR"}, {"pricePerMessage": -1, "currency": "EUR"}],
)
def test_a_price_that_is_none_is_left_out(price: object) -> None:
    [receipt] = PROVIDER.read(_callback(_report("delivered") | {"price": price})).receipts
    assert (receipt.price, receipt.currency) == (None, None)


def test_an_answer_of_no_known_code() -> None:
    def said(status: object, **rest: object) -> Outcome:
        body = json.dumps({"messages": [{"messageId": "m1", "status": status} | rest]}).encode()
        return PROVIDER.answer(TEXT, Answer(200, body))

    no = said({"groupId": 5, "id": 98_765})
    assert (no.state, no.failure, no.carrier_code) == ("refused", "unknown", "98765")
    assert said({"groupId": 77, "id": 98_765}).state == "unknown"
    assert said({"groupId": 1, "id": 26}, messageId=None).state == "unknown"
    assert said({"groupId": [], "id": []}).state == "unknown"
    assert said({"groupId": 1, "id": 26}, details={"messageCount": "x"}) == accepted("m1")


def test_a_reply_is_read() -> None:
    one = examples("infobip", "inbound")["text"]
    [inbound] = PROVIDER.read(callback_of(one["request"])).inbound
    assert (inbound.sender, inbound.to, inbound.text) == ("+447700900000", "+385916242493", one["expect"]["text"])
    assert (inbound.carrier_id, inbound.at) == (one["expect"]["message_id"], NOW)


def test_the_recorded_queries_are_asked_and_read() -> None:
    assert_request(PROVIDER.question(MESSAGE_ID), QUERIES[LOGS]["request"], headers=("authorization", "accept"))
    receipts = PROVIDER.report(MESSAGE_ID, answer_of(QUERIES[LOGS]["response"]), NOW)
    assert_receipts(receipts, QUERIES[LOGS]["expect"])
    assert receipts[0].at == NOW
    assert not PROVIDER.report(MESSAGE_ID, answer_of(QUERIES[ONCE]["response"]), NOW)


def test_the_balance_is_asked_and_read() -> None:
    one = QUERIES["balance"]
    assert_request(PROVIDER.balance_request(), one["request"], headers=("authorization", "accept"))
    wanted = (one["expect"]["balance"], one["expect"]["currency"])
    assert PROVIDER.balance(answer_of(one["response"])) == wanted


def test_the_token_in_the_url_is_the_proof() -> None:
    genuine = callback_of({"url": "https://gw.example.test/in/carrier/status?token=t0ken"})
    assert PROVIDER.verify(genuine) is None
    assert PROVIDER.verify(callback_of({"url": "https://gw.example.test/in/carrier/status?token=other"}))


def test_nonsense_is_survived() -> None:
    assert_survives(PROVIDER)


def _report(name: str) -> dict[str, Any]:
    [report] = REPORTS[name]["request"]["json"]["results"]
    return dict(report)


def _callback(*reports: object) -> Callback:
    return callback_of({"headers": {"Content-Type": "application/json"}, "json": {"results": reports}})
