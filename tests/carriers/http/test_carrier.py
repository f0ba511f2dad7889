"""What all HTTP providers share: one send and its answer, whatever becomes of it, with a scripted way out."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from random import Random
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import pytest

from heliograph.carriers import catalogue
from heliograph.carriers.http.carrier import HttpCarrier
from heliograph.carriers.http.provider import Call, Provider
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


# -- every provider


def test_there_are_settings_for_every_provider() -> None:
    assert set(OPEN) == set(SECRETS) == set(KINDS)


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", KINDS)
async def test_an_answer_that_says_yes_is_an_acceptance_with_an_id(kind: str) -> None:
    link, outcome = await outcome_of(kind, yes(kind))
    assert outcome.state == "accepted"
    assert outcome.carrier_ids and all(outcome.carrier_ids)
    assert link.is_up


# (what became of the request, state, failure, our code)
FAILURES: dict[str, tuple[Exchange, str, str, str]] = {
    # The request left: the text may have been taken.
    "no answer in time": (lost("timeout"), "unknown", "unknown", "answer_timeout"),
    "a reset": (lost("reset"), "unknown", "unknown", "link_lost"),
    "an answer that is none": (lost("bad_answer"), "unknown", "unknown", "link_lost"),
    "an endless answer": (lost("too_large"), "unknown", "unknown", "link_lost"),
    "we were stopped": (lost("closed"), "unknown", "unknown", "link_lost"),
    # It never left: nobody can have taken it.
    "no such name": (lost("dns_failed"), "refused", "transient", "carrier_unreachable"),
    "no connection": (lost("connect_failed"), "refused", "transient", "carrier_unreachable"),
    "no TLS": (lost("tls_failed"), "refused", "transient", "carrier_unreachable"),
    "too many wait already": (lost("busy"), "refused", "transient", "carrier_unreachable"),
    "an address that we don't call": (lost("blocked_address"), "refused", "transient", "carrier_unreachable"),
    "a port that we don't call": (lost("port_not_allowed"), "refused", "transient", "carrier_unreachable"),
    "a URL that is none": (lost("bad_url"), "refused", "transient", "carrier_unreachable"),
    # An answer, but none that says what became of the text.
    "a server's fault": (whole(500, b'{"error":"internal"}'), "unknown", "unknown", "unclear_answer"),
    "a proxy's fault": (whole(502, HTML), "unknown", "unknown", "unclear_answer"),
    "a proxy's time-out": (whole(504, HTML), "unknown", "unknown", "unclear_answer"),
    "busy, without saying for how long": (whole(503, HTML), "unknown", "unknown", "unclear_answer"),
    "a page instead of an answer": (whole(200, HTML), "unknown", "unknown", "unclear_answer"),
    "nothing instead of an answer": (whole(200), "unknown", "unknown", "unclear_answer"),
    "another place": (whole(302, HTML), "unknown", "unknown", "unclear_answer"),
    # A no without a word that we know.
    "a request that is none": (whole(400, HTML), "refused", "permanent", "refused_by_carrier"),
    "nothing there": (whole(404, HTML), "refused", "permanent", "refused_by_carrier"),
    "wrong credentials": (whole(401, HTML), "refused", "unauthorised", "carrier_unauthorised"),
    "no credit": (whole(402, HTML), "refused", "unauthorised", "carrier_unauthorised"),
    "no right": (whole(403, HTML), "refused", "unauthorised", "carrier_unauthorised"),
    "too fast": (whole(429, HTML, 7.0), "refused", "throttled", "too_fast"),
    "too fast, without saying for how long": (whole(429, HTML), "refused", "throttled", "too_fast"),
    "busy for a while": (whole(503, HTML, 7.0), "refused", "throttled", "too_fast"),
}
# Who says something else by one of these, and what.
OTHERWISE: dict[tuple[str, str], tuple[str, str]] = {
    ("46elks", "no right"): ("permanent", "refused_by_carrier"),  # a wrong number, text or sender, in plain text
    ("sinch", "no right"): ("permanent", "refused_by_carrier"),  # the plan may not do this; wrong credentials are a 401
}


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("what", FAILURES)
async def test_a_failure_is_what_it_is_with_every_provider(kind: str, what: str) -> None:
    exchange, state, failure, code = FAILURES[what]
    failure, code = OTHERWISE.get((kind, what), (failure, code))
    link, outcome = await outcome_of(kind, exchange)
    assert (outcome.state, outcome.failure, outcome.code) == (state, failure, code)
    assert outcome.carrier_ids == ()
    assert link.is_up is (failure != "unauthorised")


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("seconds", "ms"), [(7.0, 7_000), (0.5, 500), (0.0, 0), (None, None)])
async def test_a_pause_that_is_asked_for_is_passed_on(kind: str, seconds: float | None, ms: int | None) -> None:
    _, outcome = await outcome_of(kind, whole(429, HTML, seconds))
    assert outcome.retry_after_ms == ms


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", KINDS)
async def test_what_never_left_says_why(kind: str) -> None:
    _, outcome = await outcome_of(kind, lost("dns_failed"))
    assert outcome.carrier_code == "dns_failed"


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", KINDS)
async def test_no_secret_shows_where_a_log_would_show_it(kind: str) -> None:
    link = await opened(kind)
    provider = link.carrier._provider
    assert isinstance(provider, Provider)
    shown = f"{link.carrier!r} {link.carrier} {provider!r} {provider}"
    assert [secret for secret in (*SECRETS[kind].values(), TOKEN) if secret in shown] == []
    link.submit(text(sender=SENDERS.get(kind, "+15005550006")))
    link.calls[0].done(whole(401, HTML))
    link.submit(text(2, sender=SENDERS.get(kind, "+15005550006")))
    link.calls[1].done(yes(kind))
    said = f"{link.answers} {link.ups} {b''.join(link.carrier.recorder.jsonl(texts=True)).decode()}"
    assert [secret for secret in (*SECRETS[kind].values(), TOKEN) if secret in said] == []


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(
            kind,
        )
        if kind == "telesign"
        else kind
        for kind in KINDS
    ],
)
def test_every_secret_may_stand_outside_the_file(kind: str) -> None:
    references = {name: f"env:HG_{name.upper()}" for name in (*SECRETS[kind], "callback_token")}
    assert catalogue.check(kind, {"kind": kind, **OPEN[kind], **references}) is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_provider_can_be_asked_if_and_only_if_it_says_so(kind: str) -> None:
    provider = catalogue.listener(kind, "main", settings(kind))
    assert provider is not None
    assert (provider.question("id-1") is not None) == provider.capabilities.query


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", KINDS)
async def test_a_query_asks_once_for_each_id(kind: str) -> None:
    link = await opened(kind)
    link.reply = whole(404, HTML)
    receipts = await link.carrier.query(Submission(text(), 1), ["id-1", "id-2", "id-3"])
    if not link.carrier.capabilities.query:
        assert (receipts, link.calls) == (None, [])
        return
    assert receipts == []
    asked = [each for call in link.calls for each in ("id-1", "id-2", "id-3") if each in call.url]
    assert asked == ["id-1", "id-2", "id-3"]


# -- one send


@pytest.mark.asyncio
async def test_a_request_goes_out_as_the_provider_wants_it_with_the_time_that_is_set() -> None:
    link = await opened(timeout_ms=2_500, base_url="http://127.0.0.1:9/")
    link.submit(text())
    [call] = link.calls
    assert (call.method, call.timeout_s) == ("POST", 2.5)
    assert call.url == f"http://127.0.0.1:9/2010-04-01/Accounts/{OPEN['twilio']['account_sid']}/Messages.json"
    form = parse_qs(call.body.decode())
    assert (form["To"], form["From"], form["Body"]) == (["+447911123456"], ["Acme"], ["Hello"])


@pytest.mark.asyncio
async def test_each_of_several_has_its_own_answer_in_any_order() -> None:
    link = await opened()
    messages = [text(number) for number in range(1, 6)]
    link.submit(*messages)
    assert not link.answers
    codes = {message.id: f"{30000 + message.id}" for message in messages}
    for place in (3, 0, 4, 2, 1):
        body = json.dumps({"code": int(codes[place + 1]), "status": 400}).encode()
        link.calls[place].done(whole(400, body))
    assert [submission.message.id for submission, _ in link.answers] == [4, 1, 5, 3, 2]
    assert all(outcome.carrier_code == codes[submission.message.id] for submission, outcome in link.answers)


@pytest.mark.asyncio
async def test_a_carrier_may_be_answered_before_submit_returns() -> None:
    link = await opened()
    link.reply = yes("twilio")
    link.submit(text(1), text(2))
    assert [outcome.state for _, outcome in link.answers] == ["accepted", "accepted"]


@pytest.mark.asyncio
@pytest.mark.parametrize(("left_ms", "seconds"), [(90_400, "90"), (1_999, "1"), (300, "1"), (-5_000, "1")])
async def test_a_provider_is_told_how_long_a_text_is_worth_anything(left_ms: int, seconds: str) -> None:
    link = await opened()
    link.submit(text(valid_until=NOW + left_ms))
    assert parse_qs(link.calls[0].body.decode())["ValidityPeriod"] == [seconds]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("code", "failure"),
    [("21211", "permanent"), ("21610", "opted_out"), ("21617", "content"), ("20003", "unauthorised")],
)
async def test_a_refusal_is_known_by_its_code(code: str, failure: str) -> None:
    body = json.dumps({"code": int(code), "message": "no", "status": 400}).encode()
    _, outcome = await outcome_of("twilio", whole(400, body))
    assert (outcome.state, outcome.failure, outcome.carrier_code) == ("refused", failure, code)


@pytest.mark.asyncio
async def test_a_request_that_can_not_be_made_is_a_refusal_of_its_own_message_only() -> None:
    """`Pool.call` refuses headers that would break a request, such as a key that somebody pasted with its line end."""
    link = await opened()
    link.barred = b"Body=first"
    link.submit(text(1, text="first"), text(2, text="second"))
    assert len(link.calls) == 1
    link.calls[0].done(yes("twilio"))
    states = {submission.message.id: outcome.state for submission, outcome in link.answers}
    assert states == {1: "refused", 2: "accepted"}


# -- credentials that are refused


@pytest.mark.asyncio
async def test_refused_credentials_close_the_link_for_a_minute() -> None:
    link, outcome = await outcome_of("twilio", whole(401, b'{"code":20003,"status":401}'))
    assert outcome.failure == "unauthorised"
    assert link.ups == [(True, ""), (False, "refused our credentials or credit (20003)")]
    link.clock.pass_ms(59_999)
    assert not link.is_up
    link.clock.pass_ms(1)
    assert link.is_up


@pytest.mark.asyncio
async def test_an_answer_comes_before_the_link_closes() -> None:
    """The engine looks for another way at once; it must not find the message still in flight."""
    link = await opened()
    seen: list[int] = []
    link.link = lambda up, reason="": seen.append(len(link.answers))  # type: ignore[method-assign]
    link.submit(text())
    link.calls[0].done(whole(401, HTML))
    assert seen == [1]


@pytest.mark.asyncio
async def test_a_second_refusal_begins_the_minute_again() -> None:
    link = await opened()
    link.submit(text(1), text(2))
    link.calls[0].done(whole(401, HTML))
    link.clock.pass_ms(9_000)
    link.calls[1].done(whole(401, HTML))
    link.clock.pass_ms(51_000)
    assert not link.is_up, "it was refused 51 s ago"
    link.clock.pass_ms(9_000)
    assert link.is_up


@pytest.mark.asyncio
async def test_each_refusal_is_followed_by_a_whole_minute() -> None:
    """Two were under way when the credentials went bad; a third one goes out when the link is open again."""
    link = await opened()
    link.submit(text(1), text(2))
    link.calls[0].done(whole(401, HTML))
    link.clock.pass_ms(9_000)
    link.calls[1].done(whole(401, HTML))
    while not link.is_up:
        link.clock.pass_ms(1_000)
    link.submit(text(3))
    link.calls[2].done(whole(401, HTML))
    link.clock.pass_ms(59_000)
    assert not link.is_up


@pytest.mark.asyncio
async def test_a_carrier_that_was_stopped_stays_closed() -> None:
    link, _ = await outcome_of("twilio", whole(401, HTML))
    await link.carrier.stop(0)
    link.clock.pass_ms(120_000)
    assert not link.is_up


@pytest.mark.asyncio
async def test_a_carrier_that_is_being_stopped_is_not_opened_again() -> None:
    """The engine would hand over more, which the stop then waits for."""
    link = await opened()
    link.submit(text(1), text(2))
    link.calls[0].done(whole(401, HTML))
    stopping = asyncio.create_task(link.carrier.stop(90))
    await asyncio.sleep(0)
    link.clock.pass_ms(61_000)
    was_up = link.is_up
    link.calls[1].done(yes("twilio"))
    await stopping
    assert not was_up


# -- stopping


@pytest.mark.asyncio
async def test_a_stop_answers_what_is_left_as_unknown_and_ignores_what_comes_later() -> None:
    link = await opened()
    link.submit(text(1), text(2), text(3))
    link.calls[1].done(yes("twilio"))
    await link.carrier.stop(0)
    assert [(submission.message.id, outcome.state) for submission, outcome in link.answers] == [
        (2, "accepted"),
        (1, "unknown"),
        (3, "unknown"),
    ]
    assert {outcome.code for _, outcome in link.answers[1:]} == {"link_lost"}
    for call in (link.calls[0], link.calls[2]):
        call.done(yes("twilio"))
    assert len(link.answers) == 3


@pytest.mark.asyncio
async def test_a_stop_waits_for_answers_as_long_as_it_may() -> None:
    link = await opened()
    link.submit(text(1), text(2))
    stopping = asyncio.create_task(link.carrier.stop(5))
    await asyncio.sleep(0)
    link.calls[0].done(yes("twilio"))
    await asyncio.sleep(0.05)
    assert not stopping.done()
    link.clock.pass_ms(5_001)
    await stopping
    assert [outcome.state for _, outcome in link.answers] == ["accepted", "unknown"]


@pytest.mark.asyncio
async def test_a_stop_ends_with_the_last_answer() -> None:
    link = await opened()
    link.submit(text())
    stopping = asyncio.create_task(link.carrier.stop(3_600))
    await asyncio.sleep(0)
    link.calls[0].done(yes("twilio"))
    await asyncio.wait_for(stopping, 5)
    assert link.outcome().state == "accepted"


# -- where the provider reports to, and by what name


@pytest.mark.asyncio
async def test_the_callback_url_holds_connector_token_and_reference() -> None:
    link = await opened()
    link.submit(text())
    url = parse_qs(link.calls[0].body.decode())["StatusCallback"][0]
    assert url.startswith(f"{PUBLIC}/in/main/status?")
    assert " " not in url and parse_qs(urlsplit(url).query) == {"token": [TOKEN], "ref": [link.ref()]}


@pytest.mark.asyncio
async def test_without_a_token_the_url_holds_the_reference_alone() -> None:
    link = await opened(callback_token=None)
    link.submit(text())
    url = parse_qs(link.calls[0].body.decode())["StatusCallback"][0]
    assert url == f"{PUBLIC}/in/main/status?ref={link.ref()}"


@pytest.mark.asyncio
@pytest.mark.parametrize("public_url", [f"{PUBLIC}/", f"{PUBLIC}/sms", f"{PUBLIC}/sms/"])
async def test_the_public_url_may_have_a_path(public_url: str) -> None:
    link = await opened(public_url=public_url)
    link.submit(text())
    url = parse_qs(link.calls[0].body.decode())["StatusCallback"][0]
    assert url.startswith(f"{public_url.rstrip('/')}/in/main/status?token=")


@pytest.mark.asyncio
async def test_without_a_public_url_no_reports_are_asked_for() -> None:
    link = await opened(public_url=None)
    link.submit(text())
    assert "StatusCallback" not in parse_qs(link.calls[0].body.decode())


@pytest.mark.asyncio
@pytest.mark.parametrize("at", [NOW, 1_795_210_200_000, 4_102_444_800_000], ids=["2023", "2026", "2100"])
@pytest.mark.parametrize("number", [1, 31, 32, 1_000_000, 2_000_000_000, 900_000_000_000])
@pytest.mark.parametrize("attempt", [1, 8, 31])
async def test_a_reference_is_short_and_reads_back(at: int, number: int, attempt: int) -> None:
    link = await opened()
    link.submit(text(number, accepted_at=at), attempt=attempt)
    ref = link.ref()
    assert len(ref) <= 20
    assert ids.read_reference(ref) == (number, attempt)


@pytest.mark.asyncio
async def test_no_two_attempts_share_a_reference() -> None:
    link = await opened()
    refs = []
    for number in (1, 2, 1_001):
        for attempt in (1, 2, 3):
            link.submit(text(number), attempt=attempt)
            refs.append(link.ref())
    assert len(set(refs)) == 9


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("possible_duplicate", "attempt", "named"), [(0, 1, 1), (0, 2, 2), (0, 3, 3), (1, 2, 1), (1, 3, 3)]
)
async def test_what_may_have_been_taken_goes_again_under_its_own_name(
    possible_duplicate: int, attempt: int, named: int
) -> None:
    """Which of several tries was the unknown one is not known any more at the third."""
    link = await opened()
    link.submit(text(7, possible_duplicate=possible_duplicate), attempt=attempt)
    assert ids.read_reference(link.ref()) == (7, named)


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", [kind for kind in KINDS if catalogue.PROVIDERS[kind].capabilities.idempotent])
async def test_a_provider_that_takes_a_name_once_is_given_the_same_request_again(kind: str) -> None:
    link = await opened(kind)
    link.submit(text(7))
    link.calls[0].done(lost("timeout"))
    link.clock.pass_ms(2_300)
    link.submit(text(7, possible_duplicate=1), attempt=2)
    first, again = link.calls
    name = ids.reference(NOW, 7, 1)
    for call in (first, again):
        assert name in f"{call.url} {call.headers} {call.body.decode()}"
    assert again.url == first.url
    if kind == "telnyx":  # compares requests to the byte, and refuses one that differs
        assert (again.headers, again.body) == (first.headers, first.body)


# -- questions


@pytest.mark.asyncio
async def test_what_became_of_a_message_is_asked_in_turn_and_told_as_receipts() -> None:
    link = await opened()
    asking = asyncio.create_task(link.carrier.query(Submission(text(), 1), ["SM1", "SM2", "SM3"]))
    bodies = [
        b'{"sid":"SM1","status":"delivered","price":"-0.0075","price_unit":"USD"}',
        b"<html>",
        b'{"sid":"SM3","status":"undelivered","error_code":30003}',
    ]
    for turn, body in enumerate(bodies, 1):
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert len(link.calls) == turn, "one question at a time"
        link.calls[-1].done(whole(200, body))
    receipts = await asking
    assert receipts is not None
    assert [(r.carrier_id, r.fact, r.price, r.failure) for r in receipts] == [
        ("SM1", "delivered", "0.0075", None),
        ("SM3", "undelivered", None, "unreachable"),
    ]
    assert {call.method for call in link.calls} == {"GET"}


@pytest.mark.asyncio
@pytest.mark.parametrize("reason", ["timeout", "reset", "connect_failed", "busy"])
async def test_a_question_without_an_answer_says_nothing(reason: str) -> None:
    link = await opened()
    link.reply = lost(reason)
    assert await link.carrier.query(Submission(text(), 1), ["SM1"]) == []
    assert await link.carrier.ask(Call("GET", "https://api.twilio.com/")) is None


@pytest.mark.asyncio
async def test_a_message_without_an_id_can_not_be_asked_for() -> None:
    link = await opened()
    assert await link.carrier.query(Submission(text(), 1), []) is None
    assert not link.calls


@pytest.mark.asyncio
async def test_who_stopped_waiting_for_a_question_is_not_told() -> None:
    link = await opened()
    asking = asyncio.create_task(link.carrier.ask(Call("GET", "https://api.twilio.com/")))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    link.calls[0].done(whole(200, b"{}"))
