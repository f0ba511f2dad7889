"""Runs the checks in order: may this message go, as what, which way, at which price? The answer carries its trace.

A decision depends on a handful of facts that many messages share; so it is made once for each combination and kept
by whoever asks (intake). Its trace is what `dry_run` shows and what every message points to.
"""

from typing import Any, Final

import msgspec

from heliograph.core import pools, routing, sender_rules, senders
from heliograph.core.budget import Budget
from heliograph.core.channels import CHANNELS, SMS
from heliograph.core.failures import Refusal
from heliograph.core.message import LANES, SUPPORT
from heliograph.core.order import arrange
from heliograph.core.prices import UNKNOWN, Cost, PriceBook, cost
from heliograph.core.quality import NO_QUALITY, Quality
from heliograph.core.senders import Sender

SANDBOX: Final = "sandbox"


class Case(msgspec.Struct, frozen=True, gc=False):
    """The facts of one message that a decision may depend on."""

    country: str
    number_type: str
    number_valid: bool
    test_number: bool
    number: str  # empty unless some route or pool looks at it
    kind: str
    sender: str | None
    encoding: str
    segments: int
    max_segments: int | None
    ballot: float
    tags: tuple[str, ...] = ()  # only where a route looks at them
    minute: int = 0  # of the day, UTC; only where a route looks at it
    network: str = ""  # by the number's range; only where a route looks at it
    dice: float = 1.0  # below the part of the messages that explores: this one may; only where a route does
    at: int = 0  # the last end of a pin that is over; only where a pin ends
    findings: tuple[str, ...] = ()  # the content rules that warn of its text
    channel: str = SMS


class Connector(msgspec.Struct, frozen=True):
    """What decisions need to know of a connector."""

    name: str
    kind: str


class Rules(msgspec.Struct, frozen=True):
    """What a workspace declared, as seen from one of its environments."""

    workspace: int
    mode: str  # live | guarded | test
    connectors: dict[str, Connector]
    routes: tuple[routing.Route, ...]
    senders: dict[str, Sender]
    budget: Budget
    prices: PriceBook = PriceBook()


class Verdict(msgspec.Struct, frozen=True):
    """What was decided, and why."""

    refusal: Refusal | None
    trace: tuple[dict[str, Any], ...]
    sender: str | None = None
    lane: int = 1
    connectors: tuple[str, ...] = ()
    price: str | None = None  # surcharges included
    currency: str | None = None
    surcharge: str | None = None


def decide(case: Case, rules: Rules, quality: Quality = NO_QUALITY) -> Verdict:
    """Every rule in order; the first refusal ends it."""
    trace: list[dict[str, Any]] = [
        {"rule": "number", "country": case.country, "type": case.number_type, "valid": case.number_valid},
        *([{"rule": "network", "network": case.network, "why": "by number range"}] if case.network else ()),
        {"rule": "kind", "kind": case.kind, "lane": LANES[case.kind]},
    ]
    if case.channel != SMS:
        trace[0] = {"rule": "channel", "channel": case.channel, "country": case.country, "address": case.number_type}
    if case.findings:
        trace.append({"rule": "content", "findings": case.findings})
    sender, refusal = decided_sender(case, rules, trace)
    if refusal is None:
        refusal = _budget(case, rules, trace)
    if refusal is not None:
        return Verdict(refusal, tuple(trace))
    route = _route(case, rules, quality, sender, trace)
    if isinstance(route, Refusal):
        return Verdict(route, tuple(trace))
    if refusal := _sender_rules(case, rules, sender, route, trace):
        return Verdict(refusal, tuple(trace))
    found = _price(case, rules, route[0], trace)
    return Verdict(None, tuple(trace), sender, LANES[case.kind], route, *found)


def decided_sender(case: Case, rules: Rules, trace: list[dict[str, Any]]) -> tuple[str | None, Refusal | None]:
    """Who it comes from, or why it can't; the trace is told."""
    declared = {} if rules.mode == "test" else rules.senders
    if case.sender is None:
        usual = senders.default(rules.senders, country=case.country, kind=case.kind, channel=case.channel)
        if usual is not None and usual.is_pool:
            return _from_pool(usual.name, case, rules, trace, by_default=True)
        chosen = usual.name if usual else None
        trace.append({"rule": "sender", "sender": chosen, "why": "default" if chosen else "left to the carrier"})
        return chosen, None
    if case.sender in pools.names(rules.senders):
        return _from_pool(case.sender, case, rules, trace, by_default=False)
    refusal = senders.check(case.sender, declared, country=case.country, kind=case.kind, channel=case.channel)
    why = refusal.code if refusal else "declared" if declared else "as asked"
    trace.append({"rule": "sender", "sender": case.sender, "why": why})
    return case.sender, refusal


def _from_pool(
    pool: str, case: Case, rules: Rules, trace: list[dict[str, Any]], *, by_default: bool
) -> tuple[str | None, Refusal | None]:
    is_real = rules.mode != "test" and any(connector.kind != SANDBOX for connector in rules.connectors.values())
    chosen = pools.choose(
        pool,
        rules.senders,
        workspace=rules.workspace,
        recipient=case.number,
        country=case.country,
        kind=case.kind,
        is_real=is_real,
    )
    if isinstance(chosen, Refusal):
        trace.append({"rule": "sender", "sender": None, "why": chosen.code, "pool": pool})
        return None, chosen
    trace.append(pools.shown(chosen, pool, by_default=by_default))
    return chosen.sender, None


def _sender_rules(
    case: Case, rules: Rules, sender: str | None, via: tuple[str, ...], trace: list[dict[str, Any]]
) -> Refusal | None:
    """What the country asks of senders, and who answers; the sandbox asks nothing."""
    if sender is None or not CHANNELS[case.channel].texts_to_phones:
        return None
    if all(rules.connectors[name].kind == SANDBOX for name in via):
        return None
    declared = rules.senders.get(sender)
    sender_type = declared.type if declared else senders.type_of(sender) or ""
    state = declared.registration.get(case.country) if declared else None
    found = sender_rules.check(sender, sender_type, case.country, state, declared.unregistered if declared else None)
    if found is not None:
        warning = found if isinstance(found, str) else found.code
        trace.append({"rule": "sender_rules", "country": case.country, "registration": state, "why": warning})
    if isinstance(found, Refusal):
        return found
    if case.kind == SUPPORT and (
        why := sender_rules.replies(
            sender, sender_type, declared is not None, declared is not None and declared.two_way
        )
    ):
        trace.append({"rule": "replies", "sender": sender, "why": why})
    return None


def _budget(case: Case, rules: Rules, trace: list[dict[str, Any]]) -> Refusal | None:
    limit = rules.budget.limit(case.kind, case.max_segments)
    trace.append({"rule": "budget", "encoding": case.encoding, "segments": case.segments, "limit": limit})
    if case.segments <= limit:
        return None
    parts = "1 part" if limit == 1 else f"{limit} parts"
    return Refusal(
        "over_budget",
        f"the text takes {case.segments} parts as {case.encoding.upper()}; {case.kind} messages may take {parts}. "
        "Shorten it, see what POST /v1/segments says of it, or raise max_segments",
        "/text",
    )


def facts_of(case: Case, rules: Rules, sender: str | None) -> routing.Facts:
    """What routes may look at."""
    return routing.Facts(
        rules.workspace,
        case.number,
        case.country,
        case.kind,
        sender,
        case.ballot,
        case.number_type,
        case.tags,
        case.minute,
        case.network,
        case.dice,
        case.at,
        case.channel,
    )


def _route(
    case: Case, rules: Rules, quality: Quality, sender: str | None, trace: list[dict[str, Any]]
) -> tuple[str, ...] | Refusal:
    facts = facts_of(case, rules, sender)
    route = routing.choose(rules.routes, facts)
    via, order = arrange(route, rules.connectors, facts, rules.prices, quality) if route else ((), None)
    rehearsal = bool(via) and all(rules.connectors[name].kind == SANDBOX for name in via)
    if rules.mode == "test":
        via = via if rehearsal else (SANDBOX,)
        trace.append(
            {"rule": "route", "route": route.name if rehearsal and route else None, "via": via, "why": "test traffic"}
        )
        if rehearsal and order is not None:
            trace.append(order)
        return via
    if route is None or not via:
        return _no_route(case)
    trace.append(
        {"rule": "route", "route": route.name, "via": via, "why": "sandbox in a live route" if rehearsal else "matched"}
    )
    if order is not None:
        trace.append(order)
    if case.test_number and not rehearsal:
        return Refusal(
            "test_number",
            "this number is reserved for tests and fiction; it only works with test keys or a sandbox route",
            "/to",
        )
    return via


def _no_route(case: Case) -> Refusal:
    if case.channel == SMS:
        detail = f"no route leads to {case.country} for {case.kind} messages; "
        return Refusal("no_route", detail + "declare one in [[routes]] (match = {} takes everything)", "/to")
    detail = f"no route takes {case.kind} messages by {case.channel}; "
    return Refusal("no_route", f'{detail}declare one in [[routes]] (match = {{channel = "{case.channel}"}})', "/to")


def _price(case: Case, rules: Rules, connector: str, trace: list[dict[str, Any]]) -> Cost:
    """What it will probably cost: at the first connector of its way."""
    at = (connector, case.country, case.kind, case.network)
    line, more = rules.prices.line(*at), rules.prices.surcharge(*at)
    found = cost(case.segments, line, more) if line else UNKNOWN
    alone = cost(case.segments, line, None).price if line else None
    where = line.where if line else None
    trace.append({"rule": "price", "price": alone, "currency": found.currency, "connector": connector, "line": where})
    if more is not None:
        step = {"rule": "surcharge", "price": found.surcharge, "currency": more.currency, "line": more.where}
        why = {} if found.surcharge else {"why": "left out: the price is not known in this currency"}
        trace.append(step | {"total": found.price} | why)
    return found
