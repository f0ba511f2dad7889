"""The versions of what the workspace declares, and the way back to one: shown first, then gone."""

from typing import Final

from heliograph.console import declared
from heliograph.console.page import Page
from heliograph.console.visit import Answer, Visit, not_found
from heliograph.core.failures import Refused
from heliograph.engine import rollback
from heliograph.engine.declare import Change
from heliograph.engine.rollback import Entry

_PAGE: Final = 50


async def show(visit: Visit) -> Answer:
    before = visit.query.get("cursor")
    found = await rollback.history(
        visit.means.ledger,
        workspace=visit.client.workspace_name,
        limit=_PAGE + 1,
        before=_number(before),
    )
    return visit.show(
        "history.html", entries=found[:_PAGE], next=str(found[_PAGE - 1].id) if len(found) > _PAGE else None
    )


async def one(visit: Visit) -> Answer:
    """What an entry changed, and what going back to it would change now."""
    entry = await _find(visit)
    ledger, workspace = visit.means.ledger, visit.client.workspace
    before = await rollback.spec_at(ledger, workspace, entry.kind, entry.name, entry.id - 1)
    after = await rollback.spec_at(ledger, workspace, entry.kind, entry.name, entry.id)
    back: list[declared.Difference] = []
    problems: list[str] = []
    try:
        there = await declared.present(visit)
        for change in await _roll_back(visit, entry, dry_run=True):
            if change.action != "unchanged":
                spec = await rollback.spec_at(ledger, workspace, change.kind, change.name, entry.id)
                now = there.get((change.kind, change.name))
                back.append(declared.difference(change.kind, change.name, change.action, now, spec))
    except Refused as refused:
        problems = [refusal.detail for refusal in refused.refusals]
    return visit.show(
        "version.html",
        entry=entry,
        changed=declared.difference(entry.kind, entry.name, entry.action, before, after),
        back=back,
        problems_back=problems,
    )


async def go_back(visit: Visit) -> Answer:
    entry = await _find(visit)
    changes = [change for change in await _roll_back(visit, entry, dry_run=False) if change.action != "unchanged"]
    await visit.means.reload()
    return visit.go("/console/configuration/history", f"Back at version {entry.id}: {len(changes)} changed.")


async def _roll_back(visit: Visit, entry: Entry, *, dry_run: bool) -> list[Change]:
    return await rollback.roll_back(
        visit.means.ledger,
        visit.means.tools,
        workspace=visit.client.workspace_name,
        version=entry.id,
        at=None,
        actor=visit.actor,
        now=visit.now,
        dry_run=dry_run,
    )


async def _find(visit: Visit) -> Entry:
    number = _number(visit.place["id"])
    found = await rollback.entry(visit.means.ledger, visit.client.workspace_name, number) if number else None
    if found is None:
        raise not_found("version", visit.place["id"])
    return found


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None


_MANAGE: Final = "routing:manage"
PAGES: Final[tuple[Page, ...]] = (
    Page("GET", "/console/configuration/history", show, _MANAGE),
    Page("GET", "/console/configuration/history/{id}", one, _MANAGE),
    Page("POST", "/console/configuration/history/{id}/back", go_back, _MANAGE),
)
