"""Two hundred wrong requests: each gets a problem that names what is wrong, none a 500, and nothing is stored."""

import json
import socket
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
import requests

from tests.process.server import Api, Server

GOOD = {"to": "+447700900123", "text": "Hello"}
MESSAGE_FIELDS = {
    "to": [1, None, [], {}, True, "", " ", "12", "+", "abc", "0800 CALL NOW", "+4477009001234567890", "+447700900123,+447700900124", "+999123456789", "07700 900123", "+44 7700 900123 x5", "\u202e+447700900123x", "999"],
    "text": [1, [], {}, False, "", "a\u0007b", "\ud800", "x" * 20_000],
    "body": [1, "other"],
    "message": [[], "another"],
    "sender": [1, [], "", "TwelveLetter", "Ünï", "@!#", "a" * 200],
    "from": [5, "different"],
    "kind": [1, "", "OTP!", "marketing", None, []],
    "channel": [1, "fax", "pigeon"],
    "send_at": [1, "", "tomorrow", "2026-13-01T00:00:00Z", "2026-11-21T10:00:00", "9999-01-01T00:00:00Z"],
    "valid_until": [1, "yesterday", "2020-01-01T00:00:00Z", "9999-01-01T00:00:00Z"],
    "valid_for": [0, -5, "", "5 minutes", "1y", 10**12, [], "0s"],
    "default_country": [1, "XX", "gbr", ""],
    "encoding": [1, "utf-8", "latin1"],
    "smart_encoding": ["yes", 1, None],
    "max_segments": [0, -1, 256, "3", 1.5],
    "callback_url": [1, "", "ftp://example.com", "http://", "http://10.0.0.1/", "http://169.254.169.254/", "http://user:pass@example.com/", "javascript:alert(1)", "http://exa mple.com/", "//example.com"],
    "callback_events": ["message.sent", [1], ["message.exploded"], [""]],
    "tags": ["a", [1], [""], ["x" * 65], ["t"] * 21, [None]],
    "metadata": ["a", [], {"a": 1}, {"a": None}, {"a": "x" * 5_000}],
    "correlation_id": [1, "", "x" * 129],
    "dry_run": ["true", 1, []],
    "surprise": [1],
    "text ": ["x"],
    "TEXT": ["x"],
    "__proto__": [{}],
    "workspace": ["default"],
    "id": ["msg_x"],
    "status": ["delivered"],
    "price": ["0.1"],
    "connector": ["quick"],
    "environment": ["live"],
    "To": ["+447700900123"],
}  # fmt: skip


class Wrong(NamedTuple):
    name: str
    method: str
    path: str
    body: bytes | None
    headers: Mapping[str, str] = MappingProxyType({})


def post(name: str, body: Any, path: str = "/v1/messages", **headers: str) -> Wrong:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Wrong(name, "POST", path, raw, {"Content-Type": "application/json", **headers})


def wrong_fields() -> Iterator[Wrong]:
    for field, values in MESSAGE_FIELDS.items():
        for value in values:
            if (value is None and field == "kind") or value == "x" * 20_000:
                continue
            yield post(f"{field} {str(value)[:20]!r}", {**GOOD, field: value})
    yield post("text far too long", {**GOOD, "text": "x" * 20_000})
    yield post("nothing", {})
    yield post("no text", {"to": "+447700900123"})
    yield post("two texts", {**GOOD, "body": "Other"})
    yield post("valid_for and valid_until", {**GOOD, "valid_for": 5, "valid_until": "2099-01-01T00:00:00Z"})


def wrong_bodies() -> Iterator[Wrong]:
    for name, body in {
        "empty": b"",
        "blank": b"  \n",
        "no JSON": b"hello",
        "cut off": b'{"to": "+4477',
        "list": b"[]",
        "string": b'"x"',
        "number": b"1",
        "null": b"null",
        "two values": b"{}{}",
        "single quotes": b"{'to': '1'}",
        "trailing comma": b'{"to": "1",}',
        "broken UTF-8": b'{"to": "\xff\xfe", "text": "x"}',
        "UTF-16": '{"to": "1"}'.encode("utf-16"),
        "BOM": b"\xef\xbb\xbf{}",
        "lone surrogate": b'{"to": "+447700900123", "text": "\\ud83d"}',
        "NUL": b'{"to": "+447700900123", "text": "a\\u0000b"}',
        "raw NUL": b'{"to": "+447700900123", "text": "a\x00b"}',
        "NaN": b'{"to": NaN}',
        "deep lists": b'{"to": "1", "metadata": ' + b"[" * 5_000 + b"]" * 5_000 + b"}",
        "deep objects": b'{"a":' * 3_000 + b"1" + b"}" * 3_000,
        "huge number": b'{"to": "1", "max_segments": ' + b"9" * 400 + b"}",
        "huge": b'{"to": "+447700900123", "text": "' + b"x" * 11_000_000 + b'"}',
    }.items():
        yield post(f"body: {name}", body)


def wrong_elsewhere() -> Iterator[Wrong]:
    for name, body in {
        "empty": {},
        "no list": {"messages": {}},
        "empty list": {"messages": []},
        "wrong defaults": {"messages": [GOOD], "defaults": {"surprise": 1}},
        "defaults as list": {"messages": [GOOD], "defaults": []},
        "all wrong": {"messages": [{"to": "1"}, {"to": 2}, 3]},
        "dry run inside": {"messages": [{**GOOD, "dry_run": True}]},
        "unknown field": {"messages": [GOOD], "foo": 1},
        "wrong switch": {"messages": [GOOD], "all_or_none": "yes"},
    }.items():
        yield post(f"batch: {name}", body, "/v1/messages/batch")
    for name, body in {
        "no ids": {},
        "ids as string": {"ids": "x"},
        "numbers": {"ids": [1]},
        "many": {"ids": ["x"] * 1_001},
    }.items():
        yield post(f"states: {name}", body, "/v1/messages/states")
    for name, body in {"none": {}, "empty": {"text": ""}, "number": {"text": 5}, "bits": {"text": "x", "reference_bits": 9}, "tables": {"text": "ş", "national": ["klingon"]}, "bell": {"text": "\u0007"}}.items():  # fmt: skip
        yield post(f"segments: {name}", body, "/v1/segments")
    for query in ("limit=0", "limit=201", "limit=x", "status=lost", "cursor=x", "created_after=now", "to=12", "batch_id=9", "nonsense=1", "limit=", "tag=%00"):  # fmt: skip
        yield Wrong(f"list: {query}", "GET", f"/v1/messages?{query}", None)
    for path in ("/v1/messages/x", "/v1/messages/msg_x", "/v1/messages/msg_01m7y3zg95e009v2jw7ydjehq5", "/v1/messages/%00", "/v1/batches/bat_1", "/v1/nothing", "/v1", "/v1/messages/a/b/c", "/../etc/passwd", "/v1//messages"):  # fmt: skip
        yield Wrong(f"place: {path}", "GET", path, None)
    for method, path in (("DELETE", "/v1/messages"), ("PUT", "/v1/messages/batch"), ("PATCH", "/v1/keys"), ("GET", "/sms/send"), ("POST", "/v1/me"), ("TRACE", "/v1/messages")):  # fmt: skip
        yield Wrong(f"method: {method} {path}", method, path, None)
    for media_type in ("text/plain", "application/xml", "multipart/form-data; boundary=x"):
        yield Wrong(f"media type: {media_type}", "POST", "/v1/messages", b"{}", {"Content-Type": media_type})
    yield post("idempotency key too long", GOOD, **{"Idempotency-Key": "x" * 256})
    yield post("sms: no message", {"to": "+447700900123"}, "/sms/send")
    yield post("sms: bad number", {"to": "1", "message": "x"}, "/sms/send")
    yield Wrong("form: broken", "POST", "/v1/messages", b"%%%", {"Content-Type": "application/x-www-form-urlencoded"})


WRONG = [*wrong_fields(), *wrong_bodies(), *wrong_elsewhere()]


def test_there_are_two_hundred() -> None:
    assert len(WRONG) >= 200


def _is_problem(answer: requests.Response) -> bool:
    return (
        400 <= answer.status_code < 500
        and answer.headers["content-type"] == "application/problem+json"
        and {"type", "title", "status", "detail", "code", "request_id", "errors"} <= answer.json().keys()
    )


@pytest.fixture(scope="module")
def stored(server: Server) -> Iterator[None]:
    """Nothing is stored by all of this."""
    watcher = Api(server, server.key("messages:read", "messages:send", environment="live"))
    before = watcher("GET", "/v1/messages").json()["data"]
    yield
    assert watcher("GET", "/v1/messages").json()["data"] == before


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("wrong", WRONG, ids=[wrong.name for wrong in WRONG])
def test_a_wrong_request_is_told_what_is_wrong(live: Api, wrong: Wrong) -> None:
    answer = live.session.request(
        wrong.method, live.url + wrong.path, data=wrong.body, headers=wrong.headers, timeout=20
    )
    assert _is_problem(answer), (answer.status_code, answer.text[:300])
    if answer.status_code == 422:
        assert answer.json()["errors"] or "the body" in answer.json()["detail"], answer.text


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (None, 401),
        ("", 401),
        ("Bearer", 401),
        ("Bearer x", 401),
        ("Bearer hg_live_aaaaaaaaaa_bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", 401),
        ("Basic !!!", 401),
        ("Basic Og==", 401),
        ("Digest abc", 401),
        ("Bearer " + "x" * 5_000, 401),
    ],
)
def test_wrong_credentials_are_refused(server: Server, authorization: str | None, status: int) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = requests.post(f"{server.url}/v1/messages", json=GOOD, headers=headers, timeout=10)
    assert answer.status_code == status, answer.text
    assert "www-authenticate" in answer.headers
    assert _is_problem(answer)


def test_ended_keys_and_lacking_scopes_are_told_apart(server: Server, admin: Api) -> None:
    made = admin("POST", "/v1/keys", {"name": "short-lived"}).json()
    key = Api(server, made["key"])
    assert key("GET", "/v1/messages").status_code == 200
    assert key("GET", "/v1/keys").json()["code"] == "missing_scope"
    assert admin("POST", f"/v1/keys/{made['id']}/revoke").status_code == 200
    assert key("GET", "/v1/messages").json()["code"] == "key_revoked"
    expired = admin("POST", "/v1/keys", {"name": "late", "expires_at": "2020-01-01T00:00:00Z"})
    assert expired.status_code in (201, 422)
    elsewhere = admin("POST", "/v1/keys", {"name": "elsewhere", "ip_allowlist": ["192.0.2.0/24"]}).json()
    assert Api(server, elsewhere["key"])("GET", "/v1/messages").json()["code"] == "ip_not_allowed"


def test_no_page_of_another_site_is_let_use_a_key_in_a_browser(live: Api) -> None:
    """Keys are for servers: browsers ask before they send one to another site, and find no leave here."""
    asks = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    asks["Access-Control-Request-Headers"] = "authorization, content-type"
    may = live("OPTIONS", "/v1/messages", headers=asks)
    did = live("GET", "/v1/messages", headers={"Origin": "https://shop.example"})
    assert may.status_code >= 400 and did.status_code == 200
    assert not [name for answer in (may, did) for name in answer.headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize(
    "raw",
    [
        b"NONSENSE\r\n\r\n",
        b"POST /v1/messages HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        b"POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
    ],
)
def test_what_is_not_http_does_no_harm(server: Server, raw: bytes) -> None:
    host, port = "127.0.0.1", server.port
    with socket.create_connection((host, port), timeout=5) as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(1_000)
    assert not answer or b" 5" not in answer.split(b"\r\n")[0]
    assert requests.get(f"{server.url}/healthz", timeout=5).status_code == 200
