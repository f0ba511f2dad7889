"""A text with placeholders, read once and rendered often.

    Hello {{name|there}}, your order {{order|upper}} of {{day|date}} is on its way.

Between the braces stand a variable's name, then filters, then what is said when there is no value; all parted by `|`.
A fallback that reads like a filter stands in double quotes. There is nothing else: no loops, no conditions, no reaching
into objects. A value is put in as it is and never read again, so what a customer types can't become a placeholder.
Reading and rendering take time in proportion to what they are given, and that has bounds.
"""

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from heliograph.core.templates.filters import NAMES, Filter, filter_of

SOURCE_MAX: Final = 10_000  # characters; more than any message holds
PLACEHOLDERS_MAX: Final = 100
VALUE_MAX: Final = 10_000

_name: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,49}").fullmatch
_like_a_filter: Final = re.compile(r"\s*([a-z]+)\s*(?::\s*([^|]*?))?\s*").fullmatch


class BadTemplate(ValueError):
    """A text that is no template: what is wrong, and at which character."""

    def __init__(self, detail: str, position: int) -> None:
        super().__init__(detail)
        self.detail = detail
        self.position = position


class MissingVariable(ValueError):
    """No value for a variable, and no fallback either."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no value for {name}")
        self.name = name


class BadValue(ValueError):
    """A value that a filter can't read; `detail` says what would be right."""

    def __init__(self, name: str, detail: str) -> None:
        super().__init__(f"{name} {detail}")
        self.name = name
        self.detail = detail


class Placeholder(msgspec.Struct, frozen=True):
    """Where a value comes in."""

    name: str
    filters: tuple[tuple[str, int], ...] = ()  # name, length; for whoever computes sizes
    apply: tuple[Filter, ...] = ()
    fallback: str | None = None

    def render(self, values: Mapping[str, str]) -> str:
        value = values.get(self.name)
        if not value and self.fallback is not None:
            return self.fallback
        if value is None:
            raise MissingVariable(self.name)
        if len(value) > VALUE_MAX:
            raise BadValue(self.name, f"must have at most {VALUE_MAX} characters")
        try:
            for step in self.apply:
                value = step(value)
        except ValueError as error:
            raise BadValue(self.name, str(error)) from None
        return value


class Text(msgspec.Struct, frozen=True):
    """A text that was read: what stands in it as it is, and placeholders, in their order."""

    parts: tuple[str | Placeholder, ...]
    variables: frozenset[str]

    def render(self, values: Mapping[str, str]) -> str:
        """The text with its values. Raises MissingVariable, BadValue."""
        return "".join([part if type(part) is str else part.render(values) for part in self.parts])  # type: ignore[union-attr]


def compile_text(source: str, locale: str = "") -> Text:
    """Read a text; `locale` is whose numbers and dates it writes. Raises BadTemplate."""
    if len(source) > SOURCE_MAX:
        raise BadTemplate(f"a text has at most {SOURCE_MAX} characters", SOURCE_MAX)
    parts: list[str | Placeholder] = []
    start = count = 0
    while (opening := source.find("{{", start)) >= 0:
        closing = source.find("}}", opening + 2)
        if closing < 0:
            raise BadTemplate("a placeholder that opens with {{ must close with }}", opening)
        if count == PLACEHOLDERS_MAX:
            raise BadTemplate(f"a text has at most {PLACEHOLDERS_MAX} placeholders", opening)
        parts += [_literal(source, start, opening), _placeholder(source, opening + 2, closing, locale)]
        start, count = closing + 2, count + 1
    parts.append(_literal(source, start, len(source)))
    kept = tuple(part for part in parts if part != "")
    return Text(kept, frozenset(part.name for part in kept if isinstance(part, Placeholder)))


def _literal(source: str, start: int, end: int) -> str:
    stray = source.find("}}", start, end)
    if stray >= 0:
        raise BadTemplate("}} closes nothing here; a placeholder is written {{name}}", stray)
    return source[start:end]


def _placeholder(source: str, start: int, end: int, locale: str) -> Placeholder:
    inside = source[start:end]
    if "{" in inside or "}" in inside:
        raise BadTemplate("braces can't stand inside a placeholder", start)
    written, *steps = inside.split("|")
    name = written.strip()
    if not _name(name):
        detail = f"{name[:40]!r} is not the name of a variable: a letter, then letters, digits and underscores"
        raise BadTemplate(detail, start)
    filters: list[tuple[str, int]] = []
    applied: list[Filter] = []
    fallback: str | None = None
    position = start + len(written) + 1
    for step in steps:
        if fallback is not None:
            raise BadTemplate("a fallback is the last thing in a placeholder", position)
        found = _like_a_filter(step)
        try:
            if found and found[1] in NAMES:
                applied.append(filter_of(found[1], found[2], locale))
                filters.append((found[1], int(found[2] or 0)))
            elif found and found[2] is not None:
                raise ValueError(
                    f'there is no filter {found[1]!r}; as a fallback, write it in quotes: "{step.strip()}"'
                )
            else:
                fallback = _unquoted(step)
        except ValueError as error:
            raise BadTemplate(str(error), position) from None
        position += len(step) + 1
    return Placeholder(name, tuple(filters), tuple(applied), fallback)


def _unquoted(step: str) -> str:
    """A fallback as it is said: quotes around it are not."""
    written = step.strip()
    return written[1:-1] if len(written) >= 2 and written[0] == written[-1] == '"' else written
