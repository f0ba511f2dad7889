"""The templates that an environment may use, and what a message that names one reads."""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from heliograph.core import templates
from heliograph.core.failures import Refusal
from heliograph.core.request import MessageRequest, kind_of
from heliograph.core.templates import Template
from heliograph.engine.suggest import did_you_mean
from heliograph.store.port import Row

LIVE: Final = "live"
_APPROVED: Final = "approved"

# The approved versions, which messages may name, and the newest of each template, which tests use.
SELECT: Final = (
    "SELECT workspace, name, version, state, spec FROM template_versions t WHERE state <> 'retired' AND "
    "(state = 'approved' OR version = (SELECT MAX(n.version) FROM template_versions n WHERE n.workspace = t.workspace "
    "AND n.name = t.name AND n.state <> 'retired')) ORDER BY workspace, name, version"
)


class Version(msgspec.Struct, frozen=True):
    """One version, ready for use."""

    label: str  # NAME@VERSION
    template: Template


class Usable(msgspec.Struct, frozen=True):
    """What messages of one environment may name: NAME, which is the newest, or NAME@VERSION."""

    versions: Mapping[str, Version] = {}
    waiting: frozenset[str] = frozenset()  # not approved, and so of no use in a live environment


NONE: Final = Usable()


def usable(rows: Iterable[Row], workspace: int, mode: str) -> Usable:
    """Of these rows what an environment of this mode may use: in a live one, only what was approved."""
    versions: dict[str, Version] = {}
    waiting: set[str] = set()
    for owner, name, number, state, spec in rows:
        if owner != workspace:
            continue
        label = f"{name}@{number}"
        if state == _APPROVED or mode != LIVE:
            versions[name] = versions[label] = Version(label, templates.read(spec))
        else:
            waiting |= {name, label}
    return Usable(versions, frozenset(waiting)) if versions or waiting else NONE


class Filled(msgspec.Struct, frozen=True):
    """A request with the text that its template gave it."""

    request: MessageRequest
    label: str


def filled(request: MessageRequest, there: Usable, country: str) -> Filled | Refusal:
    """The request as if its caller had written the text; or what is wrong with it."""
    if request.template is None:
        detail = "variables belong to a template; name it, or put the values into the text"
        return Refusal("missing_field", detail, "/template")
    if any(text is not None for text in (request.text, request.body, request.message)):
        return Refusal("ambiguous_field", "give template or text, not both", "/template")
    version = there.versions.get(request.template)
    if version is None:
        return _nowhere(request.template, there)
    spec, locale = version.template.spec, None
    if request.locale is not None and (locale := templates.normalise(request.locale)) is None:
        return Refusal("bad_locale", f"{request.locale[:40]!r} is not a locale, such as pt-BR", "/locale")
    if differs := _differs(request, version):
        return differs
    text = version.template.render(version.template.place(locale, country), request.variables or {})
    if not isinstance(text, str):
        return text[0]
    made = msgspec.structs.replace(request, text=text, kind=spec.kind, topic=request.topic or spec.topic)
    return Filled(made, version.label)


def _nowhere(name: str, there: Usable) -> Refusal:
    if name in there.waiting:
        detail = f"the template {name[:80]!r} is not approved yet; a live environment uses only what is"
        return Refusal("template_not_approved", detail, "/template")
    detail = f"there is no template {name[:80]!r} here.{did_you_mean(name, there.versions)}"
    return Refusal("unknown_template", detail, "/template")


def _differs(request: MessageRequest, version: Version) -> Refusal | None:
    """Kind and topic were approved with the text: a message can't bear others."""
    spec = version.template.spec
    for field, asked, own in (("kind", request.kind, spec.kind), ("topic", request.topic, spec.topic)):
        if asked is not None and own is not None and asked != own:
            if field == "kind" and isinstance(wrong := kind_of(request), Refusal):
                return wrong
            detail = f"{version.label} is for the {field} {own!r}, not for {asked[:40]!r}; leave {field} out"
            return Refusal("template_conflict", detail, f"/{field}")
    return None
