"""Programs that called Vonage's SMS interface: the requests that it documents, at our door."""

from typing import Any
from urllib.parse import parse_qsl

import pytest
import requests

from heliograph.core.dropin.vonage import signature
from tests.doors.conftest import Account, account
from tests.process.server import Api, Server
from tests.process.sink import Sink

TO = "447700900283"


def call(server: Server, mine: Account, *, by: str = "form", **more: Any) -> requests.Response:
    fields = {"api_key": mine.id, "api_secret": mine.key, "from": "Acme", "to": TO, "text": "Hello", **more}
    given = {name: value for name, value in fields.items() if value is not None}
    place = {"form": {"data": given}, "json": {"json": given}, "query": {"params": given}}[by]
    return requests.request("GET" if by == "query" else "POST", f"{server.url}/sms/json", timeout=20, **place)


@pytest.mark.parametrize("by", ["form", "json", "query"])
def test_a_text_is_sent_with_vonages_request(server: Server, mine: Account, api: Api, by: str) -> None:
    answer = call(server, mine, by=by, text=f"Grüße by {by}", type="unicode", **{"client-ref": "att-1"}).json()
    entry = answer["messages"][0]
    assert (answer["message-count"], entry["status"], entry["to"], entry["client-ref"]) == ("1", "0", TO, "att-1")
    assert {"message-id", "remaining-balance", "message-price", "network"} <= entry.keys()
    message = api("GET", f"/v1/messages?to=%2B{TO}&limit=1").json()["data"][0]
    assert (message["text"], message["correlation_id"]) == (f"Grüße by {by}", "att-1")


def test_basic_authentication_does_as_well(server: Server, mine: Account) -> None:
    form = {"from": "Acme", "to": TO, "text": "Hello"}
    answer = requests.post(f"{server.url}/sms/json", data=form, auth=(mine.id, mine.key), timeout=20)
    assert answer.json()["messages"][0]["status"] == "0"


def test_receipts_are_told_and_signed_with_the_secret(server: Server, mine: Account, sink: Sink) -> None:
    ref = {"client-ref": "order-7", "callback": f"{sink.url}/dlr"}
    entry = call(server, mine, **ref).json()["messages"][0]
    heard = sink.until(lambda heard: any(b"status=delivered" in one.body for one in heard))
    told = [dict(parse_qsl(one.body.decode(), keep_blank_values=True)) for one in heard]
    assert {one["status"] for one in told} == {"accepted", "delivered"}
    for one in told:
        assert (one["messageId"], one["msisdn"], one["to"]) == (entry["message-id"], TO, "Acme")
        assert (one["client-ref"], one["err-code"]) == ("order-7", "0")
        sig = one.pop("sig")
        assert (sig, one["api-key"]) == (signature(mine.key.encode(), one), mine.sid)


def test_a_failure_is_told_with_vonages_number(server: Server, mine: Account, sink: Sink) -> None:
    call(server, mine, to="447700900101", callback=sink.url)  # the sandbox: can't be delivered
    heard = sink.until(lambda heard: any(b"status=failed" in one.body for one in heard))
    told = [dict(parse_qsl(one.body.decode())) for one in heard]
    assert next(one for one in told if one["status"] == "failed")["err-code"] != "0"


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"api_secret": "wrong"}, "4"),
        ({"api_secret": None, "sig": "0123"}, "4"),
        ({"to": None}, "2"),
        ({"from": None}, "2"),
        ({"text": None}, "2"),
        ({"to": "12"}, "3"),
        ({"type": "binary"}, "3"),
        ({"from": "Nobody's name!"}, "15"),
        ({"callback": "http://10.0.0.1/"}, "23"),
        ({"text": "x" * 2_000}, "12"),
        ({"ttl": "5"}, "3"),
    ],
)
def test_what_is_wrong_is_told_with_vonages_number(
    server: Server, mine: Account, more: dict[str, Any], status: str
) -> None:
    answer = call(server, mine, **more)
    entry = answer.json()["messages"][0]
    assert (answer.status_code, entry["status"]) == (200, status), entry
    assert entry["error-text"] and mine.key not in answer.text


def test_someone_who_opted_out_is_not_texted(server: Server, mine: Account, admin: Api) -> None:
    admin("POST", "/v1/consents", {"to": "+447700900222", "action": "opt_out"})
    assert call(server, mine, to="447700900222").json()["messages"][0]["status"] == "7"


def test_a_key_without_the_scope_may_not_send(server: Server) -> None:
    assert call(server, account(server, "messages:read")).json()["messages"][0]["status"] == "11"
