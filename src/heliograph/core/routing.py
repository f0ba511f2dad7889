"""Rules → an ordered list of connectors, with the reason.

Routes are tried in their order: a workspace's own first, then those of the operator (the default workspace), which
serve everybody. The first whose conditions all hold decides. A condition that is absent holds always.
"""

import msgspec


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


class Facts(msgspec.Struct, frozen=True, gc=False):
    """What routes may look at."""

    workspace: int
    number: str
    country: str
    kind: str
    sender: str | None
    ballot: float  # in [0, 1), drawn once for a message


def _fits(route: Route, facts: Facts) -> bool:
    """Do all its conditions hold, but for its share?"""
    return (
        (route.workspace is None or route.workspace == facts.workspace)
        and (not route.countries or facts.country in route.countries)
        and (not route.prefixes or facts.number.startswith(route.prefixes))
        and (not route.kinds or facts.kind in route.kinds)
        and (not route.senders or facts.sender in route.senders)
    )


def choose(routes: tuple[Route, ...], facts: Facts) -> Route | None:
    """The first route whose conditions hold. Of those that come to a route it takes its share; the others go on."""
    ballot = facts.ballot
    for route in routes:
        if not _fits(route, facts):
            continue
        if ballot < route.share:
            return route
        ballot = (ballot - route.share) / (1.0 - route.share)  # among the others it is a fair draw again
    return None


def looks_at_number(routes: tuple[Route, ...]) -> bool:
    """Does a route depend on more than workspace, country, kind and sender? Then no two messages share a choice."""
    return any(route.prefixes or route.share < 1.0 for route in routes)
