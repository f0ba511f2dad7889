"""Writes a document of declared objects as TOML: a table for each object, what is deeper in it on one line."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}
_CONTROL: Final = re.compile(r'["\\\x00-\x1f\x7f]')


def text_of(document: Mapping[str, Any]) -> str:
    """The whole file. What is null is left out: TOML has no word for it."""
    return "\n".join(_tables(document))


def _tables(document: Mapping[str, Any]) -> Iterator[str]:
    for section, objects in document.items():
        is_list = isinstance(objects, list)
        for name, spec in [("", one) for one in objects] if is_list else objects.items():
            head = f"[[{_key(section)}]]" if is_list else f"[{_key(section)}.{_key(name)}]"
            lines = [f"{_key(key)} = {_value(value)}" for key, value in spec.items() if value is not None]
            yield "\n".join([head, *lines, ""])


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _string(name)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(key)} = {_value(one)}" for key, one in value.items() if one is not None)
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(one) for one in value if one is not None)}]"
    return repr(value)  # int and float: as TOML writes them, inf and nan too


def _string(text: str) -> str:
    return '"' + _CONTROL.sub(lambda found: _ESCAPES.get(found[0]) or f"\\u{ord(found[0]):04X}", text) + '"'
