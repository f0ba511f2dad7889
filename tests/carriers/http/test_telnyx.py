import json

import pytest

from heliograph.carriers.http.provider import Answer, Text
from heliograph.carriers.http.telnyx import Telnyx
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

ID = "40385f64-5717-4562-b3fc-2c963f66afa6"
VECTORS = vectors("telnyx")
PROVIDER = build(
    Telnyx,
    api_key="KEY0123",
    public_key=VECTORS["message.finalized"]["public_key"],
    messaging_profile_id="4000eba1-a0c0-4563-9925-b25e842a7cb6",
)
TEXT = Text(
    to="+447700900000",
    sender="+18445550001",
    text="Your code is 482913",
    ref="8e03978e-40d5-43e8-bc93-6894a57f9326",
    status_url="https://gw.example.test/hooks/telnyx",
)
SENDS = examples("telnyx", "send")
STATUS = examples("telnyx", "status_callbacks")
INBOUND = examples("telnyx", "inbound")
QUERIES = examples("telnyx", "queries")


@pytest.mark.parametrize("name", SENDS)
def test_a_text_becomes_the_recorded_request(name: str) -> None:
    assert_request(PROVIDER.request(TEXT), SENDS[name]["request"], headers=("authorization", "idempotency-key"))


def test_a_repeat_is_the_same_to_the_byte() -> None:
    assert PROVIDER.request(TEXT) == PROVIDER.request(TEXT)


def test_letters_beyond_gsm7_are_not_replaced_by_others() -> None:
    text = Text(to="+447700900000", sender="Acme", text="“Hi”", encoding="ucs2")
    assert json.loads(PROVIDER.request(text).body)["encoding"] == "ucs2"


def test_what_we_do_not_have_is_left_to_the_profile() -> None:
    call = build(Telnyx, api_key="k", callback_token="t0ken").request(Text(to="+447700900000", sender=None, text="Hi"))
    assert json.loads(call.body) == {"to": "+447700900000", "text": "Hi", "type": "SMS", "encoding": "auto"}


@pytest.mark.parametrize("name", SENDS)
def test_a_recorded_answer_is_read(name: str) -> None:
    answer = answer_of(SENDS[name]["response"])
    outcome = PROVIDER.answer(TEXT, answer)
    assert_outcome(outcome, SENDS[name]["expect"])
    assert outcome.currency == SENDS[name]["expect"].get("currency")
    assert outcome.retry_after_ms == answer.retry_after_ms


@pytest.mark.parametrize(
    ("status", "body", "state", "failure", "code"),
    [
        (400, '{"errors":[{"code":"99999"}]}', "refused", "permanent", "99999"),
        (500, '{"errors":[{"code":"10007"}]}', "unknown", "unknown", "500"),
        (409, '{"errors":[{"code":"99999"}]}', "unknown", "unknown", "99999"),
        (409, "", "unknown", "unknown", "409"),
    ],
)
def test_only_a_known_code_or_a_clear_status_is_a_no(
    status: int, body: str, state: str, failure: str, code: str
) -> None:
    outcome = PROVIDER.answer(TEXT, Answer(status, body.encode()))
    assert (outcome.state, outcome.failure, outcome.carrier_code) == (state, failure, code)
    assert outcome.code


@pytest.mark.parametrize("name", STATUS)
def test_a_recorded_report_is_read(name: str) -> None:
    [receipt] = PROVIDER.read(callback_of(STATUS[name]["request"])).receipts
    assert_receipts([receipt], STATUS[name]["expect"])
    assert (receipt.currency, receipt.at) == ("USD", NOW)


def test_our_reference_comes_back_in_the_url() -> None:
    one = {**STATUS["finalized, delivered"]["request"], "url": "https://gw.example.test/in/carrier/status?ref=att-7"}
    [receipt] = PROVIDER.read(callback_of(one)).receipts
    assert receipt.ref == "att-7"


def _finalized(**message: object) -> dict[str, object]:
    return {"json": {"data": {"event_type": "message.finalized", "payload": {"id": ID, **message}}}}


@pytest.mark.parametrize("to", [[{"status": "lost"}], [{"status": 7}], [{}], ["x"], [], {}, None])
def test_an_unknown_word_changes_nothing(to: object) -> None:
    assert not PROVIDER.read(callback_of(_finalized(to=to))).receipts


@pytest.mark.parametrize(
    ("errors", "code"), [([{"code": "49999"}], "49999"), ([{"code": []}], None), ([7], None), ("x", None), (None, None)]
)
def test_an_unknown_code_is_kept(errors: object, code: str | None) -> None:
    odd = _finalized(to=[{"status": "Delivery_Failed"}], errors=errors, parts="1", cost={"amount": "much"})
    [receipt] = PROVIDER.read(callback_of(odd)).receipts
    assert (receipt.fact, receipt.failure, receipt.code) == ("undelivered", "unknown", "unknown_at_carrier")
    assert (receipt.carrier_code, receipt.parts, receipt.price, receipt.currency) == (code, None, None, None)


@pytest.mark.parametrize("name", INBOUND)
def test_a_recorded_reply_is_read(name: str) -> None:
    heard = PROVIDER.read(callback_of(INBOUND[name]["request"]))
    expect = INBOUND[name]["expect"]
    [inbound] = heard.inbound
    assert not heard.receipts
    assert (inbound.sender, inbound.to, inbound.text) == (expect["from_"], expect["to"], expect["text"])
    assert (inbound.carrier_id, inbound.at) == (expect["message_id"], NOW)


@pytest.mark.parametrize("payload", [None, [], {}, {"id": 7}, {"id": ID}, {"id": ID, "from": "x", "to": [{}]}])
def test_a_reply_without_its_numbers_is_none(payload: object) -> None:
    heard = PROVIDER.read(callback_of({"json": {"data": {"event_type": "message.received", "payload": payload}}}))
    assert not heard.inbound
    assert not heard.receipts


@pytest.mark.parametrize("name", VECTORS)
def test_a_signature_is_judged(name: str) -> None:
    one = VECTORS[name]
    provider = build(Telnyx, api_key="k", public_key=one["public_key"])
    why = provider.verify(callback_of(one, at=one["now"] * 1000))
    assert (why is None) == one["valid"], why


@pytest.mark.parametrize("header", ["telnyx-signature-ed25519", "telnyx-timestamp"])
@pytest.mark.parametrize("value", ["", "x", "ü", "1795210201"])
def test_another_signature_or_time_is_refused(header: str, value: str) -> None:
    one = VECTORS["message.finalized"]
    assert PROVIDER.verify(callback_of({**one, "headers": {**one["headers"], header: value}}))


def test_without_a_key_the_token_in_the_url_is_the_proof() -> None:
    provider = build(Telnyx, api_key="k", callback_token="t0ken")
    assert provider.verify(callback_of({"url": "https://gw.example.test/in/carrier/status?token=t0ken"})) is None
    assert provider.verify(callback_of({"url": "https://gw.example.test/in/carrier/status?token=other"}))


def test_a_message_is_asked_for() -> None:
    one = QUERIES["message"]
    assert_request(PROVIDER.question(ID), one["request"])
    [receipt] = PROVIDER.report(ID, answer_of(one["response"]), NOW)
    assert_receipts([receipt], one["expect"])
    assert (receipt.price, receipt.currency, receipt.parts, receipt.at) == ("0.0051", "USD", 1, NOW)


def test_the_balance_is_read() -> None:
    one = QUERIES["balance"]
    assert_request(PROVIDER.balance_request(), one["request"])
    assert PROVIDER.balance(answer_of(one["response"])) == (one["expect"]["balance"], one["expect"]["currency"])


def test_nonsense_is_survived() -> None:
    assert_survives(PROVIDER)
