import json
from typing import Any

import pytest
from msgspec import ValidationError

from heliograph.carriers.http.provider import Answer, Callback, Text
from heliograph.carriers.http.sinch import Sinch
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

ACCOUNT: dict[str, Any] = {"service_plan_id": "SERVICE_PLAN_ID", "token": "API_TOKEN", "region": "eu"}
PROVIDER = build(Sinch, **ACCOUNT, max_parts=3, signature_secret="sinch_webhook_secret")
TEXT = Text(
    to="+447700900000",
    sender="Acme",
    text="Your code is 482913",
    status_url="https://gw.example.test/hooks/sinch/status",
    at=NOW,
    valid_for_s=300,
)
SENDS = {
    name: one
    for name, one in examples("sinch", "send").items()
    if name != "dry run: parts and encoding without sending"  # we count parts ourselves
}
# Its token is fetched with a key and expires: an adapter has no sockets. What it is answered is read with the others.
PROJECT = "project auth (OAuth token), other host"
REPORTS = examples("sinch", "status_callbacks")
VECTORS = vectors("sinch")
NUMBERS = "Numbers callback, HMAC-SHA1 hex of the raw body"  # of another product, which never calls us


@pytest.mark.parametrize("name", [name for name in SENDS if name != PROJECT])
def test_a_text_becomes_the_recorded_request(name: str) -> None:
    assert_request(PROVIDER.request(TEXT), SENDS[name]["request"])


def test_a_text_is_valid_for_three_days_at_most() -> None:
    text = Text(to="+447700900000", sender=None, text="Hi", at=NOW, valid_for_s=10**6)
    assert json.loads(PROVIDER.request(text).body)["expire_at"] == "2026-11-23T21:30:00.000Z"


def test_what_is_not_given_is_left_out() -> None:
    plain = build(Sinch, **ACCOUNT, callback_token="t0ken")
    assert json.loads(plain.request(Text(to="+447700900000", sender=None, text="Hi", at=NOW)).body) == {
        "type": "mt_text",
        "to": ["+447700900000"],
        "body": "Hi",
        "client_reference": "att-1",
        "delivery_report": "none",
        "expire_at": "2026-11-21T21:30:00.000Z",
    }


def test_a_region_is_a_host_unless_another_is_set() -> None:
    plan = "xms/v1/SERVICE_PLAN_ID/batches"
    assert PROVIDER.request(TEXT).url == f"https://eu.sms.api.sinch.com/{plan}"
    here = build(Sinch, **ACCOUNT, callback_token="t0ken", base_url="http://localhost:8080/")
    assert here.request(TEXT).url == f"http://localhost:8080/{plan}"
    with pytest.raises(ValidationError, match="region"):
        build(Sinch, **ACCOUNT | {"region": "mars"}, callback_token="t0ken")


@pytest.mark.parametrize("name", SENDS)
def test_a_recorded_answer_is_read(name: str) -> None:
    assert_outcome(PROVIDER.answer(TEXT, answer_of(SENDS[name]["response"])), SENDS[name]["expect"])


def test_an_unknown_word_in_an_answer_counts_as_its_status_does() -> None:
    outcome = PROVIDER.answer(TEXT, Answer(400, b'{"code":"brand_new"}'))
    assert (outcome.state, outcome.failure, outcome.carrier_code) == ("refused", "permanent", "brand_new")
    assert PROVIDER.answer(TEXT, Answer(500, b'{"code":"brand_new"}')).state == "unknown"
    assert PROVIDER.answer(TEXT, Answer(201, b'{"id":7}')).state == "unknown"


@pytest.mark.parametrize("name", REPORTS)
def test_a_recorded_report_is_read(name: str) -> None:
    assert_receipts(PROVIDER.read(callback_of(REPORTS[name]["request"])).receipts, REPORTS[name]["expect"])


def test_every_bad_end_has_a_class_and_a_code_of_ours() -> None:
    for name, one in REPORTS.items():
        [receipt] = PROVIDER.read(callback_of(one["request"])).receipts
        ended_badly = receipt.fact in ("undelivered", "expired", "refused")
        assert (bool(receipt.failure), bool(receipt.code)) == (ended_badly, ended_badly), name


@pytest.mark.parametrize("code", [77, "404", None, [404], {}])
def test_an_unknown_code_is_of_the_class_unknown(code: object) -> None:
    [receipt] = PROVIDER.read(_report("Failed 404", code=code)).receipts
    assert (receipt.fact, receipt.failure) == ("undelivered", "unknown")
    assert receipt.carrier_code == ("77" if code == 77 else None)


@pytest.mark.parametrize(
    "changed",
    [
        {"status": "Pondering"},
        {"status": 0},
        {"status": ["Delivered"]},
        {"type": "recipient_delivery_report_mms"},
        {"batch_id": None},
        {"type": "delivery_report_sms"},
        {"type": "delivery_report_sms", "statuses": [{"status": "Delivered"}, {"status": "Failed"}]},
        {"type": "delivery_report_sms", "statuses": ["Delivered"]},
        {"type": ["mo_text"]},
        {"type": "mo_text"},
    ],
)
def test_an_unknown_word_changes_nothing(changed: dict[str, Any]) -> None:
    heard = PROVIDER.read(_report("Delivered 0", **changed))
    assert not heard.receipts
    assert not heard.inbound


def test_words_count_in_any_case() -> None:
    [receipt] = PROVIDER.read(_report("Delivered 0", status="DELIVERED")).receipts
    assert receipt.fact == "delivered"


def test_our_reference_may_stand_in_the_url() -> None:
    callback = _report("Delivered 0", client_reference=None)
    [receipt] = PROVIDER.read(callback_of({"url": "https://gw.example.test/x?ref=att-9"}, body=callback.body)).receipts
    assert receipt.ref == "att-9"


def test_a_reply_is_read() -> None:
    one = examples("sinch", "inbound")["text"]
    [inbound] = PROVIDER.read(callback_of(one["request"])).inbound
    assert (inbound.sender, inbound.to, inbound.text) == ("+447700900000", "+447700900999", "STOP")
    assert (inbound.carrier_id, inbound.at) == (one["expect"]["message_id"], NOW)


def test_the_recorded_query_is_read() -> None:
    # We ask for the batch's report, as the recipient's is asked for by a number that we don't have; both are read.
    one = examples("sinch", "queries")["recipient report"]
    recorded = one["request"]
    batch, _, number = recorded["url"].rpartition("/")
    assert number == "447700900000"
    assert_request(PROVIDER.question(one["expect"]["message_id"]), recorded | {"url": batch})
    for response in (
        one["response"],
        {"status": 200, "json": REPORTS["batch report (summary or full)"]["request"]["json"]},
    ):
        [receipt] = PROVIDER.report(one["expect"]["message_id"], answer_of(response), NOW)
        assert_receipts([receipt], one["expect"])
        assert receipt.at == NOW


@pytest.mark.parametrize("name", VECTORS)
def test_a_signature_is_judged(name: str) -> None:
    genuine = VECTORS[name]["valid"] and name != NUMBERS
    assert (PROVIDER.verify(callback_of(VECTORS[name])) is None) == genuine


@pytest.mark.parametrize("seconds", [-301, 301])
def test_a_signed_time_may_not_be_far_from_now(seconds: int) -> None:
    one = VECTORS["recipient delivery report"]
    assert PROVIDER.verify(callback_of(one, at=NOW + seconds * 1000)) == "the signed time is too far from now"
    assert PROVIDER.verify(callback_of(one, at=NOW + seconds // 2 * 1000)) is None


def test_without_a_secret_the_token_in_the_url_is_the_proof() -> None:
    unsigned = build(Sinch, **ACCOUNT, callback_token="t0ken")
    assert unsigned.verify(callback_of({"url": "https://gw.example.test/in/carrier/status?token=t0ken"})) is None
    assert unsigned.verify(callback_of(VECTORS["recipient delivery report"]))


def test_nonsense_is_survived() -> None:
    assert_survives(PROVIDER)


def _report(name: str, **changed: object) -> Callback:
    return callback_of({"json": REPORTS[name]["request"]["json"] | changed})
