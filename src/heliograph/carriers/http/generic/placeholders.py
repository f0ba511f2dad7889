"""Placeholders: what {to} and its like stand for, and how each is escaped for where it stands. Templates are compiled
once; filling one is a join."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias
from urllib.parse import quote

import msgspec

from heliograph.carriers.http.provider import Text
from heliograph.core.numbers.plans import calling_code

Value: TypeAlias = str | int | bytes | None  # None: absent
Get: TypeAlias = Callable[[Text], Value]
Escape: TypeAlias = Callable[[Value], str]

OCTETS: Final = "text_octets_utf16"
_NAME: Final = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_QUOTE: Final = re.compile(r'\\.|(")', re.DOTALL)
# Line ends and tabs by number, or an attribute would lose them; what XML has no way to say is left out.
_XML: Final = str.maketrans(
    {
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        '"': "&quot;",
        "'": "&apos;",
        "\t": "&#9;",
        "\n": "&#10;",
        "\r": "&#13;",
        "\f": " ",
        "\ufffe": None,
        "\uffff": None,
    }
)


def _national(text: Text) -> str:
    """Without the calling code, and without the nought that is dialled in its place."""
    code = calling_code(text.digits) if text.digits else None
    return text.digits.removeprefix(str(code)) if code is not None else text.digits


OF_TEXT: Final[dict[str, Get]] = {
    "to": lambda text: text.to,
    "to_digits": lambda text: text.digits,
    "to_national": _national,
    "sender": lambda text: text.sender,
    "text": lambda text: text.text,
    "text_hex_utf16": lambda text: text.text.encode("utf-16-be").hex().upper(),
    OCTETS: lambda text: text.text.encode("utf-16-be"),
    "encoding": lambda text: text.encoding,
    "segments": lambda text: text.segments,
    "ref": lambda text: text.ref,
    "number": lambda text: text.number,
    "status_url": lambda text: text.status_url,
    "valid_for_s": lambda text: text.valid_for_s,
    "valid_for_minutes": lambda text: max(1, text.valid_for_s // 60),  # down: nothing is sent after its time
    "kind": lambda text: text.kind,
}
CREDENTIALS: Final = ("username", "password", "token", "api_key")
_FREE: Final = ("text", "sender", OCTETS)  # may hold anything


def known(settings: Any) -> dict[str, Get]:
    """All placeholders that have a meaning with these settings."""
    given = {name: getattr(settings, name) for name in CREDENTIALS}
    return OF_TEXT | {name: constant(value) for name, value in given.items() if value is not None}


def names(template: str) -> list[str]:
    return [found[1] for found in _NAME.finditer(template)]


def mistake(template: str, meanings: Mapping[str, Get], *, place: str) -> str | None:
    """Why a template can't be filled where it stands: in a field of a form or of JSON, in a URL, a header, or a body
    of its own."""
    found = names(template)
    for name in found:
        if name in CREDENTIALS and name not in meanings:
            return f"{{{name}}} stands for the setting {name}, which is not given"
        if name not in meanings:
            return f"{{{name}}} is no placeholder; there are {', '.join(f'{{{one}}}' for one in meanings)}"
        if name in _FREE and place == "header":
            return f"{{{name}}} may hold what a header can't"
    if OCTETS in found:
        if place not in ("form", "url"):
            return f"{{{OCTETS}}} can only stand in a URL, a query or a form"
        if template != f"{{{OCTETS}}}" and place == "form":
            return f"{{{OCTETS}}} stands alone in its field"
    return None


def value_of(template: str, meanings: Mapping[str, Get]) -> Get:
    """The value of a field. A lone placeholder keeps its type; with one that is absent, the whole is."""
    pieces = [constant(literal) if name is None else meanings[name] for literal, name in _pieces(template)]
    if len(pieces) == 1:
        return pieces[0]

    def filled(text: Text) -> Value:
        values = [piece(text) for piece in pieces]
        return None if None in values else "".join(map(str, values))

    return filled


def written(template: str, meanings: Mapping[str, Get], escape: Escape | None) -> Callable[[Text], str]:
    """A template as it is written, its values escaped; without an escape it is JSON, where quotes decide."""
    pieces: list[tuple[str, Get | None, Escape]] = []
    is_quoted = False
    for literal, name in _pieces(template):
        is_quoted ^= sum(found[1] is not None for found in _QUOTE.finditer(literal)) % 2 == 1
        json_escape = in_json_string if is_quoted else in_json
        pieces.append((literal, meanings[name] if name is not None else None, escape or json_escape))

    def filled(text: Text) -> str:
        return "".join(literal if get is None else escaped(get(text)) for literal, get, escaped in pieces)

    return filled


def _pieces(template: str) -> Iterator[tuple[str, str | None]]:
    """Literals, and names of placeholders; at least one of them."""
    end = 0
    for found in _NAME.finditer(template):
        if found.start() > end:
            yield template[end : found.start()], None
        yield "", found[1]
        end = found.end()
    if end < len(template) or not template:
        yield template[end:], None


def constant(value: Value) -> Get:
    return lambda text: value


def shown(value: object) -> str:
    """A value of the settings where only words can stand."""
    return str(value).lower() if isinstance(value, bool) else str(value)


# -- escapes


def plain(value: Value) -> str:
    return "" if value is None else str(value)


def in_json(value: Value) -> str:
    return msgspec.json.encode(value).decode()


def in_json_string(value: Value) -> str:
    return in_json(plain(value))[1:-1]


def in_url(value: Value) -> str:
    return quote(value if isinstance(value, bytes) else plain(value), safe="")


def in_xml(value: Value) -> str:
    return plain(value).translate(_XML)


ESCAPES: Final[dict[str, Escape | None]] = {"json": None, "form": in_url, "xml": in_xml, "text": plain}
