"""Runs the checks in order: may this message go, as what, which way, at which price? The answer carries its trace.

A decision depends on a handful of facts that many messages share; so it is made once for each combination and kept
by whoever asks (intake). Its trace is what `dry_run` shows and what every message points to.
"""

from typing import Any, Final

import msgspec

from heliograph.core import routing, sender_rules, senders
from heliograph.core.budget import Budget
from heliograph.core.failures import Refusal
from heliograph.core.message import LANES
from heliograph.core.prices import PriceBook, price
from heliograph.core.senders import Sender

SANDBOX: Final = "sandbox"


class Case(msgspec.Struct, frozen=True, gc=False):
    """The facts of one message that a decision may depend on."""

    country: str
    number_type: str
    number_valid: bool
    test_number: bool
    number: str  # empty unless some route looks at it
    kind: str
    sender: str | None
    encoding: str
    segments: int
    max_segments: int | None
    ballot: float
    tags: tuple[str, ...] = ()  # only where a route looks at them
    minute: int = 0  # of the day, UTC; only where a route looks at it
    findings: tuple[str, ...] = ()  # the content rules that warn of its text


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
    price: str | None = None
    currency: str | None = None


def decide(case: Case, rules: Rules) -> Verdict:
    """Every rule in order; the first refusal ends it."""
    trace: list[dict[str, Any]] = [
        {"rule": "number", "country": case.country, "type": case.number_type, "valid": case.number_valid},
        {"rule": "kind", "kind": case.kind, "lane": LANES[case.kind]},
    ]
    if case.findings:
        trace.append({"rule": "content", "findings": case.findings})
    sender, refusal = _sender(case, rules, trace)
    if refusal is None:
        refusal = _budget(case, rules, trace)
    if refusal is not None:
        return Verdict(refusal, tuple(trace))
    route = _route(case, rules, sender, trace)
    if isinstance(route, Refusal):
        return Verdict(route, tuple(trace))
    if refusal := _sender_rules(case, rules, sender, route, trace):
        return Verdict(refusal, tuple(trace))
    cost, currency = _price(case, rules, route[0], trace)
    return Verdict(None, tuple(trace), sender, LANES[case.kind], route, cost, currency)


def _sender(case: Case, rules: Rules, trace: list[dict[str, Any]]) -> tuple[str | None, Refusal | None]:
    declared = {} if rules.mode == "test" else rules.senders
    if case.sender is None:
        chosen = senders.default(rules.senders, country=case.country, kind=case.kind)
        trace.append({"rule": "sender", "sender": chosen, "why": "default" if chosen else "left to the carrier"})
        return chosen, None
    refusal = senders.check(case.sender, declared, country=case.country, kind=case.kind)
    why = refusal.code if refusal else "declared" if declared else "as asked"
    trace.append({"rule": "sender", "sender": case.sender, "why": why})
    return case.sender, refusal


def _sender_rules(
    case: Case, rules: Rules, sender: str | None, via: tuple[str, ...], trace: list[dict[str, Any]]
) -> Refusal | None:
    """What the country asks of senders; the sandbox asks nothing."""
    if sender is None or all(rules.connectors[name].kind == SANDBOX for name in via):
        return None
    declared = rules.senders.get(sender)
    sender_type = declared.type if declared else senders.type_of(sender) or ""
    state = declared.registration.get(case.country) if declared else None
    found = sender_rules.check(sender, sender_type, case.country, state)
    if found is not None:
        warning = found if isinstance(found, str) else found.code
        trace.append({"rule": "sender_rules", "country": case.country, "registration": state, "why": warning})
    return found if isinstance(found, Refusal) else None


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


def _route(case: Case, rules: Rules, sender: str | None, trace: list[dict[str, Any]]) -> tuple[str, ...] | Refusal:
    facts = routing.Facts(
        rules.workspace,
        case.number,
        case.country,
        case.kind,
        sender,
        case.ballot,
        case.number_type,
        case.tags,
        case.minute,
    )
    route = routing.choose(rules.routes, facts)
    wanted = routing.ordered(route, case.ballot) if route else ()
    via = tuple(name for name in wanted if name in rules.connectors)
    rehearsal = bool(via) and all(rules.connectors[name].kind == SANDBOX for name in via)
    if rules.mode == "test":
        via = via if rehearsal else (SANDBOX,)
        trace.append(
            {"rule": "route", "route": route.name if rehearsal and route else None, "via": via, "why": "test traffic"}
        )
        return via
    if route is None or not via:
        return Refusal(
            "no_route",
            f"no route leads to {case.country} for {case.kind} messages; "
            "declare one in [[routes]] (match = {} takes everything)",
            "/to",
        )
    trace.append(
        {"rule": "route", "route": route.name, "via": via, "why": "sandbox in a live route" if rehearsal else "matched"}
    )
    if case.test_number and not rehearsal:
        return Refusal(
            "test_number",
            "this number is reserved for tests and fiction; it only works with test keys or a sandbox route",
            "/to",
        )
    return via


def _price(case: Case, rules: Rules, connector: str, trace: list[dict[str, Any]]) -> tuple[str | None, str | None]:
    """What it will probably cost: at the first connector of its way."""
    line = rules.prices.line(connector, case.country, case.kind)
    cost = price(case.segments, line.price) if line else None
    currency, where = (line.currency, line.where) if line else (None, None)
    trace.append({"rule": "price", "price": cost, "currency": currency, "connector": connector, "line": where})
    return cost, currency
