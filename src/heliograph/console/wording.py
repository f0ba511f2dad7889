"""A template's texts as pages show them: parts as they go over the air, cost, sizes; and how two versions differ."""

from collections.abc import Iterator
from difflib import SequenceMatcher
from itertools import pairwise
from typing import Any, Final, NamedTuple

import msgspec

from heliograph.console.drawn import Part, parts_of
from heliograph.core.templates import Place, Template
from heliograph.engine.declared import Realm
from heliograph.engine.templates import look
from heliograph.engine.templates.look import TextPreview
from heliograph.engine.templates.versions import Version

_WORDS_AT_MOST: Final = 4_000


class Drawn(NamedTuple):
    """A text, ready to be looked at."""

    preview: TextPreview
    parts: list[Part]


class Stretch(NamedTuple):
    """Words that are the same in both versions, or were taken out, or put in."""

    what: str  # same | out | in
    text: str


class Changed(NamedTuple):
    """A text or a setting that differs."""

    name: str
    stretches: list[Stretch]


def drawn(template: Template, realm: Realm, country: str) -> list[Drawn]:
    """All texts with the examples; what they cost in a country that has no text of its own."""
    found = []
    for place in sorted(template.texts):
        used = template.texts[place].variables
        values = {name: value for name, value in template.examples.items() if name in used}
        shown = look.preview(template, place, values, realm, place.country or country, None)
        if isinstance(shown, TextPreview):
            found.append(Drawn(shown, parts_of(shown.parts)))
    return found


def changes(before: Version | None, after: Version) -> list[Changed]:
    """What a version has that the one before had not, and the other way round."""
    if before is None:
        return []
    old, new = _said(before.template), _said(after.template)
    names = [*new, *(name for name in old if name not in new)]
    return [
        Changed(name, list(_differ(old.get(name, ""), new.get(name, ""))))
        for name in names
        if old.get(name, "") != new.get(name, "")
    ]


def _said(template: Template) -> dict[str, str]:
    """Everything that a version says, by a name that people know it by."""
    texts = {f"Text {place_name(place)}": template.source(place) for place in sorted(template.texts)}
    rest: dict[str, Any] = msgspec.to_builtins(template.spec)
    variables: dict[str, dict[str, Any]] = rest.pop("variables", {})
    more = {f"Variable {name}": _flat(one) for name, one in variables.items()}
    facts = {name.replace("_", " ").capitalize(): str(value) for name, value in rest.items() if name not in _TEXTS}
    return {**texts, **more, **facts}


_TEXTS: Final = ("texts", "countries")


def place_name(place: Place) -> str:
    return f"{place.locale} in {place.country}" if place.country else place.locale


def _flat(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def _differ(before: str, after: str) -> Iterator[Stretch]:
    """By words; a text that is too long for that differs as a whole."""
    old, new = _words(before), _words(after)
    if len(old) * len(new) > _WORDS_AT_MOST**2:
        old, new = [before], [after]
    for what, begin, end, there, upto in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if what == "equal":
            yield Stretch("same", "".join(old[begin:end]))
            continue
        if begin < end:
            yield Stretch("out", "".join(old[begin:end]))
        if there < upto:
            yield Stretch("in", "".join(new[there:upto]))


def _words(text: str) -> list[str]:
    """Cut where blanks begin and end."""
    cuts = [0, *(at for at in range(1, len(text)) if text[at].isspace() != text[at - 1].isspace()), len(text)]
    return [text[start:end] for start, end in pairwise(cuts) if start < end]
