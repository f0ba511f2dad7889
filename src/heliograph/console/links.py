"""Short links: how many people followed them, from which campaigns, and the newest ones each for itself."""

from typing import Any, Final

import msgspec

from heliograph.console import charts
from heliograph.console.page import Entry, Page
from heliograph.console.rendering import machine
from heliograph.console.visit import Answer, Visit
from heliograph.engine import clicks
from heliograph.engine.insight import reading
from heliograph.engine.insight.reading import Ask, Line

_HOUR: Final = 3_600_000
_DAY: Final = 24 * _HOUR
_SPANS: Final = {"24h": (_DAY, _HOUR), "7d": (7 * _DAY, 6 * _HOUR), "30d": (30 * _DAY, _DAY)}
_MEASURES: Final = ("clicks", "delivered", "click_rate")
_SHOWN: Final = 50


async def show(visit: Visit) -> Answer:
    span = visit.query.get("span")
    span = span if span in _SPANS else "7d"
    length, step = _SPANS[span]
    ledger, where = visit.means.ledger, visit.where
    ask = Ask(
        workspace=where.workspace,
        environment=where.environment,
        measures=_MEASURES,
        start=visit.now - length,
        end=visit.now,
    )
    before = msgspec.structs.replace(ask, start=visit.now - 2 * length, end=visit.now - length)
    over_time = await reading.series(ledger, ask, step)
    by_campaign = await reading.totals(ledger, msgspec.structs.replace(ask, by=("campaign",)))
    sees, only_clicked = visit.may("messages:read"), bool(visit.query.get("clicked"))
    newest = await clicks.newest_links(ledger, where.workspace, where.environment, _SHOWN, clicked=only_clicked)
    return visit.show(
        "links.html",
        spans=[(name, name == span) for name in _SPANS],
        domain=visit.realm.policies.links.domain,
        now_sums=_values((await reading.totals(ledger, ask)).lines[0]),
        then_sums=_values((await reading.totals(ledger, before)).lines[0]),
        over_time=charts.columns(_points(over_time.lines[0], over_time.times, span), ("Clicks",), ("accent",)),
        campaigns=[(line.group["campaign"], _values(line)) for line in by_campaign.lines if line.values["clicks"][0]],
        newest=newest if sees else None,
        only_clicked=only_clicked,
    )


def _values(line: Line) -> dict[str, Any]:
    return {name: values[0] for name, values in line.values.items()}


def _points(line: Line, times: list[int], span: str) -> list[charts.Point]:
    names = [machine(at)[11:16] if span == "24h" else machine(at)[5:10] for at in times]
    counts: list[Any] = line.values["clicks"]
    return [charts.Point(name, (count,)) for name, count in zip(names, counts, strict=True)]


PAGES: Final[tuple[Page, ...]] = (
    Page("GET", "/console/links", show, "analytics:read", entry=Entry("Short links", "link", "Reach")),
)
