import json
from typing import Any

import pytest

from heliograph.carriers.http.proof import hmac_hex
from heliograph.carriers.http.provider import Answer, Text
from heliograph.carriers.http.whatsapp import WhatsApp
from tests.carriers.http.harness import assert_request, assert_survives, build, callback_of

SETTINGS = {
    "phone_number_id": "106540352242922",
    "number": "+15550783881",
    "access_token": "EAAB-token",
    "app_secret": "app-secret",
    "verify_token": "verify-me",
}
PROVIDER = build(WhatsApp, **SETTINGS)
TEMPLATE = {
    "name": "order_update",
    "language": "en_US",
    "variables": ["Alex", "A12345"],
    "header_variables": ["Today"],
    "button_variables": ["A12345"],
}
URL = "https://gw.example.test/in/wa/status"


def text(**more: Any) -> Text:
    return Text(**{"to": "+15551234567", "sender": None, "text": "Hello", "channel": "whatsapp", **more})


def webhook(**value: Any) -> dict[str, Any]:
    head = {"messaging_product": "whatsapp", "metadata": {"phone_number_id": SETTINGS["phone_number_id"]}}
    return {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"value": head | value}]}]}


def test_our_own_words_become_a_text_message() -> None:
    wanted = {
        "method": "POST",
        "url": "https://graph.facebook.com/v23.0/106540352242922/messages",
        "headers": {"Authorization": "Bearer EAAB-token"},
        "json": {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": "15551234567",
            "type": "text",
            "text": {"body": "Hello", "preview_url": False},
            "biz_opaque_callback_data": "att-1",
        },
    }
    assert_request(PROVIDER.request(text()), wanted)


def test_a_template_has_its_values_in_their_order() -> None:
    call = PROVIDER.request(text(text="", content=json.dumps({"template": TEMPLATE})))
    body = json.loads(call.body)
    assert body["type"] == "template" and "text" not in body
    assert body["template"] == {
        "name": "order_update",
        "language": {"code": "en_US"},
        "components": [
            {"type": "header", "parameters": [{"type": "text", "text": "Today"}]},
            {
                "type": "body",
                "parameters": [{"type": "text", "text": "Alex"}, {"type": "text", "text": "A12345"}],
            },
            {
                "type": "button",
                "sub_type": "url",
                "index": "0",
                "parameters": [{"type": "text", "text": "A12345"}],
            },
        ],
    }


@pytest.mark.parametrize(
    ("status", "body", "expect"),
    [
        (200, {"messages": [{"id": "wamid.1"}]}, ("accepted", None, None)),
        (200, {}, ("unknown", "unknown", "unclear_answer")),
        (400, {"error": {"code": 131047}}, ("refused", "content", "content_refused")),
        (400, {"error": {"code": 132001}}, ("refused", "permanent", "refused_by_carrier")),
        (400, {"error": {"code": 131050}}, ("refused", "opted_out", "opted_out_at_carrier")),
        (401, {"error": {"code": 190}}, ("refused", "unauthorised", "carrier_unauthorised")),
        (429, {"error": {"code": 130429}}, ("refused", "throttled", "too_fast")),
        (400, {"error": {"code": 424242}}, ("refused", "permanent", "refused_by_carrier")),
        (500, {"error": {"code": 131000}}, ("unknown", "unknown", "unclear_answer")),
    ],
)
def test_an_answer_is_read(status: int, body: dict[str, Any], expect: tuple[str, ...]) -> None:
    outcome = PROVIDER.answer(text(), Answer(status, json.dumps(body).encode()))
    assert (outcome.state, outcome.failure, outcome.code) == expect
    assert outcome.carrier_ids == (("wamid.1",) if outcome.state == "accepted" else ())


@pytest.mark.parametrize(
    ("status", "facts"),
    [
        ({"status": "sent"}, [("buffered", None, None)]),
        ({"status": "delivered"}, [("delivered", None, None)]),
        ({"status": "read"}, [("read", None, None)]),
        ({"status": "failed", "errors": [{"code": 131026}]}, [("refused", "permanent", "131026")]),
        ({"status": "failed", "errors": [{"code": 131050}]}, [("refused", "opted_out", "131050")]),
        ({"status": "failed"}, [("refused", "unknown", None)]),
        ({"status": "warmed"}, []),
    ],
)
def test_a_status_is_read(status: dict[str, Any], facts: list[tuple[Any, ...]]) -> None:
    one = {"id": "wamid.1", "recipient_id": "15551234567", "biz_opaque_callback_data": "att-1", **status}
    heard = PROVIDER.read(callback_of({"json": webhook(statuses=[one])}))
    assert [(r.fact, r.failure, r.carrier_code) for r in heard.receipts] == facts
    assert all((r.carrier_id, r.ref) == ("wamid.1", "att-1") for r in heard.receipts)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"type": "text", "text": {"body": "Hi there"}}, "Hi there"),
        ({"type": "button", "button": {"text": "Yes", "payload": "p"}}, "Yes"),
        ({"type": "interactive", "interactive": {"type": "list_reply", "list_reply": {"title": "Blue"}}}, "Blue"),
        ({"type": "image", "image": {"id": "1", "caption": "My parcel"}}, "My parcel"),
        ({"type": "location", "location": {"latitude": 1}}, ""),
    ],
)
def test_what_a_person_writes_is_read(said: dict[str, Any], words: str) -> None:
    one = {"from": "15551234567", "id": "wamid.2", "timestamp": "1795210200", **said}
    (inbound,) = PROVIDER.read(callback_of({"json": webhook(messages=[one])})).inbound
    assert (inbound.sender, inbound.to, inbound.text) == ("+15551234567", "whatsapp:+15550783881", words)
    assert inbound.carrier_id == "wamid.2"


def test_what_concerns_another_number_of_the_account_is_left_to_its_connector() -> None:
    other = webhook(metadata={"phone_number_id": "7"}, statuses=[{"id": "wamid.1", "status": "read"}])
    heard = PROVIDER.read(callback_of({"json": other}))
    assert not heard.receipts and not heard.inbound


def test_only_who_knows_the_secret_is_believed() -> None:
    body = json.dumps(webhook(statuses=[])).encode()
    good = f"sha256={hmac_hex('sha256', 'app-secret', body)}"
    for given, is_good in ((good, True), (good[:-1] + "0", False), ("", False), (good.upper(), False)):
        headers = {"X-Hub-Signature-256": given}
        assert (PROVIDER.verify(callback_of({"headers": headers}, body=body)) is None) == is_good, given


def test_the_address_of_the_webhook_is_confirmed_to_who_knows_the_token() -> None:
    query = "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token="
    good = callback_of({"method": "GET", "url": f"{URL}?{query}verify-me"}, body=b"")
    assert PROVIDER.verify(good) is None
    assert PROVIDER.thanks(good).body == b"1158201444"
    for token in ("", "verify-you"):
        assert PROVIDER.verify(callback_of({"method": "GET", "url": f"{URL}?{query}{token}"}, body=b""))


def test_another_number_of_ours_is_another_connectors() -> None:
    assert PROVIDER.refusal(text(sender="whatsapp:+15550783881")) is None
    outcome = PROVIDER.refusal(text(sender="whatsapp:+15550000000"))
    assert outcome is not None and (outcome.code, outcome.elsewhere) == ("sender_refused", True)


def test_nonsense_is_survived() -> None:
    assert_survives(PROVIDER)
