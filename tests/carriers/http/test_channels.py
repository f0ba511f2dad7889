"""Providers that carry more than texts: the request of each channel, and what they report of calls."""

import json
from typing import Any
from urllib.parse import parse_qs

import pytest

from heliograph.carriers.http.bandwidth import Bandwidth
from heliograph.carriers.http.plivo import Plivo
from heliograph.carriers.http.proof import hmac_base64
from heliograph.carriers.http.provider import Answer, Call, Provider, Text
from heliograph.carriers.http.telnyx import Telnyx
from heliograph.carriers.http.twilio import Twilio
from heliograph.carriers.http.twilio_voice import TwilioVoice
from tests.carriers.http.harness import assert_survives, build, callback_of

TWILIO = {"account_sid": "AC1", "auth_token": "token-word"}
PICTURES = ["https://example.com/a.jpg", "https://example.com/b.png"]
MEDIA = json.dumps({"media": [{"url": url} for url in PICTURES]})
URL = "https://gw.example.test/in/carrier/status?ref=att-1"
VOICE = build(TwilioVoice, **TWILIO, number="+15550001111")


def text(channel: str, content: str | None = None, **more: Any) -> Text:
    fields: dict[str, Any] = {"to": "+15551234567", "sender": "+15550001111", "text": "Hello", "channel": channel}
    return Text(**fields | {"content": content} | more)


def said(call: Call) -> dict[str, Any]:
    """The body, whatever its form."""
    if call.headers["Content-Type"] == "application/json":
        found: dict[str, Any] = json.loads(call.body)
        return found
    return parse_qs(call.body.decode(), keep_blank_values=True)


@pytest.mark.parametrize(
    ("provider", "text", "wanted"),
    [
        (
            build(Twilio, **TWILIO),
            text("mms", MEDIA),
            {"MediaUrl": PICTURES, "To": ["+15551234567"], "Body": ["Hello"]},
        ),
        (build(Twilio, **TWILIO), text("mms", MEDIA, text=""), {"MediaUrl": PICTURES, "Body": None}),
        (build(Twilio, **TWILIO), text("sms"), {"MediaUrl": None, "To": ["+15551234567"]}),
        (
            build(Twilio, **TWILIO),
            text("rcs", sender="rcs:acme"),
            {"To": ["rcs:+15551234567"], "From": ["rcs:acme"], "MediaUrl": None},
        ),
        (build(Telnyx, api_key="k", public_key="p"), text("mms", MEDIA), {"type": "MMS", "media_urls": PICTURES}),
        (build(Telnyx, api_key="k", public_key="p"), text("sms"), {"type": "SMS", "media_urls": None}),
        (
            build(Plivo, auth_id="MA1", auth_token="t"),
            text("mms", MEDIA),
            {"type": "mms", "media_urls": PICTURES},
        ),
        (
            build(Bandwidth, account_id="1", username="u", password="p", application_id="a", callback_token="t0ken"),
            text("mms", MEDIA),
            {"media": PICTURES},
        ),
    ],
    ids=["twilio mms", "twilio picture", "twilio sms", "twilio rcs", "telnyx mms", "telnyx sms", "plivo", "bandwidth"],
)
def test_the_request_of_a_channel(provider: Provider, text: Text, wanted: dict[str, Any]) -> None:
    body = said(provider.request(text))
    assert {name: body.get(name) for name in wanted} == wanted


def test_a_text_becomes_a_call_that_reads_it() -> None:
    content = json.dumps({"language": "en-GB", "voice": "Polly.Amy", "repeat": 2})
    call = VOICE.request(text("voice", content, text="Code <4> & 8", sender=None, status_url=URL))
    assert call.url == "https://api.twilio.com/2010-04-01/Accounts/AC1/Calls.json"
    body = said(call)
    assert (body["From"], body["StatusCallback"]) == (["+15550001111"], [URL])
    assert body["Twiml"] == [
        '<Response><Pause length="1"/><Say language="en-GB" voice="Polly.Amy" loop="2">Code &lt;4&gt; &amp; 8</Say>'
        "</Response>"
    ]


@pytest.mark.parametrize(
    ("status", "fact", "code"),
    [
        ("completed", "delivered", None),
        ("busy", "undelivered", "busy"),
        ("no-answer", "undelivered", "no_answer"),
        ("failed", "undelivered", "call_failed"),
        ("canceled", "refused", "canceled_at_carrier"),
        ("ringing", None, None),
        ("abducted", None, None),
    ],
)
def test_how_a_call_ended_is_read_from_a_report_and_from_an_answer(
    status: str, fact: str | None, code: str | None
) -> None:
    form = f"CallSid=CA1&CallStatus={status}&From=%2B15550001111"
    request = {"url": URL, "raw_body": form, "form": True}
    receipts = [*VOICE.read(callback_of(request)).receipts]
    asked = VOICE.report("CA1", Answer(200, json.dumps({"status": status}).encode()), 1)
    for found, ref in ((receipts, "att-1"), (asked, None)):
        assert [(r.carrier_id, r.fact, r.code, r.ref) for r in found] == ([("CA1", fact, code, ref)] if fact else [])


def test_a_call_is_taken_or_refused() -> None:
    taken = VOICE.answer(text("voice"), Answer(201, b'{"sid": "CA1", "status": "queued"}'))
    assert (taken.state, taken.carrier_ids) == ("accepted", ("CA1",))
    refused = VOICE.answer(text("voice"), Answer(400, b'{"code": 21211}'))
    assert (refused.state, refused.failure) == ("refused", "permanent")


def test_reports_of_calls_are_signed_as_those_of_messages() -> None:
    form = {"CallSid": "CA1", "CallStatus": "completed"}
    proof = hmac_base64("sha1", "token-word", (URL + "".join(k + form[k] for k in sorted(form))).encode())
    body = "&".join(f"{k}={v}" for k, v in form.items())
    for given, is_good in ((proof, True), ("x" + proof[1:], False)):
        request = {"url": URL, "raw_body": body, "form": True, "headers": {"X-Twilio-Signature": given}}
        assert (VOICE.verify(callback_of(request)) is None) == is_good


def test_nonsense_is_survived() -> None:
    assert_survives(VOICE)
