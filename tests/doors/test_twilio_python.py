"""Twilio's own Python client at our door: only the base URL is another."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import pytest
import requests
from twilio.base.exceptions import TwilioRestException
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from tests.doors.conftest import Account, account
from tests.process.server import Api, Server
from tests.process.sink import Heard, Sink

TO = "+447700900123"
POOL = "MG0123456789abcdef0123456789abcdef"


def client_of(server: Server, account: Account) -> Client:
    client = Client(account.sid, account.key)
    client.api.base_url = client.verify.base_url = server.url
    return client


@pytest.fixture(scope="module")
def client(server: Server, mine: Account) -> Client:
    return client_of(server, mine)


def until(look: Callable[[], Any], is_done: Callable[[Any], bool]) -> Any:
    end = time.monotonic() + 15
    while not is_done(found := look()):
        assert time.monotonic() < end, found
        time.sleep(0.02)
    return found


def test_a_message_is_sent_and_fetched_until_it_is_delivered(client: Client, mine: Account) -> None:
    sent = client.messages.create(to=TO, from_="Acme", body="Hello")
    assert (sent.status, sent.direction, sent.account_sid) == ("queued", "outbound-api", mine.sid)
    assert sent.sid is not None and len(sent.sid) == 34 and sent.sid.startswith("SM")
    assert (sent.num_segments, sent.num_media, sent.error_code) == ("1", "0", None)
    done = until(lambda: client.messages(sent.sid).fetch(), lambda found: found.status == "delivered")
    assert (done.body, done.to, done.from_) == ("Hello", TO, "Acme")
    assert done.date_sent is not None and done.date_created <= done.date_sent


def test_it_is_the_same_message_at_our_own_door(client: Client, api: Api) -> None:
    sent = client.messages.create(to=TO, from_="Acme", body="Known by both")
    texts = [message["text"] for message in api("GET", "/v1/messages?limit=1").json()["data"]]
    assert texts == ["Known by both"] and sent.body == "Known by both"


def test_messages_are_listed_page_by_page_and_narrowed(client: Client) -> None:
    to = "+447700900124"
    sids = [client.messages.create(to=to, from_="Acme", body=f"{number}").sid for number in range(5)]
    found = client.messages.list(to=to, page_size=2)
    assert [message.sid for message in found] == sids[::-1]
    assert [message.sid for message in client.messages.list(to=to, limit=3)] == sids[:1:-1]
    today = datetime.now(UTC).date()
    assert len(client.messages.list(to=to, date_sent=today)) == 5
    assert len(client.messages.list(to=to, date_sent_after=datetime.now(UTC) - timedelta(minutes=5))) == 5
    assert client.messages.list(to=to, date_sent_before=datetime.now(UTC) - timedelta(days=1)) == []
    assert client.messages.list(to=to, from_="+447700900601") == []


def test_a_scheduled_message_is_canceled(client: Client) -> None:
    at = datetime.now(UTC) + timedelta(hours=1)
    sent = client.messages.create(
        to=TO, messaging_service_sid=POOL, body="Later", schedule_type="fixed", send_at=at, validity_period=600
    )
    assert (sent.status, sent.messaging_service_sid, sent.from_) == ("scheduled", POOL, "+447700900601")
    assert client.messages(sent.sid).update(status="canceled").status == "canceled"
    assert client.messages(sent.sid).fetch().status == "canceled"
    with pytest.raises(TwilioRestException) as caught:
        client.messages(sent.sid).update(status="canceled")
    assert (caught.value.status, caught.value.code) == (409, 30409)


def test_a_text_is_forgotten_when_the_message_has_ended(client: Client, admin: Api) -> None:
    at = datetime.now(UTC) + timedelta(hours=1)
    waiting = client.messages.create(to=TO, from_="Acme", body="Secret", schedule_type="fixed", send_at=at)
    with pytest.raises(TwilioRestException) as caught:
        client.messages(waiting.sid).update(body="")
    assert caught.value.code == 20009
    client.messages(waiting.sid).update(status="canceled")
    assert client.messages(waiting.sid).update(body="").body == ""
    sent = client.messages.create(to=TO, from_="Acme", body="Secret")
    until(lambda: client.messages(sent.sid).fetch(), lambda found: found.status == "delivered")
    assert client.messages(sent.sid).delete()
    assert client.messages(sent.sid).fetch().body == ""
    entries = admin("GET", "/v1/audit?action=message.redacted").json()["data"]
    assert len(entries) == 2


FAULTS: list[tuple[dict[str, Any], int, int]] = [
    ({"to": "+4477", "from_": "Acme", "body": "x"}, 400, 21211),
    ({"to": "", "from_": "Acme", "body": "x"}, 400, 21604),
    ({"to": TO, "from_": "Acme", "body": ""}, 400, 21602),
    ({"to": TO, "from_": "Acme"}, 400, 21602),
    ({"to": TO, "from_": "Nobody's!", "body": "x"}, 400, 21212),
    ({"to": TO, "from_": "Acme", "body": "x", "validity_period": 90_000}, 400, 20422),
    ({"to": TO, "from_": "Acme", "body": "x", "schedule_type": "fixed"}, 400, 20422),
    ({"to": TO, "from_": "Acme", "body": "x", "status_callback": "http://10.1.2.3/"}, 400, 21609),
    ({"to": TO, "from_": "Acme", "body": "x", "media_url": ["https://example.com/a.png"]}, 400, 20422),
    ({"to": TO, "from_": "Acme", "content_sid": "HX1"}, 400, 20422),
    ({"to": TO, "from_": "Acme", "body": "x" * 2_000}, 400, 21617),
]


@pytest.mark.parametrize(("asked", "status", "code"), FAULTS)
def test_what_is_wrong_is_told_with_twilios_numbers(
    client: Client, asked: dict[str, Any], status: int, code: int
) -> None:
    with pytest.raises(TwilioRestException) as caught:
        client.messages.create(**asked)
    assert (caught.value.status, caught.value.code) == (status, code), caught.value
    assert caught.value.details["code"]


def test_someone_who_opted_out_is_not_texted(client: Client, admin: Api) -> None:
    admin("POST", "/v1/consents", {"to": "+447700900125", "action": "opt_out"})
    with pytest.raises(TwilioRestException) as caught:
        client.messages.create(to="+447700900125", from_="Acme", body="x")
    assert caught.value.code == 21610


def test_status_callbacks_are_signed_with_the_auth_token(client: Client, mine: Account, sink: Sink) -> None:
    """RequestValidator is Twilio's own."""
    url = f"{sink.url}/status?order=7"
    sent = client.messages.create(to=TO, from_="Acme", body="Tell me", status_callback=url)
    heard = sink.until(lambda all_heard: any(word_of(one) == "delivered" for one in all_heard))
    assert {"sent", "delivered"} <= {word_of(one) for one in heard}
    for one in heard:
        fields = dict(parse_qsl(one.body.decode()))
        assert RequestValidator(mine.key).validate(url, fields, one.headers["x-twilio-signature"])
        assert not RequestValidator(mine.key + "x").validate(url, fields, one.headers["x-twilio-signature"])
        assert not RequestValidator(mine.key).validate(url + "1", fields, one.headers["x-twilio-signature"])
        assert (fields["MessageSid"], fields["SmsSid"]) == (sent.sid, sent.sid)
        assert (fields["To"], fields["From"], fields["AccountSid"]) == (TO, "Acme", mine.sid)
    assert len({one.headers["i-twilio-idempotency-token"] for one in heard}) == len(heard)


def word_of(heard: Heard) -> str:
    return dict(parse_qsl(heard.body.decode()))["MessageStatus"]


def test_the_callbacks_of_a_short_key_are_signed_with_it(server: Server, sink: Sink) -> None:
    made = server.run("keys", "create", "--name", "short", "--environment", "test", "--short")
    short = Account(made["id"], made["account_sid"], made["key"])
    client_of(server, short).messages.create(to=TO, from_="Acme", body="Short", status_callback=sink.url)
    one = sink.until(bool)[0]
    fields = dict(parse_qsl(one.body.decode()))
    assert RequestValidator(short.key).validate(sink.url, fields, one.headers["x-twilio-signature"])


def test_a_failure_is_told_with_twilios_number(client: Client, sink: Sink) -> None:
    to = "+447700900101"  # the sandbox: can't be delivered
    sent = client.messages.create(to=to, from_="Acme", body="Nowhere", status_callback=sink.url)
    done = until(lambda: client.messages(sent.sid).fetch(), lambda found: found.status in ("undelivered", "failed"))
    assert done.error_code is not None and done.error_code >= 21610 and done.error_message
    last = sink.until(lambda heard: any(word_of(one) == done.status for one in heard))[-1]
    assert dict(parse_qsl(last.body.decode()))["ErrorCode"] == str(done.error_code)


def test_without_the_key_itself_no_callback_is_promised(server: Server, mine: Account, sink: Sink) -> None:
    fresh = account(server, "messages:send", "messages:read")
    grant = {"grant_type": "client_credentials", "client_id": fresh.id, "client_secret": fresh.key}
    token = requests.post(f"{server.url}/oauth/token", data=grant, timeout=10).json()["access_token"]
    answer = requests.post(
        f"{server.url}/2010-04-01/Accounts/{fresh.sid}/Messages.json",
        data={"To": TO, "From": "Acme", "Body": "x", "StatusCallback": sink.url},
        headers={"Authorization": f"Bearer {token}"},
        timeout=10,
    )
    assert (answer.status_code, answer.json()["code"]) == (400, 21609)
    assert answer.headers["x-heliograph-code"] == "key_needed"


def test_another_accounts_messages_are_not_there(
    server: Server, client: Client, mine: Account, theirs: Account
) -> None:
    sent = client.messages.create(to=TO, from_="Acme", body="Mine")
    stranger = client_of(server, theirs)
    calls: list[Callable[[], Any]] = [
        lambda: stranger.messages(sent.sid).fetch(),
        lambda: stranger.messages(sent.sid).update(status="canceled"),
        lambda: stranger.messages(sent.sid).delete(),
        lambda: stranger.api.v2010.accounts(mine.sid).messages(sent.sid).fetch(),
        lambda: stranger.api.v2010.accounts(mine.sid).messages.create(to=TO, from_="Acme", body="x"),
        lambda: stranger.api.v2010.accounts(mine.sid).messages.list(limit=1),
    ]
    for call in calls:
        with pytest.raises(Exception, match=r"404|not found"):
            call()
    assert stranger.messages.list() == []


def test_a_wrong_auth_token_is_refused(server: Server, mine: Account, theirs: Account) -> None:
    for sid, key in ((mine.sid, theirs.key), (mine.sid, "0123456789abcdef0123456789abcdef")):
        with pytest.raises(TwilioRestException) as caught:
            client_of(server, Account("", sid, key)).messages.create(to=TO, from_="Acme", body="x")
        assert (caught.value.status, caught.value.code) == (401, 20003)


def test_a_key_without_the_scope_may_not_send(server: Server) -> None:
    reader = account(server, "messages:read")
    with pytest.raises(TwilioRestException) as caught:
        client_of(server, reader).messages.create(to=TO, from_="Acme", body="x")
    assert (caught.value.status, caught.value.code) == (403, 20003)


@pytest.mark.parametrize(
    ("intent", "kind"),
    [("otp", "otp"), ("marketing", "promotional"), ("customercare", "support"), ("delivery", "transactional")],
)
def test_an_intent_says_the_kind(client: Client, api: Api, intent: str, kind: str) -> None:
    client.messages.create(to="+447700900163", from_="Acme", body="Hello", message_intent=intent)
    assert api("GET", "/v1/messages?to=%2B447700900163&limit=1").json()["data"][0]["kind"] == kind


# -- Verify

SERVICE = "VA0123456789abcdef0123456789abcdef"
CODE = "482913"


def test_a_code_is_sent_and_checked_once(client: Client, mine: Account) -> None:
    to, service = "+447700900131", client.verify.v2.services(SERVICE)
    started = service.verifications.create(to=to, channel="sms", locale="de", custom_code=CODE)
    assert (started.status, started.valid, started.to, started.channel) == ("pending", False, to, "sms")
    assert (started.service_sid, started.account_sid) == (SERVICE, mine.sid)
    assert started.sid is not None and started.sid.startswith("VE") and len(started.sid) == 34
    assert service.verifications(started.sid).fetch().status == "pending"
    wrong = service.verification_checks.create(to=to, code="000000")
    assert (wrong.status, wrong.valid, wrong.sid) == ("pending", False, started.sid)
    right = service.verification_checks.create(to=to, code=CODE)
    assert (right.status, right.valid, right.sid) == ("approved", True, started.sid)
    for gone in (
        lambda: service.verification_checks.create(to=to, code=CODE),
        lambda: service.verification_checks.create(verification_sid=started.sid, code=CODE),
        lambda: service.verifications(started.sid).fetch(),
    ):
        with pytest.raises(TwilioRestException) as caught:
            gone()
        assert (caught.value.status, caught.value.code) == (404, 20404)


def test_a_verification_is_canceled(client: Client) -> None:
    service = client.verify.v2.services(SERVICE)
    started = service.verifications.create(to="+447700900132", channel="sms")
    assert service.verifications(started.sid).update(status="canceled").status == "canceled"
    with pytest.raises(TwilioRestException) as caught:
        service.verifications(started.sid).fetch()
    assert caught.value.code == 20404


def test_a_code_that_was_checked_elsewhere_is_not_approved_here(client: Client) -> None:
    service = client.verify.v2.services(SERVICE)
    started = service.verifications.create(to="+46701740606", channel="sms")
    with pytest.raises(TwilioRestException) as caught:
        service.verifications(started.sid).update(status="approved")
    assert (caught.value.status, caught.value.code) == (400, 60200)
    assert service.verifications(started.sid).fetch().status == "pending"


def test_a_phone_has_one_verification_at_a_time_in_a_service(client: Client) -> None:
    to, service = "+447700900141", client.verify.v2.services(SERVICE)
    service.verifications.create(to=to, channel="sms")
    with pytest.raises(TwilioRestException) as caught:  # asking again is a resend, and those have their pauses
        service.verifications.create(to=to, channel="sms")
    assert (caught.value.status, caught.value.code) == (429, 20429)
    other = client.verify.v2.services(SERVICE[:-1] + "0").verifications.create(to=to, channel="sms")
    assert other.status == "pending"


def test_too_many_wrong_codes_are_told_with_twilios_number(client: Client) -> None:
    to, service = "+447700900142", client.verify.v2.services(SERVICE)
    service.verifications.create(to=to, channel="sms", custom_code=CODE)
    assert [service.verification_checks.create(to=to, code="000000").valid for _ in range(5)] == [False] * 5
    with pytest.raises(TwilioRestException) as caught:
        service.verification_checks.create(to=to, code=CODE)
    assert caught.value.status in (404, 429)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"to": "+4477", "channel": "sms"}, 60200),
        ({"to": "+447700900143", "channel": "call"}, 60200),
        ({"to": "+447700900143", "channel": "sms", "custom_code": "12"}, 60200),
    ],
)
def test_a_verification_that_cant_be_is_told_with_twilios_number(
    client: Client, asked: dict[str, str], code: int
) -> None:
    with pytest.raises(TwilioRestException) as caught:
        client.verify.v2.services(SERVICE).verifications.create(**asked)
    assert (caught.value.status, caught.value.code) == (400, code)


def test_another_accounts_verifications_are_not_there(server: Server, client: Client, theirs: Account) -> None:
    to = "+46701740605"
    started = client.verify.v2.services(SERVICE).verifications.create(to=to, channel="sms", custom_code=CODE)
    service = client_of(server, theirs).verify.v2.services(SERVICE)
    for foreign in (
        lambda: service.verifications(started.sid).fetch(),
        lambda: service.verifications(started.sid).update(status="canceled"),
        lambda: service.verification_checks.create(verification_sid=started.sid, code=CODE),
        lambda: service.verification_checks.create(to=to, code=CODE),
    ):
        with pytest.raises(TwilioRestException) as caught:
            foreign()
        assert caught.value.code == 20404
