"""Declares objects: reads what a file or a request says, refuses what can't work, keeps the rest with its history.

Everything of one call is kept or nothing. What is not mentioned stays as it is; `prune` removes it.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, Protocol, TypeAlias

import msgspec

from heliograph.core.failures import Refusal, Refused
from heliograph.engine import audit
from heliograph.engine.declared import OPERATOR
from heliograph.engine.form import REFERENCES, SECRET_KEYS, Object, Place, Tools, check, shown_as
from heliograph.engine.suggest import did_you_mean
from heliograph.engine.templates import versions
from heliograph.store.port import Ledger, Row, Transaction

SECTIONS: Final = {
    "connectors": "connector",
    "routes": "route",
    "senders": "sender",
    "endpoints": "endpoint",
    "policies": "policy",
    "templates": "template",
    "plans": "plan",
    "exports": "export",
    "streams": "stream",
}
_encode: Final = msgspec.json.Encoder(order="sorted").encode
Key: TypeAlias = tuple[str, str, str]  # kind, workspace, name


class Change(msgspec.Struct):
    """What declaring did to one object. `secret` is shown this once."""

    kind: str
    name: str
    workspace: str
    action: str  # created | changed | unchanged | removed
    secret: str | None = None


async def apply(
    ledger: Ledger,
    document: Mapping[str, Any],
    tools: Tools,
    *,
    actor: str,
    now: int,
    workspace: str | None = None,
    prune: bool = False,
    dry_run: bool = False,
) -> list[Change]:
    """Keep what a document declares; `workspace` limits it to one. Raises `Refused` with everything that is wrong."""
    objects = read(document, workspace or OPERATOR)
    async with ledger.transaction() as transaction:
        there = await known(transaction)
        gone = gone_without(objects, there, workspace or OPERATOR) if prune else []
        refuse(objects, without(there, gone), tools, workspace)
        refuse_orphans(there, gone, objects, "/connectors")
        moved = out_of_order(objects, there, tools)
        return await keep(transaction, objects, gone, there, tools, moved, actor=actor, now=now, dry_run=dry_run)


class Known(msgspec.Struct, frozen=True):
    """What is there before something is declared."""

    objects: dict[Key, tuple[str, int]]  # → spec, position; in their order
    workspaces: dict[str, int]
    environments: frozenset[tuple[str, str]]

    @property
    def senders(self) -> dict[tuple[str, str], tuple[str, str | None]]:
        """(workspace, name) → what it shows, its pool."""
        specs = {
            (workspace, name): msgspec.json.decode(spec)
            for (kind, workspace, name), (spec, _) in self.objects.items()
            if kind == "sender"
        }
        return {key: (shown_as(key[1], spec), spec.get("pool")) for key, spec in specs.items()}


class Reader(Protocol):
    """A ledger, or a transaction of it."""

    async def fetch(self, sql: str, *values: object) -> list[Row]: ...


async def known(reader: Reader) -> Known:
    """What is declared, and where something can be."""
    objects = await reader.fetch(
        "SELECT d.kind, w.name, d.name, d.spec, d.position FROM declared d JOIN workspaces w ON w.id = d.workspace "
        "ORDER BY d.position, d.id"
    )
    workspaces = await reader.fetch("SELECT id, name FROM workspaces")
    environments = await reader.fetch(
        "SELECT w.name, e.name FROM environments e JOIN workspaces w ON w.id = e.workspace"
    )
    return Known(
        {(row[0], row[1], row[2]): (row[3], row[4]) for row in objects},
        {row[1]: row[0] for row in workspaces},
        frozenset((row[0], row[1]) for row in environments),
    )


def refuse(objects: Sequence[Object], there: Known, tools: Tools, workspace: str | None) -> None:
    """Raise `Refused` with everything that is wrong; `workspace` says whose objects they must be."""
    place = Place(
        {name: owner for kind, owner, name in there.objects if kind == "connector"},
        frozenset(there.workspaces),
        there.environments,
        there.senders,
        knows_machine=workspace in (None, OPERATOR),
        endpoints=frozenset((owner, name) for kind, owner, name in there.objects if kind == "endpoint"),
        kinds={
            name: msgspec.json.decode(spec)["kind"]
            for (kind, _, name), (spec, _) in there.objects.items()
            if kind == "connector"
        },
    )
    refusals = check(objects, place, tools)
    if workspace is not None:
        refusals += [_foreign(o) for o in objects if o.workspace != workspace]
    if refusals:
        raise Refused(*refusals)


async def keep(
    transaction: Transaction,
    objects: Sequence[Object],
    gone: Sequence[Key],
    there: Known,
    tools: Tools,
    moved: Collection[Key],  # of these also another place is a change
    *,
    actor: str,
    now: int,
    dry_run: bool,
) -> list[Change]:
    """Write what was checked, with its history; processes at work are told."""
    changes = [await _keep(transaction, o, there, tools, moved, actor, now, dry_run) for o in objects]
    changes += [await _remove(transaction, key, there, actor, now, dry_run) for key in gone]
    if not dry_run and any(change.action != "unchanged" for change in changes):
        await audit.config_changed(transaction)
    return changes


def read(document: Mapping[str, Any], workspace: str) -> list[Object]:
    """The objects of a document, in its order. Raises `Refused` when it has another shape."""
    if unknown := [section for section in document if section not in SECTIONS]:
        hint = did_you_mean(unknown[0], SECTIONS)
        raise Refused(
            Refusal("unknown_field", f"nothing is declared under {unknown[0][:60]!r}.{hint}", f"/{unknown[0]}")
        )
    return [
        Object(kind, name, entry.get("workspace") or workspace, _spec(entry), pointer, position)
        for section, kind in SECTIONS.items()
        for position, (name, entry, pointer) in enumerate(_entries(section, document.get(section) or {}))
    ]


def _entries(section: str, value: Any) -> list[tuple[str, dict[str, Any], str]]:
    """(name, what it says, where) of each; routes are a list, for their order counts, all others have their names."""
    wanted = list if section == "routes" else dict
    if value and not isinstance(value, wanted):
        words = "a list" if wanted is list else "an object of names"
        raise Refused(Refusal("wrong_type", f"{section} must be {words}", f"/{section}"))
    found = []
    for key, entry in enumerate(value) if isinstance(value, list) else value.items():
        if not isinstance(entry, dict) or not isinstance(entry.get("workspace") or "", str):
            raise Refused(Refusal("wrong_type", f"{key} must be an object", f"/{section}/{key}"))
        name = entry.get("name") if section == "routes" else None
        found.append((str(name or key), entry, f"/{section}/{key}"))
    return found


def _spec(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: content for key, content in entry.items() if key not in ("workspace", "name")}


def _foreign(o: Object) -> Refusal:
    return Refusal("foreign_workspace", f"this key may not declare for {o.workspace!r}", f"{o.pointer}/workspace", 403)


# -- keeping


async def _keep(
    transaction: Transaction,
    o: Object,
    there: Known,
    tools: Tools,
    moved: Collection[Key],
    actor: str,
    now: int,
    dry_run: bool,
) -> Change:
    before, position = there.objects.get((o.kind, o.workspace, o.name), (None, o.position))
    written = merged(o, before, tools)
    if written is None and (position == o.position or (o.kind, o.workspace, o.name) not in moved):
        return Change(o.kind, o.name, o.workspace, "unchanged")
    text, shown = written or (before, None)
    if not dry_run:
        workspace = there.workspaces[o.workspace]
        await transaction.execute(
            "INSERT INTO declared (workspace, kind, name, spec, position, created_at, updated_at) "
            "VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT (workspace, kind, name) DO UPDATE SET "
            "spec = excluded.spec, position = excluded.position, updated_at = excluded.updated_at",
            workspace,
            o.kind,
            o.name,
            text,
            o.position,
            now,
        )
        await _record(transaction, workspace, o.kind, o.name, before, text, actor, now, o.position)
    return Change(o.kind, o.name, o.workspace, "created" if before is None else "changed", None if dry_run else shown)


def merged(o: Object, before: str | None, tools: Tools) -> tuple[str, str | None] | None:
    """What would be kept of an object, and a secret made for it; None when that is what is there."""
    old = msgspec.json.decode(before) if before is not None else None
    spec, shown = _sealed(o, old, tools)
    text = _encode(spec).decode()
    return None if old is not None and _encode(old).decode() == text else (text, shown)


def _sealed(o: Object, old: dict[str, Any] | None, tools: Tools) -> tuple[dict[str, Any], str | None]:
    """Secrets as they may be kept: references as they are, literals sealed. An endpoint without one is given one."""
    spec, shown = dict(o.spec), None
    if o.kind == "endpoint" and "secret" not in spec and "secrets" not in spec:
        if old is not None and (kept := old.get("secret") or old.get("secrets")):
            spec["secret" if isinstance(kept, str) else "secrets"] = kept
            return spec, None
        shown = tools.new_secret()
        spec["secret"] = shown
    for key in SECRET_KEYS:
        value = spec.get(key)
        if isinstance(value, str) and not value.startswith(REFERENCES):
            kept = old.get(key) if old is not None else None
            same = isinstance(kept, str) and kept.startswith("sealed:") and tools.unseal(kept) == value
            spec[key] = kept if same else tools.seal(value)
    return spec, shown


def gone_without(objects: Sequence[Object], there: Known, workspace: str) -> list[Key]:
    """What a workspace has beyond these objects."""
    declared = {(o.kind, o.workspace, o.name) for o in objects}
    return [key for key in there.objects if key[1] == workspace and key not in declared]


def out_of_order(objects: Sequence[Object], there: Known, tools: Tools) -> frozenset[Key]:
    """The routes of workspaces whose routes would not stand in the order of the document if only what differs were
    written: all of them take the places that they have in it."""
    found: set[Key] = set()
    for workspace in {o.workspace for o in objects}:
        routes = {(o.kind, o.workspace, o.name): o for o in objects if (o.kind, o.workspace) == ("route", workspace)}
        old = {key: place for place, key in enumerate(there.objects) if key in routes}
        places: list[tuple[int, int]] = []  # position, then age: what is new is the youngest
        for number, (key, o) in enumerate(routes.items()):
            spec, position = there.objects.get(key, (None, o.position))
            stays = spec is not None and merged(o, spec, tools) is None
            places.append((position if stays else o.position, old.get(key, len(there.objects) + number)))
        if places != sorted(places):
            found |= routes.keys()
    return frozenset(found)


def refuse_orphans(there: Known, gone: Sequence[Key], objects: Sequence[Object], pointer: str) -> None:
    """Routes that nothing is said of may lead to connectors that would go: then it is not for us alone to decide."""
    connectors = {name for kind, _, name in gone if kind == "connector"}
    written = {(o.kind, o.workspace, o.name) for o in objects}
    refusals = [
        Refusal("connector_in_use", f"route {name!r} of {owner!r} leads to {via!r}, which would go", pointer, 409)
        for (kind, owner, name), (spec, _) in there.objects.items()
        if kind == "route" and (kind, owner, name) not in written and (kind, owner, name) not in gone
        for via in msgspec.json.decode(spec)["via"]
        if via in connectors
    ]
    if refusals:
        raise Refused(*refusals)


def without(there: Known, gone: Sequence[Key]) -> Known:
    """What is left when these objects go."""
    left = {key: content for key, content in there.objects.items() if key not in gone}
    return msgspec.structs.replace(there, objects=left)


async def _remove(transaction: Transaction, key: Key, there: Known, actor: str, now: int, dry_run: bool) -> Change:
    kind, workspace, name = key
    if not dry_run:
        owner = there.workspaces[workspace]
        await transaction.execute(
            "DELETE FROM declared WHERE workspace = $1 AND kind = $2 AND name = $3", owner, kind, name
        )
        await _record(transaction, owner, kind, name, there.objects[key][0], None, actor, now)
    return Change(kind, name, workspace, "removed")


async def remove(ledger: Ledger, workspace: int, kind: str, name: str, *, actor: str, now: int) -> bool:
    """Remove one object; False when there is none."""
    async with ledger.transaction() as transaction:
        rows = await transaction.fetch(
            "DELETE FROM declared WHERE workspace = $1 AND kind = $2 AND name = $3 RETURNING spec",
            *(workspace, kind, name),
        )
        if rows:
            await _record(transaction, workspace, kind, name, rows[0][0], None, actor, now)
            await audit.config_changed(transaction)
    return bool(rows)


async def _record(
    transaction: Transaction,
    workspace: int,
    kind: str,
    name: str,
    before: str | None,
    after: str | None,
    actor: str,
    now: int,
    position: int | None = None,
) -> None:
    """What the way back needs, whole; and an audit entry with what is different."""
    await transaction.execute(
        "INSERT INTO declared_history (workspace, kind, name, spec, actor, at, position) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7)",
        *(workspace, kind, name, after, actor, now, position),
    )
    if kind == "template":
        await versions.follow(transaction, workspace, name, after, actor, now)
    action = "removed" if after is None else "created" if before is None else "changed"
    await audit.note(
        transaction,
        workspace=workspace,
        actor=actor,
        action=f"{kind}.{action}",
        object=f"{kind}:{name}",
        now=now,
        detail=audit.difference(_spec_of(before), _spec_of(after)),
    )


def _spec_of(text: str | None) -> dict[str, Any] | None:
    found: dict[str, Any] | None = None if text is None else msgspec.json.decode(text)
    return found
