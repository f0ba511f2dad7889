"""What is declared (connectors, routes, senders, endpoints, environments, pauses) as one immutable snapshot.

The ledger keeps it, with its history; every process reads it again when the `config` counter has moved. Connectors and
routes of the operator, the default workspace, serve every workspace; a workspace's own routes are tried first.
Secrets in a declared object are references (`env:NAME`, `file:PATH`) or sealed; the snapshot holds neither.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from heliograph.core import routing, senders
from heliograph.core.budget import Budget
from heliograph.core.consent import ConsentPolicy, Rulebook, rulebook
from heliograph.core.decide import SANDBOX, Connector, Rules
from heliograph.core.keywords.custom import NOTHING_OWN, Custom
from heliograph.core.keywords.policy import KeywordPolicy
from heliograph.core.lint import Content, ContentPolicy
from heliograph.core.prices import PriceBook
from heliograph.engine import accounts
from heliograph.engine.accounts import Hearer
from heliograph.engine.dispatch import Paused
from heliograph.engine.policies import policy
from heliograph.store.port import Ledger, Row

OPERATOR: Final = "default"  # the workspace that the first start creates


class ConnectorSpec(msgspec.Struct, frozen=True):
    """A declared connector: what the engine needs, and the rest for its carrier."""

    id: int
    workspace: int  # who may use it; the operator's serve all
    name: str
    kind: str
    window: int
    max_segments_per_second: int
    price_per_segment: str | None
    currency: str | None
    settings: dict[str, Any]
    handles_opt_out: bool = False  # the provider answers STOP and HELP itself


class EndpointSpec(msgspec.Struct, frozen=True):
    """A declared webhook endpoint."""

    id: int
    workspace: int
    environment: int
    name: str
    url: str
    events: tuple[str, ...]
    secrets: tuple[str, ...]  # references or sealed
    format: str = "json"  # json | form
    timeout_ms: int | None = None
    max_in_flight: int = 20
    batch: int = 1  # events in one POST, at most
    disabled: bool = False


class Keywords(msgspec.Struct, frozen=True):
    """What a workspace's people may write, ready for reading."""

    languages: tuple[str, ...] = ()
    custom: Custom = NOTHING_OWN


class Realm(msgspec.Struct, frozen=True):
    """One environment of one workspace, with all that is decided in it."""

    id: int
    name: str
    workspace: int
    workspace_name: str
    mode: str
    allowlist: frozenset[str]
    callback_secret: str
    rules: Rules
    looks_at_number: bool
    looks_at_tags: bool
    looks_at_time: bool
    rehearses: bool  # nothing in it can reach a real network
    content: Content
    linted: frozenset[str]  # the kinds whose texts are looked at when they are sent
    endpoints: tuple[EndpointSpec, ...]
    consent: ConsentPolicy = ConsentPolicy()
    keywords: Keywords = Keywords()
    hearers: tuple[Hearer, ...] = ()


class Snapshot(msgspec.Struct, frozen=True):
    """Everything declared, as of one version."""

    version: int
    realms: dict[int, Realm]
    connectors: dict[str, ConnectorSpec]
    endpoints: dict[int, EndpointSpec]
    paused: Paused
    workspaces: dict[str, int]
    prices: PriceBook = PriceBook()
    consent: Rulebook = Rulebook()


async def version(ledger: Ledger) -> int:
    """How often the configuration has changed."""
    rows = await ledger.fetch("SELECT value FROM counters WHERE name = 'config'")
    return int(rows[0][0])


class Declared(msgspec.Struct, frozen=True):
    """One declared object as the ledger has it."""

    id: int
    workspace: int
    kind: str
    name: str
    spec: dict[str, Any]
    position: int


class Tables(msgspec.Struct, frozen=True):
    """The rows that a snapshot is made of. Other objects in `declared` make the snapshot of a proposal."""

    version: int
    workspaces: list[Row]  # id, name, settings
    environments: list[Row]  # id, workspace, name, mode, allowlist, callback_secret
    declared: list[Declared]  # in the order of their positions
    unhealthy: frozenset[int]
    pauses: list[Row]  # scope, value
    prices: list[Row]  # connector, country, kind, price, currency
    hearers: list[Hearer]


async def load(ledger: Ledger) -> Snapshot:
    """Read everything that is declared."""
    return build(await read(ledger))


async def read(ledger: Ledger) -> Tables:
    """The rows as they are now."""
    number = await version(ledger)
    workspaces = await ledger.fetch("SELECT id, name, settings FROM workspaces ORDER BY id")
    environments = await ledger.fetch(
        "SELECT id, workspace, name, mode, allowlist, callback_secret FROM environments ORDER BY id"
    )
    objects = await ledger.fetch("SELECT id, workspace, kind, name, spec, position FROM declared ORDER BY position, id")
    unhealthy = await ledger.fetch("SELECT endpoint FROM endpoint_health WHERE disabled_at IS NOT NULL")
    pauses = await ledger.fetch("SELECT scope, value FROM pauses")
    prices = await ledger.fetch("SELECT connector, country, kind, price, currency FROM prices")
    rows = [Declared(row[0], row[1], row[2], row[3], msgspec.json.decode(row[4]), row[5]) for row in objects]
    sick = frozenset(row[0] for row in unhealthy)
    return Tables(number, workspaces, environments, rows, sick, pauses, prices, await accounts.hearers(ledger))


def build(tables: Tables) -> Snapshot:
    """What these rows mean together."""
    names = {row[0]: row[1] for row in tables.workspaces}
    rows = tables.declared
    operator = next(key for key, name in names.items() if name == OPERATOR)
    connectors = {row.name: _connector(row) for row in rows if row.kind == "connector"}
    connectors.setdefault(SANDBOX, ConnectorSpec(0, operator, SANDBOX, SANDBOX, 1_000, 0, None, None, {}))
    book = _book(tables.prices, connectors)
    by_environment = {(row[1], row[2]): row[0] for row in tables.environments}
    endpoints = _endpoints(rows, by_environment, tables.unhealthy)
    realms = {
        row[0]: _realm(row, names, rows, operator, connectors, endpoints, _settings(tables.workspaces, row[1]), book)
        for row in tables.environments
    }
    for one in tables.hearers:
        realm = realms[one.environment]
        realms[one.environment] = msgspec.structs.replace(realm, hearers=(*realm.hearers, one))
    return Snapshot(
        tables.version,
        realms,
        connectors,
        {endpoint.id: endpoint for endpoint in endpoints},
        _paused(tables.pauses, {name: key for key, name in names.items()}),
        {name: key for key, name in names.items()},
        book,
        rulebook(
            {realm.id: realm.consent for realm in realms.values()},
            frozenset(realm.id for realm in realms.values() if realm.mode == "test"),
        ),
    )


def _settings(workspaces: Sequence[tuple[Any, ...]], workspace: int) -> dict[str, Any]:
    for row in workspaces:
        if row[0] == workspace:
            settings: dict[str, Any] = msgspec.json.decode(row[2])
            return settings
    return {}


def _connector(row: Declared) -> ConnectorSpec:
    spec = row.spec
    return ConnectorSpec(
        id=row.id,
        workspace=row.workspace,
        name=row.name,
        kind=spec["kind"],
        window=int(spec.get("window") or (2_000 if spec["kind"] == SANDBOX else 100)),
        max_segments_per_second=int(spec.get("max_segments_per_second") or 0),
        price_per_segment=spec.get("price_per_segment"),
        currency=spec.get("currency"),
        settings=spec,
        handles_opt_out=bool(spec.get("provider_handles_opt_out")),
    )


def _book(rows: Sequence[Row], connectors: Mapping[str, ConnectorSpec]) -> PriceBook:
    own = {
        name: (spec.price_per_segment, spec.currency)
        for name, spec in connectors.items()
        if spec.price_per_segment is not None
    }
    return PriceBook({(row[0], row[1], row[2]): (row[3], row[4]) for row in rows}, own)


def _route(row: Declared, operator: int) -> routing.Route:
    return route_of(row.name, row.spec, None if row.workspace == operator else row.workspace)


def route_of(name: str, spec: Mapping[str, Any], workspace: int | None) -> routing.Route:
    """A route as it was declared; the form has been checked."""
    match = spec.get("match") or {}
    hours = match.get("hours")
    return routing.Route(
        name=name,
        via=tuple(spec["via"]),
        workspace=workspace,
        countries=frozenset(_list(match.get("country"))),
        prefixes=tuple(_list(match.get("prefix"))),
        kinds=frozenset(_list(match.get("kind"))),
        senders=frozenset(_list(match.get("sender"))),
        share=float(match.get("share", 1.0)),
        types=frozenset(_list(match.get("number_type"))),
        tags=frozenset(_list(match.get("tag"))),
        hours=_hours(hours) if hours is not None else None,
        weights=tuple(float(weight) for weight in spec.get("weights") or ()),
    )


def _hours(written: str) -> tuple[int, int]:
    """`08:00-20:00` in minutes of the day."""
    start, end = (int(part[:2]) * 60 + int(part[3:5]) for part in written.split("-"))
    return start, end


def _sender(row: Declared) -> senders.Sender:
    spec = row.spec
    return senders.Sender(
        value=spec.get("value") or row.name,
        type=spec.get("type") or senders.type_of(row.name) or "alphanumeric",
        countries=frozenset(_list(spec.get("countries"))),
        kinds=frozenset(_list(spec.get("kinds"))),
        default=bool(spec.get("default")),
        two_way=bool(spec.get("two_way")),
        registration=dict(spec.get("registration") or {}),
    )


def _endpoints(
    rows: Sequence[Declared], environments: Mapping[tuple[int, str], int], unhealthy: frozenset[int]
) -> tuple[EndpointSpec, ...]:
    return tuple(
        EndpointSpec(
            id=row.id,
            workspace=row.workspace,
            environment=environments[row.workspace, row.spec.get("environment") or "live"],
            name=row.name,
            url=row.spec["url"],
            events=tuple(row.spec.get("events") or ("*",)),
            secrets=tuple(_list(row.spec.get("secrets") or row.spec.get("secret"))),
            format=row.spec.get("format") or "json",
            timeout_ms=row.spec.get("timeout_ms"),
            max_in_flight=row.spec.get("max_in_flight") or 20,
            batch=row.spec.get("batch") or 1,
            disabled=bool(row.spec.get("disabled")) or row.id in unhealthy,
        )
        for row in rows
        if row.kind == "endpoint" and (row.workspace, row.spec.get("environment") or "live") in environments
    )


def _realm(
    environment: tuple[Any, ...],
    names: Mapping[int, str],
    rows: Sequence[Declared],
    operator: int,
    connectors: Mapping[str, ConnectorSpec],
    endpoints: Sequence[EndpointSpec],
    settings: Mapping[str, Any],
    prices: PriceBook,
) -> Realm:
    key, workspace, name, mode, allowlist, secret = environment
    own = [row for row in rows if row.workspace == workspace]
    declared_routes = [row for row in own if row.kind == "route"]
    if workspace != operator:
        declared_routes += [row for row in rows if row.kind == "route" and row.workspace == operator]
    routes = tuple(_route(row, operator) for row in declared_routes)
    usable = {
        spec.name: Connector(spec.name, spec.kind)
        for spec in connectors.values()
        if spec.workspace in (operator, workspace)
    }
    declared_senders = [_sender(row) for row in own if row.kind == "sender"]
    policies = {row.name: row.spec for row in own if row.kind == "policy"}
    budget = Budget({**Budget().max_segments, **settings.get("max_segments", {})})
    content = policy(policies, ContentPolicy).choice
    return Realm(
        id=key,
        name=name,
        workspace=workspace,
        workspace_name=names[workspace],
        mode=mode,
        allowlist=frozenset(msgspec.json.decode(allowlist, type=list[str])),
        callback_secret=secret,
        rules=Rules(
            workspace, mode, usable, routes, {sender.value: sender for sender in declared_senders}, budget, prices
        ),
        looks_at_number=routing.looks_at_number(routes),
        looks_at_tags=routing.looks_at_tags(routes),
        looks_at_time=routing.looks_at_time(routes),
        rehearses=mode == "test" or all(spec.kind == SANDBOX for spec in connectors.values()),
        content=content,
        linted=content.linted,
        endpoints=tuple(e for e in endpoints if e.environment == key and not e.disabled),
        consent=policy(policies, ConsentPolicy),
        keywords=_keywords(policy(policies, KeywordPolicy)),
    )


def _keywords(declared: KeywordPolicy) -> Keywords:
    return Keywords(tuple(declared.languages), declared.custom)


def _paused(rows: Sequence[tuple[Any, ...]], workspaces: Mapping[str, int]) -> Paused:
    by_scope: dict[str, set[str]] = {"all": set(), "workspace": set(), "connector": set(), "kind": set()}
    for scope, value in rows:
        by_scope[scope].add(value)
    return Paused(
        everything=bool(by_scope["all"]),
        workspaces=frozenset(workspaces[name] for name in by_scope["workspace"] if name in workspaces),
        connectors=frozenset(by_scope["connector"]),
        kinds=frozenset(by_scope["kind"]),
    )


def _list(value: object) -> list[str]:
    if value is None:
        return []
    return [value] if isinstance(value, str) else [str(entry) for entry in value]  # type: ignore[attr-defined]
