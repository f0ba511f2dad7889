"""The versions of templates: draft → review → approved → retired, with who and when.

What is declared becomes a version of its own when it changes; a version's content never does. Content that was
approved before is approved again by that: so the way back in the history is also one for what live messages read.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from heliograph.core import templates
from heliograph.core.failures import Refusal, Refused
from heliograph.core.templates import Template
from heliograph.engine import audit
from heliograph.store.port import Ledger, NewEvent, Row, Transaction

DRAFT: Final = "draft"
REVIEW: Final = "review"
APPROVED: Final = "approved"
RETIRED: Final = "retired"
REVIEW_DUE: Final = "template.review_due"
REMIND_AHEAD_MS: Final = 14 * 86_400_000
_COLUMNS: Final = (
    "name, version, state, spec, written_by, written_at, submitted_by, submitted_at, approved_by, approved_at, "
    "acknowledged, retired_by, retired_at"
)


class Version(msgspec.Struct, frozen=True):
    """One version as the ledger has it."""

    name: str
    version: int
    state: str
    spec: str
    written_by: str
    written_at: int
    submitted_by: str | None
    submitted_at: int | None
    approved_by: str | None
    approved_at: int | None
    acknowledged: str | None
    retired_by: str | None
    retired_at: int | None

    @property
    def label(self) -> str:
        return f"{self.name}@{self.version}"

    @property
    def template(self) -> Template:
        return templates.read(self.spec)


async def follow(transaction: Transaction, workspace: int, name: str, spec: str | None, actor: str, now: int) -> None:
    """What was declared becomes a version; what was removed is retired."""
    if spec is None:
        await transaction.execute(
            "UPDATE template_versions SET state = 'retired', retired_by = $3, retired_at = $4 "
            "WHERE workspace = $1 AND name = $2 AND state <> 'retired'",
            *(workspace, name, str(actor), now),
        )
        return
    number = await transaction.fetch(
        "SELECT coalesce(MAX(version), 0) FROM template_versions WHERE workspace = $1 AND name = $2", workspace, name
    )
    twin = await transaction.fetch(
        "SELECT approved_by, approved_at, acknowledged FROM template_versions WHERE workspace = $1 AND name = $2 "
        "AND spec = $3 AND state = 'approved' ORDER BY version DESC LIMIT 1",
        *(workspace, name, spec),
    )
    approval = twin[0] if twin else (None, None, None)
    await transaction.execute(
        "INSERT INTO template_versions (workspace, name, version, state, spec, written_by, written_at, approved_by, "
        "approved_at, acknowledged, review_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        *(workspace, name, number[0][0] + 1, APPROVED if twin else DRAFT, spec, str(actor), now),
        *approval,
        _review_at(templates.read(spec).spec.review_by),
    )


def _review_at(day: str | None) -> int | None:
    return None if day is None else int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() * 1_000)


# -- reading


async def of_workspace(ledger: Ledger, workspace: int) -> list[Version]:
    """All versions, each template's newest first."""
    rows = await ledger.fetch(
        f"SELECT {_COLUMNS} FROM template_versions WHERE workspace = $1 ORDER BY name, version DESC", workspace
    )
    return [Version(*row) for row in rows]


async def of_template(ledger: Ledger, workspace: int, name: str) -> list[Version]:
    """The versions of one template, the newest first."""
    rows = await ledger.fetch(
        f"SELECT {_COLUMNS} FROM template_versions WHERE workspace = $1 AND name = $2 ORDER BY version DESC",
        *(workspace, name),
    )
    return [Version(*row) for row in rows]


def by_name(found: Iterable[Version]) -> dict[str, list[Version]]:
    """The versions of each template, in their order."""
    named: dict[str, list[Version]] = {}
    for version in found:
        named.setdefault(version.name, []).append(version)
    return named


async def document(ledger: Ledger, workspace: int) -> dict[str, Any]:
    """All templates as they are declared, by name: each one's newest version, if it is not retired."""
    newest = [own[0] for own in by_name(await of_workspace(ledger, workspace)).values()]
    return {version.name: msgspec.json.decode(version.spec) for version in newest if version.state != RETIRED}


# -- approval


async def submit(ledger: Ledger, workspace: int, name: str, version: int | None, *, actor: str, now: int) -> Version:
    """Hand a draft in for review. Raises `Refused`."""
    return await _move(ledger, workspace, name, version, (DRAFT,), REVIEW, actor=actor, now=now)


async def approve(
    ledger: Ledger,
    workspace: int,
    name: str,
    version: int,
    *,
    acknowledged: str | None,
    actor: str,
    now: int,
) -> Version:
    """Let live messages use a version that was handed in. Raises `Refused`."""
    return await _move(
        *(ledger, workspace, name, version, (REVIEW,), APPROVED), acknowledged=acknowledged, actor=actor, now=now
    )


async def retire(ledger: Ledger, workspace: int, name: str, version: int | None, *, actor: str, now: int) -> Version:
    """No message uses it any more. Raises `Refused`."""
    return await _move(ledger, workspace, name, version, (APPROVED, REVIEW, DRAFT), RETIRED, actor=actor, now=now)


_DONE: Final = {REVIEW: "submitted", APPROVED: "approved", RETIRED: "retired"}


async def _move(
    ledger: Ledger,
    workspace: int,
    name: str,
    version: int | None,
    before: tuple[str, ...],
    after: str,
    *,
    actor: str,
    now: int,
    acknowledged: str | None = None,
) -> Version:
    """From one state to another; whoever is faster wins, the other is told how it stands."""
    done = _DONE[after]
    async with ledger.transaction() as transaction:
        found = await _find(transaction, workspace, name, version, before)
        rows = await transaction.fetch(
            f"UPDATE template_versions SET state = $4, {done}_by = $5, {done}_at = $6, "
            f"acknowledged = coalesce($7, acknowledged) "
            f"WHERE workspace = $1 AND name = $2 AND version = $3 AND state = $8 RETURNING {_COLUMNS}",
            *(workspace, name, found.version, after, str(actor), now, acknowledged, found.state),
        )
        if not rows:
            raise Refused(_wrong_state(found, before))
        await audit.note(
            transaction,
            workspace=workspace,
            actor=actor,
            action=f"template.{done}",
            object=f"template:{found.label}",
            now=now,
            detail={"before": found.state, "after": after} | ({"acknowledged": acknowledged} if acknowledged else {}),
        )
        await audit.config_changed(transaction)
    return Version(*rows[0])


async def _find(
    transaction: Transaction, workspace: int, name: str, version: int | None, states: tuple[str, ...]
) -> Version:
    """The version that is meant: the one named, or the newest. Raises `Refused`."""
    rows: list[Row] = await transaction.fetch(
        f"SELECT {_COLUMNS} FROM template_versions WHERE workspace = $1 AND name = $2 AND ($3 = 0 OR version = $3) "
        "ORDER BY version DESC LIMIT 1",
        *(workspace, name, version or 0),
    )
    if not rows:
        shown = name[:64] if version is None else f"{name[:64]}@{version}"
        raise Refused(Refusal("not_found", f"there is no template {shown!r}", status=404))
    found = Version(*rows[0])
    if found.state not in states:
        raise Refused(_wrong_state(found, states))
    return found


def _wrong_state(version: Version, wanted: tuple[str, ...]) -> Refusal:
    detail = f"{version.label} is in the state {version.state}; this needs {' or '.join(wanted)}"
    return Refusal("wrong_template_state", detail, "/version", 409)


# -- the date of review


async def remind(ledger: Ledger, now: int) -> None:
    """Tell of approved templates that somebody is to look at again soon: once for each version."""
    due = await ledger.fetch(
        "SELECT t.workspace, t.name, t.version, t.review_at FROM template_versions t WHERE t.state = 'approved' "
        "AND t.review_at <= $1 AND t.reminded_at IS NULL AND t.version = (SELECT MAX(n.version) "
        "FROM template_versions n WHERE n.workspace = t.workspace AND n.name = t.name AND n.state = 'approved')",
        now + REMIND_AHEAD_MS,
    )
    for workspace, name, version, review_at in due:
        async with ledger.transaction() as transaction:
            rows = await transaction.fetch(
                "UPDATE template_versions SET reminded_at = $4 WHERE workspace = $1 AND name = $2 AND version = $3 "
                "AND reminded_at IS NULL RETURNING spec",
                *(workspace, name, version, now),
            )
            if not rows:
                continue  # another process was faster
            facts = {
                "template": f"{name}@{version}",
                "owner": templates.read(rows[0][0]).spec.owner,
                "review_by": datetime.fromtimestamp(review_at / 1_000, UTC).date().isoformat(),
            }
            event = NewEvent(REVIEW_DUE, now, msgspec.json.encode(facts).decode())
            environments = await transaction.fetch(
                "SELECT id FROM environments WHERE workspace = $1 AND mode = 'live'", workspace
            )
            for environment in environments:
                await transaction.record(workspace, environment[0], [event])
