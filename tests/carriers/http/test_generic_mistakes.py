"""What is wrong with the settings of a generic connector is told with its place."""

import re
from typing import Any

import msgspec
import pytest

from heliograph.carriers.http.generic import Generic, Settings
from heliograph.carriers.http.generic.checking import mistakes
from tests.carriers.http.generic import PAGE, spec

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
