"""How many parts a template's texts take: at least, with the examples, and at most.

The worst case is computed, not guessed. Parts are filled from the front, so of two ways to fill a beginning the one
that has used more of the parts never ends better: only that one is followed. What characters of several units waste
at the ends of parts is counted with it.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

import msgspec

from heliograph.core import gsm
from heliograph.core.segments import GSM7, UCS2, Forcing, measure, split
from heliograph.core.templates.template import Place, Template
from heliograph.core.templates.text import Placeholder, Text
from heliograph.core.templates.variables import CLUSTER_MAX, MONEY, NUMBER, Variable, clusters

_FOREIGN_LETTER: Final = "ł"
_SINGLE: Final = {GSM7: 160, UCS2: 70}
_EACH: Final = {GSM7: 153, UCS2: 67}


class Limit(msgspec.Struct, frozen=True):
    """What makes a text longer: a value of a variable that is longer than this, or that brings other characters."""

    variable: str
    longest: int | None  # None: any value with a character that GSM-7 lacks
    segments: int  # from there on
    says: str


class Sizes(msgspec.Struct, frozen=True):
    """The parts that one text of a template takes."""

    locale: str
    country: str
    minimal: int
    typical: int
    maximal: int
    encoding: str  # with the examples
    worst_encoding: str
    forced_by_template: list[Forcing]  # characters that the text itself has and GSM-7 lacks
    forced_by_variables: list[str]  # variables whose values may bring some
    limits: list[Limit]


def sizes(template: Template, place: Place) -> Sizes:
    """What a text takes, with the shortest values, with the examples, and in the worst case."""
    text, variables = template.texts[place], template.spec.variables
    used = {name: variables[name] for name in sorted(text.variables)}
    shortest = {name: variable.shortest for name, variable in used.items()}
    typical, least = measure(text.render(template.examples)), _least(text, shortest)
    fixed = "".join(_fixed(text))
    open_to_foreign = [name for name, variable in used.items() if variable.may_be_foreign]
    worst = UCS2 if open_to_foreign or gsm.FOREIGN.search(fixed) else GSM7
    return Sizes(
        place.locale,
        place.country,
        least,
        typical[1],
        worst_case(text, used, worst),
        typical[0],
        worst,
        list(split(template.source(place)).forced_by),
        open_to_foreign,
        [limit for name in used for limit in _limits(template, text, name, typical)],
    )


def _least(text: Text, shortest: dict[str, str]) -> int:
    """With nothing where a fallback may stand, or the shortest values: whichever takes less."""
    optional = {
        name
        for name in text.variables
        if all(p.fallback is not None for p in text.parts if isinstance(p, Placeholder) and p.name == name)
    }
    without = {name: value for name, value in shortest.items() if name not in optional}
    return min(measure(text.render(shortest))[1], measure(text.render(without))[1])


def _fixed(text: Text) -> Iterator[str]:
    """What the template itself brings, fallbacks too."""
    for part in text.parts:
        if isinstance(part, str):
            yield part
        elif part.fallback:
            yield part.fallback


# -- the worst case


class _Extent(NamedTuple):
    """What a placeholder may put in: so many units, in characters of up to so many units each."""

    units: int
    character: int


class _State(NamedTuple):
    """How far the parts are filled; of two states the greater one is never better."""

    segments: int
    fill: int


def worst_case(text: Text, variables: dict[str, Variable], encoding: str) -> int:
    """The most parts that the text takes with values that its variables allow."""
    total, state, room = 0, _State(1, 0), _EACH[encoding]
    for part in text.parts:
        if isinstance(part, str):
            total, state = total + _cost(part, encoding), _literal(state, part, encoding, room)
            continue
        extent = _extent(part, variables[part.name], encoding)
        filled = _filled(state, extent, room)
        if part.fallback:
            filled = max(filled, _literal(state, part.fallback, encoding, room))
        total += max(extent.units, _cost(part.fallback or "", encoding))
        state = filled
    return 1 if total <= _SINGLE[encoding] else state.segments


def _extent(placeholder: Placeholder, variable: Variable, encoding: str) -> _Extent:
    double = 2 if encoding == GSM7 and variable.type in ("text", "url") else 1
    character = CLUSTER_MAX if encoding == UCS2 and variable.may_be_foreign else double
    length = variable.longest
    for name, argument in placeholder.filters:
        if name == "truncate":
            length = min(length, argument * (2 if character > 1 else 1))
        elif name == "number" and variable.type in (NUMBER, MONEY):
            length += (length - 1) // 3
        elif name == "date":
            length = len(placeholder.filtered(variable.example))
    return _Extent(length, min(character, length))


def _cost(text: str, encoding: str) -> int:
    return gsm.DEFAULT.cost(text) if encoding == GSM7 else len(text.encode("utf-16-le")) // 2


def _step(state: _State, units: int, room: int) -> _State:
    """One more character. What is longer than a part is cut wherever the part ends."""
    segments, fill = state
    if fill + units <= room:
        return _State(segments, fill + units)
    return _State(segments + 1, min(units, room))


def _literal(state: _State, text: str, encoding: str, room: int) -> _State:
    for character in clusters(text) if encoding == UCS2 else text:
        state = _step(state, _cost(character, encoding), room)
    return state


def _filled(state: _State, extent: _Extent, room: int) -> _State:
    """The greatest state that the worst value leads to. To begin a part takes one unit more than there was room for,
    however long the character is that does it: the longest is the worst, for most of it stands in the new part."""
    (segments, fill), left = state, extent.units
    while left > room - fill:
        used = room - fill + 1
        segments, fill, left = segments + 1, min(extent.character, used), left - used
    return _State(segments, fill + left)


# -- what makes it longer


def _limits(template: Template, text: Text, name: str, typical: tuple[str, int]) -> Iterator[Limit]:
    """The first length that takes a part more than the example, and whether a foreign character does."""
    variable = template.spec.variables[name]
    encoding, segments = typical
    if variable.type in ("text", "code"):
        longest, more = _longest(template, text, name, variable.longest, segments)
        if more:
            yield Limit(name, longest, more, f"a {name} longer than {longest} characters makes it {_parts(more)}")
    if variable.may_be_foreign and encoding == GSM7:
        more = _measured(template, text, name, _FOREIGN_LETTER + template.examples[name][1:])
        if more > segments:
            says = f"a {name} with a character that GSM-7 lacks, such as {_FOREIGN_LETTER}, makes it {_parts(more)}"
            yield Limit(name, None, more, says)


def _parts(number: int) -> str:
    return "one part" if number == 1 else "two parts" if number == 2 else f"{number} parts"


def _longest(template: Template, text: Text, name: str, most: int, segments: int) -> tuple[int, int]:
    """The greatest length that takes no more parts than the example; and the parts beyond it, or 0."""
    low, high = 0, most
    if _measured(template, text, name, "a" * most) <= segments:
        return most, 0
    while high - low > 1:
        middle = (low + high) // 2
        if _measured(template, text, name, "a" * middle) <= segments:
            low = middle
        else:
            high = middle
    return low, _measured(template, text, name, "a" * high)


def _measured(template: Template, text: Text, name: str, value: str) -> int:
    return measure(text.render({**template.examples, name: value}))[1]
