import json
from typing import Any

import pytest
from msgspec import structs

from heliograph.carriers.http.aws import Aws, Settings
from heliograph.carriers.http.provider import Answer, Callback, Text
from heliograph.core.sigv4 import Credentials, digest, signed
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

VECTORS = vectors("aws", "sns_signature_vectors")
GENUINE = VECTORS["Notification, version 2 (SHA-256)"]
ACCOUNT: dict[str, Any] = {
    "region": "eu-west-1",
    "access_key_id": "AKIDEXAMPLE",
    "secret": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    "configuration_set": "gw",
    "topic_arn": "arn:aws:sns:eu-west-1:123456789012:sms-events",
    "signing_certificates": (GENUINE["certificate_pem"],),
    "origination_identity": "pool-0123456789abcdef0123456789abcdef",
    "max_price": "0.50",
}


def account(**changes: Any) -> Aws:
    settings = Settings(**ACCOUNT | changes)
    assert Aws.check(settings) is None
    return Aws("carrier", settings)


PROVIDER = account()
TEXT = Text(to="+447700900000", sender=None, text="Your code is 482913", at=NOW, valid_for_s=300)
SENDS = {name: one for name, one in examples("aws", "send").items() if name != "dry run"}  # we have our own
REQUESTS = dict.fromkeys(SENDS, TEXT)  # the same text, answered in many ways
LISTED = examples("aws", "queries")["opted-out numbers"]  # the other queries are look-ups: no adapter asks for these


@pytest.mark.parametrize("name", REQUESTS)
def test_a_text_becomes_the_recorded_request(name: str) -> None:
    call = PROVIDER.request(REQUESTS[name])
    headers = ("authorization", "content-type", "x-amz-date", "x-amz-target")
    assert_request(call, SENDS[name]["request"], headers=headers)
    scope = "AKIDEXAMPLE/20261120/eu-west-1/sms-voice/aws4_request"
    names = "content-type;host;x-amz-date;x-amz-target"
    assert call.headers["Authorization"].startswith(
        f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={names}, Signature="
    )


def test_a_request_is_signed_as_recorded() -> None:
    one = vectors("aws", "request_signature_vectors")["SendTextMessage"]
    headers = {name: one["headers"][name] for name in ("Content-Type", "X-Amz-Target")}
    key = Credentials(one["access_key"], one["secret_key"], one["region"], one["service"])
    made = signed(one["method"], one["url"], headers, digest(one["raw_body"].encode()), key, NOW)
    assert made == one["headers"]


def test_a_text_has_its_own_sender_kind_and_validity() -> None:
    text = Text(to="+447700900000", sender="Acme", text="Sale", kind="promotional", valid_for_s=999_999)
    sent = json.loads(account(max_price=None).request(text).body)
    assert (sent["OriginationIdentity"], sent["MessageType"], sent["TimeToLive"]) == ("Acme", "PROMOTIONAL", 259_200)
    assert "MaxPrice" not in sent


def test_the_time_of_the_text_and_another_host_are_taken() -> None:
    provider = build(Aws, **ACCOUNT, base_url="http://127.0.0.1:8080/")
    call = provider.request(structs.replace(TEXT, at=NOW + 3_600_999))
    assert call.url == "http://127.0.0.1:8080/"
    assert call.headers["X-Amz-Date"] == "20261120T223000Z"


def test_the_opt_out_list_is_asked_for_page_by_page_and_read() -> None:
    call = PROVIDER.opt_outs_request(None, NOW)
    assert call is not None
    wanted = LISTED["request"]
    assert (call.method, call.url, json.loads(call.body)) == (wanted["method"], wanted["url"], wanted["json"])
    assert call.headers["X-Amz-Target"] == wanted["headers"]["X-Amz-Target"]
    assert call.headers["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261120/eu-west-1/")
    following = PROVIDER.opt_outs_request("page 2", NOW)
    assert following is not None and json.loads(following.body) == {"OptOutListName": "Default", "NextToken": "page 2"}
    page = PROVIDER.opt_outs(answer_of(LISTED["response"]))
    assert page is not None and (page.numbers, page.page) == (LISTED["expect"]["opted_out"], None)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"OptedOutNumbers": 7}', b'{"__type": "AccessDeniedException"}'])
def test_what_is_no_opt_out_list_is_not_taken_for_an_empty_one(body: bytes) -> None:
    assert PROVIDER.opt_outs(Answer(200, body)) is None
    assert PROVIDER.opt_outs(Answer(400, b'{"OptedOutNumbers": []}')) is None


def test_lines_of_an_opt_out_list_that_are_none_are_passed_over() -> None:
    body = (
        b'{"OptedOutNumbers": [7, {}, {"OptedOutNumber": null}, {"OptedOutNumber": "+447700900000"}], "NextToken": "n"}'
    )
    page = PROVIDER.opt_outs(Answer(200, body))
    assert page is not None and (page.numbers, page.page) == (["+447700900000"], "n")


@pytest.mark.parametrize("name", SENDS)
def test_a_recorded_answer_is_read(name: str) -> None:
    assert_outcome(PROVIDER.answer(TEXT, answer_of(SENDS[name]["response"])), SENDS[name]["expect"])


@pytest.mark.parametrize(
    ("said", "failure", "code"),
    [
        (
            {"__type": "AccessDeniedException", "Reason": "NEW_REASON"},
            "unauthorised",
            "AccessDeniedException/NEW_REASON",
        ),
        ({"__type": "NewException"}, "permanent", "NewException"),
        ({"__type": 7}, "permanent", "400"),
        ({"__type": "ConflictException", "Reason": [7]}, "permanent", "ConflictException"),
    ],
)
def test_an_unknown_code_counts_as_its_kind_or_status_does(said: object, failure: str, code: str) -> None:
    outcome = PROVIDER.answer(TEXT, Answer(400, json.dumps(said).encode()))
    assert (outcome.state, outcome.failure, outcome.carrier_code) == ("refused", failure, code)


def test_an_unknown_code_of_a_broken_server_is_no_refusal() -> None:
    outcome = PROVIDER.answer(TEXT, Answer(503, b'{"__type": "NewException"}'))
    assert (outcome.state, outcome.failure) == ("unknown", "unknown")


@pytest.mark.parametrize("name", examples("aws", "status_callbacks"))
def test_a_recorded_report_is_read(name: str) -> None:
    one = examples("aws", "status_callbacks")[name]
    [receipt] = PROVIDER.read(callback_of(one["request"])).receipts
    assert_receipts([receipt], one["expect"])
    is_bad = receipt.fact in ("undelivered", "refused", "expired")
    assert (receipt.currency, receipt.carrier_code) == ("USD", name if is_bad else None)
    assert bool(receipt.code) == is_bad


def notification(message: object) -> Callback:
    text = message if isinstance(message, str) else json.dumps(message)
    return callback_of({"json": {"Type": "Notification", "Message": text}})


@pytest.mark.parametrize(
    "message",
    [
        {"eventType": "TEXT_TELEPORTED", "messageId": "m"},
        {"eventType": "MEDIA_DELIVERED", "messageId": "m"},
        {"eventType": "TEXT_DELIVERED", "messageId": 7},
        {"eventType": ["TEXT_DELIVERED"], "messageId": "m"},
        {"originationNumber": ["+447700900000"], "messageBody": 7},
        "no JSON",
        "[]",
        "[" * 100_000,
    ],
)
def test_an_unknown_word_changes_nothing(message: object) -> None:
    heard = PROVIDER.read(notification(message))
    assert (list(heard.receipts), list(heard.inbound)) == ([], [])


@pytest.mark.parametrize("wrong", [None, "x", -1, True, [], {}])
def test_a_report_survives_wrong_types_around_its_state(wrong: object) -> None:
    fields = ("context", "totalMessageParts", "totalMessagePrice", "totalCarrierFee")
    event = {"eventType": "text_delivered", "messageId": "m"} | dict.fromkeys(fields, wrong)
    [receipt] = PROVIDER.read(notification(event)).receipts
    assert (receipt.fact, receipt.price, receipt.currency, receipt.ref) == ("delivered", None, None, None)


@pytest.mark.parametrize(
    ("amounts", "price"),
    [
        ({"totalMessagePrice": 0.00581, "totalCarrierFee": 0.00302}, "0.00883"),
        ({"totalMessagePrice": 0.00001}, "0.00001"),
        ({"totalMessagePrice": 10}, "10"),
        ({"totalMessagePrice": 0.0, "totalCarrierFee": 0.0}, None),  # not known yet
    ],
)
def test_the_price_has_the_fee_of_the_carrier_in_it(amounts: dict[str, float], price: str | None) -> None:
    [receipt] = PROVIDER.read(notification({"eventType": "TEXT_DELIVERED", "messageId": "m"} | amounts)).receipts
    assert receipt.price == price


def test_a_reply_is_read() -> None:
    [one] = examples("aws", "inbound").values()
    heard = PROVIDER.read(callback_of(one["request"]))
    [inbound] = heard.inbound
    wanted = one["expect"]
    assert (inbound.sender, inbound.to, inbound.text) == (wanted["from_"], wanted["to"], wanted["text"])
    assert inbound.carrier_id == wanted["message_id"]
    assert not heard.receipts


@pytest.mark.parametrize("name", VECTORS)
def test_a_signature_is_judged(name: str) -> None:
    one = VECTORS[name]
    assert (PROVIDER.verify(callback_of(one)) is None) == one["valid"]


def test_a_subscription_says_nothing() -> None:
    assert PROVIDER.read(callback_of(VECTORS["SubscriptionConfirmation"])) == PROVIDER.read(notification("{}"))


def test_a_repeat_has_the_time_of_the_first_call() -> None:
    assert PROVIDER.verify(callback_of(GENUINE, at=NOW + 59 * 60_000)) is None


@pytest.mark.parametrize("minutes", [61, -61])
def test_a_genuine_call_of_another_time_is_refused(minutes: int) -> None:
    assert PROVIDER.verify(callback_of(GENUINE, at=NOW + minutes * 60_000)) == "the signed time is too far from ours"


def test_a_genuine_call_of_a_foreign_topic_is_refused() -> None:
    theirs = account(topic_arn="arn:aws:sns:eu-west-1:999999999999:sms-events")
    assert theirs.verify(callback_of(GENUINE)) == "the topic is not ours"
    both = account(topic_arn="arn:aws:sns:eu-west-1:123456789012:other", inbound_topic_arn=ACCOUNT["topic_arn"])
    assert both.verify(callback_of(GENUINE)) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-west-1.amazonaws.com/x.pem",
        "https://sns.eu-west-1.amazonaws.com@evil.test/x.pem",
        "https://evil.test/sns.eu-west-1.amazonaws.com/x.pem",
        "https://sns.eu-west-1.amazonaws.com:8443/x.pem",
        "https://bucket.s3.amazonaws.com/x.pem",
        "https://sns.eu-west-1.amazonaws.com/x.pem\n",
        None,
    ],
)
def test_a_certificate_from_elsewhere_is_refused(url: str | None) -> None:
    changed = json.dumps(json.loads(GENUINE["raw_body"]) | {"SigningCertURL": url})
    assert PROVIDER.verify(callback_of(GENUINE | {"raw_body": changed})) == "the certificate is not one of SNS"


@pytest.mark.parametrize(
    "change",
    [
        {"SignatureVersion": "1"},  # signed with the other hash
        {"SignatureVersion": "3"},
        {"SignatureVersion": ["2"]},
        {"Signature": "no base64"},
        {"Signature": "ünsigned"},
        {"Signature": 7},
        {"Signature": ""},
        {"Subject": "added"},
        {"Subject": None},
        {"Timestamp": "2026-11-20T21:30:02.000Z"},
        {"Timestamp": None},
        {"Type": ["Notification"]},
        {"Type": "Other"},
        {"Message": {}},
    ],
)
def test_a_changed_envelope_is_refused(change: dict[str, Any]) -> None:
    changed = json.dumps(json.loads(GENUINE["raw_body"]) | change)
    assert PROVIDER.verify(callback_of(GENUINE | {"raw_body": changed}))


def test_settings_that_cannot_work_are_named() -> None:
    broken = Settings(**ACCOUNT | {"signing_certificates": ("no certificate",)})
    assert Aws.check(broken) == ("signing_certificates", "not the PEM text of a certificate with an RSA key")
    unproved = Aws.check(Settings(**ACCOUNT | {"signing_certificates": ()}))
    assert unproved is not None
    assert unproved[0] == "signing_certificates"


def test_without_certificates_the_token_in_the_url_is_the_proof() -> None:
    provider = account(signing_certificates=(), callback_token="t0ken")
    assert provider.verify(callback_of({"url": "https://gw.example.test/in/carrier/status?token=t0ken"})) is None
    assert provider.verify(callback_of({"url": "https://gw.example.test/in/carrier/status?token=other"}))


def test_nonsense_is_survived() -> None:
    assert_survives(PROVIDER)
