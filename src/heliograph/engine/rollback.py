"""Earlier versions of what a workspace declared, and the way back to one.

Every change of an object is an entry of its history; the entry's number names the version that it led to. Going back
is a change like any other, checked like one, with entries of its own: so there is also a way back from it.
"""

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from heliograph.core.failures import Refusal, Refused
from heliograph.core.views import moment
from heliograph.engine import audit, declare
from heliograph.engine.declare import SECTIONS, Change
from heliograph.engine.form import Object, Tools
from heliograph.store.port import Ledger, Row, Transaction

_SECTION_OF: Final = {kind: section for section, kind in SECTIONS.items()}


class Entry(msgspec.Struct, frozen=True):
    """One entry of the history."""

    id: int
    at: str
    actor: str
    workspace: str
    kind: str
    name: str
    action: str  # created | changed | removed


async def history(ledger: Ledger, *, workspace: str | None, limit: int, before: int | None = None) -> list[Entry]:
    """The newest entries first; `before` goes on after a page."""
    rows = await ledger.fetch(
        "SELECT id, at, actor, workspace, kind, name, was, spec IS NOT NULL FROM ("
        "  SELECT h.id, h.at, h.actor, w.name AS workspace, h.kind, h.name, h.spec, LAG(h.spec) OVER ("
        "    PARTITION BY h.workspace, h.kind, h.name ORDER BY h.id) AS was"
        "  FROM declared_history h JOIN workspaces w ON w.id = h.workspace WHERE $1 = '' OR w.name = $1"
        ") entries WHERE id < $2 ORDER BY id DESC LIMIT $3",
        workspace or "",
        before or 1 << 62,
        limit,
    )
    return [
        Entry(number, moment(at), actor, owner, kind, name, _action(was, is_there))
        for number, at, actor, owner, kind, name, was, is_there in rows
    ]


async def entry(ledger: Ledger, workspace: str, number: int) -> Entry | None:
    """One entry of a workspace's history."""
    found = await history(ledger, workspace=workspace, limit=1, before=number + 1)
    return found[0] if found and found[0].id == number else None


async def history_of(ledger: Ledger, workspace: int, kind: str, name: str, limit: int) -> list[Row]:
    """(id, at, actor, spec) of one object, the newest first; a spec of None: it was removed."""
    return await ledger.fetch(
        "SELECT id, at, actor, spec FROM declared_history WHERE workspace = $1 AND kind = $2 AND name = $3 "
        "ORDER BY id DESC LIMIT $4",
        *(workspace, kind, name, limit),
    )


async def spec_at(ledger: Ledger, workspace: int, kind: str, name: str, version: int) -> dict[str, Any] | None:
    """What an object was after an entry; None: it was not there."""
    rows = await ledger.fetch(
        "SELECT spec FROM declared_history WHERE workspace = $1 AND kind = $2 AND name = $3 AND id <= $4 "
        "ORDER BY id DESC LIMIT 1",
        *(workspace, kind, name, version),
    )
    found: dict[str, Any] | None = msgspec.json.decode(rows[0][0]) if rows and rows[0][0] is not None else None
    return found


def _action(was: str | None, is_there: int) -> str:
    if not is_there:
        return "removed"
    return "created" if was is None else "changed"


async def roll_back(
    ledger: Ledger,
    tools: Tools,
    *,
    workspace: str,
    version: int | None = None,
    at: int | None = None,
    actor: str,
    now: int,
    dry_run: bool = False,
) -> list[Change]:
    """Make everything that a workspace declares what it was after an entry, or at a time. Raises `Refused`."""
    async with ledger.transaction() as transaction:
        there = await declare.known(transaction)
        if workspace not in there.workspaces:
            raise Refused(Refusal("unknown_workspace", f"there is no workspace {workspace[:40]!r}", "/workspace"))
        rows = await _state(transaction, there.workspaces[workspace], version, at)
        objects = _objects(rows, there, workspace)
        gone = declare.gone_without(objects, there, workspace)
        declare.refuse(objects, declare.without(there, gone), tools, None)  # whoever may do this is at home
        declare.refuse_orphans(there, gone, objects, "/version")
        places = {(o.kind, o.workspace, o.name) for o in objects}  # each comes back to its own
        changes = await declare.keep(
            transaction, objects, gone, there, tools, places, actor=actor, now=now, dry_run=dry_run
        )
        if not dry_run and any(change.action != "unchanged" for change in changes):
            await audit.note(
                transaction,
                workspace=there.workspaces[workspace],
                actor=actor,
                action="workspace.rolled_back",
                object=f"workspace:{workspace}",
                now=now,
                detail={"version": max(row[4] for row in rows)},
            )
        return changes


async def _state(transaction: Transaction, workspace: int, version: int | None, at: int | None) -> list[Row]:
    """(kind, name, spec, position, entry) of every object as it was, removed ones too."""
    if version is not None:
        found = await transaction.fetch(
            "SELECT 1 FROM declared_history WHERE id = $1 AND workspace = $2", version, workspace
        )
        if not found:
            detail = f"there is no version {version} of this workspace; `heliograph history` lists them"
            raise Refused(Refusal("unknown_version", detail, "/version"))
    rows = await transaction.fetch(
        "SELECT kind, name, spec, position, id FROM declared_history WHERE id IN ("
        "  SELECT MAX(id) FROM declared_history WHERE workspace = $1 AND id <= $2 AND at <= $3 GROUP BY kind, name"
        ") ORDER BY id",
        workspace,
        version if version is not None else 1 << 62,
        at if at is not None else 1 << 62,
    )
    if not rows:
        raise Refused(Refusal("unknown_version", f"nothing was declared yet at {moment(at or 0)}", "/at"))
    return rows


def _objects(rows: list[Row], there: declare.Known, workspace: str) -> list[Object]:
    """What was there, as a file would declare it: connectors first, each kind in its order."""
    found = []
    for place, (kind, name, spec, position, _) in enumerate(rows):
        if spec is not None:
            if position is None:  # an entry of an older program: it stays where it is
                position = there.objects.get((kind, workspace, name), ("", place))[1]
            content: dict[str, Any] = msgspec.json.decode(spec)
            found.append(Object(kind, name, workspace, content, f"/{_SECTION_OF[kind]}/{name}", position))
    kinds = list(SECTIONS.values())
    return sorted(found, key=lambda o: (kinds.index(o.kind), o.position))


def moment_of(text: str) -> int:
    """A time as people write it (RFC 3339; without a zone it is UTC), in milliseconds. Raises `Refused`."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        detail = f"{text[:40]!r} is not a time; write it like 2026-11-21T14:30:00Z"
        raise Refused(Refusal("bad_time", detail, "/at")) from None
    return round((read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp() * 1_000)
