"""Which way messages go: routes and what they would do with a message, senders with their papers, prices of connectors
beside each other, and how well connectors do.
"""

import re
from decimal import Decimal
from typing import Any, Final, NamedTuple

import msgspec

from heliograph.console.carriers import serving
from heliograph.console.message import step_of
from heliograph.console.page import Page
from heliograph.console.visit import Answer, Visit
from heliograph.core.failures import Refusal
from heliograph.core.message import LANES, TRANSACTIONAL
from heliograph.core.order import BEST, CHEAPEST
from heliograph.core.request import MessageRequest
from heliograph.core.routing import Route, shadowed
from heliograph.engine.declared import OPERATOR, Realm
from heliograph.engine.draft import Draft
from heliograph.engine.insight import reading
from heliograph.engine.insight.reading import Ask
from heliograph.engine.standings import standings

_MONTH_MS: Final = 30 * 86_400_000
_LONGEST: Final = 1_000
_ORDERS: Final = {BEST: "the best first", CHEAPEST: "the cheapest first"}


class Line(NamedTuple):
    """A route for people. `shadow`: the earlier one that takes all that it could."""

    route: Route
    matches: list[tuple[str, str]]
    order: str
    shadow: str
    is_ours: bool


class Tried(NamedTuple):
    """What a message would meet with."""

    to: str
    country: str
    sender: str | None
    segments: int
    encoding: str
    price: str | None
    currency: str | None
    via: list[str]
    route: str
    why: str
    steps: list[tuple[str, list[tuple[str, str]]]]


class Offer(NamedTuple):
    """What a segment costs at a connector, and what was seen of it in the last thirty days."""

    connector: str
    price: str | None
    currency: str | None
    surcharge: str | None
    where: str
    messages: int
    delivery_rate: float | None
    cost_per_delivered: dict[str, str]
    is_cheapest: bool


async def routes(visit: Visit) -> Answer:
    realm = _realm(visit)
    hidden = {route.name: earlier.name for route, earlier in shadowed(realm.rules.routes)}
    tried: Draft | Refusal | None = None
    may_try = visit.may("messages:send")
    if may_try and visit.query.get("to"):
        tried = visit.means.intake.draft(visit.caller, _request(visit), visit.now)
    problems = {tried.pointer.strip("/"): tried.detail} if isinstance(tried, Refusal) else {}
    return visit.show(
        "routes.html",
        lines=[_line(visit, route, hidden) for route in realm.rules.routes],
        tried=_tried(tried) if isinstance(tried, Draft) else None,
        problems=problems,
        elsewhere=[said for field, said in problems.items() if field not in ("to", "text", "sender", "kind")],
        kinds=[(kind, kind) for kind in LANES],
        usual=TRANSACTIONAL,
        may_try=may_try,
    )


async def senders(visit: Visit) -> Answer:
    found = sorted(_realm(visit).rules.senders.values(), key=lambda one: (not one.default, one.type, one.value))
    return visit.show("senders.html", senders=found)


async def prices(visit: Visit) -> Answer:
    """What a segment to a country costs at each connector: what one would pay beside what one did."""
    country = visit.query.get("country", "GB").upper()
    kind = visit.query.get("kind")
    kind = kind if kind in LANES else ""
    is_country = re.fullmatch("[A-Z]{2}", country) is not None
    return visit.show(
        "prices.html",
        status=200 if is_country else 422,
        country=country[:8],
        kinds=[("", "Any kind"), *((one, one) for one in LANES)],
        kind=kind,
        offers=await _offers(visit, country, kind) if is_country else [],
        problems={} if is_country else {"country": "Two letters, such as GB."},
    )


async def quality(visit: Visit) -> Answer:
    """The numbers that routes by quality go by."""
    everyones = visit.client.workspace_name == OPERATOR
    found = await standings(visit.means.ledger, visit.now, workspace=visit.client.workspace, everyones=everyones)
    return visit.show("quality.html", found=found, everyones=everyones)


def _request(visit: Visit) -> MessageRequest:
    query = visit.query
    return MessageRequest(
        to=query.get("to"),
        text=query.raw("text")[:_LONGEST] or "Test",
        kind=query.get("kind") or None,
        sender=query.get("sender") or None,
        tags=[query.get("tag")] if query.get("tag") else None,
        dry_run=True,
    )


def _tried(draft: Draft) -> Tried:
    trace: list[dict[str, Any]] = msgspec.json.decode(msgspec.json.encode(draft.verdict.trace))
    route = next((step for step in trace if step.get("rule") == "route"), {})
    message = draft.message
    return Tried(
        message.to,
        message.country,
        message.sender,
        message.segments,
        message.encoding,
        message.price,
        message.currency,
        list(draft.verdict.connectors),
        str(route.get("route") or ""),
        str(route.get("why") or ""),
        [step_of(step) for step in trace],
    )


def _line(visit: Visit, route: Route, hidden: dict[str, str]) -> Line:
    order = _ORDERS.get(route.order, "")
    if route.weights:
        order = "by weight: " + ", ".join(
            f"{name} {weight:g}" for name, weight in zip(route.via, route.weights, strict=False)
        )
    if route.pin is not None:
        order = f"{route.pin} first, pinned"
    return Line(route, _matches(route), order, hidden.get(route.name, ""), route.workspace is not None)


def _matches(route: Route) -> list[tuple[str, str]]:
    lists = {
        "country": route.countries,
        "prefix": route.prefixes,
        "kind": route.kinds,
        "sender": route.senders,
        "number type": route.types,
        "tag": route.tags,
        "network": route.networks,
    }
    found = [(name, ", ".join(sorted(values))) for name, values in lists.items() if values]
    if route.hours is not None:
        found.append(("hours", " to ".join(f"{at // 60:02d}:{at % 60:02d}" for at in route.hours) + " UTC"))
    if route.share < 1:
        found.append(("share", f"{route.share:.0%} of them"))
    if route.channel != "sms":
        found.append(("channel", route.channel))
    return found


async def _offers(visit: Visit, country: str, kind: str) -> list[Offer]:
    """The cheapest first, those without a price last."""
    book = _realm(visit).rules.prices
    ask = Ask(
        workspace=visit.where.workspace,
        environment=visit.where.environment,
        measures=("messages", "delivery_rate", "cost_per_delivered"),
        start=visit.now - _MONTH_MS,
        end=visit.now,
        by=("connector",),
        where={"country": (country,), **({"kind": (kind,)} if kind else {})},
    )
    seen = {line.group["connector"]: line.values for line in (await reading.totals(visit.means.ledger, ask)).lines}
    found = []
    for spec in serving(visit):
        line, more = book.line(spec.name, country, kind), book.surcharge(spec.name, country, kind)
        values: dict[str, list[Any]] = dict(seen.get(spec.name, {}))
        found.append(
            Offer(
                spec.name,
                None if line is None else line.price,
                None if line is None else line.currency,
                None if more is None else more.price,
                "" if line is None else line.where,
                values.get("messages", [0])[0],
                values.get("delivery_rate", [None])[0],
                values.get("cost_per_delivered", [{}])[0] or {},
                False,
            )
        )
    found.sort(key=lambda one: (one.price is None, one.currency or "", _each(one), one.connector))
    currencies = {one.currency for one in found if one.price is not None}
    if len(currencies) == 1 and len([one for one in found if one.price is not None]) > 1:
        found[0] = found[0]._replace(is_cheapest=True)
    return found


def _each(offer: Offer) -> Decimal:
    return Decimal(offer.price or 0) + Decimal(offer.surcharge or 0)


def _realm(visit: Visit) -> Realm:
    return visit.means.snapshot().realms[visit.client.environment]


_MANAGE: Final = "routing:manage"
PAGES: Final[tuple[Page, ...]] = (
    Page("GET", "/console/carriers/routes", routes, _MANAGE),
    Page("GET", "/console/carriers/senders", senders, _MANAGE, "senders:manage"),
    Page("GET", "/console/carriers/prices", prices, _MANAGE),
    Page("GET", "/console/carriers/quality", quality, _MANAGE),
)
