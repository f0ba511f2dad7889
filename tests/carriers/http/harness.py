"""What every provider's adapter is tried with: the recorded exchanges in `fixtures/`, and nonsense.

A provider's own test names its settings and, for each recorded send, the text that must lead to that very request; the
rest is the same for all.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from heliograph.carriers.http.provider import Answer, Call, Callback, Provider, Text, fact_of
from heliograph.core.message import Outcome, Receipt

FIXTURES = Path(__file__).parent / "fixtures"
NOW = 1_795_210_200_000  # the moment of the recorded signatures: 2026-11-20T21:30:00Z
SELDOM = ("date", "x-amz-date")  # headers that hold a time


def examples(folder: str, file: str) -> dict[str, dict[str, Any]]:
    """The recorded exchanges of a file by name."""
    return {one["name"]: one for one in json.loads((FIXTURES / folder / f"{file}.json").read_text())["examples"]}


def vectors(folder: str, file: str = "signature_vectors") -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in json.loads((FIXTURES / folder / f"{file}.json").read_text())["vectors"]}


def build(provider: type[Provider], **settings: Any) -> Provider:
    """An adapter with settings as a file would give them."""
    made = msgspec.convert(settings, provider.settings_type)
    wrong = provider.check(made)
    assert wrong is None, wrong
    return provider("carrier", made)


def assert_request(
    call: Call | None, wanted: Mapping[str, Any], *, headers: Iterable[str] = ("authorization",)
) -> None:
    """The call is the recorded request: method, URL, body, and the named headers where they were recorded in full."""
    assert call is not None
    assert call.method == wanted["method"]
    assert _split(call.url) == _split(wanted["url"])
    given = {name.lower(): value for name, value in call.headers.items()}
    recorded = {name.lower(): value for name, value in wanted.get("headers", {}).items()}
    for name in headers:
        if name in recorded and "…" not in recorded[name]:
            assert given.get(name) == recorded[name], name
        elif name in recorded:
            assert name in given
    if "json" in wanted:
        assert (
            given["content-type"].partition(";")[0]
            == recorded.get("content-type", "application/json").partition(";")[0]
        )
        assert json.loads(call.body) == wanted["json"]
    elif wanted.get("form"):
        assert given["content-type"].startswith("application/x-www-form-urlencoded")
        pairs = parse_qsl(call.body.decode(), keep_blank_values=True)
        assert sorted(pairs) == sorted((name, value) for name, value in wanted["form"])
    else:
        assert not call.body


def _split(url: str) -> tuple[str, list[tuple[str, str]]]:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}", sorted(parse_qsl(parts.query, keep_blank_values=True))


def answer_of(response: Mapping[str, Any]) -> Answer:
    """A recorded response."""
    body = json.dumps(response["json"]).encode() if "json" in response else response.get("text", "").encode()
    headers = {name.lower(): value for name, value in response.get("headers", {}).items()}
    after = headers.get("retry-after")
    return Answer(response["status"], body, int(float(after) * 1000) if after is not None else None)


def assert_outcome(outcome: Outcome, expect: Mapping[str, Any]) -> None:
    """The reading of an answer is the one that was written down for it."""
    wanted = {"duplicate": "accepted", "our_bug": "refused"}.get(expect["outcome"], expect["outcome"])
    assert outcome.state == wanted
    if "message_id" in expect:
        assert outcome.carrier_ids == (expect["message_id"],)
    if "message_ids" in expect:
        assert outcome.carrier_ids == tuple(expect["message_ids"])
    if outcome.state == "accepted":
        if expect.get("price") is not None:
            assert outcome.price is not None
            assert float(outcome.price) == float(expect["price"])
        if expect.get("segments") is not None:
            assert outcome.parts == expect["segments"]
        return
    if "failure_class" in expect:
        assert outcome.failure == expect["failure_class"]
    if expect.get("code"):
        assert outcome.carrier_code == expect["code"]
    if "retry" in expect:
        assert outcome.elsewhere == (expect["retry"] == "other_route")
    assert outcome.code, "every failure has a code of ours"


def callback_of(request: Mapping[str, Any], *, at: int = NOW, **changes: Any) -> Callback:
    """A recorded call of the provider's."""
    headers = {name.lower(): value for name, value in request.get("headers", {}).items()}
    if "raw_body" in request:
        body = request["raw_body"].encode()
    elif "json" in request:
        body = json.dumps(request["json"]).encode()
    else:
        body = request.get("text", "").encode()
    if request.get("form"):
        headers.setdefault("content-type", "application/x-www-form-urlencoded")
    fields: dict[str, Any] = {
        "method": request.get("method", "POST"),
        "url": request.get("url", "https://gw.example.test/hooks/x"),
        "headers": headers,
        "body": body,
        "at": at,
    }
    return Callback(**fields | changes)


def assert_receipts(receipts: Iterable[Receipt], expect: Mapping[str, Any] | list[Mapping[str, Any]]) -> None:
    """What was read is what was written down for the call; a single expectation may stand without its list."""
    wanted = expect if isinstance(expect, list) else [expect]
    wanted = [one for one in wanted if "state" in one]
    got = list(receipts)
    assert len(got) == len(wanted), got
    for receipt, one in zip(got, wanted, strict=True):
        assert receipt.carrier_id == one["message_id"]
        assert receipt.fact == fact_of(one["state"])
        if receipt.fact in ("undelivered", "refused", "expired") and "failure_class" in one:
            assert receipt.failure == one["failure_class"]
        if one.get("code"):
            assert receipt.carrier_code == one["code"]
        if one.get("our_ref"):
            assert receipt.ref == one["our_ref"]
        if one.get("price") is not None:
            assert receipt.price is not None
            assert float(receipt.price) == float(one["price"])
        if one.get("segments") is not None:
            assert receipt.parts == one["segments"]


def assert_survives(provider: Provider) -> None:
    """Nonsense in any place is no exception: an unknown outcome, or nothing heard."""
    text = Text(to="+447700900123", sender="Acme", text="Hello")
    bodies = (
        b"",
        b"<html>busy</html>",
        b"[]",
        b"{}",
        b"null",
        b'"x"',
        b'{"messages":[]}',
        b'{"data":null}',
        b"\xff\xfe{",
    )
    for body in bodies:
        for status in (200, 201, 202, 207, 302, 400, 401, 404, 429, 500, 502, 503):
            outcome = provider.answer(text, Answer(status, body))
            assert outcome.state in ("refused", "unknown"), (status, body)
            assert outcome.state == "refused" or not 400 <= status < 500 or status == 429, (status, body)
            assert outcome.failure, (status, body)
            provider.report("some-id", Answer(status, body), NOW)
            provider.balance(Answer(status, body))
        for media_type in ("application/json", "application/x-www-form-urlencoded", "text/plain", ""):
            for method in ("POST", "GET"):
                call = Callback(
                    method, "https://gw.example.test/in/carrier/status?x=1", {"content-type": media_type}, body, NOW
                )
                assert provider.verify(call), "a call without any proof is not genuine"
                assert not provider.read(call).receipts
