"""Runs the traffic of the last days through a proposed configuration beside the present one: what would change?

Nothing is written and no text is read. Each message is decided twice, with the same ballot, made from its id, and by
the quality of connectors as it is now. What two messages share is decided once for both, so a hundred thousand of them
take seconds.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from heliograph.core import numbers, routing
from heliograph.core.decide import Case, decide, decided_sender, facts_of
from heliograph.core.failures import OPTED_OUT
from heliograph.core.order import BEST, arrange
from heliograph.core.quality import Quality
from heliograph.engine import declare, declared
from heliograph.engine.declare import Change
from heliograph.engine.declared import OPERATOR, Realm, Snapshot, Tables
from heliograph.engine.form import Object, Tools
from heliograph.engine.quality import as_it_is
from heliograph.engine.rehearsed import Group, Report, Side, Tally
from heliograph.engine.specs import Declared
from heliograph.store.port import Ledger, Row

DAY_MS: Final = 86_400_000
_PAGE: Final = 5_000
_OTHER_DRAW: Final = 0x5851_F42D_4C95_7F2D  # makes of an id a second draw that knows nothing of the first
_KINDS: Final = ("connector", "route", "sender")  # endpoints decide nothing about messages
# The trace tells whether a sender was asked for or chosen by default: another default may be chosen tomorrow.
_MESSAGES: Final = (
    "SELECT m.id, m.environment, m.accepted_at, m.to_number, m.country, m.kind, m.sender, m.encoding, m.segments, "
    'm.price, m.currency, m.failure, m.tags, CASE WHEN d.trace LIKE \'%"why":"default"%\' THEN 1 ELSE 0 END, '
    'CASE WHEN d.trace LIKE \'%"why":"of its pool"%\' THEN d.trace END '
    "FROM messages m LEFT JOIN decisions d ON d.id = m.decision "
    "WHERE m.id > $1 AND m.accepted_at >= $2 AND m.accepted_at < $3 ORDER BY m.id LIMIT $4"
)


class Seen(NamedTuple):
    """What is read of a message."""

    id: int
    environment: int
    accepted_at: int
    number: str
    country: str
    kind: str
    sender: str | None
    encoding: str
    segments: int
    price: str | None
    currency: str | None
    failure: str | None
    tags: str | None
    by_default: int  # its sender was nobody's wish
    trace: str | None  # only where a pool that was asked for chose the sender


async def rehearse(
    ledger: Ledger,
    document: Mapping[str, Any],
    tools: Tools,
    *,
    days: int,
    now: int,
    workspace: str | None = None,
    prune: bool = False,
) -> Report:
    """What `apply` of this document would have changed. Raises `Refused` with everything that `apply` refuses."""
    objects = declare.read(document, workspace or OPERATOR)
    there = await declare.known(ledger)
    gone = declare.gone_without(objects, there, workspace or OPERATOR) if prune else []
    declare.refuse(objects, declare.without(there, gone), tools, workspace)
    declare.refuse_orphans(there, gone, objects, "/connectors")
    tables = await declared.read(ledger)
    proposed, changes = propose(tables, objects, gone, tools, declare.out_of_order(objects, there, tools))
    before, after = declared.build(tables), declared.build(proposed)
    tally = Tally(before, after)
    pairs = Pairs(before, after, await as_it_is(ledger, before, after, now=now))
    since = now - days * DAY_MS
    async for page in _pages(ledger, since, now):
        for row in page:
            seen = Seen(*row)
            group = None if seen.failure == OPTED_OUT else pairs.group(seen)  # they get nothing either way
            if group is None:
                tally.left_out += 1
            else:
                tally.count(group, seen.accepted_at, seen.price, seen.currency)
    return tally.report(pairs.groups(), changes, since, now)


async def _pages(ledger: Ledger, since: int, until: int) -> AsyncIterator[list[Row]]:
    """The messages accepted in a span, in the order of their ids."""
    last = 0
    while page := await ledger.fetch(_MESSAGES, last, since, until, _PAGE):
        yield page
        if len(page) < _PAGE:
            return
        last = page[-1][0]


# -- the proposal


def propose(
    tables: Tables,
    objects: Sequence[Object],
    gone: Sequence[declare.Key],
    tools: Tools,
    moved: Collection[declare.Key],
) -> tuple[Tables, list[Change]]:
    """The rows as `apply` would leave them, and what it would do to each object."""
    ids = {row[1]: row[0] for row in tables.workspaces}
    rows = {(row.kind, row.workspace, row.name): row for row in tables.declared}
    changes = []
    free = max((row.id for row in tables.declared), default=0) + 1
    for o in objects:
        if o.kind not in _KINDS:
            continue
        key = (o.kind, ids[o.workspace], o.name)
        old = rows.get(key)
        written = declare.merged(o, None if old is None else msgspec.json.encode(old.spec).decode(), tools)
        if written is not None:
            spec = msgspec.json.decode(written[0])
        elif old is not None and old.position != o.position and (o.kind, o.workspace, o.name) in moved:
            spec = old.spec
        else:
            continue
        rows[key] = Declared(old.id if old else free, key[1], o.kind, o.name, spec, o.position)
        free += old is None
        changes.append(Change(o.kind, o.name, o.workspace, "changed" if old else "created"))
    for kind, workspace, name in gone:
        if kind in _KINDS:
            del rows[kind, ids[workspace], name]
            changes.append(Change(kind, name, workspace, "removed"))
    in_order = sorted(rows.values(), key=lambda row: (row.position, row.id))
    return msgspec.structs.replace(tables, declared=in_order), changes


# -- deciding


class _Pair:
    """One environment as it is and as it would be, and what decisions in it look at."""

    def __init__(self, before: Realm, after: Realm) -> None:
        self.before = before
        self.after = after
        self._pools: dict[str, str | None] = {}  # trace → the pool that was asked for
        routes = (*before.rules.routes, *after.rules.routes)
        self._prefixes = frozenset(prefix for route in routes for prefix in route.prefixes)
        self._lengths = sorted({len(prefix) for prefix in self._prefixes}, reverse=True)
        self._tags = frozenset(tag for route in routes for tag in route.tags)
        self._looks_at_type = any(route.types for route in routes)
        self._looks_at_time = routing.looks(routes).time
        self._networks = frozenset(network for route in routes for network in route.networks).union(
            before.rules.prices.networks, after.rules.prices.networks
        )
        self._pin_ends = routing.looks(routes).pin_ends
        self.draws = any(route.share < 1.0 or route.weights or route.order == BEST for route in routes)
        self._knows_fiction = before.mode != "test" and not (before.rehearses and after.rehearses)

    def case(self, seen: Seen) -> Case:
        """The facts of a message. It was within its budget then, and no document changes budgets."""
        number = seen.number
        parsed = numbers.parse(number, None) if self._looks_at_type or self._networks else None
        told = msgspec.json.decode(seen.tags, type=list[str]) if self._tags and seen.tags else ()
        return Case(
            country=seen.country,
            number_type=parsed.type if self._looks_at_type and isinstance(parsed, numbers.Number) else "unknown",
            number_valid=True,
            test_number=self._knows_fiction and numbers.is_test_number(number),
            # The longest prefix of any route that it begins with: no route tells more of it than that.
            number=next((number[:length] for length in self._lengths if number[:length] in self._prefixes), ""),
            kind=seen.kind,
            sender=self._asked(seen),
            encoding=seen.encoding,
            segments=seen.segments,
            max_segments=seen.segments,
            ballot=0.0,
            tags=tuple(sorted(self._tags.intersection(told))),
            minute=seen.accepted_at // 60_000 % 1_440 if self._looks_at_time else 0,
            network=self._network(parsed) if isinstance(parsed, numbers.Number) else "",
            at=routing.last_end(self._pin_ends, seen.accepted_at),
        )

    def _network(self, number: numbers.Number) -> str:
        """Only where a route asks for it: all others are the same to all routes."""
        name = numbers.network_of(number) if self._networks else ""
        return name if name in self._networks else ""

    def is_pooled(self, case: Case) -> bool:
        """Does a pool choose, by the whole number, before or after?"""
        return case.sender in self.before.pooled or case.sender in self.after.pooled

    def _asked(self, seen: Seen) -> str | None:
        """What the message named: nothing, a pool, or the sender itself."""
        if seen.trace is not None:
            return self._pools.setdefault(seen.trace, _pool_of(seen.trace))
        return None if seen.by_default else seen.sender


def _pool_of(trace: str) -> str | None:
    steps = msgspec.json.decode(trace, type=list[dict[str, Any]])
    return next((step["pool"] for step in steps if step.get("why") == "of its pool"), None)


class Pairs:
    """Decides messages with both configurations, and remembers."""

    def __init__(self, before: Snapshot, after: Snapshot, quality: Quality) -> None:
        self._quality = quality
        self._pairs = {key: _Pair(realm, after.realms[key]) for key, realm in before.realms.items()}
        self._groups: dict[tuple[object, ...], Group] = {}

    def groups(self) -> list[Group]:
        return list(self._groups.values())

    def group(self, seen: Seen) -> Group | None:
        """The group of a message; None when its environment is no more."""
        pair = self._pairs.get(seen.environment)
        if pair is None:
            return None
        case = pair.case(seen)
        key: tuple[object, ...] = (seen.environment, *msgspec.structs.astuple(case))
        if pair.draws or pair.is_pooled(case):  # what a draw leads to is part of the facts, not the draw itself
            number = seen.number if pair.is_pooled(case) else case.number
            case = msgspec.structs.replace(case, number=number)
            if pair.draws:
                case = msgspec.structs.replace(case, ballot=ballot(seen.id), dice=ballot(seen.id * _OTHER_DRAW))
            key = (*key, _drawn(case, pair.before, self._quality), _drawn(case, pair.after, self._quality))
        group = self._groups.get(key)
        if group is None:
            before, after = _side(case, pair.before, self._quality), _side(case, pair.after, self._quality)
            group = Group(seen.country, seen.kind, seen.segments, seen.number, before, after)
            self._groups[key] = group
        return group


def ballot(message: int) -> float:
    """A number in [0, 1) for a message: always the same, and evenly spread over messages that follow each other."""
    return ((message * 0x9E37_79B9_7F4A_7C15 & (1 << 64) - 1) >> 11) / (1 << 53)


def _chosen(case: Case, realm: Realm) -> tuple[str | None, routing.Facts]:
    """The sender, and what its routes look at, whatever else speaks against the message."""
    sender, _ = decided_sender(case, realm.rules, [])
    return sender, facts_of(case, realm.rules, sender)


def _drawn(case: Case, realm: Realm, quality: Quality) -> tuple[object, ...]:
    """Where the draws lead: a sender, a route and the order of its connectors."""
    sender, facts = _chosen(case, realm)
    rules = realm.rules
    route = routing.choose(rules.routes, facts)
    if route is None:
        return sender, None
    return sender, route.name, route.workspace, arrange(route, rules.connectors, facts, rules.prices, quality).via


def _side(case: Case, realm: Realm, quality: Quality) -> Side:
    """What comes of a message in one configuration."""
    fiction = case.test_number and not realm.rehearses
    verdict = decide(msgspec.structs.replace(case, test_number=fiction), realm.rules, quality)
    if verdict.refusal is not None:
        return Side(refusal=verdict.refusal.code)
    named = next((step["route"] for step in verdict.trace if step["rule"] == "route"), None)
    route = routing.choose(realm.rules.routes, _chosen(case, realm)[1]) if named is not None else None
    return Side(
        connectors=verdict.connectors,
        sender=verdict.sender,
        price=verdict.price,
        currency=verdict.currency,
        route=None if route is None else (route.workspace, route.name),
    )
