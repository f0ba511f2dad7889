"""What can't work about the declared request: its URL, its templates, and what proves us to them."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit
from xml.etree import ElementTree

import msgspec

from heliograph.carriers.http.generic.placeholders import ESCAPES, Get, known, mistake, written
from heliograph.carriers.http.generic.settings import Settings
from heliograph.carriers.http.provider import Text

Mistake: TypeAlias = tuple[str, str]  # key and reason
_Meanings: TypeAlias = Mapping[str, Get]

HEADER: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE: Final = re.compile(r"[ -~]*")
_URL: Final = re.compile(r"[!-~]+")
_SAMPLES: Final = (
    Text(to="+447700900123", sender="Acme", text='A "quote" \\ & <b>', status_url="https://gw.example.test/in/x"),
    Text(to="+447700900123", sender=None, text=""),
)


def request_mistakes(settings: Settings) -> Iterator[Mistake]:
    meanings = known(settings)
    yield from _url(settings, meanings)
    yield from _request(settings, meanings)
    yield from _auth(settings)


def _url(settings: Settings, meanings: _Meanings) -> Iterator[Mistake]:
    url, base = settings.request.url, settings.base_url
    if not _URL.fullmatch(url) or "#" in url:
        yield "request.url", "a URL has neither spaces nor a fragment, and other letters are percent-encoded"
    elif base is not None and not url.startswith("/"):
        yield "request.url", "with base_url set, give the path alone"
    elif base is None and not url.startswith(("http://", "https://")):
        yield "request.url", "begin with https:// (or http://), or set base_url"
    elif not _has_plain_host(url if base is None else base):
        yield "request.url" if base is None else "base_url", "no placeholder, user or password may stand in the host"
    elif found := mistake(url, meanings, place="url"):
        yield "request.url", found


def _has_plain_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and not set(parts.netloc) & set("{}@") and (parts.port or 1) > 0
    except ValueError:
        return False


def _request(settings: Settings, meanings: _Meanings) -> Iterator[Mistake]:
    request = settings.request
    for name, value in request.headers.items():
        key = f"request.headers.{name}"
        if not HEADER.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            yield key, "a header has a name and, on one line, a value in ASCII"
        elif found := mistake(value, meanings, place="header"):
            yield key, found
    yield from _fields("request.query", request.query, meanings, "form")
    yield from _fields("request.ucs2.query", request.ucs2.query or {}, meanings, "form")
    if request.method == "GET" and request.body.format != "none":
        yield "request.body.format", "a GET has no body"
    yield from _body(settings, "request.body", request.body.fields, request.body.template, meanings)
    other = request.ucs2
    if (other.fields is not None and request.body.template) or (other.template is not None and request.body.fields):
        yield "request.ucs2", "give the same as in request.body: fields, or a template"
    elif other.fields is not None or other.template is not None:
        yield from _body(settings, "request.ucs2", other.fields or {}, other.template, meanings)


def _body(
    settings: Settings, key: str, fields: Mapping[str, Any], template: str | None, meanings: _Meanings
) -> Iterator[Mistake]:
    form = settings.request.body.format
    if form == "none":
        if fields or template is not None:
            yield "request.body.format", "say what the body is: json, form, text or xml"
    elif template is None:
        if form in ("json", "form"):
            yield from _fields(f"{key}.fields", fields, meanings, form)
        else:
            yield f"{key}.template", f"a body in {form} is written as a template"
    elif fields:
        yield f"{key}.template", "give fields or a template, not both"
    elif found := mistake(template, meanings, place="url" if form == "form" else form):
        yield f"{key}.template", found
    else:
        for text in _SAMPLES:
            if found := _unreadable(form, written(template, meanings, ESCAPES[form])(text)):
                yield f"{key}.template", found
                return


def _unreadable(form: str, body: str) -> str | None:
    try:
        if form == "json":
            msgspec.json.decode(body)
        elif form == "xml":
            ElementTree.fromstring(body.encode())
    except (msgspec.DecodeError, ElementTree.ParseError, RecursionError) as error:
        return f"filled with a text, this is no {form.upper()}: {error}"
    return None


def _fields(key: str, node: Any, meanings: _Meanings, form: str) -> Iterator[Mistake]:
    """Fields, and in JSON what they hold."""
    if isinstance(node, str):
        if found := mistake(node, meanings, place=form):
            yield key, found
    elif isinstance(node, Mapping):
        for name, value in node.items():
            if form == "form" and isinstance(value, Mapping | list):
                yield f"{key}.{name}", "a field of a form holds one value"
            else:
                yield from _fields(f"{key}.{name}", value, meanings, form)
    elif isinstance(node, list):
        for place, value in enumerate(node):
            yield from _fields(f"{key}.{place}", value, meanings, form)


def _auth(settings: Settings) -> Iterator[Mistake]:
    kind, name = settings.auth.kind, settings.auth.name
    if kind == "header" and not HEADER.fullmatch(name):
        yield "auth.name", "name the header that holds `token`"
    if kind == "query" and not name:
        yield "auth.name", "name the parameter that holds `api_key`"
    needed = {"basic": ("username", "password"), "bearer": ("token",), "header": ("token",), "query": ("api_key",)}
    needed["oauth2"] = ("token_url", "client_id", "client_secret")
    for setting in needed.get(kind, ()):
        if not getattr(settings, setting):
            yield setting, f"auth of the kind {kind} needs it"
    if kind != "oauth2" and settings.client_id:
        yield "client_id", 'is of use with auth.kind = "oauth2" alone'
    in_header = {"bearer": "token", "header": "token"}.get(kind)
    if in_header and not _HEADER_VALUE.fullmatch(getattr(settings, in_header) or ""):
        yield in_header, "what stands in a header is one line of ASCII"
