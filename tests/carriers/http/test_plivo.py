import json
from urllib.parse import urlencode

import pytest

from heliograph.carriers.http.plivo import Plivo
from heliograph.carriers.http.provider import Answer, Text
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

UUID = "5b40a428-bfc7-4daf-9d06-726c558bf3b8"
ACCOUNT = {"auth_id": "MAXXXXXXXXXXXXXXXXXX", "auth_token": "plivoauthtoken0123456789"}
PROVIDER = build(Plivo, **ACCOUNT)
TEXT = Text(
    to="+447700900000",
    sender="+14152223333",
    text="Your code is 482913",
    status_url="https://gw.example.test/hooks/plivo/status",
    valid_for_s=300,
)
SENDS = examples("plivo", "send")
STATUS = examples("plivo", "status_callbacks")
INBOUND = examples("plivo", "inbound")
QUERIES = examples("plivo", "queries")
VECTORS = vectors("plivo")


@pytest.mark.parametrize("name", SENDS)
def test_a_text_becomes_the_recorded_request(name: str) -> None:
    assert_request(PROVIDER.request(TEXT), SENDS[name]["request"])


@pytest.mark.parametrize(("seconds", "expiry"), [(1, 5), (10_799, 10_799), (10_800, None), (86_400, None)])
def test_an_expiry_is_named_only_where_they_take_it(seconds: int, expiry: int | None) -> None:
    text = Text(to="+447700900000", sender="Acme", text="Hi", valid_for_s=seconds)
    assert json.loads(PROVIDER.request(text).body).get("message_expiry") == expiry


def test_a_powerpack_is_the_sender_of_texts_that_have_none() -> None:
    provider = build(Plivo, **ACCOUNT, powerpack_uuid="pp-1")
    body = json.loads(provider.request(Text(to="+447700900000", sender=None, text="Hi")).body)
    assert (body.get("src"), body["powerpack_uuid"]) == (None, "pp-1")
    body = json.loads(provider.request(Text(to="+447700900000", sender="Acme", text="Hi")).body)
    assert (body["src"], body.get("powerpack_uuid")) == ("Acme", None)


@pytest.mark.parametrize("name", SENDS)
def test_a_recorded_answer_is_read(name: str) -> None:
    assert_outcome(PROVIDER.answer(TEXT, answer_of(SENDS[name]["response"])), SENDS[name]["expect"])


@pytest.mark.parametrize("ids", [[], "x", [7], [""], None])
def test_an_answer_without_an_id_says_nothing(ids: object) -> None:
    assert PROVIDER.answer(TEXT, Answer(202, json.dumps({"message_uuid": ids}).encode())).state == "unknown"


@pytest.mark.parametrize("name", STATUS)
def test_a_recorded_report_is_read(name: str) -> None:
    expect = STATUS[name]["expect"]
    [receipt] = PROVIDER.read(callback_of(STATUS[name]["request"])).receipts
    assert_receipts([receipt], expect)
    assert receipt.currency == expect.get("currency")
    assert receipt.parts == expect.get("parts", expect.get("segments"))


def test_our_reference_comes_back_in_the_url() -> None:
    one = {**STATUS["delivered 000"]["request"], "url": "https://gw.example.test/in/carrier/status?ref=att-7"}
    [receipt] = PROVIDER.read(callback_of(one)).receipts
    assert receipt.ref == "att-7"


def test_an_unknown_word_changes_nothing_and_an_unknown_code_is_kept() -> None:
    request = STATUS["delivered 000"]["request"]
    assert not PROVIDER.read(callback_of({**request, "raw_body": f"MessageUUID={UUID}&Status=lost"})).receipts
    ended = f"MessageUUID={UUID}&Status=Failed&ErrorCode=999&Units=many&TotalAmount=-1"
    [receipt] = PROVIDER.read(callback_of({**request, "raw_body": ended})).receipts
    assert (receipt.carrier_id, receipt.fact, receipt.failure) == (UUID, "refused", "unknown")
    assert (receipt.carrier_code, receipt.code) == ("999", "unknown_at_carrier")
    assert (receipt.parts, receipt.price, receipt.currency) == (None, None, None)


@pytest.mark.parametrize("name", INBOUND)
def test_a_recorded_reply_is_read(name: str) -> None:
    call = callback_of(INBOUND[name]["request"])
    heard = PROVIDER.read(call)
    expect = INBOUND[name]["expect"]
    [inbound] = heard.inbound
    assert not heard.receipts
    assert (inbound.sender, inbound.to) == (f"+{expect['from_']}", f"+{expect['to']}")
    assert (inbound.text, inbound.carrier_id, inbound.at) == (expect["text"], expect["message_id"], NOW)
    assert PROVIDER.thanks(call).body == b""  # anything else would be carried out


@pytest.mark.parametrize("name", VECTORS)
def test_a_signature_is_judged(name: str) -> None:
    one = VECTORS[name]
    provider = build(Plivo, auth_id="MA1", auth_token=one["secret"])
    body = urlencode([(name, value) for name, value in one.get("form", [])])
    why = provider.verify(callback_of({**one, "raw_body": body}))
    assert (why is None) == one["valid"], why


def test_a_v2_signature_counts_only_where_no_v3_came() -> None:
    v2 = VECTORS["V2: URL without query + nonce"]
    headers = {**v2["headers"], "X-Plivo-Signature-V3": "AAAA", "X-Plivo-Signature-V3-Nonce": "1"}
    assert PROVIDER.verify(callback_of({**v2, "headers": headers}))


def test_a_report_that_comes_as_get_is_read_from_its_url() -> None:
    url = f"https://gw.example.test/hooks/plivo/status?MessageUUID={UUID}&Status=sent"
    heard = PROVIDER.read(callback_of({"method": "GET", "url": url}))
    assert_receipts(heard.receipts, {"message_id": UUID, "state": "sent"})


def test_a_message_is_asked_for() -> None:
    one = QUERIES["message"]
    assert_request(PROVIDER.question(UUID), one["request"])
    [receipt] = PROVIDER.report(UUID, answer_of(one["response"]), NOW)
    assert_receipts([receipt], one["expect"])
    assert (receipt.price, receipt.currency, receipt.at) == ("0.00550", "USD", NOW)


def test_wrong_types_beside_a_state_are_left_out() -> None:
    odd = {"message_state": "failed", "error_code": [1], "units": {}, "total_amount": 0.5}
    [receipt] = PROVIDER.report(UUID, Answer(200, json.dumps(odd).encode()), NOW)
    assert (receipt.fact, receipt.failure, receipt.carrier_code) == ("refused", "unknown", None)
    assert (receipt.parts, receipt.price, receipt.currency) == (None, None, None)
    assert not PROVIDER.report(UUID, Answer(200, b'{"message_state":7}'), NOW)


def test_the_balance_is_read() -> None:
    one = QUERIES["account and credits"]  # and no look-up of numbers: adapters have none
    assert_request(PROVIDER.balance_request(), one["request"])
    assert PROVIDER.balance(answer_of(one["response"])) == (one["expect"]["balance"], one["expect"]["currency"])


def test_nonsense_is_survived() -> None:
    assert_survives(PROVIDER)
