"""Sending and reading messages, as an application does it."""

import hmac
from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl

import pytest
import requests
from standardwebhooks import Webhook

from tests.process.server import Api, Server
from tests.process.sink import Sink


def test_a_message_is_delivered_and_its_timeline_tells_how(api: Api) -> None:
    sent = api.send()
    assert sent == {
        "id": sent["id"],
        "status": "queued",
        "to": "+447700900123",
        "segments": 1,
        "encoding": "gsm7",
        "country": "GB",
        "kind": "transactional",
    }
    message = api.until(sent["id"], "delivered")
    assert [attempt["status"] for attempt in message["attempts"]] == ["delivered"]
    (attempt,) = message["attempts"]
    assert attempt["handed_at"] < attempt["answered_at"] < attempt["receipt_at"], "5 and 20 ms lie between them"
    assert {step["rule"] for step in message["decision"]} >= {"route", "budget", "sender"}
    events = api("GET", f"/v1/messages/{sent['id']}/events").json()["data"]
    assert [e["type"] for e in events] == ["message.accepted", "message.queued", "message.sent", "message.delivered"]
    assert events[0]["says"] == "We accepted it and kept it." and events[2]["says"].startswith("The carrier quick took")


def test_a_callback_is_signed_as_standard_webhooks_are(api: Api, sink: Sink) -> None:
    sent = api.send(callback_url=sink.url, callback_events=["message.delivered"])
    (heard,) = sink.until(bool)
    assert heard.event["type"] == "message.delivered"
    assert heard.event["data"]["id"] == sent["id"]
    assert heard.headers["webhook-id"] == heard.event["id"]


def test_an_endpoints_webhooks_pass_the_reference_library(admin: Api, api: Api, sink: Sink) -> None:
    made = admin("POST", "/v1/endpoints", {"name": "reference", "url": sink.url, "events": ["message.sent"]})
    assert made.status_code == 201, made.text
    api.send(text="For the reference library")
    heard = sink.until(bool)[0]
    assert Webhook(made.json()["secret"]).verify(heard.body, heard.headers)["type"] == "message.sent"
    with pytest.raises(Exception, match="signature"):
        Webhook(made.json()["secret"]).verify(heard.body + b" ", heard.headers)
    admin("DELETE", "/v1/endpoints/reference")


def test_the_same_idempotency_key_sends_once(api: Api) -> None:
    body = {"to": "+447700900123", "text": "Once"}
    first = api("POST", "/v1/messages", body, headers={"Idempotency-Key": "once"})
    again = api("POST", "/v1/messages", body, headers={"Idempotency-Key": "once"})
    other = api("POST", "/v1/messages", {**body, "text": "Twice"}, headers={"Idempotency-Key": "once"})
    assert (first.status_code, again.status_code, other.status_code) == (202, 202, 409)
    assert first.content == again.content
    assert again.headers["idempotent-replayed"] == "true"
    assert other.json()["code"] == "idempotency_conflict"


def test_a_dry_run_explains_and_keeps_nothing(api: Api) -> None:
    before = len(api("GET", "/v1/messages", params={"tag": "dry"}).json()["data"])
    answer = api("POST", "/v1/messages", {"to": "+447700900123", "text": "Hi", "tags": ["dry"], "dry_run": True})
    assert answer.status_code == 200
    assert answer.json()["dry_run"] is True
    assert answer.json()["route"]
    assert len(api("GET", "/v1/messages", params={"tag": "dry"}).json()["data"]) == before


def test_a_scheduled_message_can_be_canceled_and_a_sent_one_not(api: Api) -> None:
    soon = api("POST", "/v1/messages", {"to": "+447700900123", "text": "Later", "send_at": _in_days(2)}).json()
    assert soon["status"] == "scheduled"
    canceled = api("POST", f"/v1/messages/{soon['id']}/cancel")
    assert (canceled.status_code, canceled.json()["status"]) == (200, "canceled")
    assert api("POST", f"/v1/messages/{soon['id']}/cancel").status_code == 409
    sent = api.until(api.send()["id"], "delivered")
    late = api("POST", f"/v1/messages/{sent['id']}/cancel")
    assert (late.status_code, late.json()["code"]) == (409, "too_late")


def _in_days(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


def test_a_batch_answers_for_each_item_in_order(api: Api) -> None:
    items = [
        {"to": "+447700900123"},
        {"to": "12"},
        {"to": "+12025550123", "text": "Own text"},
        {"to": "+447700900123", "kind": "nonsense"},
    ]
    answer = api("POST", "/v1/messages/batch", {"defaults": {"text": "From the defaults"}, "messages": items})
    assert answer.status_code == 202
    data = answer.json()["data"]
    assert [item["status"] for item in data] == ["queued", "refused", "queued", "refused"]
    assert [item.get("pointer") for item in data] == [None, "/to", None, "/kind"]
    assert api.until(data[2]["id"], "delivered")["text"] == "Own text"
    assert api.until(data[0]["id"], "delivered")["text"] == "From the defaults"
    batch = api("GET", f"/v1/batches/{answer.json()['batch_id']}").json()
    assert (batch["total"], batch["is_done"]) == (2, True)


def test_all_or_none_keeps_nothing_when_one_item_is_wrong(api: Api) -> None:
    body = {"messages": [{"to": "+447700900123", "text": "a", "tags": ["aon"]}, {"to": "x"}], "all_or_none": True}
    answer = api("POST", "/v1/messages/batch", body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith("/messages/1/")
    assert api("GET", "/v1/messages", params={"tag": "aon"}).json()["data"] == []


def test_ten_thousand_go_in_one_batch_and_not_one_more(api: Api) -> None:
    item = {"to": "+447700900123", "text": "x"}
    assert api("POST", "/v1/messages/batch", {"messages": [item] * 10_001}).json()["code"] == "batch_too_large"
    answer = api("POST", "/v1/messages/batch", {"messages": [item] * 10_000})
    assert answer.status_code == 202
    assert len(answer.json()["data"]) == 10_000


@pytest.mark.parametrize(
    ("params", "count"),
    [
        ({"tag": "wanted"}, 3),
        ({"tag": "wanted", "to": "+12025550123"}, 1),
        ({"tag": "wanted", "country": "GB"}, 2),
        ({"tag": "wanted", "kind": "otp"}, 1),
        ({"tag": "wanted", "status": "delivered,sent,sending,queued"}, 3),
        ({"tag": "wanted", "status": "failed"}, 0),
        ({"correlation_id": "c-1"}, 1),
    ],
)
def test_lists_are_narrowed(api: Api, params: dict[str, str], count: int) -> None:
    if not api("GET", "/v1/messages", params={"tag": "wanted"}).json()["data"]:
        api.send(tags=["wanted"], correlation_id="c-1")
        api.send(tags=["wanted", "more"], kind="otp")
        api.send(to="+12025550123", tags=["wanted"])
    assert len(api("GET", "/v1/messages", params=params).json()["data"]) == count


def test_pages_follow_each_other_without_gap_or_repetition(api: Api) -> None:
    ids = {api.send(tags=["paged"])["id"] for _ in range(5)}
    seen: list[str] = []
    cursor: str | None = None
    while True:
        params: dict[str, Any] = {"tag": "paged", "limit": 2, **({"cursor": cursor} if cursor else {})}
        page = api("GET", "/v1/messages", params=params).json()
        seen += [message["id"] for message in page["data"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == 5
    assert set(seen) == ids


def test_many_states_are_looked_up_at_once(api: Api) -> None:
    known = api.until(api.send()["id"], "delivered")["id"]
    answer = api("POST", "/v1/messages/states", {"ids": [known, "msg_nonsense", known]}).json()
    assert [(s["id"], s["status"], s["final"]) for s in answer["data"]] == [(known, "delivered", True)]
    assert answer["unknown"] == ["msg_nonsense"]


def test_the_preview_names_what_forces_more_parts(api: Api) -> None:
    answer = api("POST", "/v1/segments", {"text": "Fine – but " + "x" * 80}).json()
    assert (answer["encoding"], answer["segments"]) == ("ucs2", 2)
    assert [f["position"] for f in answer["forced_by"]] == [5]
    smart = api("POST", "/v1/segments", {"text": "Fine – but " + "x" * 80, "smart_encoding": True}).json()
    assert (smart["encoding"], smart["segments"]) == ("gsm7", 1)
    assert smart["replaced"][0]["character"] == "–"


def test_an_otp_may_take_one_part_only(api: Api) -> None:
    answer = api("POST", "/v1/messages", {"to": "+447700900123", "text": "x" * 161, "kind": "otp"})
    assert (answer.status_code, answer.json()["code"]) == (422, "over_budget")


def test_someone_who_opted_out_is_not_texted_until_opting_in(server: Server, api: Api) -> None:
    consent = Api(server, server.key("consent:manage"))
    assert (
        consent("POST", "/v1/consents", {"to": "+447700900955", "action": "opt_out", "source": "letter"}).status_code
        == 201
    )
    refused = api("POST", "/v1/messages", {"to": "+447700900955", "text": "Hi"})
    assert (refused.status_code, refused.json()["code"]) == (422, "opted_out")
    assert consent("POST", "/v1/consents", {"to": "+447700900955", "action": "opt_in"}).status_code == 201
    api.send(to="+447700900955")
    record = consent("GET", "/v1/consents?to=%2B447700900955").json()
    assert [entry["action"] for entry in record["data"]] == ["opt_out", "opt_in"]


# -- drop-in doors


def test_the_smsto_quickstart_runs_with_only_the_host_changed(server: Server, sink: Sink) -> None:
    key = server.key("messages:send")
    answer = requests.post(
        f"{server.url}/sms/send",
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
        json={
            "to": "+447700900123",
            "message": "Hello",
            "sender_id": "Acme",
            "callback_url": sink.url,
            "bypass_optout": True,
        },
        timeout=10,
    )
    assert answer.status_code == 200
    assert answer.json()["success"] is True
    heard = sink.until(lambda all_heard: any(b"DELIVERED" in h.body for h in all_heard))[-1]
    fields = dict(parse_qsl(heard.body.decode()))
    assert fields["messageId"] == answer.json()["message_id"]
    assert fields["phone"] == "+447700900123"
    assert fields["parts"] == "1"
    assert "x-smsto-signature" in heard.headers


@pytest.mark.parametrize("as_form", [False, True])
def test_basic_auth_with_from_to_body_works(server: Server, as_form: bool) -> None:
    made = server.run("keys", "create", "--name", "basic", "--environment", "test", "--scope", "messages:send")
    body = {"from": "Acme", "to": "+447700900123", "body": "Hello"}
    for user in (made["id"], made["account_sid"]):
        answer = requests.post(
            f"{server.url}/v1/messages",
            auth=(user, made["key"]),
            timeout=10,
            **({"data": body} if as_form else {"json": body}),  # type: ignore[arg-type]
        )
        assert answer.status_code == 202, answer.text
    assert requests.post(f"{server.url}/v1/messages", auth=(made["key"], ""), json=body, timeout=10).status_code == 202
    wrong = requests.post(f"{server.url}/v1/messages", auth=("somebody", made["key"]), json=body, timeout=10)
    assert wrong.status_code == 401


def test_an_access_token_does_what_its_key_may(server: Server) -> None:
    key = server.key("messages:send", "messages:read")
    answer = requests.post(
        f"{server.url}/oauth/token",
        data={"grant_type": "client_credentials", "scope": "messages:read"},
        auth=(key, ""),
        timeout=10,
    )
    assert answer.status_code == 200, answer.text
    token = Api(server, answer.json()["access_token"])
    assert token("GET", "/v1/messages").status_code == 200
    assert token("POST", "/v1/messages", {"to": "+447700900123", "text": "x"}).json()["code"] == "missing_scope"


def test_signatures_are_what_the_standard_says(admin: Api, api: Api, sink: Sink) -> None:
    made = admin("POST", "/v1/endpoints", {"name": "byhand", "url": sink.url, "events": ["message.queued"]}).json()
    api.send()
    heard = sink.until(bool)[0]
    signed = f"{heard.headers['webhook-id']}.{heard.headers['webhook-timestamp']}.".encode() + heard.body
    mac = hmac.new(b64decode(made["secret"].removeprefix("whsec_")), signed, sha256).digest()
    assert heard.headers["webhook-signature"] == f"v1,{b64encode(mac).decode()}"
    admin("DELETE", "/v1/endpoints/byhand")
