"""How well connectors do, in numbers for people: by connector, country and kind, with the size of each sample."""

from collections.abc import Sequence

import msgspec

from heliograph.core.quality import Score, Tally
from heliograph.core.views import moment
from heliograph.engine.quality import Counted, Span, leaders, scored, tallies
from heliograph.store.port import Ledger


class WayView(msgspec.Struct, frozen=True):
    """One connector to one country, for one kind. Parts are between 0 and 1; null where nothing is known."""

    connector: str
    country: str
    kind: str
    score: float | None  # null: too few messages to tell
    submitted: int
    faults: int
    fault_part: float | None
    awaited: int  # taken a minute ago or more: a receipt should be there
    delivered: int
    delivered_part: float | None
    mean_delay_ms: int | None
    instant_part: float | None  # of the deliveries: reported within a second
    convertible: int  # delivered for workspaces that tell what follows
    converted: int
    converted_part: float | None
    plausibility: float | None  # 1: nothing speaks against the receipts


class LeaderView(msgspec.Struct, frozen=True):
    """Who goes first on a route by quality, where that is not the first in its list."""

    route: str
    country: str
    kind: str
    connector: str
    since: str


class Standings(msgspec.Struct, frozen=True):
    """All that is known of the span."""

    since: str
    until: str
    data: list[WayView]
    leaders: list[LeaderView]


async def standings(ledger: Ledger, now: int, *, workspace: int, everyones: bool) -> Standings:
    """What is seen from a workspace: what became of its own messages, and its own routes; `everyones`: of all."""
    span = Span()
    counted = [row for row in await span.count(ledger, now) if everyones or row.workspace == workspace]
    found = [
        LeaderView(route, country, kind, leader.connector, moment(leader.at))
        for (owner, route, country, kind), leader in sorted((await leaders(ledger)).items())
        if everyones or owner == workspace
    ]
    return Standings(moment(now - span.ms), moment(now), _ways(counted), found)


def _ways(counted: Sequence[Counted]) -> list[WayView]:
    ways, nothing = scored(counted), Score()
    return [
        _view(*way, tally, ways.get((way.country, way.kind), {}).get(way.connector, nothing))
        for way, tally in sorted(tallies(counted, lambda age: 1.0).items())
    ]


def _view(connector: str, country: str, kind: str, tally: Tally, score: Score) -> WayView:
    return WayView(
        connector=connector,
        country=country,
        kind=kind,
        score=round(score.value, 3) if score.enough else None,
        submitted=int(tally.submitted),
        faults=int(tally.faults),
        fault_part=_part(tally.faults, tally.submitted),
        awaited=int(tally.ripe),
        delivered=int(tally.delivered),
        delivered_part=_part(tally.delivered, tally.ripe),
        mean_delay_ms=round(tally.delay_ms / tally.timed) if tally.timed else None,
        instant_part=_part(tally.instant, tally.timed),
        convertible=int(tally.convertible),
        converted=int(tally.converted),
        converted_part=_part(tally.converted, tally.convertible),
        plausibility=round(score.plausibility, 3) if score.enough else None,
    )


def _part(count: float, of: float) -> float | None:
    return round(count / of, 3) if of else None
