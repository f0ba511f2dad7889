"""What is declared (connectors, routes, senders, endpoints, templates, environments, pauses) as one immutable snapshot.

The ledger keeps it, with its history; every process reads it again when the `config` counter has moved. Connectors and
routes of the operator, the default workspace, serve every workspace; a workspace's own routes are tried first.
Secrets in a declared object are references (`env:NAME`, `file:PATH`) or sealed; the snapshot holds neither.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from heliograph.core import pools, routing, senders
from heliograph.core.budget import Budget
from heliograph.core.consent import Rulebook, rulebook
from heliograph.core.decide import SANDBOX, Connector, Rules
from heliograph.core.dropin.twilio import account_sid
from heliograph.core.outages import DRILL_TAG
from heliograph.core.plans import PlanSpec
from heliograph.core.prices import INBOUND, ITEMS, LOOKUP, MESSAGE, SURCHARGE, PriceBook
from heliograph.engine import accounts
from heliograph.engine.accounts import Hearer
from heliograph.engine.dispatching import Paused
from heliograph.engine.policies import Policies, policies_of
from heliograph.engine.specs import (
    ConnectorSpec,
    Declared,
    EndpointSpec,
    connector_of,
    endpoints_of,
    route_from,
    sender_of,
)
from heliograph.engine.templates.usable import NONE, Usable, usable
from heliograph.engine.templates.usable import SELECT as SELECT_USABLE
from heliograph.store.port import Ledger, Row

OPERATOR: Final = "default"  # the workspace that the first start creates


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
    looks: routing.Looks
    pooled: frozenset[str | None]  # senders asked for that mean a pool, which looks at the number too
    rehearses: bool  # nothing in it can reach a real network
    endpoints: tuple[EndpointSpec, ...]
    policies: Policies = Policies()
    templates: Usable = NONE
    hearers: tuple[Hearer, ...] = ()
    plans: dict[str, PlanSpec] = {}
    account_sid: str = ""  # its workspace, as clients of other gateways name it


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
    quiet_kinds: frozenset[str] = frozenset()  # that keep quiet hours anywhere
    link_hosts: frozenset[str] = frozenset()  # where short links lead through
    auth_tokens: dict[int, str] = {}  # client → what its callbacks elsewhere's way are signed with, sealed

    @property
    def senders(self) -> Iterator[tuple[int, senders.Sender]]:
        """All that are declared, each with its workspace; once for each of its environments."""
        for realm in self.realms.values():
            for sender in realm.rules.senders.values():
                yield realm.workspace, sender


async def version(ledger: Ledger) -> int:
    """How often the configuration has changed."""
    rows = await ledger.fetch("SELECT value FROM counters WHERE name = 'config'")
    return int(rows[0][0])


class Tables(msgspec.Struct, frozen=True):
    """The rows that a snapshot is made of. Other objects in `declared` make the snapshot of a proposal."""

    version: int
    workspaces: list[Row]  # id, name, settings, created_at
    environments: list[Row]  # id, workspace, name, mode, allowlist, callback_secret
    declared: list[Declared]  # in the order of their positions
    unhealthy: frozenset[int]
    pauses: list[Row]  # scope, value
    prices: list[Row]  # connector, item, country, network, kind, price, currency
    hearers: list[Hearer]
    templates: list[Row]  # workspace, name, version, state, spec
    auth_tokens: dict[int, str]


async def load(ledger: Ledger) -> Snapshot:
    """Read everything that is declared."""
    return build(await read(ledger))


async def read(ledger: Ledger) -> Tables:
    """The rows as they are now."""
    number = await version(ledger)
    workspaces = await ledger.fetch("SELECT id, name, settings, created_at FROM workspaces ORDER BY id")
    environments = await ledger.fetch(
        "SELECT id, workspace, name, mode, allowlist, callback_secret FROM environments ORDER BY id"
    )
    objects = await ledger.fetch("SELECT id, workspace, kind, name, spec, position FROM declared ORDER BY position, id")
    unhealthy = await ledger.fetch("SELECT endpoint FROM endpoint_health WHERE disabled_at IS NOT NULL")
    pauses = await ledger.fetch("SELECT scope, value FROM pauses")
    prices = await ledger.fetch("SELECT connector, item, country, network, kind, price, currency FROM prices")
    rows = [Declared(row[0], row[1], row[2], row[3], msgspec.json.decode(row[4]), row[5]) for row in objects]
    sick = frozenset(row[0] for row in unhealthy)
    hearers, versions = await accounts.hearers(ledger), await ledger.fetch(SELECT_USABLE)
    tokens: dict[int, str] = dict(await ledger.fetch("SELECT id, auth_token FROM clients WHERE auth_token IS NOT NULL"))
    return Tables(number, workspaces, environments, rows, sick, pauses, prices, hearers, versions, tokens)


def build(tables: Tables) -> Snapshot:
    """What these rows mean together."""
    names = {row[0]: row[1] for row in tables.workspaces}
    sids = {row[0]: account_sid(row[0], row[3]) for row in tables.workspaces}
    rows = tables.declared
    operator = next(key for key, name in names.items() if name == OPERATOR)
    connectors = {row.name: connector_of(row) for row in rows if row.kind == "connector"}
    connectors.setdefault(SANDBOX, ConnectorSpec(0, operator, SANDBOX, SANDBOX, 1_000, 0, None, None, {}))
    book = _book(tables.prices, connectors)
    by_environment = {(row[1], row[2]): row[0] for row in tables.environments}
    endpoints = endpoints_of(rows, by_environment, tables.unhealthy)
    realms = {
        row[0]: msgspec.structs.replace(
            _realm(row, names, rows, operator, connectors, endpoints, _settings(tables.workspaces, row[1]), book),
            templates=usable(tables.templates, row[1], row[3]),
            account_sid=sids[row[1]],
        )
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
            {realm.id: realm.policies.consent for realm in realms.values()},
            frozenset(realm.id for realm in realms.values() if realm.mode == "test"),
        ),
        frozenset(kind for realm in realms.values() for kind in realm.policies.quiet.kinds),
        frozenset(realm.policies.links.host for realm in realms.values() if realm.policies.links.domain),
        tables.auth_tokens,
    )


def _settings(workspaces: Sequence[tuple[Any, ...]], workspace: int) -> dict[str, Any]:
    for row in workspaces:
        if row[0] == workspace:
            settings: dict[str, Any] = msgspec.json.decode(row[2])
            return settings
    return {}


def _book(rows: Sequence[Row], connectors: Mapping[str, ConnectorSpec]) -> PriceBook:
    own = {
        name: (spec.price_per_segment, spec.currency)
        for name, spec in connectors.items()
        if spec.price_per_segment is not None
    }
    tables: dict[str, dict[tuple[str, str, str, str], tuple[str, str | None]]] = {item: {} for item in ITEMS}
    for connector, item, country, network, kind, price, currency in rows:
        tables[item][connector, country, network, kind] = (price, currency)
    return PriceBook(
        lines=tables[MESSAGE],
        own=own,
        surcharges=tables[SURCHARGE],
        received=tables[INBOUND],
        lookups=tables[LOOKUP],
        networks=frozenset(row[3] for row in rows if row[3]),
    )


def _pooled(declared: Mapping[str, senders.Sender]) -> frozenset[str | None]:
    """What a message may name so that a pool chooses by its number; None: nothing."""
    found: set[str | None] = set(pools.names(declared))
    return frozenset(found | {None}) if found else frozenset()


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
    routes = tuple(route_from(row, operator) for row in declared_routes)
    if mode != "test":  # what is there for drills takes no other traffic
        routes = tuple(route for route in routes if route.tags != {DRILL_TAG})
    usable = {
        spec.name: Connector(spec.name, spec.kind)
        for spec in connectors.values()
        if spec.workspace in (operator, workspace)
    }
    own_senders = {
        sender.value: sender for sender in (sender_of(row.name, row.spec) for row in own if row.kind == "sender")
    }
    budget = Budget({**Budget().max_segments, **settings.get("max_segments", {})})
    rehearses = mode == "test" or all(spec.kind == SANDBOX for spec in connectors.values())
    return Realm(
        id=key,
        name=name,
        workspace=workspace,
        workspace_name=names[workspace],
        mode=mode,
        allowlist=frozenset(msgspec.json.decode(allowlist, type=list[str])),
        callback_secret=secret,
        rules=Rules(workspace, mode, usable, routes, own_senders, budget, prices),
        pooled=_pooled(own_senders),
        looks=routing.looks(routes, by_network=bool(prices.networks)),
        rehearses=rehearses,
        endpoints=tuple(e for e in endpoints if e.environment == key and not e.disabled),
        policies=policies_of({row.name: row.spec for row in own if row.kind == "policy"}, rehearses=rehearses),
        plans={row.name: msgspec.convert(row.spec, PlanSpec) for row in own if row.kind == "plan"},
    )


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
