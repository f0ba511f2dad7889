"""Other channels than SMS, from the request to what arrives, over real sockets."""

import hmac
import json
import re
import time
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
import requests

from tests.process.relay import PASSWORD, Relay
from tests.process.server import Api, Server
from tests.process.sink import Sink

SUBJECT = {"subject": "Your order"}


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    running = Relay(tmp_path_factory.mktemp("relay"))
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def graph() -> Iterator[Sink]:
    """What WhatsApp is to us: takes everything, and counts."""
    numbers = count(1)
    with Sink(lambda heard: (200, json.dumps({"messages": [{"id": f"wamid.{next(numbers)}"}]}).encode())) as taking:
        yield taking


@pytest.fixture(scope="module")
def server(relay: Relay, graph: Sink, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("channels"), config(relay.settings(), graph.url)) as running:
        yield running


def config(mail: dict[str, Any], graph: str) -> str:
    lines = "\n".join(f"{key} = {value!r}" for key, value in mail.items())
    return f"""
public_url = "https://sms.example.com"
[webhooks]
allow_networks = ["127.0.0.0/8"]
[connectors.mail]
{lines}
[connectors.wa]
kind = "whatsapp"
base_url = {graph!r}
phone_number_id = "1065"
number = "+15550783881"
access_token = "EAAB-token"
app_secret = "app-secret"
verify_token = "verify-me"
[connectors.quick]
kind = "sandbox"
answer_delay_ms = 5
receipt_delay_ms = 20
[[routes]]
name = "mail"
match = {{ channel = "email", kind = ["transactional", "support", "promotional"] }}
via = ["mail"]
[[routes]]
name = "wa"
match = {{ channel = "whatsapp" }}
via = ["wa"]
[[routes]]
name = "all"
via = ["quick"]
[senders."whatsapp:+15550783881"]
type = "whatsapp"
two_way = true
[senders.Acme]
type = "alphanumeric"
default = true
[senders.news]
value = "Acme News <news@acme.example>"
type = "email"
kinds = ["promotional"]
"""


def mail(api: Api, to: str = "ann@example.com", text: str = "Hello", **more: Any) -> requests.Response:
    return api("POST", "/v1/messages", {"channel": "email", "to": to, "text": text, "content": SUBJECT, **more})


def test_an_e_mail_takes_the_same_way_as_a_text(live: Api, relay: Relay) -> None:
    sent = mail(live, "First.Last@Example.com", content={"subject": "Grüße", "html": "<p>Hello</p>"}, tags=["a"])
    assert sent.status_code == 202, sent.text
    assert {"to": "first.last@example.com", "segments": 1, "encoding": "utf-8"}.items() <= sent.json().items()
    seen = live.until(sent.json()["id"], "sent")
    assert (seen["channel"], seen["connector"]) == ("email", "mail")
    assert seen["content"] == {"subject": "Grüße", "html": "<p>Hello</p>"}
    got = next(letter for envelope, letter in relay.taken if envelope.rcpt_tos == ["first.last@example.com"])
    assert (got["Subject"], got["From"]) == ("Grüße", "Acme <hello@acme.example>")
    types = [event["type"] for event in live("GET", f"/v1/messages/{seen['id']}/events").json()["data"]]
    assert types == ["message.accepted", "message.queued", "message.sent"]


def test_a_text_goes_by_sms_as_before(live: Api) -> None:
    sent = live.send("+447400100200", "Hello")
    assert live.until(sent["id"], "delivered")["connector"] == "quick"
    assert live("GET", f"/v1/messages/{sent['id']}").json()["channel"] == "sms"


def test_what_a_relay_refuses_has_failed(live: Api) -> None:
    sent = mail(live, "gone@example.com").json()
    error = live.until(sent["id"], "failed")["error"]
    assert (error["failure"], error["code"]) == ("permanent", "no_such_mailbox")
    assert error["carrier_code"] == "550 5.1.1 <(address)> no such user"


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"to": "+447700900123"}, "bad_address", "/to"),
        ({"to": "ann@localhost"}, "bad_address", "/to"),
        ({"to": "ann@example.com\r\nBcc: b@example.com"}, "bad_address", "/to"),
        ({"content": {}}, "missing_field", "/content/subject"),
        ({"content": {"subject": "a\r\nBcc: b@example.com"}}, "bad_content", "/content/subject"),
        ({"content": {"subject": "Hello", "reply_to": "nobody"}}, "bad_content", "/content/reply_to"),
        ({"content": {"subject": "Hello", "colour": "red"}}, "unknown_field", "/content/colour"),
        ({"text": None}, "missing_field", "/text"),
        ({"text": "x" * 100_001}, "bad_content", "/text"),
        ({"sender": "Acme"}, "bad_sender", "/sender"),
        ({"sender": "someone@else.example"}, "unknown_sender", "/sender"),
        ({"encoding": "gsm7"}, "not_of_channel", "/encoding"),
        ({"max_segments": 1}, "not_of_channel", "/max_segments"),
        ({"channel": "sms", "to": "+447400100200"}, "not_of_channel", "/content"),
        ({"channel": "emial"}, "unknown_channel", "/channel"),
    ],
)
def test_what_a_channel_can_not_take_is_refused(live: Api, change: dict[str, Any], code: str, pointer: str) -> None:
    refused = live(
        "POST", "/v1/messages", {"channel": "email", "to": "ann@example.com", "text": "Hi", "content": SUBJECT} | change
    )
    assert refused.status_code == 422, refused.text
    assert (refused.json()["code"], refused.json()["errors"][0]["pointer"]) == (code, pointer)


def test_a_channel_without_a_route_is_refused_and_says_what_to_declare(live: Api) -> None:
    refused = mail(live, kind="otp")
    assert refused.json()["code"] == "no_route"
    assert 'match = {channel = "email"}' in refused.json()["detail"]


def test_a_route_leads_only_to_connectors_that_carry_its_channel(admin: Api) -> None:
    for match, code, pointer in (
        ({}, "channel_not_carried", "/document/routes/0/via/0"),
        ({"channel": "pigeon"}, "unknown_channel", "/document/routes/0/match/channel"),
    ):
        document = {"routes": [{"name": "x", "match": match, "via": ["mail"]}]}
        answer = admin("POST", "/v1/apply", {"document": document, "dry_run": True})
        assert answer.status_code == 422, answer.text
        assert (answer.json()["code"], answer.json()["errors"][0]["pointer"]) == (code, pointer)


def test_in_the_environment_test_the_sandbox_plays_every_channel(api: Api, relay: Relay) -> None:
    before = len(relay.taken)
    assert api.until(mail(api, "ann@example.com").json()["id"], "delivered")["connector"] == "sandbox"
    failed = mail(api, "ann@example.com", text="[sandbox:undelivered]").json()
    assert api.until(failed["id"], "undelivered")["error"]["code"] == "absent_subscriber"
    assert len(relay.taken) == before


def test_who_says_no_with_one_click_gets_no_more(live: Api, admin: Api, server: Server, relay: Relay) -> None:
    to = "newsreader@example.com"
    refused = mail(live, to, kind="promotional")
    assert refused.json()["code"] == "no_consent"
    allow = {"to": to, "action": "opt_in", "purpose": "promotional", "source": "web_form"}
    assert Api(server, server.key("admin", environment="live"))("POST", "/v1/consents", allow).ok
    live.until(mail(live, to, kind="promotional").json()["id"], "sent")
    letter = next(letter for envelope, letter in relay.taken if envelope.rcpt_tos == [to])
    assert letter["From"] == "Acme News <news@acme.example>"
    link = re.fullmatch(r"<https://sms\.example\.com(/u/\S+)>", letter["List-Unsubscribe"])
    assert link is not None
    page = requests.get(server.url + link[1], timeout=5)
    assert page.status_code == 200 and "<form method" in page.text
    assert mail(live, to, kind="promotional").status_code == 202, "who only looks has not said no"
    one_click = {"data": {"List-Unsubscribe": "One-Click"}, "timeout": 5}
    assert requests.post(server.url + link[1][:-1] + "x", **one_click).status_code == 404
    assert requests.post(server.url + link[1], **one_click).status_code == 200
    assert requests.post(server.url + link[1], **one_click).status_code == 200
    assert mail(live, to, kind="promotional").json()["code"] == "opted_out"
    assert mail(live, to).status_code == 202, "what is no promotion still goes"
    entries = admin("GET", f"/v1/consents?to={to}").json()["data"]
    assert [(entry["action"], entry["source"]) for entry in entries] == [
        ("opt_in", "web_form"),
        ("opt_out", "unsubscribe_link"),
    ]


def test_consent_is_the_persons_across_channels(live: Api, server: Server) -> None:
    admin = Api(server, server.key("admin", environment="live"))
    admin("POST", "/v1/contacts", {"addresses": ["+447400100299", "both@example.com"]})
    allow = {"action": "opt_in", "purpose": "promotional", "source": "web_form"}
    admin("POST", "/v1/consents", allow | {"to": "both@example.com"})
    assert live("POST", "/v1/messages", {"to": "+447400100299", "text": "Sale", "kind": "promotional"}).ok
    admin("POST", "/v1/consents", {"to": "+447400100299", "action": "opt_out"})
    assert mail(live, "both@example.com", kind="promotional").json()["code"] == "opted_out"


def test_a_dry_run_shows_how_it_would_go(live: Api) -> None:
    trace = mail(live, dry_run=True).json()["decision"]
    assert trace[0] == {"rule": "channel", "channel": "email", "country": "001", "address": "email address"}
    assert any(step["rule"] == "route" and step["route"] == "mail" for step in trace)


def test_who_waits_too_long_is_written_of_to_whom_the_team_names(admin: Api) -> None:
    team = {"first_answer_within": "1s", "escalate_to": "lead@acme.example"}
    assert admin.policy("conversations", teams={"billing": team}, default_team="billing").ok
    admin("POST", "/v1/sandbox/inbound", {"from": "+447700900367", "to": "60606", "text": "My secret question"})
    end = time.monotonic() + 20
    while not (found := admin("GET", "/v1/messages?to=lead@acme.example").json()["data"]):
        assert time.monotonic() < end
        time.sleep(0.1)
    (written,) = found
    assert written["content"]["subject"].startswith("billing: a question has waited")
    assert "cnv_" in written["text"] and "secret" not in written["text"] and "+4477" not in written["text"]


# -- WhatsApp


def from_whatsapp(server: Server, secret: str = "app-secret", **value: Any) -> requests.Response:
    """A signed call of theirs."""
    head = {"messaging_product": "whatsapp", "metadata": {"phone_number_id": "1065"}}
    body = json.dumps({"entry": [{"changes": [{"value": head | value}]}]}).encode()
    proof = hmac.new(secret.encode(), body, "sha256").hexdigest()
    return requests.post(
        f"{server.url}/in/wa/inbound", data=body, headers={"X-Hub-Signature-256": f"sha256={proof}"}, timeout=5
    )


def whatsapp(api: Api, to: str, **more: Any) -> requests.Response:
    return api("POST", "/v1/messages", {"channel": "whatsapp", "to": to, **more})


TEMPLATE = {"template": {"name": "order_update", "language": "en_US", "variables": ["Ann"]}}


def test_who_has_not_written_gets_templates_only(live: Api, server: Server, graph: Sink) -> None:
    to = "+447400100401"
    refused = whatsapp(live, to, text="Hello")
    assert (refused.status_code, refused.json()["code"]) == (422, "session_closed")
    sent = whatsapp(live, to, content=TEMPLATE)
    assert sent.status_code == 202, sent.text
    heard = graph.until(lambda all_: any(to[1:] in one.body.decode() for one in all_))[-1]
    assert heard.event["template"]["name"] == "order_update" and heard.headers["authorization"] == "Bearer EAAB-token"
    ref = heard.event["biz_opaque_callback_data"]
    live.until(sent.json()["id"], "sent")
    for status in ("delivered", "read"):
        report = {"id": "wamid.other", "status": status, "biz_opaque_callback_data": ref}
        assert from_whatsapp(server, "wrong-secret", statuses=[report]).status_code == 403
        assert from_whatsapp(server, statuses=[report]).status_code == 200
        live.until(sent.json()["id"], status)


def test_who_writes_by_whatsapp_is_answered_there(live: Api, server: Server, graph: Sink) -> None:
    to = "+447400100402"
    agent = Api(server, server.key("admin", environment="live"))
    said = {"from": to[1:], "id": "wamid.in1", "type": "text", "text": {"body": "Where is my parcel?"}}
    assert from_whatsapp(server, messages=[said]).status_code == 200
    end = time.monotonic() + 15
    while not (found := agent("GET", f"/v1/conversations?number=%2B{to[1:]}").json()["data"]):
        assert time.monotonic() < end
        time.sleep(0.05)
    assert found[0]["sender"] == "whatsapp:+15550783881"
    replied = agent("POST", f"/v1/conversations/{found[0]['id']}/reply", {"text": "It comes tomorrow."})
    assert replied.status_code == 202, replied.text
    heard = graph.until(lambda all_: any(to[1:] in one.body.decode() for one in all_))[-1]
    assert (heard.event["type"], heard.event["text"]["body"]) == ("text", "It comes tomorrow.")
    assert whatsapp(live, to, text="And it is blue.").status_code == 202, "the session is open"


def test_a_stop_by_whatsapp_stops_texts_too(live: Api, server: Server) -> None:
    to = "+447400100403"
    said = {"from": to[1:], "id": "wamid.in2", "type": "text", "text": {"body": "STOP"}}
    assert from_whatsapp(server, messages=[said]).status_code == 200
    refused = live("POST", "/v1/messages", {"to": to, "text": "Hello"})
    assert refused.json()["code"] == "opted_out"


def test_the_address_of_the_webhook_is_confirmed(server: Server) -> None:
    query = {"hub.mode": "subscribe", "hub.challenge": "11582", "hub.verify_token": "verify-me"}
    assert requests.get(f"{server.url}/in/wa/inbound", params=query, timeout=5).text == "11582"
    query["hub.verify_token"] = "another"
    assert requests.get(f"{server.url}/in/wa/inbound", params=query, timeout=5).status_code == 403


def test_no_password_of_a_relay_is_in_the_log(server: Server) -> None:
    assert PASSWORD not in server.log()
