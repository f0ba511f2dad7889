"""The templates of the workspace: what there is, in which state; taken out as a file, and read in again."""

import tomllib
from collections.abc import AsyncIterator
from typing import Any, Final

import msgspec

from heliograph.console.page import Entry, Page
from heliograph.console.visit import Answer, Visit
from heliograph.core.failures import Refusal, Refused
from heliograph.engine import declare
from heliograph.engine.declare import Change
from heliograph.engine.templates import versions
from heliograph.engine.templates.versions import Version

PLACE: Final = "/console/templates"
READ: Final = ("messages:read", "templates:manage")
MANAGE: Final = "templates:manage"
_IMPORT: Final = f"{PLACE}/_import"
_STATES: Final = (versions.DRAFT, versions.REVIEW, versions.APPROVED, versions.RETIRED)


class Listed(msgspec.Struct, frozen=True):
    """A template: its newest version, and the one that live messages read."""

    newest: Version
    approved: Version | None


async def show(visit: Visit) -> Answer:
    found = versions.by_name(await versions.of_workspace(visit.means.ledger, visit.client.workspace))
    words, state = visit.query.get("q").lower(), visit.query.get("state")
    listed = [
        Listed(own[0], next((one for one in own if one.state == versions.APPROVED), None)) for own in found.values()
    ]
    return visit.show(
        "template_list.html",
        listed=[one for one in listed if state in ("", one.newest.state) and words in _words(one.newest)],
        is_empty=not found,
        states=[("", "any"), *((name, name) for name in _STATES)],
        may_manage=visit.may(MANAGE),
    )


def _words(version: Version) -> str:
    """What a search looks through."""
    spec = version.template.spec
    return " ".join((version.name, spec.kind, spec.topic or "", spec.owner, *spec.texts.values())).lower()


async def export(visit: Visit) -> Answer:
    found = await versions.document(visit.means.ledger, visit.client.workspace)

    async def pieces() -> AsyncIterator[bytes]:
        yield msgspec.json.format(msgspec.json.encode({"templates": found}), indent=2)

    return visit.stream("templates.json", "application/json", pieces())


async def show_import(visit: Visit) -> Answer:
    return visit.show("template_import.html", text="", changes=None)


async def read_in(visit: Visit) -> Answer:
    """Look first at what a document would change; then let it."""
    text = visit.form.raw("text")
    if given := visit.form.files.get("file"):
        text = given.decode("utf-8", "replace")
    try:
        changes = await apply(visit, _templates(text), dry_run=visit.form.get("do") != "apply")
    except Refused as refused:
        said = [Refusal(one.code, _located(one), "/text", one.status) for one in refused.refusals]
        return visit.wrong("template_import.html", said, text=text, changes=None, all_problems=said)
    if visit.form.get("do") == "apply":
        count = sum(change.action != "unchanged" for change in changes)
        return visit.go(PLACE, f"{count} template{'' if count == 1 else 's'} read in.")
    return visit.show("template_import.html", text=text, changes=changes)


async def apply(visit: Visit, templates: dict[str, Any], *, dry_run: bool = False) -> list[Change]:
    """As `heliograph apply` would. Raises `Refused`."""
    client = visit.client
    changes = await declare.apply(
        visit.means.ledger,
        {"templates": templates},
        visit.means.tools,
        actor=visit.actor,
        now=visit.now,
        workspace=client.workspace_name,
        dry_run=dry_run,
    )
    if not dry_run:
        await visit.means.reload()
    return changes


def _templates(text: str) -> dict[str, Any]:
    """Of a document in JSON or TOML. Raises `Refused`."""
    if not text.strip():
        raise Refused(Refusal("missing_field", "choose a file, or paste a document", "/text"))
    try:
        document = msgspec.json.decode(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except (msgspec.DecodeError, tomllib.TOMLDecodeError) as error:
        raise Refused(Refusal("bad_value", f"this is neither JSON nor TOML: {error}", "/text")) from None
    found = document.get("templates")
    if not isinstance(found, dict) or not found:
        raise Refused(Refusal("missing_field", "there is no [templates.NAME] in it", "/text"))
    return found


def _located(refusal: Refusal) -> str:
    return f"{refusal.pointer.removeprefix('/templates/')}: {refusal.detail}" if refusal.pointer else refusal.detail


PAGES: Final[tuple[Page, ...]] = (
    Page("GET", PLACE, show, *READ, entry=Entry("Templates", "template", "Reach")),
    Page("GET", f"{PLACE}/_export", export, *READ),
    Page("GET", _IMPORT, show_import, MANAGE),
    Page("POST", _IMPORT, read_in, MANAGE),
)
