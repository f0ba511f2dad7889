import json
from typing import Any

import pytest

from heliograph.carriers.http.provider import Answer, Callback, Text
from heliograph.carriers.http.telesign import Settings, Telesign
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

CUSTOMER = "FFFFFFFF-EEEE-DDDD-1234-AB1234567890"
API_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw=="
BASIC = (
    "Basic RkZGRkZGRkYtRUVFRS1ERERELTEyMzQtQUIxMjM0NTY3ODkwOkFBRUNBd1FGQmdjSUNRb0xEQTBPRHhBUkVoTVVGUllYR0JrYUd4d2RIaD"
    "hnSVNJakpDVW1KeWdwS2lzc0xTNHZNREV5TXpRMU5qYzRPVG83UEQwK1B3PT0="
)
PROVIDER = build(Telesign, customer_id=CUSTOMER, api_key=API_KEY)
TEXT = Text(
    to="+447700900000",
    sender=None,
    text="Your code is 482913",
    kind="otp",
    status_url="https://gw.example.test/hooks/telesign",
)
SENDS = examples("telesign", "send")
REQUESTS = dict.fromkeys(SENDS, TEXT)  # the same text, answered in many ways
REPORTS = examples("telesign", "status_callbacks")
# `request_signature_vectors` are of the other way to sign in, Digest: we use Basic.


@pytest.mark.parametrize("name", REQUESTS)
def test_a_text_becomes_the_recorded_request(name: str) -> None:
    call = PROVIDER.request(REQUESTS[name])
    assert_request(call, SENDS[name]["request"], headers=("content-type",))  # recorded with Digest authorization
    assert call.body.decode() == SENDS[name]["request"]["raw_body"]
    assert call.headers["Authorization"] == BASIC


@pytest.mark.parametrize(("kind", "wanted"), [("transactional", "ARN"), ("support", "ARN"), ("promotional", "MKT")])
def test_a_text_has_its_own_kind_and_sender(kind: str, wanted: str) -> None:
    body = PROVIDER.request(Text(to="+447700900000", sender="Acme", text="Hi", kind=kind)).body
    assert (
        body == f"phone_number=447700900000&message=Hi&message_type={wanted}&external_id=att-1&sender_id=Acme".encode()
    )


@pytest.mark.parametrize("name", SENDS)
def test_a_recorded_answer_is_read(name: str) -> None:
    assert_outcome(PROVIDER.answer(TEXT, answer_of(SENDS[name]["response"])), SENDS[name]["expect"])


def said(code: object, **more: object) -> bytes:
    return json.dumps({"reference_id": "R1", "status": {"code": code}} | more).encode()


@pytest.mark.parametrize(
    ("status", "code", "state", "failure"),
    [
        (200, 999_999, "accepted", None),  # an id came
        (200, 220, "refused", "permanent"),  # with an id, but it says no
        (400, 999_999, "refused", "permanent"),
        (429, 999_999, "refused", "throttled"),
        (500, 999_999, "unknown", "unknown"),
        (400, [7], "refused", "permanent"),
        (400, True, "refused", "permanent"),
    ],
)
def test_an_unknown_code_counts_as_the_status_does(status: int, code: object, state: str, failure: str | None) -> None:
    outcome = PROVIDER.answer(TEXT, Answer(status, said(code)))
    assert (outcome.state, outcome.failure) == (state, failure)


def test_what_cannot_be_routed_may_go_another_way() -> None:
    outcome = PROVIDER.answer(TEXT, Answer(400, said(220)))
    assert (outcome.failure, outcome.carrier_code, outcome.elsewhere) == ("permanent", "220", True)


@pytest.mark.parametrize("name", REPORTS)
def test_a_recorded_report_is_read(name: str) -> None:
    one = REPORTS[name]
    [receipt] = PROVIDER.read(callback_of(one["request"])).receipts
    assert_receipts([receipt], one["expect"])
    assert bool(receipt.code) == bool(receipt.failure) == ("failure_class" in one["expect"])


@pytest.mark.parametrize("name", REPORTS)
def test_an_answer_to_a_question_is_read_as_a_report_is(name: str) -> None:
    one = REPORTS[name]
    answer = Answer(200, json.dumps(one["request"]["json"]).encode())
    assert_receipts(PROVIDER.report(one["expect"]["message_id"], answer, NOW), one["expect"])
    assert not PROVIDER.report(one["expect"]["message_id"], Answer(404, answer.body), NOW)


def test_a_question_is_asked() -> None:
    call = PROVIDER.question("0123456789ABCDEF0123456789ABCDEF")
    url = "https://rest-ww.telesign.com/v1/messaging/0123456789ABCDEF0123456789ABCDEF"
    assert_request(call, {"method": "GET", "url": url, "headers": {"Authorization": BASIC}})
    odd = PROVIDER.question("a/../b?c")
    assert odd is not None
    assert odd.url == "https://rest-ww.telesign.com/v1/messaging/a%2F..%2Fb%3Fc"


@pytest.mark.parametrize(
    "body", [said(999), said("x"), said(None), said({}), said(200, reference_id=7), said(200, status=[200]), b"[200]"]
)
def test_an_unknown_code_changes_nothing(body: bytes) -> None:
    assert not PROVIDER.read(callback_of({"raw_body": body.decode()})).receipts


def test_our_reference_may_stand_in_the_url() -> None:
    request: dict[str, Any] = {"url": "https://gw.example.test/hooks/x?ref=att-9", "raw_body": said(200).decode()}
    assert [one.ref for one in PROVIDER.read(callback_of(request)).receipts] == ["att-9"]


BODY = b'{"reference_id":"R1","status":{"code":200}}'
SIGNATURE = "A18WUCOQ+h+83xYcKGOzcIXg9drEgUrDNluAaFOAlaY="  # made with openssl


def signed_call(authorization: str, body: bytes = BODY) -> Callback:
    return callback_of({"headers": {"Authorization": authorization}, "raw_body": body.decode()})


def test_the_signature_is_the_proof() -> None:
    assert PROVIDER.verify(signed_call(f"TSA {CUSTOMER}:{SIGNATURE}")) is None


@pytest.mark.parametrize(
    "authorization",
    ["", f"TSA {CUSTOMER}:", f"TSA {CUSTOMER}:{SIGNATURE[:-2]}A=", f"TSA {CUSTOMER}:{SIGNATURE} ", BASIC, "TSA é:é"],
)
def test_a_wrong_signature_is_refused(authorization: str) -> None:
    assert PROVIDER.verify(signed_call(authorization)) == "the signature is wrong"


def test_a_changed_body_is_refused() -> None:
    assert PROVIDER.verify(signed_call(f"TSA {CUSTOMER}:{SIGNATURE}", BODY.replace(b"200", b"207")))


def test_a_key_that_cannot_be_one_is_named() -> None:
    wrong = Telesign.check(Settings(customer_id=CUSTOMER, api_key="abcde"))
    assert wrong is not None
    assert wrong[0] == "api_key"


def test_nonsense_is_survived() -> None:
    assert_survives(PROVIDER)
