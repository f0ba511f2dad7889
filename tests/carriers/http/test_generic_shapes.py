"""The generic connector in other shapes than those of the page: requests, answers, calls, proofs and limits."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import pytest

from heliograph.carriers.http.generic import Generic, Settings
from heliograph.carriers.http.generic.expressions import finder, wrong
from heliograph.carriers.http.proof import basic, hmac_base64, hmac_hex
from heliograph.carriers.http.provider import Answer, Callback, Heard, Provider, Text
from tests.carriers.http.generic import FORM, HELLO, HOOK, JSON, spec
from tests.carriers.http.harness import NOW, build, callback_of

# -- other shapes


def sent(body: Mapping[str, Any], text: Text = HELLO, **settings: Any) -> bytes:
    request = {"url": "https://api.example.test/send", "body": body}
    return build(Generic, **spec(request=request, **settings)).request(text).body


NASTY = Text(to="+447700900123", sender=None, text="\"<&>'\\\n{to} =%+é", valid_for_s=119, segments=2, number=7)


def test_values_keep_their_type_in_json_and_absent_ones_are_left_out() -> None:
    fields = {
        "to": {"digits": "{to_digits}", "local": "0{to_national}", "callback": "{status_url}&x=1"},
        "items": ["{segments}", "{sender}", "{number}-{ref}", True, 1.5],
        "minutes": "{valid_for_minutes}",
        "seconds": "{valid_for_s}",
        "kind": "{kind}/{encoding}",
        "text": "{text}",
        "from": "{sender}",
        "literal": "{Not} {} { to }",
    }
    assert json.loads(sent({"format": "json", "fields": fields}, NASTY)) == {
        "to": {"digits": "447700900123", "local": "07700900123"},
        "items": [2, "7-att-1", True, 1.5],
        "minutes": 1,
        "seconds": 119,
        "kind": "transactional/gsm7",
        "text": NASTY.text,
        "literal": "{Not} {} { to }",
    }


def test_a_template_escapes_for_where_it_stands() -> None:
    template = '{"a":{text},"b":"say \\"{text}\\"","c":{segments},"d":{sender},"e":{"f":{to}}}'
    assert json.loads(sent({"format": "json", "template": template}, NASTY)) == {
        "a": NASTY.text,
        "b": f'say "{NASTY.text}"',
        "c": 2,
        "d": None,
        "e": {"f": NASTY.to},
    }
    form = sent({"format": "form", "template": "to={to}&text={text}&from={sender}"}, NASTY).decode()
    assert parse_qsl(form, keep_blank_values=True) == [("to", NASTY.to), ("text", NASTY.text), ("from", "")]
    xml = sent({"format": "xml", "template": '<sms to="{to}" text="{text}">{text}</sms>'}, NASTY).decode()
    escaped = "&quot;&lt;&amp;&gt;&apos;\\&#10;{to} =%+é"
    assert xml == f'<sms to="+447700900123" text="{escaped}">{escaped}</sms>'
    assert sent({"format": "text", "template": "{to} {text}"}, NASTY).decode() == f"{NASTY.to} {NASTY.text}"


@pytest.mark.parametrize(
    ("form", "media_type"),
    [("json", "application/json"), ("xml", "text/xml; charset=utf-8"), ("text", "text/plain; charset=utf-8")],
)
def test_the_media_type_follows_the_format_unless_it_is_said(form: str, media_type: str) -> None:
    template = {"json": "{}", "xml": "<a/>", "text": ""}[form]
    request: dict[str, Any] = {"url": "https://api.example.test/", "body": {"format": form, "template": template}}
    assert build(Generic, **spec(request=request)).request(HELLO).headers == {"Content-Type": media_type}
    request["headers"] = {"content-type": "application/vnd.x"}
    assert build(Generic, **spec(request=request)).request(HELLO).headers == {"content-type": "application/vnd.x"}


def test_path_and_query_are_filled_and_escaped() -> None:
    request = {
        "method": "GET",
        "url": "/v1/{to}/{text}?a={sender}",
        "query": {"n": "{number}", "flag": True, "f": "{sender}"},
    }
    provider = build(Generic, **spec(base_url="https://api.example.test:8443/", request=request))
    call = provider.request(msgspec.structs.replace(NASTY, text="a/b ?&"))
    assert call.url == "https://api.example.test:8443/v1/%2B447700900123/a%2Fb%20%3F%26?a=&n=7&flag=true"
    assert (call.method, call.body, call.headers) == ("GET", b"", {})


@pytest.mark.parametrize(
    ("auth", "settings", "headers", "query"),
    [
        ({"kind": "none"}, {}, {}, ""),
        ({"kind": "basic"}, {"username": "u", "password": "p"}, {"Authorization": basic("u", "p")}, ""),
        ({"kind": "bearer"}, {"token": "T"}, {"Authorization": "Bearer T"}, ""),
        ({"kind": "header", "name": "X-Key"}, {"token": "T"}, {"X-Key": "T"}, ""),
        ({"kind": "query", "name": "key"}, {"api_key": "K&"}, {}, "?key=K%26"),
    ],
)
def test_we_prove_ourselves(
    auth: dict[str, str], settings: dict[str, str], headers: dict[str, str], query: str
) -> None:
    request = {"url": "https://api.example.test/send"}
    call = build(Generic, **spec(request=request, auth=auth, **settings)).request(HELLO)
    assert (call.url, call.headers) == (f"https://api.example.test/send{query}", headers)


def outcome(answer: Answer, **reading: Any) -> tuple[str, str | None, str | None]:
    settings = {key: reading.pop(key) for key in ("codes", "currency_of_account") if key in reading}
    got = build(Generic, **spec(answer={"id": "/id"} | reading, **settings)).answer(HELLO, answer)
    assert got.state == "accepted" or got.code
    return got.state, got.failure, got.carrier_code


def test_without_conditions_an_id_or_the_status_decides() -> None:
    assert outcome(Answer(202, b'{"id": 7}')) == ("accepted", None, None)
    assert outcome(Answer(200, b'{"id": true}')) == ("unknown", "unknown", "200")
    assert outcome(Answer(200, b"{}")) == ("unknown", "unknown", "200")
    assert outcome(Answer(400, b'{"id": "7"}')) == ("refused", "permanent", "400")
    assert outcome(Answer(429)) == ("refused", "throttled", "429")
    assert outcome(Answer(500)) == ("unknown", "unknown", "500")
    assert outcome(Answer(400, b'{"e": 12}'), code="/e") == ("refused", "permanent", "12")


def test_the_first_condition_that_holds_counts() -> None:
    rules = {
        "success": [{"status": 200, "pointer": "/s", "equals": ["ok", 0, True]}],
        "opted_out": [{"contains": "opted out"}],
        "unauthorised": [{"regex": "(?i)bad key"}],
        "throttled": [{"pointer": "/s", "equals": "slow"}],
        "transient": [{"status": [500, 503]}],
        "permanent": [{"status": [400, 503]}],
    }
    assert outcome(Answer(200, b'{"s": "ok", "id": "x"}'), **rules) == ("accepted", None, None)
    assert outcome(Answer(200, b'{"s": "0", "id": "x"}'), **rules) == ("accepted", None, None)
    assert outcome(Answer(200, b'{"s": true, "id": "x"}'), **rules) == ("accepted", None, None)
    assert outcome(Answer(200, b'{"s": "ok"}'), **rules) == ("unknown", "unknown", "200")
    assert outcome(Answer(200, b'{"s": "no", "id": "x"}'), **rules) == ("unknown", "unknown", "200")
    assert outcome(Answer(202, b'{"s": "ok", "id": "x"}'), **rules) == ("unknown", "unknown", "202")
    assert outcome(Answer(400, b"opted out: BAD KEY"), **rules) == ("refused", "opted_out", "400")
    assert outcome(Answer(400, b"BAD KEY"), **rules) == ("refused", "unauthorised", "400")
    assert outcome(Answer(200, b'{"s": "slow", "e": 5}'), code="/e", **rules) == ("refused", "throttled", "5")
    assert outcome(Answer(503, b""), **rules) == ("refused", "transient", "503")
    assert outcome(Answer(400, b""), **rules) == ("refused", "permanent", "400")


def test_a_known_code_comes_before_an_id() -> None:
    codes = {"E1": "content", "e2": {"failure": "transient", "elsewhere": True}}
    assert outcome(Answer(200, b'{"id": "x", "e": "e1"}'), code="e", codes=codes) == ("refused", "content", "e1")
    provider = build(Generic, **spec(answer={"id": "/id", "code": "e"}, codes=codes))
    refused = provider.answer(HELLO, Answer(500, b'{"e": "E2"}', 1500))
    assert (refused.elsewhere, refused.retry_after_ms) == (True, 1500)


@pytest.mark.parametrize(
    ("said", "scale", "price"),
    [
        ('"p": 3500', 10_000, "0.35"),
        ('"p": 35000000', 10_000, "3500"),
        ('"p": "0.0800"', 1, "0.0800"),
        ('"p": 0.015', 1, "0.015"),
        ('"p": 0', 10, None),
        ('"p": -1', 10, None),
        ('"p": "much"', 10, None),
        ('"p": []', 10, None),
    ],
)
def test_prices_come_in_whole_units(said: str, scale: int, price: str | None) -> None:
    reading = {"id": "/id", "price": "/p", "price_scale": scale, "parts": "/n", "currency": "/c"}
    provider = build(Generic, **spec(answer=reading, currency_of_account="EUR"))
    got = provider.answer(HELLO, Answer(200, f'{{"id": "x", {said}, "n": "2", "c": "dollars"}}'.encode()))
    assert (got.price, got.currency, got.parts) == (price, "EUR" if price else None, 2)


def test_places_are_tried_in_turn_and_pointers_reach_everything() -> None:
    places: list[Any] = ["/a~1b/1/c~0d", {"pointer": "note", "regex": "id=([0-9]+)"}, {"regex": "#[0-9]+"}]
    provider = build(Generic, **spec(answer={"id": "/none", "code": places}))
    for body, code in (
        ('{"a/b": [0, {"c~d": "X"}], "note": "id=5"}', "X"),
        ('{"a/b": [0], "note": "id=5"}', "5"),
        ('{"a/b": {"1": 5}, "note": 5, "x": "#77"}', "#77"),
        ("no JSON, #78", "#78"),
        ("nothing", "400"),
    ):
        assert provider.answer(HELLO, Answer(400, body.encode())).carrier_code == code


def test_a_call_may_bring_several_reports_and_replies() -> None:
    settings = spec(
        callback={
            "format": "json",
            "list": "/results",
            "id": "/message/id",
            "ref": "ref",
            "status": "/status/name",
            "price": "/price/amount",
            "currency": "/price/currency",
            "words": {"delivered": ["DELIVERED"], "read": ["SEEN"], "failed": ["5"]},
        },
        inbound={"format": "json", "list": "/results", "from": "from", "text": "text", "id": "/message/id"},
    )
    body = {
        "results": [
            {"message": {"id": 1}, "status": {"name": "delivered"}, "price": {"amount": 0.5, "currency": "USD"}},
            {"message": {"id": "b"}, "status": {"name": 5}, "ref": "att-9"},
            {"message": {"id": "c"}, "status": {"name": "seen"}},
            {"message": {"id": "d"}, "status": {"name": "seen"}, "from": "447700900123", "text": ""},
            {"message": 7, "status": []},
            None,
        ]
    }
    heard = build(Generic, **settings).read(Callback("POST", HOOK, JSON, json.dumps(body).encode(), NOW))
    assert [(one.carrier_id, one.fact, one.ref) for one in heard.receipts] == [
        ("1", "delivered", None),
        ("b", "refused", "att-9"),
        ("c", "read", None),
    ]
    assert (heard.receipts[0].price, heard.receipts[0].currency) == ("0.5", "USD")
    assert [(one.carrier_id, one.sender, one.text) for one in heard.inbound] == [("d", "+447700900123", "")]


def test_the_body_itself_may_be_the_list() -> None:
    settings = spec()
    settings["callback"]["list"] = ""
    provider = build(Generic, **settings)
    for body, count in ((b'[{"id":1,"status":"ok"},{"id":2,"status":"OK"}]', 2), (b'{"id":1,"status":"ok"}', 1)):
        assert len(provider.read(Callback("POST", HOOK, JSON, body, NOW)).receipts) == count
    assert not build(Generic, **spec()).read(Callback("POST", HOOK, JSON, b'[{"id":1,"status":"ok"}]', NOW)).receipts


def test_a_connector_that_hears_nothing_needs_no_proof_and_believes_nobody() -> None:
    settings = spec(callback_token=None)
    del settings["callback"]
    provider = build(Generic, **settings)
    assert provider.verify(callback_of({"url": f"{HOOK}?token="}))
    assert provider.read(callback_of({"url": HOOK})) == Heard([], [])


# -- proof


def test_basic_credentials_are_a_proof() -> None:
    provider = build(Generic, **spec(callback_token=None, secret="s", proof={"kind": "basic", "username": "them"}))
    assert provider.verify(callback_of({"headers": {"Authorization": basic("them", "s")}})) is None
    assert provider.verify(callback_of({"headers": {"Authorization": basic("them", "t")}}))
    assert provider.verify(callback_of({}))


def signed(body: bytes, signature: str, *, url: str = HOOK, **headers: str) -> Callback:
    return Callback("POST", url, FORM | {"x-sign": signature} | headers, body, NOW)


def proven(**proof: Any) -> Provider:
    settings = spec(secret="s3cret", proof={"kind": "hmac", "header": "X-Sign"} | proof)
    return build(Generic, **settings | {"callback": settings["callback"] | {"format": "form"}})


def test_a_signature_of_time_and_body_is_a_proof_for_a_while() -> None:
    provider = proven(
        signed="{timestamp}.{body}", timestamp_header="X-Time", prefix="sha512=", algorithm="sha512", within_s=60
    )
    for seconds, fits in ((NOW // 1000, True), (NOW // 1000 - 61, False), (NOW // 1000 + 61, False)):
        signature = "sha512=" + hmac_hex("sha512", "s3cret", f"{seconds}.x=1".encode()).upper().lower()
        assert (provider.verify(signed(b"x=1", signature, **{"x-time": str(seconds)})) is None) == fits
        assert provider.verify(signed(b"x=2", signature, **{"x-time": str(seconds)}))
        assert provider.verify(signed(b"x=1", signature[7:], **{"x-time": str(seconds)}))
    assert provider.verify(signed(b"x=1", "sha512=" + hmac_hex("sha512", "s3cret", b".x=1")))
    assert provider.verify(signed(b"x=1", "sha512=" + hmac_hex("sha512", "s3cret", b"soon.x=1"), **{"x-time": "soon"}))


def test_a_signature_of_url_and_sorted_fields_is_a_proof() -> None:
    provider = proven(signed="{method} {url}{sorted_params}", algorithm="sha1", encoding="base64")
    signature = hmac_base64("sha1", "s3cret", f"POST {HOOK}?a=1A1b2".encode())
    assert provider.verify(signed(b"b=2&A=1", signature, url=f"{HOOK}?a=1")) is None
    assert provider.verify(signed(b"b=2&A=1", signature, url=f"{HOOK}?a=2"))
    assert provider.verify(signed(b"b=2&A=2", signature, url=f"{HOOK}?a=1"))
    assert provider.verify(signed(b"b=2&A=1", "", url=f"{HOOK}?a=1"))


# -- limits


def test_a_text_that_is_too_long_is_not_sent() -> None:
    provider = Generic("carrier", msgspec.convert(spec(limits={"max_length": 5}), Settings))
    assert provider.refusal(msgspec.structs.replace(HELLO, text="12345")) is None
    refusal = provider.refusal(msgspec.structs.replace(HELLO, text="123456"))
    assert refusal is not None
    assert (refusal.state, refusal.failure, refusal.code) == ("refused", "content", "text_too_long")
    assert Generic("carrier", msgspec.convert(spec(), Settings)).refusal(HELLO) is None


TAKEN = (
    r'Success "(.+)"',
    r'"id":\s*"([^"]+)"',
    r"^.+$",
    r"(?i)bad key|no such (?:user|key)",
    r"\d{3}-\d{4}",
    r"id=(\w+)",
)
SLOW = (
    r"(a+)+$",
    r"(a|a)*$",
    r"(?:a*b?)*c",
    r".*.*x",
    r"a*a*b",
    r"(a|ab)(c|bcd)*x(e|f)+",
    r"\s*,?\s*,?\s*x",
    r"(.*),(.*),x",
    r".*" + "a" * 40 + "b",
    "(a|bc)(d|ef)(g|hi)(j|kl)(m|no)",
    r"(?:ab){300}",
    r"(a)\1",
    r"(?=a+)b",
    r"(?i:a)b",
    r"(?a)\W+b",
    "a" * 501,
)


@pytest.mark.parametrize("pattern", TAKEN)
def test_an_expression_ends_on_any_text(pattern: str) -> None:
    assert wrong(pattern) is None
    find = finder(pattern)
    for text in ("a" * 10_000, 'Success "' * 1_200, '"id": "' * 1_500, "id=" * 3_400, " " * 10_000, "bad ke" * 1_700):
        find(text * 100)


@pytest.mark.parametrize("pattern", [*SLOW, "(", "*", "[a", "(?P<x", "a{9,1}"])
def test_an_expression_that_may_not_end_is_not_taken(pattern: str) -> None:
    assert wrong(pattern)


def test_only_the_beginning_of_a_text_is_searched() -> None:
    assert finder("x")("." * 9_999 + "x") == "x"
    assert finder("x")("." * 10_000 + "x") is None
