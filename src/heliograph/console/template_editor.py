"""The editor of a template: texts, variables and facts as a form, with what each text comes to beside it."""

from asyncio import to_thread
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from heliograph.console import template_list, wording
from heliograph.console.page import Page
from heliograph.console.template_list import MANAGE
from heliograph.console.visit import Answer, Fields, Visit
from heliograph.console.wording import Drawn
from heliograph.core import templates
from heliograph.core.failures import Refusal, Refused
from heliograph.core.numbers import is_country
from heliograph.core.templates import BadTemplate, Spec, compile_text
from heliograph.engine.declared import Realm
from heliograph.engine.explain import explained
from heliograph.engine.templates import look, versions

_ROWS_AT_MOST: Final = 60
_FACTS: Final = ("kind", "topic", "owner", "description", "default_locale", "max_segments", "review_by")
_KINDS: Final = ("transactional", "otp", "support", "promotional")
_TYPES: Final = ("text", "number", "money", "date", "url", "code")
_EXAMPLES: Final = {  # by what is in a variable's name
    "name": ("text", "Maria"),
    "code": ("code", "482913"),
    "order": ("code", "AB-1742"),
    "date": ("date", "2026-11-20"),
    "day": ("date", "2026-11-20"),
    "total": ("money", "1234.50 EUR"),
    "amount": ("money", "1234.50 EUR"),
    "price": ("money", "19.90 EUR"),
    "link": ("url", "https://example.com/a"),
    "url": ("url", "https://example.com/a"),
    "count": ("number", "3"),
}


class TextRow(msgspec.Struct):
    """A text in the form."""

    locale: str = ""
    country: str = ""
    body: str = ""

    @property
    def pointer(self) -> str:
        return f"/countries/{self.country}/{self.locale}" if self.country else f"/texts/{self.locale}"


class VariableRow(msgspec.Struct):
    """A variable in the form."""

    name: str = ""
    type: str = "text"
    example: str = ""
    max_length: str = ""
    alphabet: str = "gsm7"


class Draft(msgspec.Struct):
    """The form as it is."""

    name: str
    facts: dict[str, str]
    texts: list[TextRow]
    variables: list[VariableRow]


class Looked(msgspec.Struct):
    """What a draft comes to, as far as it can be read."""

    texts: list[Drawn] = []
    problems: list[Refusal] = []
    allowed: int = 0


async def begin(visit: Visit) -> Answer:
    facts = {**dict.fromkeys(_FACTS, ""), "kind": "transactional", "default_locale": "en", "owner": visit.session.email}
    return await _shown(visit, Draft("", facts, [TextRow("en")], []), is_new=True)


async def edit(visit: Visit) -> Answer:
    found = await versions.of_template(visit.means.ledger, visit.client.workspace, visit.place["name"])
    if not found:
        raise Refused(Refusal("not_found", f"There is no template {visit.place['name'][:60]!r} here.", status=404))
    number = visit.query.get("version")
    version = next((one for one in found if str(one.version) == number), found[0])
    return await _shown(visit, _draft_of(version.name, version.template.spec), is_new=False)


async def write(visit: Visit) -> Answer:
    """Save it, show what it comes to, or give room for more."""
    is_new = "name" not in visit.place
    draft = _read(visit.form, visit.form.get("name") if is_new else visit.place["name"])
    did = visit.form.get("do")
    if did == "preview":
        return await _shown(visit, draft, is_new=is_new)
    added = _declare_used(draft)
    if did in ("text", "variable"):
        (draft.texts if did == "text" else draft.variables).append(TextRow() if did == "text" else VariableRow())  # type: ignore[arg-type]
        return await _shown(visit, draft, is_new=is_new)
    problems = _wrong(draft)
    if is_new and not problems and await versions.of_template(visit.means.ledger, visit.client.workspace, draft.name):
        problems = [Refusal("already_exists", f"there is a template {draft.name!r} already", "/name", 409)]
    if added and not problems:
        return await _shown(visit, draft, added=added, is_new=is_new)
    if not problems:
        try:
            changes = await template_list.apply(visit, {draft.name: _document(draft)})
        except Refused as refused:
            problems = _within(refused, draft.name)
        else:
            same = all(change.action == "unchanged" for change in changes)
            said = "Nothing has changed." if same else "Saved as a new version. Hand it in for review when it is done."
            return visit.go(f"{template_list.PLACE}/{draft.name}", said)
    return await _shown(visit, draft, problems, is_new=is_new)


async def _shown(
    visit: Visit,
    draft: Draft,
    problems: Sequence[Refusal] = (),
    *,
    is_new: bool,
    added: Sequence[str] = (),
) -> Answer:
    """`added`: variables that nobody has looked at yet."""
    country = visit.form.get("price_in").upper()
    country = country if is_country(country) else visit.client.default_country or "GB"
    values: dict[str, Any] = {
        "draft": draft,
        "is_new": is_new,
        "added": added,
        "looked": await to_thread(_look, draft, visit.realm, country),
        "price_in": country,
        "kinds": [(kind, kind) for kind in _KINDS],
        "types": [(one, one) for one in _TYPES],
        "alphabets": [("gsm7", "GSM-7 only"), ("any", "any, may cost more")],
    }
    if problems:
        return visit.wrong("template_editor.html", _at_fields(draft, problems), **values)
    return visit.show("template_editor.html", **values)


# -- between form and spec


def _draft_of(name: str, spec: Spec) -> Draft:
    found = msgspec.to_builtins(spec)
    facts = {fact: str(found.get(fact, "") or "") for fact in _FACTS}
    facts["kind"], facts["default_locale"] = spec.kind, spec.default_locale
    texts = [TextRow(locale, "", text) for locale, text in spec.texts.items()]
    texts += [TextRow(locale, country, text) for country, own in spec.countries.items() for locale, text in own.items()]
    variables = [
        VariableRow(one, v.type, v.example, "" if v.max_length is None else str(v.max_length), v.alphabet)
        for one, v in spec.variables.items()
    ]
    return Draft(name, facts, texts, variables)


def _read(form: Fields, name: str) -> Draft:
    facts = {fact: form.get(fact) for fact in _FACTS}
    texts, variables = [], []
    for place in range(_ROWS_AT_MOST):
        if form.all(f"text-{place}-body"):
            body = form.raw(f"text-{place}-body").replace("\r\n", "\n").strip()
            texts.append(TextRow(form.get(f"text-{place}-locale"), form.get(f"text-{place}-country").upper(), body))
        if form.all(f"variable-{place}-name"):
            cells = {cell: form.get(f"variable-{place}-{cell}") for cell in VariableRow.__struct_fields__}
            variables.append(VariableRow(**cells))
    return Draft(name, facts, [row for row in texts if row.body or row.locale] or [TextRow("en")], _named(variables))


def _named(rows: list[VariableRow]) -> list[VariableRow]:
    return [row for row in rows if row.name]


def _document(draft: Draft) -> dict[str, Any]:
    """As it would stand in a file; what is left empty is left out."""
    found: dict[str, Any] = {name: value for name, value in draft.facts.items() if value}
    if "max_segments" in found:
        found["max_segments"] = _whole(found["max_segments"])
    found["texts"] = {row.locale: row.body for row in draft.texts if row.body and not row.country}
    countries: dict[str, dict[str, str]] = {}
    for row in draft.texts:
        if row.country and row.body:
            countries.setdefault(row.country, {})[row.locale] = row.body
    if countries:
        found["countries"] = countries
    variables = {}
    for one in draft.variables:
        cells = {name: value for name, value in msgspec.structs.asdict(one).items() if value and name != "name"}
        if "max_length" in cells:
            cells["max_length"] = _whole(cells["max_length"])
        if cells.get("type") != "text":
            del cells["alphabet"]
        variables[one.name] = cells
    if variables:
        found["variables"] = variables
    return found


def _whole(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdigit() else text


def _declare_used(draft: Draft) -> list[str]:
    """Variables that texts use and nobody has declared, each with an example to begin with."""
    used: list[str] = []
    for row in draft.texts:
        try:
            used += sorted(compile_text(row.body).variables)
        except BadTemplate:
            continue
    known = {row.name for row in draft.variables}
    added = [name for name in dict.fromkeys(used) if name not in known]
    for name in added:
        kind, example = next((guess for part, guess in _EXAMPLES.items() if part in name.lower()), ("text", name))
        draft.variables.append(VariableRow(name, kind, example))
    return added


def _wrong(draft: Draft) -> list[Refusal]:
    """What a document can't hold: a text without a language, two for one place."""
    found, seen = [], set[tuple[str, str]]()
    if not draft.name:
        found.append(Refusal("missing_field", "give it a name, such as order-shipped", "/name"))
    for place, row in enumerate(draft.texts):
        if not row.locale:
            found.append(
                Refusal("bad_locale", "say in which language it is, such as en or pt-BR", f"/text-{place}-locale")
            )
        elif (row.locale, row.country) in seen:
            found.append(Refusal("already_exists", "there is a text for this place already", f"/text-{place}-locale"))
        if not row.body:
            found.append(Refusal("missing_field", "write the text", f"/text-{place}-body"))
        seen.add((row.locale, row.country))
    return found


def _within(refused: Refused, name: str) -> list[Refusal]:
    """Pointers within the template; its own name is a field of the form."""
    return [
        msgspec.structs.replace(one, pointer=one.pointer.removeprefix(f"/templates/{name}") or "/name")
        for one in refused.refusals
    ]


def _at_fields(draft: Draft, problems: Sequence[Refusal]) -> list[Refusal]:
    """Each at the field of the form that it is about; what is about none stands at the top."""
    fields = {row.pointer: f"/text-{place}-body" for place, row in enumerate(draft.texts)}
    locales = {row.pointer: f"/text-{place}-locale" for place, row in enumerate(draft.texts)}
    for place, row in enumerate(draft.variables):
        cells = ("type", "example", "max_length", "alphabet")
        fields |= {f"/variables/{row.name}/{cell}": f"/variable-{place}-{cell}" for cell in cells}
        fields[f"/variables/{row.name}"] = f"/variable-{place}-name"
    there = {*fields.values(), *locales.values(), "/name", *(f"/{name}" for name in _FACTS)}
    found = []
    for one in problems:
        pointer = (locales if one.code == "bad_locale" else fields).get(one.pointer, one.pointer)
        detail = one.detail if pointer in there else f"{one.pointer.strip('/')}: {one.detail}"
        found.append(Refusal(one.code, detail, pointer if pointer in there else "", one.status))
    return found


def _look(draft: Draft, realm: Realm, country: str) -> Looked:
    """What it would come to. Variables that nobody has declared yet are taken as they would be."""
    whole = msgspec.structs.replace(
        draft, texts=[row for row in draft.texts if row.locale and row.body], variables=[*draft.variables]
    )
    if not whole.texts:
        return Looked()
    _declare_used(whole)
    try:
        spec = msgspec.convert(_document(whole), Spec)
    except msgspec.ValidationError as error:
        return Looked(problems=[explained(str(error), Spec)])
    if wrong := templates.wrong(spec):
        return Looked(problems=wrong)
    template = templates.read(msgspec.json.encode(spec).decode())
    return Looked(wording.drawn(template, realm, country), [], look.budget(template, realm))


_NEW: Final = f"{template_list.PLACE}/_new"
_EDIT: Final = f"{template_list.PLACE}/{{name}}/edit"
PAGES: Final[tuple[Page, ...]] = (
    Page("GET", _NEW, begin, MANAGE),
    Page("POST", _NEW, write, MANAGE),
    Page("GET", _EDIT, edit, MANAGE),
    Page("POST", _EDIT, write, MANAGE),
)
