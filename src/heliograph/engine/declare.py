"""Declares objects: reads what a file or a request says, refuses what can't work, keeps the rest with its history.

Everything of one call is kept or nothing. What is not mentioned stays as it is; `prune` removes it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from heliograph.core import senders
from heliograph.core.failures import Refusal, Refused
from heliograph.core.message import LANES
from heliograph.engine.declared import OPERATOR
from heliograph.engine.notify.subscriptions import EVENT_TYPES
from heliograph.store.port import Ledger, Row, Transaction

SECTIONS: Final = {"connectors": "connector", "routes": "route", "senders": "sender", "endpoints": "endpoint"}
_MATCH_KEYS: Final = ("country", "prefix", "kind", "sender", "share")
_OTHER_EVENTS: Final = ("inbound.", "contact.", "verification.", "campaign.", "link.", "alarm.", "webhook.")
_encode: Final = msgspec.json.Encoder(order="sorted").encode


class Tools(msgspec.Struct, frozen=True):
    """What declaring needs of the rest of the program."""

    check_connector: Callable[[str, Mapping[str, Any]], tuple[str, str] | None]  # (key, what is wrong)
    check_url: Callable[[str], str | None]
    new_secret: Callable[[], str]
    seal: Callable[[str], str]
    unseal: Callable[[str], str]


class Object(msgspec.Struct):
    """One declared object, as it was written."""

    kind: str
    name: str
    workspace: str
    spec: dict[str, Any]
    pointer: str
    position: int


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
        known = await transaction.fetch(
            "SELECT d.kind, w.name, d.name, d.spec FROM declared d JOIN workspaces w ON w.id = d.workspace"
        )
        workspaces = {row[1]: row[0] for row in await transaction.fetch("SELECT id, name FROM workspaces")}
        environments = await transaction.fetch(
            "SELECT w.name, e.name FROM environments e JOIN workspaces w ON w.id = e.workspace"
        )
        refusals = check(objects, known, frozenset(workspaces), frozenset((r[0], r[1]) for r in environments), tools)
        if workspace is not None:
            refusals += [_foreign(o) for o in objects if o.workspace != workspace]
        if refusals:
            raise Refused(*refusals)
        changes = [
            await _keep(transaction, o, known, workspaces[o.workspace], tools, actor, now, dry_run) for o in objects
        ]
        if prune:
            gone = _gone(objects, known, workspace or OPERATOR)
            changes += [await _remove(transaction, *key, workspaces, actor, now, dry_run) for key in gone]
        if not dry_run and any(change.action != "unchanged" for change in changes):
            await transaction.execute("UPDATE counters SET value = value + 1 WHERE name = 'config'")
            await _audit(transaction, workspaces, changes, actor, now)
    return changes


def read(document: Mapping[str, Any], workspace: str) -> list[Object]:
    """The objects of a document, in its order."""
    objects: list[Object] = []
    for section, kind in SECTIONS.items():
        value = document.get(section)
        if not value:
            continue
        if section == "routes":
            entries = [
                (str(entry.get("name") or index), entry, f"/routes/{index}") for index, entry in enumerate(value)
            ]
        else:
            entries = [(name, entry, f"/{section}/{name}") for name, entry in value.items()]
        for position, (name, entry, pointer) in enumerate(entries):
            spec = {key: content for key, content in entry.items() if key not in ("workspace", "name")}
            objects.append(Object(kind, name, entry.get("workspace") or workspace, spec, pointer, position))
    return objects


# -- what can't work


def check(
    objects: Sequence[Object],
    known: Sequence[Row],
    workspaces: frozenset[str],
    environments: frozenset[tuple[str, str]],
    tools: Tools,
) -> list[Refusal]:
    connectors = {o.name for o in objects if o.kind == "connector"} | {row[2] for row in known if row[0] == "connector"}
    found: list[Refusal] = []
    for o in objects:
        if o.workspace not in workspaces:
            found.append(
                Refusal("unknown_workspace", f"there is no workspace {o.workspace!r}", f"{o.pointer}/workspace")
            )
        elif o.kind == "connector":
            found += _check_connector(o, tools)
        elif o.kind == "route":
            found += _check_route(o, connectors | {"sandbox"})
        elif o.kind == "sender":
            found += _check_sender(o)
        else:
            found += _check_endpoint(o, environments, tools)
    return found


def _check_connector(o: Object, tools: Tools) -> list[Refusal]:
    kind = o.spec.get("kind")
    if not isinstance(kind, str):
        return [Refusal("missing_field", f'connector {o.name!r} needs a kind, such as "sandbox"', f"{o.pointer}/kind")]
    if wrong := tools.check_connector(kind, o.spec):
        key, detail = wrong
        return [Refusal("bad_connector", detail, f"{o.pointer}/{key}")]
    return []


def _check_route(o: Object, connectors: set[str]) -> list[Refusal]:
    found: list[Refusal] = []
    via = o.spec.get("via")
    if not isinstance(via, list) or not via:
        found.append(Refusal("missing_field", f'route {o.name!r} needs via = ["a connector", …]', f"{o.pointer}/via"))
    else:
        found += [
            Refusal(
                "unknown_connector",
                f"route {o.name!r} leads to {name!r}, which is not declared",
                f"{o.pointer}/via/{i}",
            )
            for i, name in enumerate(via)
            if name not in connectors
        ]
    match = o.spec.get("match") or {}
    for key in match:
        if key not in _MATCH_KEYS:
            known = ", ".join(_MATCH_KEYS)
            found.append(
                Refusal(
                    "unknown_field", f"a route can't match on {key!r}; it can on {known}", f"{o.pointer}/match/{key}"
                )
            )
    kinds = match.get("kind") or []
    for kind in [kinds] if isinstance(kinds, str) else kinds:
        if kind not in LANES:
            found.append(
                Refusal("unknown_kind", f"{kind!r} is not a kind: {', '.join(LANES)}", f"{o.pointer}/match/kind")
            )
    share = match.get("share", 1.0)
    if not isinstance(share, int | float) or not 0 <= share <= 1:
        found.append(Refusal("bad_share", "share is a part between 0 and 1", f"{o.pointer}/match/share"))
    return found


def _check_sender(o: Object) -> list[Refusal]:
    value = o.spec.get("value") or o.name
    if senders.type_of(value) is None:
        return [
            Refusal("bad_sender", f"{value!r} can't be a sender: up to 11 letters and digits, or a number", o.pointer)
        ]
    if o.spec.get("type", "alphanumeric") not in senders.TYPES:
        known = ", ".join(senders.TYPES)
        return [Refusal("bad_sender_type", f"{o.spec['type']!r} is not a type of sender: {known}", f"{o.pointer}/type")]
    return []


def _check_endpoint(o: Object, environments: frozenset[tuple[str, str]], tools: Tools) -> list[Refusal]:
    found: list[Refusal] = []
    url = o.spec.get("url")
    if not isinstance(url, str):
        found.append(Refusal("missing_field", f"endpoint {o.name!r} needs a url", f"{o.pointer}/url"))
    elif problem := tools.check_url(url):
        found.append(Refusal("bad_url", problem, f"{o.pointer}/url"))
    environment = o.spec.get("environment") or "live"
    if (o.workspace, environment) not in environments:
        found.append(
            Refusal("unknown_environment", f"there is no environment {environment!r}", f"{o.pointer}/environment")
        )
    for index, name in enumerate(o.spec.get("events") or []):
        if not (name == "*" or name in EVENT_TYPES or name == "message.*" or name.startswith(_OTHER_EVENTS)):
            known = ", ".join(sorted(EVENT_TYPES))
            found.append(
                Refusal("unknown_event", f"{name!r} is not an event type: {known}", f"{o.pointer}/events/{index}")
            )
    if o.spec.get("format", "json") not in ("json", "form"):
        found.append(Refusal("bad_format", "format is json or form", f"{o.pointer}/format"))
    return found


def _foreign(o: Object) -> Refusal:
    return Refusal("foreign_workspace", f"this key may not declare for {o.workspace!r}", f"{o.pointer}/workspace", 403)


# -- keeping


async def _keep(
    transaction: Transaction,
    o: Object,
    known: Sequence[Row],
    workspace: int,
    tools: Tools,
    actor: str,
    now: int,
    dry_run: bool,
) -> Change:
    before = next((row[3] for row in known if row[:3] == (o.kind, o.workspace, o.name)), None)
    old = msgspec.json.decode(before) if before is not None else None
    spec, shown = _sealed(o, old, tools)
    text = _encode(spec).decode()
    if old is not None and _encode(old).decode() == text:
        return Change(o.kind, o.name, o.workspace, "unchanged")
    if not dry_run:
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
        await _history(transaction, workspace, o.kind, o.name, text, actor, now)
    return Change(o.kind, o.name, o.workspace, "created" if old is None else "changed", None if dry_run else shown)


def _sealed(o: Object, old: dict[str, Any] | None, tools: Tools) -> tuple[dict[str, Any], str | None]:
    """Secrets as they may be kept: references as they are, literals sealed. An endpoint without one is given one."""
    spec, shown = dict(o.spec), None
    if o.kind == "endpoint" and "secret" not in spec and "secrets" not in spec:
        if old is not None and (kept := old.get("secret") or old.get("secrets")):
            spec["secret" if isinstance(kept, str) else "secrets"] = kept
            return spec, None
        shown = tools.new_secret()
        spec["secret"] = shown
    for key in ("secret", "password", "api_key", "auth_token", "token"):
        value = spec.get(key)
        if isinstance(value, str) and not value.startswith(("env:", "file:", "sealed:")):
            kept = old.get(key) if old is not None else None
            same = isinstance(kept, str) and kept.startswith("sealed:") and tools.unseal(kept) == value
            spec[key] = kept if same else tools.seal(value)
    return spec, shown


def _gone(objects: Sequence[Object], known: Sequence[Row], workspace: str) -> list[tuple[str, str, str]]:
    declared = {(o.kind, o.workspace, o.name) for o in objects}
    return [(row[0], row[1], row[2]) for row in known if row[1] == workspace and tuple(row[:3]) not in declared]


async def _remove(
    transaction: Transaction,
    kind: str,
    workspace: str,
    name: str,
    workspaces: Mapping[str, int],
    actor: str,
    now: int,
    dry_run: bool,
) -> Change:
    if not dry_run:
        await transaction.execute(
            "DELETE FROM declared WHERE workspace = $1 AND kind = $2 AND name = $3", workspaces[workspace], kind, name
        )
        await _history(transaction, workspaces[workspace], kind, name, None, actor, now)
    return Change(kind, name, workspace, "removed")


async def remove(ledger: Ledger, workspace: int, kind: str, name: str, *, actor: str, now: int) -> bool:
    """Remove one object; False when there is none."""
    async with ledger.transaction() as transaction:
        rows = await transaction.fetch(
            "DELETE FROM declared WHERE workspace = $1 AND kind = $2 AND name = $3 RETURNING id", workspace, kind, name
        )
        if rows:
            await _history(transaction, workspace, kind, name, None, actor, now)
            await transaction.execute("UPDATE counters SET value = value + 1 WHERE name = 'config'")
    return bool(rows)


async def _history(
    transaction: Transaction, workspace: int, kind: str, name: str, spec: str | None, actor: str, now: int
) -> None:
    await transaction.execute(
        "INSERT INTO declared_history (workspace, kind, name, spec, actor, at) VALUES ($1, $2, $3, $4, $5, $6)",
        workspace,
        kind,
        name,
        spec,
        actor,
        now,
    )


async def _audit(
    transaction: Transaction, workspaces: Mapping[str, int], changes: Sequence[Change], actor: str, now: int
) -> None:
    for change in changes:
        if change.action != "unchanged":
            await transaction.execute(
                "INSERT INTO audit (workspace, at, actor, action, object) VALUES ($1, $2, $3, $4, $5)",
                workspaces[change.workspace],
                now,
                actor,
                f"{change.kind}.{change.action}",
                f"{change.kind}:{change.name}",
            )
