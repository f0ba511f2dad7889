"""The generic connector, tried with the settings in docs/generic-http.md and what was recorded of their providers."""

import json
import re
import tomllib
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec
import pytest

from heliograph.carriers.http.generic import Generic, Settings
from heliograph.carriers.http.generic.checking import mistakes
from heliograph.carriers.http.generic.expressions import finder, wrong
from heliograph.carriers.http.proof import basic, hmac_base64, hmac_hex
from heliograph.carriers.http.provider import Answer, Callback, Heard, Provider, Text
from tests.carriers.http.harness import (
    NOW,
    answer_of,
    assert_outcome,
    assert_receipts,
    assert_request,
    assert_survives,
    build,
    callback_of,
    examples,
    vectors,
)

PAGE = (Path(__file__).parents[3] / "docs/generic-http.md").read_text()
HOOK = "https://gw.example.test/in/carrier/status"
FORM = {"content-type": "application/x-www-form-urlencoded"}
JSON = {"content-type": "application/json"}
# What the references to variables stand for in the recorded exchanges.
VARIABLES = {
    "SMSTO_KEY": "SMSTO_KEY",
    "SMSTO_WEBHOOK_SECRET": "smsto_endpoint_secret",
    "ELKS_USERNAME": "u",
    "ELKS_PASSWORD": "p",
    "AFRICASTALKING_USERNAME": "acme",
    "AFRICASTALKING_KEY": "KEY",
    "KANNEL_USERNAME": "u",
    "KANNEL_PASSWORD": "p",
    "JASMIN_USERNAME": "u",
    "JASMIN_PASSWORD": "p",
}


def declared() -> dict[str, dict[str, Any]]:
    """The connectors of the page, as their adapter gets them."""
    found: dict[str, dict[str, Any]] = {}
    for block in re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
        for name, spec in tomllib.loads(block)["connectors"].items():
            assert spec.pop("kind") == "http"
            found[name.removesuffix("-declared")] = {
                key: VARIABLES.get(value[4:], "t0ken") if isinstance(value, str) and value.startswith("env:") else value
                for key, value in spec.items()
            }
    return found


DECLARED = declared()
PROVIDERS = {name: build(Generic, **spec) for name, spec in DECLARED.items()}
FOLDERS = {"smsto": "smsto", "elks": "46elks", "africastalking": "africastalking"}
JASMIN, KANNEL = examples("generic", "jasmin"), examples("generic", "kannel")

HELLO = Text(to="+447700900000", sender="Acme", text="Your code is 482913")
ATTALKING = Text(to="+254711000000", sender="ACME", text="Your code is 482913")
HI = Text(to="+447700900000", sender="Acme", text="Hi", valid_for_s=300)
REQUESTS: dict[str, dict[str, Text]] = {
    # the others are shortened, wrong on purpose, scheduled, or for several recipients: we never send those
    "smsto": {"one message": msgspec.structs.replace(HELLO, status_url="https://gw.example.test/hooks/smsto/01J")},
    # the others are wrong on purpose, or a dry run
    "elks": {
        "one message": msgspec.structs.replace(
            HELLO, to="+46700000000", status_url="https://gw.example.test/hooks/46elks?ref=att-1"
        )
    },
    "africastalking": dict.fromkeys(examples("africastalking", "send"), ATTALKING),
    # the others are shortened; the one in UCS-2 is tried below
    "kannel": {"text": msgspec.structs.replace(HI, status_url="https://gw.example.test/hooks/kannel?m=01J")},
    "jasmin": {"text": msgspec.structs.replace(HI, status_url="https://gw.example.test/hooks/jasmin")},
}
LEFT_OUT = {
    ("smsto", "several recipients: a campaign id comes back, not message ids"),  # never asked for; tried below
    ("elks", "dry run"),  # never asked for
    ("kannel", "text"),  # accepted without an id, so with ours; both are tried below
    ("jasmin", "no credit"),  # its code, "403 charge", is made of two places; tried below
}


def sends(name: str) -> dict[str, dict[str, Any]]:
    all_of_it = {"kannel": KANNEL, "jasmin": JASMIN}.get(name) or examples(FOLDERS[name], "send")
    return {key: one for key, one in all_of_it.items() if "response" in one}


def reports(name: str) -> dict[str, dict[str, Any]]:
    if name in FOLDERS:
        return examples(FOLDERS[name], "status_callbacks")
    all_of_it = {"kannel": KANNEL, "jasmin": JASMIN}[name]
    return {key: one for key, one in all_of_it.items() if key.startswith("receipt")}


ALL_REQUESTS = [(name, example) for name, texts in REQUESTS.items() for example in texts]
ALL_ANSWERS = [(name, one) for name in PROVIDERS for one in sends(name) if (name, one) not in LEFT_OUT]
ALL_REPORTS = [(name, one) for name in PROVIDERS for one in reports(name)]


# -- the providers of the page


def test_the_page_declares_the_five() -> None:
    assert set(PROVIDERS) == {"smsto", "elks", "africastalking", "kannel", "jasmin"}


@pytest.mark.parametrize(("name", "example"), ALL_REQUESTS)
def test_a_text_becomes_the_recorded_request(name: str, example: str) -> None:
    call = PROVIDERS[name].request(REQUESTS[name][example])
    assert_request(call, sends(name)[example]["request"], headers=("authorization", "accept", "apikey"))


@pytest.mark.parametrize(("name", "example"), ALL_ANSWERS)
def test_a_recorded_answer_is_read(name: str, example: str) -> None:
    one = sends(name)[example]
    assert_outcome(PROVIDERS[name].answer(HELLO, answer_of(one["response"])), one["expect"])


@pytest.mark.parametrize(("name", "example"), ALL_REPORTS)
def test_a_recorded_report_is_read(name: str, example: str) -> None:
    one, provider = reports(name)[example], PROVIDERS[name]
    request, expect = one["request"], one["expect"]
    if name == "kannel":  # our own URL calls the reference `ref`, and it is the id
        request, expect = request | {"url": request["url"].replace("m=", "ref=")}, expect | {"message_id": "01J"}
    elif "json" in request:  # an account that was switched to JSON
        provider = build(Generic, **DECLARED[name] | {"callback": DECLARED[name]["callback"] | {"format": "json"}})
    assert_receipts(provider.read(callback_of(request)).receipts, expect)


@pytest.mark.parametrize("name", FOLDERS)
def test_a_recorded_reply_is_read(name: str) -> None:
    one = next(iter(examples(FOLDERS[name], "inbound").values()))  # Africa's Talking: the other is no text
    heard = PROVIDERS[name].read(callback_of(one["request"]))
    [inbound] = heard.inbound
    assert not heard.receipts
    assert (inbound.sender, inbound.to, inbound.text) == tuple(one["expect"][key] for key in ("from_", "to", "text"))
    assert inbound.carrier_id
    assert one["expect"]["message_id"] in (inbound.carrier_id, None)


def test_a_reply_over_jasmin_is_read_and_thanked_for() -> None:
    callback = callback_of(JASMIN["inbound"]["request"])
    [inbound] = PROVIDERS["jasmin"].read(callback).inbound
    assert (inbound.sender, inbound.to, inbound.text) == ("+447700900000", "12345", "Hello")
    thanks = PROVIDERS["jasmin"].thanks(callback)
    assert (thanks.status, thanks.body) == (200, b"ACK/Jasmin")
    assert PROVIDERS["elks"].thanks(callback).status == 204


def test_a_reply_without_an_id_is_known_by_what_it_says_and_when() -> None:
    request = examples("smsto", "inbound")["reply"]["request"]
    [inbound] = PROVIDERS["smsto"].read(callback_of(request)).inbound
    [again] = PROVIDERS["smsto"].read(callback_of(request, at=NOW + 3_600_000)).inbound
    [later] = (
        PROVIDERS["smsto"].read(callback_of(request | {"raw_body": request["raw_body"].replace("08Z", "09Z")})).inbound
    )
    assert inbound.carrier_id == again.carrier_id != later.carrier_id


@pytest.mark.parametrize("name", vectors("smsto"))
def test_a_signature_is_judged(name: str) -> None:
    one = vectors("smsto")[name]
    assert (PROVIDERS["smsto"].verify(callback_of(one)) is None) == one["valid"]


def test_an_old_signature_is_refused() -> None:
    one = vectors("smsto")["form status callback"]
    assert PROVIDERS["smsto"].verify(callback_of(one, at=NOW + 43_199_000)) is None
    assert PROVIDERS["smsto"].verify(callback_of(one, at=NOW + 43_201_000))


@pytest.mark.parametrize("name", ["elks", "africastalking", "kannel", "jasmin"])
def test_the_token_in_the_url_is_the_proof(name: str) -> None:
    assert PROVIDERS[name].verify(callback_of({"url": f"{HOOK}?token=t0ken"})) is None
    assert PROVIDERS[name].verify(callback_of({"url": f"{HOOK}?token=other"}))


@pytest.mark.parametrize("name", PROVIDERS)
def test_nonsense_is_survived(name: str) -> None:
    assert_survives(PROVIDERS[name])


def test_a_campaign_is_no_message() -> None:
    one = sends("smsto")["several recipients: a campaign id comes back, not message ids"]
    assert PROVIDERS["smsto"].answer(HELLO, answer_of(one["response"])).state == "unknown"


def test_kannel_knows_a_message_by_our_reference() -> None:
    outcome = PROVIDERS["kannel"].answer(HELLO, answer_of(KANNEL["text"]["response"]))
    assert (outcome.state, outcome.carrier_ids) == ("accepted", (HELLO.ref,))


def test_unicode_goes_to_kannel_as_octets() -> None:
    """The recorded request is shortened, and without the plus sign."""
    call = PROVIDERS["kannel"].request(Text(to="+447700900000", sender="Acme", text="Пр", encoding="ucs2"))
    recorded = dict(KANNEL["UCS-2, encoded by us"]["request"])
    recorded["url"] = recorded["url"].replace("to=447", "to=%2B447") + "&dlr-mask=31"
    assert_request(call, recorded)
    assert "text=%04%1F%04%40" in call.url


def test_unicode_goes_to_jasmin_in_hexadecimal() -> None:
    call = PROVIDERS["jasmin"].request(Text(to="+447700900000", sender="Acme", text="Пр", encoding="ucs2"))
    form = dict(parse_qsl(call.body.decode()))
    assert (form["hex-content"], form["coding"], "content" in form) == ("041F0440", "8", False)


def test_jasmin_without_credit_is_not_authorised() -> None:
    outcome = PROVIDERS["jasmin"].answer(HELLO, answer_of(JASMIN["no credit"]["response"]))
    assert (outcome.state, outcome.failure, outcome.carrier_code) == ("refused", "unauthorised", "403")


@pytest.mark.parametrize(
    ("status", "reason", "failure", "carrier_code"),
    [
        ("FAILED", "UserInBlackList", "opted_out", "UserInBlackList"),
        ("Rejected", "SolarFlare", "permanent", "SolarFlare"),
        ("Failed", "SolarFlare", "unknown", "SolarFlare"),
        ("Failed", "", "unknown", "Failed"),
        ("Success", "UserInBlackList", None, None),
    ],
)
def test_a_bad_end_is_read_by_its_code_then_by_its_word(
    status: str, reason: str, failure: str | None, carrier_code: str | None
) -> None:
    body = urlencode({"id": "x", "status": status, "failureReason": reason}).encode()
    [receipt] = PROVIDERS["africastalking"].read(Callback("POST", f"{HOOK}?ref=att-7", FORM, body, NOW)).receipts
    assert (receipt.failure, receipt.carrier_code, receipt.ref) == (failure, carrier_code, "att-7")
    assert (receipt.code is None) == (failure is None)


def test_an_unknown_word_or_nobody_it_is_about_changes_nothing() -> None:
    for body in (b"id=x&status=Teleported", b"id=&status=Success", b"status=Success", b"id=x", b"senderId=A"):
        assert PROVIDERS["africastalking"].read(Callback("POST", HOOK, FORM, body, NOW)) == Heard([], [])


# -- other shapes


def spec(**changes: Any) -> dict[str, Any]:
    """The least that can be declared, and a callback in JSON, with changes."""
    least: dict[str, Any] = {
        "callback_token": "t0ken",
        "request": {"url": "https://api.example.test/send", "body": {"format": "json", "fields": {"to": "{to}"}}},
        "answer": {"id": "/id"},
        "callback": {"format": "json", "id": "id", "status": "status", "words": {"delivered": ["ok"]}},
    }
    return deepcopy(least) | changes


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


# -- mistakes

JSON_BODY = {"format": "json"}
URL = "https://api.example.test/"
MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"request": {"url": "ftp://x/"}}, "request.url"),
    ({"request": {"url": "/send"}}, "request.url"),
    ({"request": {"url": URL}, "base_url": "https://x"}, "request.url"),
    ({"request": {"url": "/x"}, "base_url": "https://u:p@x"}, "base_url"),
    ({"request": {"url": "https://{to}.example.test/"}}, "request.url"),
    ({"request": {"url": "https:///x"}}, "request.url"),
    ({"request": {"url": "https://x:99999/"}}, "request.url"),
    ({"request": {"url": URL + "a b"}}, "request.url"),
    ({"request": {"url": URL + "#x"}}, "request.url"),
    ({"request": {"url": URL + "{txet}"}}, "request.url"),
    ({"request": {"url": URL, "headers": {"X Y": "1"}}}, "request.headers.X Y"),
    ({"request": {"url": URL, "headers": {"X": "a\nb"}}}, "request.headers.X"),
    ({"request": {"url": URL, "headers": {"X": "{text}"}}}, "request.headers.X"),
    ({"request": {"url": URL, "query": {"a": "{password}"}}}, "request.query.a"),
    ({"request": {"url": URL, "query": {"a": "x{text_octets_utf16}"}}}, "request.query.a"),
    ({"request": {"url": URL, "ucs2": {"query": {"a": "{b}"}}}}, "request.ucs2.query.a"),
    ({"request": {"url": URL, "method": "GET", "body": JSON_BODY}}, "request.body.format"),
    ({"request": {"url": URL, "body": {"fields": {"a": 1}}}}, "request.body.format"),
    ({"request": {"url": URL, "ucs2": {"fields": {"a": 1}}}}, "request.body.format"),
    ({"request": {"url": URL, "body": {"format": "xml"}}}, "request.body.template"),
    ({"request": {"url": URL, "body": {"format": "xml", "template": "<a>"}}}, "request.body.template"),
    ({"request": {"url": URL, "body": JSON_BODY | {"template": "{to"}}}, "request.body.template"),
    ({"request": {"url": URL, "body": JSON_BODY | {"template": '{"a":{oops}}'}}}, "request.body.template"),
    ({"request": {"url": URL, "body": JSON_BODY | {"template": "1", "fields": {"a": 1}}}}, "request.body.template"),
    ({"request": {"url": URL, "body": JSON_BODY | {"fields": {"a": {"b": ["{x}"]}}}}}, "request.body.fields.a.b.0"),
    (
        {"request": {"url": URL, "body": JSON_BODY | {"fields": {"a": "{text_octets_utf16}"}}}},
        "request.body.fields.a",
    ),
    ({"request": {"url": URL, "body": {"format": "form", "fields": {"a": [1]}}}}, "request.body.fields.a"),
    ({"request": {"url": URL, "body": JSON_BODY, "ucs2": {"fields": {"a": "{x}"}}}}, "request.ucs2.fields.a"),
    (
        {"request": {"url": URL, "body": JSON_BODY | {"template": "{}"}, "ucs2": {"fields": {"a": 1}}}},
        "request.ucs2",
    ),
    ({"auth": {"kind": "basic"}, "username": "u"}, "password"),
    ({"auth": {"kind": "bearer"}}, "token"),
    ({"auth": {"kind": "bearer"}, "token": "a\r\nX: y"}, "token"),
    ({"auth": {"kind": "header"}, "token": "x"}, "auth.name"),
    ({"auth": {"kind": "query"}, "api_key": "x"}, "auth.name"),
    ({"auth": {"kind": "query", "name": "x"}}, "api_key"),
    ({"answer": {"id": ""}}, "answer.id"),
    ({"answer": {"id": "/a~2"}}, "answer.id"),
    ({"answer": {"id": {}}}, "answer.id"),
    ({"answer": {"id": {"regex": "("}}}, "answer.id.regex"),
    ({"answer": {"id": {"ours": True}}}, "answer.success"),
    ({"answer": {"id": {"ours": True, "pointer": "/a"}}}, "answer.id.ours"),
    ({"answer": {"id": "/id", "success": [{"regex": "("}]}}, "answer.success.0.regex"),
    ({"answer": {"id": "/id", "permanent": [{"status": 400}, {}]}}, "answer.permanent.1"),
    ({"answer": {"id": "/id", "throttled": [{"pointer": "/a"}]}}, "answer.throttled.0.equals"),
    ({"answer": {"id": "/id", "transient": [{"status": []}]}}, "answer.transient.0.status"),
    ({"answer": {"id": "/id", "opted_out": [{"pointer": "/~", "equals": 1}]}}, "answer.opted_out.0.pointer"),
    ({"answer": {"id": "/id", "code": ["/a", {"regex": "(a+)+"}]}}, "answer.code.1.regex"),
    ({"answer": {"id": "/id", "code": []}}, "answer.code"),
    ({"answer": {"id": "/id", "price": "/p"}}, "answer.currency"),
    ({"codes": {"A": "permanent", "a": "transient"}}, "codes.a"),
    ({"callback": {"format": "form", "list": "/x", "status": "s", "words": {"delivered": ["1"]}}}, "callback.list"),
    ({"callback": {"format": "json", "status": "/~", "words": {"delivered": ["1"]}}}, "callback.status"),
    ({"callback": {"format": "json", "status": "s", "words": {}}}, "callback.words.delivered"),
    (
        {"callback": {"format": "json", "status": "s", "words": {"delivered": ["ok"], "failed": ["OK"]}}},
        "callback.words.failed.0",
    ),
    (
        {"callback": {"format": "json", "status": "s", "price": "p", "words": {"delivered": ["1"]}}},
        "callback.currency",
    ),
    ({"inbound": {"format": "query", "from": "/~", "text": "t"}}, "inbound.from"),
    ({"inbound": {"format": "json", "list": "/~", "from": "f", "text": "t"}}, "inbound.list"),
    (
        {"inbound": {"format": "form", "from": "f", "text": "t", "which": {"field": "", "equals": 1}}},
        "inbound.which.field",
    ),
    ({"callback_token": None}, "callback_token"),
    ({"proof": {"kind": "basic"}}, "secret"),
    ({"proof": {"kind": "hmac"}, "secret": "s"}, "proof.header"),
    ({"proof": {"kind": "hmac", "header": "X", "regex": "("}, "secret": "s"}, "proof.regex"),
    ({"proof": {"kind": "hmac", "header": "X", "signed": "{body}{nonce}"}, "secret": "s"}, "proof.signed"),
    ({"proof": {"kind": "hmac", "header": "X", "signed": "{body}{timestamp}"}, "secret": "s"}, "proof.signed"),
    ({"proof": {"kind": "hmac", "header": "X", "timestamp_header": "T"}, "secret": "s"}, "proof.signed"),
    ({"proof": {"kind": "hmac", "header": "X", "signed": "{url}"}, "secret": "s"}, "proof.signed"),
    (
        {
            "proof": {"kind": "hmac", "header": "X"},
            "secret": "s",
            "callback": {"format": "query", "id": "i", "status": "s", "words": {"delivered": ["1"]}},
        },
        "proof.signed",
    ),
    (
        {
            "proof": {"kind": "hmac", "header": "X"},
            "secret": "s",
            "callback": {"format": "json", "status": "s", "words": {"delivered": ["1"]}},
        },
        "proof.signed",
    ),
]


@pytest.mark.parametrize(("changes", "key"), MISTAKES, ids=lambda value: value if isinstance(value, str) else "")
def test_a_mistake_is_found_with_its_place(changes: dict[str, Any], key: str) -> None:
    found = Generic.check(msgspec.convert(spec(**changes), Settings))
    assert found is not None
    assert found[0] == key, found
    assert found[1]


def test_all_mistakes_are_found() -> None:
    settings = spec(
        request={"url": "x", "query": {"a": "{b}", "c": "{d}"}}, answer={"id": "", "code": ""}, callback_token=None
    )
    keys = [key for key, _ in mistakes(msgspec.convert(settings, Settings))]
    assert keys == ["request.url", "request.query.a", "request.query.c", "answer.id", "answer.code", "callback_token"]


def test_a_mistake_names_the_placeholder() -> None:
    settings = spec(request={"url": URL, "query": {"a": "{txet}"}})
    found = Generic.check(msgspec.convert(settings, Settings))
    assert found is not None
    assert found[1].startswith("{txet} is no placeholder; there are {to}, ")


@pytest.mark.parametrize(
    "changes",
    [
        {"answers": {}},
        {"request": {"url": URL, "path": "/"}},
        {"request": {"url": URL, "body": {"format": "yaml"}}},
        {"answer": {"id": "/id", "success": [{"statuses": 200}]}},
        {"answer": {"id": "/id", "success": [{"status": 99}]}},
        {"codes": {"1": "bad"}},
        {"own_answer": {"status": 500}},
        {"own_answer": {"media_type": "text/plain\r\nX: y"}},
        {"currency_of_account": "euro"},
        {"limits": {"max_length": 0}},
    ],
)
def test_what_is_no_setting_is_not_taken(changes: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(spec(**changes), Settings)


def test_every_placeholder_stands_on_the_page() -> None:
    found = Generic.check(
        msgspec.convert(
            spec(request={"url": URL + "{x}"}, username="u", password="p", token="t", api_key="k"), Settings
        )
    )
    assert found is not None
    for placeholder in re.findall(r"\{\w+\}", found[1])[1:]:
        assert f"`{placeholder}`" in PAGE, placeholder
