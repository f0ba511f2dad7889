"""Files of message templates, ours and those of others, as the document that the API reads.

Nothing is sent here: a reader gives templates by name and says of what it can't read where it stands, what is wrong
and what would be right. A template with a bad part is left out as a whole: half of one would send the wrong words.
"""

import csv
import io
import re
from collections.abc import Iterator
from typing import Any, Final, Literal

import msgspec

from heliograph.cli.output import Mistake

Format = Literal["json", "toml", "jsonl", "csv", "twilio"]
_COLUMNS: Final = ("name", "locale", "kind", "text")
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_VARIABLE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,49}")
_WORD: Final = re.compile(r"[a-z][a-z0-9_]{0,49}")  # a sample that reads like the name of a variable
_PLACEHOLDER: Final = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_FORMATS: Final[dict[str, Format]] = {".toml": "toml", ".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}


class Bad(msgspec.Struct):
    """What can't be taken: where it stands, and why."""

    where: str
    detail: str
    name: str | None = None
    code: str | None = None


class Read:
    """What a file holds: templates by name, and what of it is bad."""

    def __init__(self) -> None:
        self.templates: dict[str, dict[str, Any]] = {}
        self.bad: list[Bad] = []
        self._places: dict[str, dict[str, str]] = {}  # name → locale → where its text stands

    def refuse(self, where: str, detail: str, name: str | None = None, code: str | None = None) -> None:
        self.bad.append(Bad(where, detail, name, code))

    def whole(self, where: str, name: str, spec: dict[str, Any]) -> None:
        """A template as it is."""
        if name in self._places:
            self.refuse(where, f"{name} stands at {self._first(name)} already; keep one of the two", name)
            return
        self.templates[name] = spec
        self._places[name] = {"": where}

    def text(self, where: str, name: str, locale: str, kind: str, text: str, variables: dict[str, str]) -> None:
        """One text of a template; others of its name are the same template in other languages."""
        places = self._places.setdefault(name, {})
        spec = self.templates.setdefault(name, {"kind": kind, "texts": {}, "variables": {}})
        if locale in places:
            detail = f"{name} has a text in {locale} at {places[locale]} already; keep one of the two"
            self.refuse(where, detail, name)
        elif spec["kind"] != kind:
            self.refuse(where, f"{name} is {spec['kind']} at {self._first(name)}; give it one kind, not {kind}", name)
        else:
            places[locale] = where
            spec["texts"][locale] = text
            spec["variables"] = {one: {"example": example} for one, example in variables.items()} | spec["variables"]

    def place(self, name: str, locale: str = "") -> str:
        """Where a template, or its text in a language, stands."""
        return self._places.get(name, {}).get(locale) or self._first(name)

    def good(self) -> dict[str, dict[str, Any]]:
        """The templates of which nothing is bad."""
        bad = {one.name for one in self.bad}
        return {name: _with_default(spec) for name, spec in self.templates.items() if name not in bad}

    def _first(self, name: str) -> str:
        return next(iter(self._places.get(name, {}).values()), name)


def read(content: bytes, suffix: str, form: Format | None, kind: str) -> Read:
    """What a file holds. `kind`: of templates of which the file says none. Raises `Mistake`: it is no such file."""
    form = form or _FORMATS.get(suffix.lower())
    found = Read()
    try:
        if form == "csv":
            _csv(found, content.decode("utf-8-sig"), kind)
        elif form == "jsonl":
            _lines(found, content.decode("utf-8-sig"))
        else:
            document = (msgspec.toml if form == "toml" else msgspec.json).decode(content)
            if form == "twilio" or (form is None and _is_twilio(document)):
                _twilio(found, document, kind)
            else:
                _document(found, document)
    except (msgspec.MsgspecError, UnicodeDecodeError, csv.Error) as error:
        raise Mistake(f"it can't be read: {error}") from None
    return found


def _with_default(spec: dict[str, Any]) -> dict[str, Any]:
    """The language of who speaks none of the others: English, or the first."""
    texts = spec.get("texts")
    if "default_locale" in spec or not isinstance(texts, dict) or not texts or "en" in texts:
        return spec
    return {**spec, "default_locale": next(iter(texts))}


def _document(found: Read, document: Any) -> None:
    """As `export` prints it, or in the TOML of `apply`."""
    templates = document.get("templates") if isinstance(document, dict) else None
    if not isinstance(templates, dict):
        raise Mistake("there are no templates in it; --format says what it is: json, toml, jsonl, csv or twilio")
    for name, spec in templates.items():
        found.whole(name, name, spec)


def _lines(found: Read, content: str) -> None:
    """A template in each line, as `export --format jsonl` prints it."""
    for number, line in enumerate(content.splitlines(), 1):
        if not line.strip():
            continue
        try:
            spec = msgspec.json.decode(line, type=dict[str, Any])
        except msgspec.MsgspecError as error:
            found.refuse(f"line {number}", f"it is no JSON object: {error}")
            continue
        name = spec.pop("name", None)
        if isinstance(name, str):
            found.whole(f"line {number}", name, spec)
        else:
            found.refuse(f"line {number}", 'it has no name; begin it with {"name": "…"')


def _csv(found: Read, content: str, kind: str) -> None:
    """A text in each line; a column beside the known ones is a variable, its cells are examples."""
    rows = csv.DictReader(io.StringIO(content, newline=""), strict=True)
    columns = list(rows.fieldnames or ())
    if missing := [name for name in ("name", "text") if name not in columns]:
        raise Mistake(f"the first line names the columns; {' and '.join(missing)} must be among them")
    variables = [column for column in columns if column not in _COLUMNS]
    if wrong := [column for column in variables if not _VARIABLE.fullmatch(column)]:
        raise Mistake(f"the column {wrong[0]!r} can't be a variable; give it a name of letters, digits and _")
    for row in rows:
        where = f"line {rows.line_num}"
        name = (row["name"] or "").strip()
        if None in row or None in row.values():
            detail = f"it has more or fewer cells than the {len(columns)} columns; put texts with commas into quotes"
            found.refuse(where, detail, name or None)
        elif not _NAME.fullmatch(name):
            found.refuse(where, f"{name[:64]!r} is no name; use small letters, digits, hyphens, dots and _")
        elif not row["text"]:
            found.refuse(where, "it has no text", name)
        else:
            given = {column: row[column] for column in variables if row[column]}
            found.text(where, name, row.get("locale") or "en", row.get("kind") or kind, row["text"], given)


# -- Twilio, https://www.twilio.com/docs/content/content-types-overview


def _is_twilio(document: Any) -> bool:
    first = document[0] if isinstance(document, list) and document else document
    return isinstance(first, dict) and ("contents" in first or "friendly_name" in first)


def _twilio(found: Read, document: Any, kind: str) -> None:
    """What its Content API lists: a page with `contents`, a list, or one."""
    if isinstance(document, dict):
        document = document.get("contents", [document])
    if not isinstance(document, list):
        raise Mistake("it is no list of contents, as Twilio's Content API gives it")
    for number, one in enumerate(document, 1):
        where = f"entry {number}"
        if not isinstance(one, dict) or not isinstance(one.get("friendly_name"), str):
            found.refuse(where, "it has no friendly_name")
            continue
        name = re.sub(r"[^a-z0-9_.]+", "-", one["friendly_name"].lower()).strip("-._")[:64]
        types = one.get("types") if isinstance(one.get("types"), dict) else {}
        text = types.get("twilio/text") if isinstance(types, dict) else None
        body = text.get("body") if isinstance(text, dict) else None
        if not name:
            found.refuse(where, f"{one['friendly_name'][:64]!r} leaves no name; rename it to letters and digits")
        elif not isinstance(body, str) or not body:
            there = ", ".join(types) if types else "nothing"
            found.refuse(where, f"it has no twilio/text with a body, but {there}; only texts are taken", name)
        else:
            names = dict(_renamed(body, one.get("variables")))
            text_of = _PLACEHOLDER.sub(lambda match, known=names: f"{{{{{known[match[1]][0]}}}}}", body)  # type: ignore[misc]
            language = str(one.get("language") or "en").replace("_", "-")
            found.text(where, name, language, kind, text_of, dict(names.values()))


def _renamed(body: str, variables: Any) -> Iterator[tuple[str, tuple[str, str]]]:
    """Each placeholder with its name here and an example. A number is called as its sample says, if that is a word;
    else `v1`."""
    samples = variables if isinstance(variables, dict) else {}
    taken = {key for key in _PLACEHOLDER.findall(body) if not key.isdigit()}
    for key in dict.fromkeys(_PLACEHOLDER.findall(body)):
        sample = str(samples.get(key) or "")
        called = sample if _WORD.fullmatch(sample) and sample not in taken else f"v{key}"
        name = called if key.isdigit() else key
        taken.add(name)
        yield key, (name, sample or name)
