"""In which order a message tries the connectors of its route, and why this one first.

`listed`: as they stand in `via`, or by weights. `cheapest`: by the price book. `best`: by their quality; a part of the
messages tries the others first, so that one that gets better is noticed. A pin puts one first, whatever the order.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

from heliograph.core.prices import PriceBook
from heliograph.core.quality import Quality, Score, lead
from heliograph.core.routing import Facts, Route, ordered

LISTED: Final = "listed"
CHEAPEST: Final = "cheapest"
BEST: Final = "best"
ORDERS: Final = (LISTED, CHEAPEST, BEST)


class Arranged(NamedTuple):
    """Connectors in their order; `why` is what the trace of a decision says of it, None where there is nothing."""

    via: tuple[str, ...]
    why: dict[str, Any] | None


def arrange(route: Route, usable: Mapping[str, object], facts: Facts, prices: PriceBook, quality: Quality) -> Arranged:
    """The connectors of a route that can be used, in the order for this message."""
    via = tuple(name for name in ordered(route, facts.ballot) if name in usable)
    if not via or (route.order == LISTED and route.pin is None):
        return Arranged(via, None)
    if route.order == CHEAPEST:
        arranged = _cheapest(via, facts, prices)
    elif route.order == BEST:
        arranged = _best(route, via, facts, quality)
    else:
        arranged = Arranged(via, None)
    if route.pin in via and (route.pin_until is None or facts.at < route.pin_until):
        return _pinned(route.pin, arranged)
    return arranged


def _pinned(pin: str, arranged: Arranged) -> Arranged:
    why = {"rule": "order", "order": LISTED} | (arranged.why or {}) | {"first": pin, "why": "pinned"}
    return Arranged(_first(pin, arranged.via), why)


def _first(name: str, via: Sequence[str]) -> tuple[str, ...]:
    return (name, *(other for other in via if other != name))


def _cheapest(via: tuple[str, ...], facts: Facts, prices: PriceBook) -> Arranged:
    """By the price of a segment; those of which nobody knows it come last."""
    found = {name: prices.find(name, facts.country, facts.kind, facts.network) for name in via}
    known = {name: price for name, price in found.items() if price is not None}
    currencies = {currency for _, currency in known.values()}
    told = {name: None if price is None else f"{price[0]} {price[1] or ''}".rstrip() for name, price in found.items()}
    if len(currencies) > 1:
        return _order(CHEAPEST, via, "as listed: prices in different currencies can't be compared", prices=told)
    if not known:
        return _order(CHEAPEST, via, "as listed: no price is known", prices=told)
    cheap = sorted(via, key=lambda name: (name not in known, Decimal(known[name][0]) if name in known else Decimal(0)))
    return _order(CHEAPEST, tuple(cheap), f"cheapest: {told[cheap[0]]} for a segment", prices=told)


def _best(route: Route, via: tuple[str, ...], facts: Facts, quality: Quality) -> Arranged:
    """The leader first, then the others by their scores; equal ones as listed."""
    scored = quality.of(facts.country, facts.kind)
    leader = leader_of(route, via, facts.country, facts.kind, quality)
    rest = sorted((name for name in via if name != leader), key=lambda name: -scored.get(name, _UNKNOWN).value)
    shown = {name: _shown(scored.get(name, _UNKNOWN)) for name in via}
    if rest and facts.dice < route.explore:
        tried = sorted(rest, key=via.index)[int(facts.dice / route.explore * len(rest))]
        return _order(BEST, _first(tried, (leader, *rest)), "exploring", scores=shown)
    return _order(BEST, (leader, *rest), _why(leader, rest, scored), scores=shown)


def leader_of(route: Route, via: Sequence[str], country: str, kind: str, quality: Quality) -> str:
    """Who goes first on this route; where nobody has decided that yet, as it would be decided now."""
    known = quality.leaders.get((route.workspace or 0, route.name, country, kind))
    return known if known is not None and known in via else lead(via, quality.of(country, kind), None)


def _why(leader: str, rest: Sequence[str], scored: Mapping[str, Score]) -> str:
    mine = scored.get(leader, _UNKNOWN)
    others = [scored[name].value for name in rest if name in scored and scored[name].enough]
    if not mine.enough or not others:
        return "too few messages to tell" if rest else "the only one"
    if mine.value >= max(others):
        return f"best: {mine.value:.2f} vs {max(others):.2f}"
    return f"it leads: {mine.value:.2f} vs {max(others):.2f}, too close to change"


def _shown(score: Score) -> float | None:
    return round(score.value, 2) if score.enough else None


def _order(order: str, via: tuple[str, ...], why: str, **shown: object) -> Arranged:
    return Arranged(via, {"rule": "order", "order": order, "first": via[0], "why": why, **shown})


_UNKNOWN: Final = Score()
