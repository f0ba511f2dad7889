"""Puts the settings together from file, variables and flags, and says of each wrong one where it stands."""

import difflib
import types
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar, get_args, get_origin

import msgspec

from heliograph.settings.document import BadSettings, Document, Problem, parse
from heliograph.settings.tree import DECLARED, SECTIONS, Settings, meta_of

_T = TypeVar("_T", bound=msgspec.Struct)
_PREFIX: Final = "HELIOGRAPH_"


class _Given(msgspec.Struct):
    """A value with the place that it comes from. `is_text`: it still is to be read as its type."""

    value: Any
    where: str
    is_text: bool


def read(path: Path) -> Document:
    """Read a file of settings, declared objects, or both; `BadSettings` when it holds what nobody knows."""
    document = parse(path)
    if problems := list(_misplaced(document)):
        raise BadSettings(problems)
    return document


def _misplaced(document: Document) -> Iterable[Problem]:
    for name, value in document.content.items():
        if name in SECTIONS:
            right, fits = f"a table: [{name}]", isinstance(value, dict)
        elif name == "routes":
            right, fits = "tables: [[routes]]", isinstance(value, list) and _are_tables(value)
        elif name in DECLARED:
            right, fits = f"tables: [{name}.NAME]", isinstance(value, dict) and _are_tables(value.values())
        else:
            yield Problem(document.place(name), name, _unknown(name, [*SECTIONS, *DECLARED]))
            continue
        if not fits:
            yield Problem(document.place(name), name, f"expected {right}")


def _are_tables(values: Iterable[object]) -> bool:
    return all(isinstance(value, dict) for value in values)


def load(
    path: Path | None, environ: Mapping[str, str], data_dir: Path | None, flags: Mapping[str, str] | None = None
) -> Settings:
    """The settings in force. `flags` holds what the command line says: {"server.listen": …}."""
    path = path or (Path(environ[f"{_PREFIX}CONFIG"]) if environ.get(f"{_PREFIX}CONFIG") else None)
    document = read(path) if path else Document()
    given = {name: _from_document(document, name) for name in SECTIONS}
    problems: list[Problem] = []
    _from_variables(environ, given, problems)
    for key, text in (flags or {}).items():
        section, _, field = key.partition(".")
        given[section][field] = _Given(text, f"--{field}", True)
    sections = {name: _section(name, cls, given[name], problems) for name, cls in SECTIONS.items()}
    server = given["server"]
    if ("tls_cert" in server) != ("tls_key" in server):
        alone, missing = ("tls_cert", "tls_key") if "tls_cert" in server else ("tls_key", "tls_cert")
        problems.append(Problem(server[alone].where, f"server.{alone}", f"needs {missing} beside it"))
    if problems:
        raise BadSettings(problems)
    folder = data_dir or Path(environ.get(f"{_PREFIX}DATA_DIR") or "data")
    return msgspec.convert({"data_dir": folder, "document": document, **sections}, Settings, from_attributes=True)


def _from_document(document: Document, section: str) -> dict[str, _Given]:
    values = document.content.get(section, {})
    return {key: _Given(value, document.place(section, key), False) for key, value in values.items()}


def _from_variables(
    environ: Mapping[str, str], given: Mapping[str, dict[str, _Given]], problems: list[Problem]
) -> None:
    by_variable = {
        f"{_PREFIX}{section}_{field}".upper(): (section, field)
        for section, cls in SECTIONS.items()
        for field in cls.__struct_fields__
    }
    ours = tuple(f"{_PREFIX}{section}_".upper() for section in SECTIONS)
    for name, text in environ.items():
        if name in by_variable:
            section, field = by_variable[name]
            given[section][field] = _Given(text, name, True)
        elif name.startswith(ours):  # others with our prefix belong to the command line or to somebody's scripts
            problems.append(Problem(name, "", _unknown(name, by_variable, "variable")))


def _section(name: str, cls: type[_T], given: Mapping[str, _Given], problems: list[Problem]) -> _T:
    fields = {field.name: field for field in msgspec.structs.fields(cls)}
    values = {}
    for key, entry in given.items():
        if key not in fields:
            problems.append(Problem(entry.where, f"{name}.{key}", _unknown(key, fields)))
            continue
        value, wrong = _value(entry, fields[key].type)
        if wrong:
            problems.append(Problem(entry.where, f"{name}.{key}", wrong))
        else:
            values[key] = value
    return cls(**values)


def _value(given: _Given, annotated: Any) -> tuple[Any, str | None]:
    """The value as its type wants it, or what is wrong."""
    meta = meta_of(annotated)
    content = _from_text(given.value, annotated) if given.is_text else given.value
    try:
        value = msgspec.convert(content, annotated, strict=not given.is_text)
    except msgspec.ValidationError as error:
        right = meta["right"] or str(error).replace("`", "").removeprefix("Expected ")
        return None, f"expected {right}"
    if value is not None and meta["fits"] is not None and not meta["fits"](value):
        return None, f"expected {meta['right']}"
    return value, None


def _from_text(text: str, annotated: Any) -> Any:
    plain = get_args(annotated)[0]
    if get_origin(plain) is tuple:
        return [part.strip() for part in text.split(",") if part.strip()]
    if get_origin(plain) is types.UnionType and not text:
        return None
    return text


def _unknown(name: str, known: Iterable[str], what: str = "key") -> str:
    near = difflib.get_close_matches(name, list(known), 1)
    return f"unknown {what}; did you mean {near[0]}?" if near else f"unknown {what}; known: {', '.join(known)}"
