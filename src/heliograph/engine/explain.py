"""Says in words what msgspec found wrong with a value: where, what is there, and what would be right."""

import re
from collections.abc import Iterator, Sequence
from typing import Final, get_args, get_type_hints

import msgspec

from heliograph.core.failures import Refusal
from heliograph.engine.suggest import did_you_mean

_WORDS: Final = {
    "str": "a string",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
_EXPECTED: Final = re.compile(r"Expected `([^`]*)`(?:, got `([^`]*)`)?(.*)", re.DOTALL)
_PATH: Final = re.compile(r" - at (?:`key` in )?`(?:key in )?(\$[^`]*)`$")
_STEPS: Final = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")


def explained(error: str, cls: type) -> Refusal:
    """msgspec's one error, as a pointer and a sentence."""
    found = _PATH.search(error)
    text = error[: found.start()] if found else error
    steps = [name or index for name, index in _STEPS.findall(found[1])] if found else []
    pointer = "".join(f"/{escaped(step)}" for step in steps if step != "...")
    name = _escaped_name(steps)
    if text.startswith("Object missing required field"):
        field = text.split("`")[1]
        return Refusal("missing_field", f"{field} is missing", f"{pointer}/{escaped(field)}")
    if text.startswith("Object contains unknown field"):
        field = text.split("`")[1]
        hint = did_you_mean(field, _fields(cls, steps))
        return Refusal("unknown_field", f"there is no field {field[:60]!r} here.{hint}", f"{pointer}/{escaped(field)}")
    if expected := _EXPECTED.fullmatch(text):
        wanted, got, rest = expected.groups()
        if got:
            detail = f"{name} must be {_in_words(wanted)}, not {_in_words(got)}"
            return Refusal("wrong_type", detail, pointer)
        return Refusal("bad_value", f"{name} must be {_in_words(wanted)}{rest}", pointer)
    return Refusal("bad_value", f"{name}: {text}", pointer)


def _in_words(types: str) -> str:
    words = [_WORDS.get(one, f"`{one}`") for one in types.split(" | ")]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _escaped_name(steps: Sequence[str]) -> str:
    """How a sentence names the place."""
    if not steps:
        return "the body"
    names = [step for step in steps if not step.isdigit() and step != "..."]
    inside = "each entry of " if steps[-1] == "..." or steps[-1].isdigit() else ""
    return inside + (names[-1] if names else "the list")


def escaped(step: str) -> str:
    """A step of a JSON pointer (RFC 6901, section 3)."""
    return step.replace("~", "~0").replace("/", "~1")


def _fields(cls: object, steps: Sequence[str]) -> list[str]:
    """The names of the fields that may stand at the place where these steps lead."""
    for step in steps:
        structs = list(_structs(cls))
        if step.isdigit() or step == "...":
            cls = get_args(cls) or cls
        elif structs:
            fields = {f.encode_name: f.name for f in msgspec.structs.fields(structs[0])}
            cls = get_type_hints(structs[0]).get(fields.get(step, ""), object)
    return [f.encode_name for struct in _structs(cls) for f in msgspec.structs.fields(struct)]


def _structs(annotation: object) -> Iterator[type[msgspec.Struct]]:
    """The structs inside a type: itself, or those that a union, list or dict is made of."""
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        yield annotation
        return
    for part in annotation if isinstance(annotation, tuple) else get_args(annotation):
        yield from _structs(part)
