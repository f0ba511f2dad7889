"""The carrier of an HTTP provider with a scripted way out, and a clock that the test moves."""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from random import Random
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from heliograph.carriers import catalogue
from heliograph.carriers.http.carrier import HttpCarrier
from heliograph.carriers.port import World
from heliograph.core import ids
from heliograph.core.message import Inbound, Message, Outcome, Receipt, Submission
from heliograph.outgoing.http1 import Answer as Exchange
from tests.carriers.http.harness import FIXTURES, vectors
from tests.carriers.network import NOW, Clock, message

PUBLIC = "https://sms.example.test"
TOKEN = "unguessable word/7"  # as somebody might choose it: it has to be quoted
# What may be in a file for each kind: what is open, and what is secret. Their values are told from one another.
OPEN: dict[str, dict[str, Any]] = {
    "46elks": {"username": "u123"},
    "africastalking": {"username": "acme"},
    "aws": {
        "region": "eu-west-1",
        "access_key_id": "AKIDEXAMPLE",
        "configuration_set": "gw",
        "topic_arn": "arn:aws:sns:eu-west-1:123456789012:sms-events",
        "signing_certificates": [
            vectors("aws", "sns_signature_vectors")["Notification, version 2 (SHA-256)"]["certificate_pem"]
        ],
    },
    "bandwidth": {"account_id": "5500000", "application_id": "93de2206", "username": "u123"},
    "bulksms": {"token_id": "u123"},
    "clickatell": {},
    "http": {
        "request": {
            "url": "https://api.example.test/sms",
            "body": {"format": "json", "fields": {"to": "{to}", "text": "{text}", "name": "{ref}"}},
        },
        "auth": {"kind": "bearer"},
        "answer": {"id": "/id", "success": [{"status": 201}]},
    },
    "infobip": {"base_url": "https://xxxxx.api.infobip.com"},
    "messagebird": {},
    "plivo": {"auth_id": "MAXXXXXXXXXXXXXXXXXX"},
    "sinch": {"service_plan_id": "PLAN", "region": "eu"},
    "smsto": {},
    "telesign": {"customer_id": "FFFFFFFF-EEEE-DDDD-1234-AB1234567890"},
    "telnyx": {},
    "twilio": {"account_sid": "AC00000000000000000000000000000001", "api_key": "SK00000000000000000000000000000001"},
    "twilio-voice": {
        "account_sid": "AC00000000000000000000000000000001",
        "api_key": "SK00000000000000000000000000000001",
        "number": "+15005550006",
    },
    "vonage": {"api_key": "abcd1234"},
    "vonage-messages": {"api_key": "abcd1234"},
    "whatsapp": {"phone_number_id": "106540352242922", "number": "+15005550006"},
}
SECRETS: dict[str, dict[str, str]] = {
    "46elks": {"password": "elks-s3cret"},
    "africastalking": {"api_key": "africastalking-s3cret"},
    "aws": {"secret": "aws-s3cret"},
    "bandwidth": {"password": "bandwidth-s3cret"},
    "bulksms": {"secret": "bulksms-s3cret"},
    "clickatell": {"api_key": "clickatell-s3cret"},
    "http": {"token": "http-s3cret", "secret": "http-signs-s3cret"},
    "infobip": {"api_key": "infobip-s3cret"},
    "messagebird": {"access_key": "messagebird-s3cret", "signature_secret": "messagebird-signs-s3cret"},
    "plivo": {"auth_token": "plivo-s3cret"},
    "sinch": {"token": "sinch-s3cret", "signature_secret": "sinch-signs-s3cret"},
    "smsto": {"api_key": "smsto-s3cret", "signature_secret": "smsto-signs-s3cret"},
    "telesign": {"api_key": "dGVsZXNpZ24tczNjcmV0"},
    "telnyx": {"api_key": "telnyx-s3cret"},
    "twilio": {"auth_token": "twilio-s3cret", "api_secret": "twilio-api-s3cret"},
    "twilio-voice": {"auth_token": "voice-s3cret", "api_secret": "voice-api-s3cret"},
    "vonage": {"api_secret": "vonage-s3cret", "signature_secret": "vonage-signs-s3cret"},
    "vonage-messages": {"api_secret": "vonage-messages-s3cret", "signature_secret": "vonage-messages-signs-s3cret"},
    "whatsapp": {
        "access_token": "whatsapp-s3cret",
        "app_secret": "whatsapp-signs-s3cret",
        "verify_token": "whatsapp-begins-s3cret",
    },
}
# Answers that say yes, of those that were not recorded: as their pages show them.
SHOWN = {
    "http": (201, b'{"id":"7"}'),
    "twilio-voice": (201, b'{"sid":"CA00000000000000000000000000000001","status":"queued"}'),
    "whatsapp": (200, b'{"messaging_product":"whatsapp","messages":[{"id":"wamid.HBgL"}]}'),
}
SENDERS = {"whatsapp": "whatsapp:+15005550006"}  # as identities of a channel are written
KINDS = tuple(catalogue.PROVIDERS)
# Where the words of a provider were recorded, and which of its recorded answers says yes.
RECORDED = {"vonage-messages": ("vonage", "Messages API")}
FIRST_YES = {
    *("SMS API", "One API", "SendTextMessage", "batch of one", "from a number", "one message", "sent"),
    "one message, our own message id",
}
HTML = b"<html><body><h1>We'll be back soon</h1></body></html>"


class Sent(NamedTuple):
    """A request that left, and whom to tell of its answer."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    timeout_s: float
    done: Callable[[Any], None]


class Link:
    """A carrier under a clock that the test moves, what it asked of the web, and what it was heard to say."""

    def __init__(self, kind: str = "twilio", *, public_url: str | None = PUBLIC, **changes: Any) -> None:
        self.clock = Clock()
        self.calls: list[Sent] = []
        self.answers: list[tuple[Submission, Outcome]] = []
        self.ups: list[tuple[bool, str]] = []
        self.reply: Exchange | None = None  # at once, to every request; None: the test answers
        self.barred: bytes | None = None  # a request with this in its body can't be made
        self.world = World(self.clock, Random(0), call=self._call, public_url=public_url)
        carrier = catalogue.build(kind, "main", settings(kind, **changes), self.world)
        assert isinstance(carrier, HttpCarrier)
        self.carrier = carrier

    def _call(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        timeout_s: float,
        done: Callable[[Any], None],
    ) -> None:
        if self.barred is not None and self.barred in body:
            raise ValueError("the header 'Authorization' has characters that a header must not have")
        self.calls.append(Sent(method, url, headers, body, timeout_s, done))
        if self.reply is not None:
            done(self.reply)

    # -- carriers.port.Events

    def answered(self, submission: Submission, outcome: Outcome) -> None:
        self.answers.append((submission, outcome))

    def receipts(self, receipts: Sequence[Receipt], committed: Callable[[], None] | None = None) -> None:
        raise AssertionError("receipts come through callbacks and queries")

    def inbound(self, messages: Sequence[Inbound], committed: Callable[[], None] | None = None) -> None:
        raise AssertionError("messages from phones come through callbacks")

    def link(self, up: bool, reason: str = "") -> None:
        self.ups.append((up, reason))

    # -- what the test asks

    @property
    def is_up(self) -> bool:
        return self.ups[-1][0]

    def submit(self, *messages: Message, attempt: int = 1) -> None:
        self.carrier.submit([Submission(each, attempt) for each in messages])

    def outcome(self) -> Outcome:
        """The one answer that was given."""
        assert len(self.answers) == 1, self.answers
        return self.answers[0][1]

    def ref(self) -> str:
        """Our reference, as it stands in the URL that the last request named."""
        form = parse_qs(self.calls[-1].body.decode())
        return parse_qs(urlsplit(form["StatusCallback"][0]).query)["ref"][0]


def settings(kind: str, **changes: Any) -> dict[str, Any]:
    """A connector as a file would declare it."""
    spec = {"kind": kind, "callback_token": TOKEN, **OPEN[kind], **SECRETS[kind], **changes}
    wrong = catalogue.check(kind, spec)
    assert wrong is None, wrong
    return {name: value for name, value in spec.items() if name != "kind"}


async def opened(kind: str = "twilio", **changes: Any) -> Link:
    link = Link(kind, **changes)
    await link.carrier.start(link)
    return link


def text(number: int = 1, **changes: Any) -> Message:
    """A message that the twilio of these tests may be handed."""
    fields = {"connector": "main", "encoding": "gsm7", "valid_until": NOW + 3_600_000, "possible_duplicate": 0}
    return message(number, **fields | changes)


def lost(reason: str) -> Exchange:
    """No answer came."""
    return Exchange(0, reason, "as it happens")


def whole(status: int, body: bytes = b"", retry_after: float | None = None) -> Exchange:
    return Exchange(status, "ok", body=body, retry_after=retry_after)


@cache
def yes(kind: str, ref: str = ids.reference(NOW, 1, 1)) -> Exchange:
    """An answer with which the provider takes a message, as it was recorded, with our reference where it has one."""
    if kind in SHOWN:
        return whole(*SHOWN[kind])
    folder, name = RECORDED.get(kind, (kind, None))
    found = json.loads((FIXTURES / folder / "send.json").read_text())["examples"]
    one = next(each for each in found if (each["name"] == name if name else each["name"] in FIRST_YES))
    assert one["expect"]["outcome"] == "accepted"
    response = one["response"]
    body = json.dumps(response["json"]) if "json" in response else response["text"]
    return whole(response["status"], body.replace("att-1", ref).encode())


async def outcome_of(kind: str, exchange: Exchange) -> tuple[Link, Outcome]:
    """What a carrier of this kind makes of an exchange."""
    link = await opened(kind)
    link.submit(text(sender=SENDERS.get(kind, "+15005550006")))
    assert len(link.calls) == 1, "one text is one request"
    link.calls[0].done(exchange)
    return link, link.outcome()
