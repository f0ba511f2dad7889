"""Declared objects as people read and write them: TOML without secrets, what is different line by line, and the way
back from such a text to a document.
"""

import tomllib
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any, Final, NamedTuple

import msgspec

from heliograph.console.visit import Visit, refuse
from heliograph.core.toml_text import text_of
from heliograph.engine.declare import SECTIONS, Change, read
from heliograph.engine.form import SECRET_KEYS

HIDDEN: Final = "…"
SECTION_OF: Final = {kind: section for section, kind in SECTIONS.items()}
_MADE_BY_US: Final = ("secrets",)  # of endpoints: kept when they are left out


class Line(NamedTuple):
    """A line of a difference. `sign`: + - or a blank."""

    sign: str
    text: str


class Difference(NamedTuple):
    """What would become of one object, or became of it."""

    kind: str
    name: str
    action: str
    lines: list[Line]


def source(kind: str, name: str, spec: Mapping[str, Any] | None) -> str:
    """An object as a file declares it, in the order of the alphabet, its secrets struck out. Nothing: none."""
    if spec is None:
        return ""
    shown = {
        key: HIDDEN if key in SECRET_KEYS else value for key, value in sorted(spec.items()) if key not in _MADE_BY_US
    }
    if kind == "endpoint":
        shown.pop("secret", None)
    section = SECTION_OF[kind]
    return text_of({section: [{"name": name, **shown}] if kind == "route" else {name: shown}})


def difference(
    kind: str, name: str, action: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> Difference:
    old, new = source(kind, name, before).splitlines(), source(kind, name, after).splitlines()
    lines: list[Line] = []
    for what, first, last, start, end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if what == "equal":
            lines += [Line(" ", text) for text in old[first:last]]
        else:
            lines += [Line("-", text) for text in old[first:last]] + [Line("+", text) for text in new[start:end]]
    if before is not None and after is not None and all(line.sign == " " for line in lines):
        lines.append(Line("+", "# a secret is another one, or its place in the order"))
    return Difference(kind, name, action, lines)


async def present(visit: Visit) -> dict[tuple[str, str], dict[str, Any]]:
    """All that the workspace declares: (kind, name) → spec, in its order."""
    rows = await visit.means.ledger.fetch(
        "SELECT kind, name, spec FROM declared WHERE workspace = $1 ORDER BY position, id", visit.client.workspace
    )
    return {(kind, name): msgspec.json.decode(spec) for kind, name, spec in rows}


def document(text: str, there: Mapping[tuple[str, str], Mapping[str, Any]]) -> dict[str, Any]:
    """What a text declares; a secret that is struck out in it stays as it is. Raises `Refused`."""
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise refuse("bad_toml", f"This is not TOML: {error}.", "text") from None
    for section, objects in found.items():
        if section not in SECTIONS:
            continue
        entries = objects if isinstance(objects, list) else objects.values() if isinstance(objects, dict) else []
        names = [] if isinstance(objects, list) else list(objects)
        for place, entry in enumerate(entries):
            if isinstance(entry, dict):
                name = names[place] if names else str(entry.get("name", place))
                _restore(entry, SECTIONS[section], name, there.get((SECTIONS[section], name), {}))
    return found


def _restore(entry: dict[str, Any], kind: str, name: str, before: Mapping[str, Any]) -> None:
    for key in SECRET_KEYS:
        if entry.get(key) != HIDDEN:
            continue
        if key not in before:
            raise refuse("missing_field", f"{kind} {name}: {key} is struck out, and none is kept. Give one.", "text")
        entry[key] = before[key]


def differences(
    visit: Visit,
    asked: Mapping[str, Any],
    there: Mapping[tuple[str, str], Mapping[str, Any]],
    changes: Sequence[Change],
) -> list[Difference]:
    """What these changes of a document come to, line by line; what stays as it is left out."""
    specs = {(one.kind, one.name): one.spec for one in read(asked, visit.client.workspace_name)}
    return [
        difference(
            change.kind,
            change.name,
            change.action,
            there.get((change.kind, change.name)),
            specs.get((change.kind, change.name)),
        )
        for change in changes
        if change.action != "unchanged"
    ]
