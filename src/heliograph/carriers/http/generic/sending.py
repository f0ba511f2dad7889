"""A text as the declared request."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

import msgspec

from heliograph.carriers.http.generic.placeholders import (
    ESCAPES,
    Get,
    constant,
    in_url,
    known,
    plain,
    shown,
    value_of,
    written,
)
from heliograph.carriers.http.generic.settings import Request, Settings
from heliograph.carriers.http.proof import basic
from heliograph.carriers.http.provider import Call, Text

MEDIA_TYPES: Final = {
    "json": "application/json",
    "form": "application/x-www-form-urlencoded",
    "text": "text/plain; charset=utf-8",
    "xml": "text/xml; charset=utf-8",
}
_Pairs = Sequence[tuple[str, Get]]


class _Shape(NamedTuple):
    """What may differ between texts in GSM-7 and in UCS-2."""

    query: _Pairs
    body: Callable[[Text], bytes]


class Sending:
    """The request, compiled."""

    def __init__(self, settings: Settings, base: str) -> None:
        request, self._known = settings.request, known(settings)
        self._method = request.method
        self._url = written(base + request.url, self._known, in_url)
        self._headers = self._headers_of(settings)
        self._auth_query = [(settings.auth.name, settings.api_key or "")] if settings.auth.kind == "query" else []
        fields, template = request.body.fields, request.body.template
        self._gsm7 = _Shape(self._pairs(request.query), self._body(request, fields, template))
        ucs2 = request.ucs2
        self._ucs2 = _Shape(
            self._pairs(request.query if ucs2.query is None else ucs2.query),
            self._body(request, fields if ucs2.fields is None else ucs2.fields, ucs2.template or template),
        )

    def call(self, text: Text) -> Call:
        shape = self._ucs2 if text.encoding == "ucs2" else self._gsm7
        url = self._url(text)
        if query := [*_filled(shape.query, text), *self._auth_query]:
            url += ("&" if "?" in url else "?") + urlencode(query)
        headers = {name: plain(value) for name, value in _filled(self._headers, text)}
        return Call(self._method, url, headers, shape.body(text))

    def _headers_of(self, settings: Settings) -> _Pairs:
        request, auth = settings.request, settings.auth
        headers = {name: value_of(value, self._known) for name, value in request.headers.items()}
        if request.body.format != "none" and "content-type" not in map(str.lower, headers):
            headers["Content-Type"] = constant(MEDIA_TYPES[request.body.format])
        if auth.kind == "basic":
            headers["Authorization"] = constant(basic(settings.username or "", settings.password or ""))
        elif auth.kind == "bearer":
            headers["Authorization"] = constant(f"Bearer {settings.token}")
        elif auth.kind == "header":
            headers[auth.name] = constant(settings.token)
        return list(headers.items())

    def _pairs(self, fields: Mapping[str, Any]) -> _Pairs:
        return [(name, value_of(shown(value), self._known)) for name, value in fields.items()]

    def _body(self, request: Request, fields: Mapping[str, Any], template: str | None) -> Callable[[Text], bytes]:
        form = request.body.format
        if form == "none":
            return lambda text: b""
        if template is not None:
            fill = written(template, self._known, ESCAPES[form])
            return lambda text: fill(text).encode()
        if form == "form":
            pairs = self._pairs(fields)
            return lambda text: urlencode(_filled(pairs, text)).encode()
        document = _json(fields, self._known)
        return lambda text: msgspec.json.encode(document(text))


def _filled(pairs: _Pairs, text: Text) -> list[tuple[str, str | int | bytes]]:
    """The fields that are not absent."""
    return [(name, value) for name, get in pairs if (value := get(text)) is not None]


def _json(node: Any, meanings: Mapping[str, Get]) -> Callable[[Text], Any]:
    """A JSON document with placeholders in its strings; what is absent is left out."""
    if isinstance(node, str):
        return value_of(node, meanings)
    if isinstance(node, Mapping):
        members = [(name, _json(one, meanings)) for name, one in node.items()]
        return lambda text: {name: value for name, make in members if (value := make(text)) is not None}
    if isinstance(node, list):
        items = [_json(one, meanings) for one in node]
        return lambda text: [value for make in items if (value := make(text)) is not None]
    return lambda text: node
