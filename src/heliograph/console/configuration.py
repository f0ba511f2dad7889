"""Configuration: what the workspace declares, each object with its history; changed by a text whose difference is
shown before anything is kept.
"""

from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Final, Literal, NamedTuple, get_args, get_origin, get_type_hints

import msgspec

from heliograph.console import declared
from heliograph.console.page import Entry, Page
from heliograph.console.visit import Answer, Visit, not_found
from heliograph.core.failures import Refused
from heliograph.engine import declare, rollback
from heliograph.engine.declare import SECTIONS
from heliograph.engine.policies import FORMS

_ENTRIES_SHOWN: Final = 20
_KINDS: Final = {
    "connector": "Connectors",
    "route": "Routes",
    "sender": "Senders",
    "endpoint": "Webhooks",
    "policy": "Policies",
    "template": "Templates",
    "export": "Exports",
    "stream": "Streams",
}
_ABOUT: Final = {
    "alarms": "Whom to tell when something is wrong, and rules with other limits.",
    "budgets": "How many messages, segments or how much money; what looks like a loop.",
    "campaigns": "Who must answer for a campaign before it starts.",
    "consent": "Whom one may text, and what proof that takes.",
    "content": "What texts may say, and where their links may lead.",
    "conversations": "Who answers people, and when.",
    "frequency": "How often one person may be texted.",
    "inbound": "What becomes of messages from phones.",
    "keywords": "STOP, START, HELP and words of your own, with their answers.",
    "links": "Short links: their domain and what they count.",
    "lookup": "When a provider is asked about a number before it is texted.",
    "quiet_hours": "When people are left alone, by country and kind.",
    "templates": "Who reviews templates, and for how long.",
    "verify": "One-time codes: length, tries, countries, fraud.",
}


class Field(NamedTuple):
    """A field that a policy may have."""

    name: str
    usual: str
    means: str


class Step(NamedTuple):
    """An entry of an object's history."""

    id: int
    at: int
    actor: str
    difference: declared.Difference


async def show(visit: Visit) -> Answer:
    there = await declared.present(visit)
    groups = [(kind, title, [name for of, name in there if of == kind]) for kind, title in _KINDS.items()]
    realms = visit.means.snapshot().realms.values()
    return visit.show(
        "configuration.html",
        groups=[group for group in groups if group[0] != "policy" and group[2]],
        policies=[(name, _ABOUT.get(name, ""), ("policy", name) in there) for name in sorted(FORMS)],
        environments=[realm for realm in realms if realm.workspace == visit.client.workspace],
        retention=visit.means.retention,
        is_empty=not there,
    )


async def whole(visit: Visit) -> Answer:
    there = await declared.present(visit)
    kinds = list(SECTIONS.values())
    ordered = sorted(there.items(), key=lambda item: kinds.index(item[0][0]))
    text = "\n".join(declared.source(kind, name, spec) for (kind, name), spec in ordered)
    return visit.show("configuration_whole.html", text=text)


async def form(visit: Visit) -> Answer:
    return _form(visit, "", [], None)


async def apply(visit: Visit) -> Answer:
    """First what it would do, then, when it is asked for, done."""
    text, prune = visit.form.raw("text").replace("\r\n", "\n"), visit.form.get("prune") == "1"
    is_sure = visit.form.get("step") == "apply"
    there = await declared.present(visit)
    try:
        asked = declared.document(text, there)
        changes = await declare.apply(
            visit.means.ledger,
            asked,
            visit.means.tools,
            actor=visit.actor,
            now=visit.now,
            workspace=visit.client.workspace_name,
            prune=prune,
            dry_run=not is_sure,
        )
    except Refused as refused:
        problems = [f"{one.pointer.strip('/') or 'file'}: {one.detail}" for one in refused.refusals]
        return _form(visit, text, problems, None, status=refused.refusals[0].status)
    found = declared.differences(visit, asked, there, changes)
    if not is_sure:
        return _form(visit, text, [], found)
    await visit.means.reload()
    secrets = [(change.name, change.secret) for change in changes if change.secret is not None]
    if secrets:  # they are shown this once
        return visit.show("configuration_secrets.html", status=201, secrets=secrets)
    return visit.go("/console/configuration", f"Done: {len(found)} changed." if found else "Nothing was different.")


async def one(visit: Visit) -> Answer:
    """An object, or a policy that is as it is from the start."""
    kind, name = visit.place["kind"], visit.place["name"]
    spec = (await declared.present(visit)).get((kind, name))
    fields = _fields(FORMS[name]) if kind == "policy" and name in FORMS else []
    steps = await _steps(visit, kind, name) if kind in _KINDS else []
    if spec is None and not fields and not steps:
        raise not_found("object", f"{kind} {name}")
    text = declared.source(kind, name, spec) or f"[{declared.SECTION_OF[kind]}.{name}]\n"
    return visit.show(
        "object.html",
        kind=kind,
        name=name,
        spec=spec,
        text=text,
        fields=fields,
        steps=steps,
        about=_ABOUT.get(name, "") if kind == "policy" else "",
        rows=max(6, len(text.splitlines()) + 2),
    )


async def remove(visit: Visit) -> Answer:
    kind, name = visit.place["kind"], visit.place["name"]
    if kind not in _KINDS or not await declare.remove(
        visit.means.ledger, visit.client.workspace, kind, name, actor=visit.actor, now=visit.now
    ):
        raise not_found(kind[:40], name)
    await visit.means.reload()
    return visit.go("/console/configuration", f"{kind} {name} is no longer declared. Its history leads back.")


async def _steps(visit: Visit, kind: str, name: str) -> list[Step]:
    rows = await rollback.history_of(visit.means.ledger, visit.client.workspace, kind, name, _ENTRIES_SHOWN + 1)
    specs = [None if spec is None else msgspec.json.decode(spec) for _, _, _, spec in rows]
    found = []
    for place, (number, at, actor, _) in enumerate(rows[:_ENTRIES_SHOWN]):
        before = specs[place + 1] if place + 1 < len(specs) else None
        action = "removed" if specs[place] is None else "created" if before is None else "changed"
        found.append(Step(number, at, actor, declared.difference(kind, name, action, before, specs[place])))
    return found


def _form(
    visit: Visit, text: str, problems: list[str], found: list[declared.Difference] | None, status: int = 200
) -> Answer:
    return visit.show(
        "configuration_apply.html",
        status=status,
        text=text,
        wrong=problems,
        found=found,
        prune=visit.form.get("prune") == "1",
        rows=max(16, len(text.splitlines()) + 2),
    )


def _fields(form: type[msgspec.Struct], before: str = "") -> list[Field]:
    """The fields of a form; those of what is inside come after it, as in budgets[].name."""
    hints, found = get_type_hints(form, include_extras=True), []
    for one in msgspec.structs.fields(form):
        name = f"{before}{one.encode_name}"
        found.append(Field(name, _usual(one), _means(hints[one.name])))
        for inner, is_many in _inside(hints[one.name]):
            found += _fields(inner, f"{name}{'[]' if is_many else ''}.")
    return found


def _inside(hint: Any, is_many: bool = False) -> Iterator[tuple[type[msgspec.Struct], bool]]:
    """The forms that a type holds, and whether it may hold several of each."""
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        yield hint, is_many
    for inner in get_args(hint):
        yield from _inside(inner, is_many or get_origin(hint) in (list, dict))


def _usual(field: msgspec.structs.FieldInfo) -> str:
    if field.default is not msgspec.NODEFAULT:
        value = field.default
    elif field.default_factory is not msgspec.NODEFAULT:
        value = field.default_factory()
    else:
        return "must be given"
    return "nothing" if value in (None, [], {}, ()) else msgspec.json.encode(value).decode()


def _means(hint: Any) -> str:
    """What a type and its notes say of a field."""
    said = next((one.description for one in getattr(hint, "__metadata__", ()) if getattr(one, "description", None)), "")
    plain = hint
    while get_origin(plain) is Annotated:
        plain = get_args(plain)[0]
    options = plain if get_origin(plain) is Literal else None
    if isinstance(plain, UnionType):
        options = next((one for one in get_args(plain) if get_origin(one) is Literal), None)
    choices = f"One of {', '.join(map(str, get_args(options)))}." if options is not None else ""
    return " ".join(part for part in (said, choices) if part)


_MANAGE: Final = "routing:manage"
_ONE: Final = "/console/configuration/{kind}/{name}"
PAGES: Final[tuple[Page, ...]] = (
    Page("GET", "/console/configuration", show, _MANAGE, entry=Entry("Configuration", "settings", "Run")),
    Page("GET", "/console/configuration/whole", whole, _MANAGE),
    Page("GET", "/console/configuration/apply", form, _MANAGE),
    Page("POST", "/console/configuration/apply", apply, _MANAGE),
    Page("GET", _ONE, one, _MANAGE),
    Page("POST", f"{_ONE}/remove", remove, _MANAGE),
)
