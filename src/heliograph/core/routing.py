"""Rules → an ordered list of connectors, with the reason.

Routes are tried in their order: a workspace's own first, then those of the operator (the default workspace), which
serve everybody. The first whose conditions all hold decides. A condition that is absent holds always.
"""

from collections.abc import Sequence
from math import nextafter
from typing import Final

import msgspec

from heliograph.core.channels import SMS

_BELOW_ONE: Final = nextafter(1.0, 0.0)
EXPLORE: Final = 0.05


class Route(msgspec.Struct, frozen=True):
    """One declared route."""

    name: str
    via: tuple[str, ...]
    workspace: int | None = None  # None: of the operator, for every workspace
    countries: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()  # of the number in E.164, with its +
    kinds: frozenset[str] = frozenset()
    senders: frozenset[str] = frozenset()
    share: float = 1.0  # part of the messages that come to it; the others go on to the next route
    types: frozenset[str] = frozenset()  # of number
    tags: frozenset[str] = frozenset()  # one of them is enough
    hours: tuple[int, int] | None = None  # minutes of the day, UTC: from, up to; may go over midnight
    weights: tuple[float, ...] = ()  # beside `via`: how often each is the first; the others stay behind it in order
    networks: frozenset[str] = frozenset()  # to which the number's range was given out
    order: str = "listed"  # listed | cheapest | best: in which the connectors are tried
    explore: float = EXPLORE  # with `best`: part of the messages that tries the others first
    pin: str | None = None  # the connector that goes first whatever the order …
    pin_until: int | None = None  # … up to this moment
    channel: str = SMS  # whose messages it takes


class Facts(msgspec.Struct, frozen=True, gc=False):
    """What routes may look at."""

    workspace: int
    number: str
    country: str
    kind: str
    sender: str | None
    ballot: float  # in [0, 1), drawn once for a message
    number_type: str = ""
    tags: tuple[str, ...] = ()
    minute: int = 0  # of the day, UTC
    network: str = ""
    dice: float = 1.0  # in [0, 1), thrown once for a message where routes explore; 1: nobody does
    at: int = 0  # now, or the last end of a pin that is over: for pins that is the same
    channel: str = SMS


def _fits(route: Route, facts: Facts) -> bool:
    """Do all its conditions hold, but for its share?"""
    return (
        route.channel == facts.channel
        and (route.workspace is None or route.workspace == facts.workspace)
        and (not route.countries or facts.country in route.countries)
        and (not route.prefixes or facts.number.startswith(route.prefixes))
        and (not route.kinds or facts.kind in route.kinds)
        and (not route.senders or facts.sender in route.senders)
        and (not route.types or facts.number_type in route.types)
        and (not route.tags or not route.tags.isdisjoint(facts.tags))
        and (route.hours is None or _within(route.hours, facts.minute))
        and (not route.networks or facts.network in route.networks)
    )


def _within(hours: tuple[int, int], minute: int) -> bool:
    start, end = hours
    return start <= minute < end if start < end else minute >= start or minute < end


def choose(routes: tuple[Route, ...], facts: Facts) -> Route | None:
    """The first route whose conditions hold. Of those that come to a route it takes its share; the others go on."""
    ballot = facts.ballot
    for route in routes:
        if not _fits(route, facts):
            continue
        if ballot < route.share:
            return route
        # Among the others it is a fair draw again, and by rounding never a whole one.
        ballot = min((ballot - route.share) / (1.0 - route.share), _BELOW_ONE)
    return None


def ordered(route: Route, ballot: float) -> tuple[str, ...]:
    """A route's connectors in the order in which a message tries them: by its weights the first is drawn."""
    if not route.weights:
        return route.via
    drawn = ballot * 7919 % 1.0 * sum(route.weights)  # not the draw that decided on the share
    for name, weight in zip(route.via, route.weights, strict=True):
        if drawn < weight:
            return (name, *(other for other in route.via if other != name))
        drawn -= weight
    return route.via


class Looks(msgspec.Struct, frozen=True):
    """What choices among some routes depend on, beyond the facts that many messages share."""

    number: bool  # or chance: then no two messages share a choice
    tags: bool
    time: bool
    network: bool
    explores: float  # the largest part of the messages that tries other connectors than the best
    pin_ends: tuple[int, ...]  # when pins end, in their order
    closer: bool  # some of the above


def looks(routes: Sequence[Route], *, by_network: bool = False) -> Looks:
    """`by_network`: prices depend on networks."""
    number = any(route.prefixes or route.share < 1.0 or route.weights for route in routes)
    tags = any(route.tags for route in routes)
    time = any(route.hours is not None for route in routes)
    network = by_network or any(route.networks for route in routes)
    explores = max((route.explore for route in routes if route.order == "best"), default=0.0)
    pin_ends = tuple(sorted({route.pin_until for route in routes if route.pin_until is not None}))
    closer = any((number, tags, time, network, explores, pin_ends))
    return Looks(number, tags, time, network, explores, pin_ends, closer)


def last_end(ends: Sequence[int], now: int) -> int:
    """The last of these moments that is over; 0 when none is. Between two of them nothing changes by itself."""
    return max((end for end in ends if end <= now), default=0)


def shadowed(routes: Sequence[Route]) -> list[tuple[Route, Route]]:
    """Routes that can never match, each with the earlier one that takes all that it could."""
    return [
        (route, earlier)
        for place, route in enumerate(routes)
        if (earlier := next((one for one in routes[:place] if _covers(one, route)), None)) is not None
    ]


def _covers(earlier: Route, later: Route) -> bool:
    """Does everything that fits the later one fit the earlier one too, which keeps it?"""
    return (
        earlier.share >= 1.0
        and earlier.channel == later.channel
        and earlier.workspace in (None, later.workspace)
        and all(
            not theirs or (bool(ours) and ours <= theirs)
            for theirs, ours in (
                (earlier.countries, later.countries),
                (earlier.kinds, later.kinds),
                (earlier.senders, later.senders),
                (earlier.types, later.types),
                (earlier.tags, later.tags),
                (earlier.networks, later.networks),
            )
        )
        and (not earlier.prefixes or _all_begin(later.prefixes, earlier.prefixes))
        and earlier.hours in (None, later.hours)
    )


def _all_begin(prefixes: tuple[str, ...], shorter: tuple[str, ...]) -> bool:
    return bool(prefixes) and all(prefix.startswith(shorter) for prefix in prefixes)
