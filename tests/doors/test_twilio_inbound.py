"""Applications that Twilio told of messages from phones, and that answered in TwiML."""

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

import pytest
from twilio.request_validator import RequestValidator
from twilio.twiml.messaging_response import MessagingResponse

from tests.doors.conftest import Account
from tests.process.server import Api
from tests.process.sink import Heard, Sink

OURS = "60606"


@pytest.fixture
def endpoint(admin: Api, mine: Account, sink: Sink) -> Iterator[str]:
    """An endpoint with our key as its auth token, so that one secret is all that the application has."""
    spec = {"url": f"{sink.url}/sms", "format": "twilio", "secret": mine.key, "events": ["inbound.received"]}
    made = admin("POST", "/v1/endpoints", {"name": "replies", **spec})
    assert made.status_code == 201, made.text
    yield f"{sink.url}/sms"
    admin("DELETE", "/v1/endpoints/replies")


def fields_of(heard: Heard) -> dict[str, str]:
    return dict(parse_qsl(heard.body.decode(), keep_blank_values=True))


def texted(admin: Api, number: str, text: str) -> None:
    assert admin("POST", "/v1/sandbox/inbound", {"from": number, "to": OURS, "text": text}).status_code < 300


def sent_to(api: Api, number: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api("GET", f"/v1/messages?to=%2B{number[1:]}").json()["data"]
    return found


def test_a_message_from_a_phone_comes_as_twilio_brings_it(admin: Api, mine: Account, sink: Sink, endpoint: str) -> None:
    texted(admin, "+447700900471", "Grüße & more")
    heard = sink.until(bool)[0]
    fields = fields_of(heard)
    assert RequestValidator(mine.key).validate(endpoint, fields, heard.headers["x-twilio-signature"])
    assert (fields["From"], fields["To"], fields["Body"]) == ("+447700900471", OURS, "Grüße & more")
    assert (fields["AccountSid"], fields["SmsStatus"], fields["NumMedia"]) == (mine.sid, "received", "0")
    assert fields["MessageSid"] == fields["SmsSid"] == fields["SmsMessageSid"]
    assert fields["MessageSid"].startswith("SM") and len(fields["MessageSid"]) == 34


def test_what_the_application_answers_in_twiml_goes_back_to_the_phone(
    admin: Api, api: Api, sink: Sink, endpoint: str
) -> None:
    answer = MessagingResponse()
    answer.message("It comes tomorrow & on time.")
    answer.message().body("Yours, Acme")
    sink.answer = lambda heard: (200, str(answer).encode())
    number = "+447700900472"
    texted(admin, number, "Where is my parcel?")
    sink.until(bool)
    event = sink.heard[0].headers["i-twilio-idempotency-token"]
    texts = {message["text"] for message in until_sent(api, number, 2)}
    assert texts == {"It comes tomorrow & on time.", "Yours, Acme"}
    assert {message["sender"] for message in sent_to(api, number)} == {OURS}
    delivery = admin("GET", "/v1/endpoints/replies/deliveries").json()["data"][0]
    admin("POST", f"/v1/deliveries/{delivery['id']}/replay")  # told once more, it is not answered once more
    again = sink.until(lambda heard: len(heard) >= 2)[1]
    assert again.headers["i-twilio-idempotency-token"] == event
    texted(admin, "+447700900473", "And another")
    until_sent(api, "+447700900473", 2)
    assert len(sent_to(api, number)) == 2


def until_sent(api: Api, number: str, count: int) -> list[dict[str, Any]]:
    end = time.monotonic() + 15
    while len(found := sent_to(api, number)) < count:
        assert time.monotonic() < end, found
        time.sleep(0.02)
    return found


def test_someone_who_said_stop_gets_no_answer(admin: Api, api: Api, sink: Sink, endpoint: str) -> None:
    sink.answer = lambda heard: (200, b"<Response><Message>But wait</Message></Response>")
    number = "+447700900474"
    texted(admin, number, "STOP")
    heard = sink.until(bool)[0]
    assert fields_of(heard)["OptOutType"] == "STOP"
    texted(admin, "+447700900475", "Hello")
    until_sent(api, "+447700900475", 1)
    assert all(message["text"] != "But wait" for message in sent_to(api, number))
