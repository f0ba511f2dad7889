"""Verifications: how many come to their end, where and by which way, what the fraud guard says, and each for itself."""

from typing import Any, Final, NamedTuple

import msgspec

from heliograph.console import charts
from heliograph.console.page import Entry, Page
from heliograph.console.rendering import machine
from heliograph.console.visit import Answer, Visit, refuse
from heliograph.core import ids
from heliograph.core.numbers import BadNumber, parse
from heliograph.core.verify import guard
from heliograph.engine.insight import reading
from heliograph.engine.insight.reading import Ask, Line
from heliograph.products.verify import statistics
from heliograph.products.verify.row import PREFIX, STATES, Verification, view
from heliograph.store import reads

PLACE: Final = "/console/verify"
_READ: Final = "verify"
_FIGURES: Final = "analytics:read"
_HOUR: Final = 3_600_000
_DAY: Final = 24 * _HOUR
_SPANS: Final = {"1h": (_HOUR, 5 * 60_000), "24h": (_DAY, _HOUR), "7d": (7 * _DAY, 6 * _HOUR), "30d": (30 * _DAY, _DAY)}
_SHOWN: Final = 50
_LINES: Final = 12
_ACTIONS: Final = {"allow": "good", "delay": "warn", "challenge": "warn", "block": "bad"}


class Step(NamedTuple):
    """A step of the funnel: how many are left, as a share of those that began."""

    name: str
    left: int
    share: float | None


class Way(NamedTuple):
    """How those convert that went a way."""

    name: str
    started: int
    approved: int
    conversion: float | None


async def show(visit: Visit) -> Answer:
    """The funnel, its past, and where it leaks."""
    span = visit.query.get("span")
    span = span if span in _SPANS else "24h"
    length, step = _SPANS[span]
    where, ledger, since = (visit.where.workspace, visit.where.environment), visit.means.ledger, visit.now - length
    found = await statistics.statistics(ledger, where, since)
    delivered = await statistics.delivered(ledger, where, since)
    ask = Ask(
        workspace=where[0],
        environment=where[1],
        measures=("verifications", "verifications_approved", "verification_conversion"),
        start=since,
        end=visit.now,
    )
    over_time = await reading.series(ledger, ask, step)
    by_way = await reading.totals(ledger, msgspec.structs.replace(ask, by=("connector",)))
    total = found.total
    return visit.show(
        "verify.html",
        span=span,
        spans=[(name, name == span) for name in _SPANS],
        found=found,
        lines={
            "Country": found.countries[:_LINES],
            "Prefix": found.prefixes[:_LINES],
            "Client": found.clients[:_LINES],
        },
        ways=[_way(line) for line in by_way.lines if line.values["verifications"][0]],
        funnel=_funnel(total.started, total.sent, delivered, total.approved),
        conversion=_conversion(over_time.lines[0], over_time.times, span),
        sees=visit.may(_READ),
    )


def _funnel(started: int, sent: int, delivered: int, approved: int) -> list[Step]:
    counts = (("Asked for", started), ("Sent", sent), ("Delivered", delivered), ("Checked", approved))
    return [Step(name, count, count / started if started else None) for name, count in counts]


def _way(line: Line) -> Way:
    started, approved, conversion = (line.values[name][0] for name in line.values)
    return Way(line.group["connector"], started, approved, conversion)  # type: ignore[arg-type]


def _conversion(line: Line, times: list[int], span: str) -> charts.Chart:
    points = []
    for place, at in enumerate(times):
        text, value = machine(at), line.values["verification_conversion"][place]
        name = text[11:16] if span in ("1h", "24h") else text[5:10]
        points.append(charts.Point(name, (None if value is None else round(float(value) * 100, 1),)))  # type: ignore[arg-type]
    return charts.lines(points, ("Checked of those started",), ("accent",), " %")


async def show_guard(visit: Visit) -> Answer:
    """What the fraud guard said no to, or would have."""
    where = (visit.where.workspace, visit.where.environment)
    rows = await statistics.kept_back(visit.means.ledger, where, _below(visit), _SHOWN + 1)
    since = visit.now - 30 * _DAY
    found = await statistics.statistics(visit.means.ledger, where, since)
    policy = visit.realm.policies.verify
    return visit.show(
        "verify_guard.html",
        rows=[(row, _shown(visit, row), _reasons(row)) for row in rows[:_SHOWN]],
        following=rows[_SHOWN - 1].public_id if len(rows) > _SHOWN else None,
        saved=found.saved,
        blocked=found.total.blocked,
        policy=policy,
        tones=_ACTIONS,
        sees=visit.may(_READ),
    )


def _reasons(row: Verification) -> list[tuple[str, str]]:
    """Each reason with its words."""
    codes = msgspec.json.decode(row.reasons, type=list[str])
    return [(code, guard.REASONS[code][1] if code in guard.REASONS else "") for code in codes]


async def show_list(visit: Visit) -> Answer:
    text, state = visit.query.get("q"), visit.query.get("state")
    number = None
    if text and ids.parse(PREFIX, text) is not None:
        return visit.go(f"{PLACE}/list/{text}")
    if text:
        found = parse(text, visit.client.default_country)
        if isinstance(found, BadNumber):
            detail = f"{found.detail[:1].upper()}{found.detail[1:]}. Give a number, or the id of a verification."
            raise refuse(found.code, detail, "q")
        number = found.e164
    where, state = (visit.where.workspace, visit.where.environment), state if state in STATES else ""
    rows = await statistics.listed(
        visit.means.ledger, where, number, state or None, _below(visit), _SHOWN + 1, visit.now
    )
    return visit.show(
        "verify_list.html",
        rows=[(row, _shown(visit, row)) for row in rows[:_SHOWN]],
        following=rows[_SHOWN - 1].public_id if len(rows) > _SHOWN else None,
        states=[("", "any"), *((name, name) for name in STATES)],
        is_narrowed=bool(text or state or "cursor" in visit.query),
        tones=_ACTIONS,
    )


async def show_one(visit: Visit) -> Answer:
    where = (visit.where.workspace, visit.where.environment)
    row = await visit.means.verify.find(where, visit.place["id"])
    message = await reads.message(visit.means.ledger, visit.where, row.message) if row.message and row.sends else None
    return visit.show(
        "verification.html",
        row=row,
        shown=_shown(visit, row),
        reasons=_reasons(row),
        message=message,
        tones=_ACTIONS,
        sees_messages=visit.may("messages:read"),
        is_open=row.status(visit.now) == "pending",
    )


async def cancel(visit: Visit) -> Answer:
    where = (visit.where.workspace, visit.where.environment)
    await visit.means.verify.cancel(where, visit.place["id"], visit.now)
    return visit.go(f"{PLACE}/list/{visit.place['id']}", "It is taken back: its code is worth nothing any more.")


def _shown(visit: Visit, row: Verification) -> Any:
    return view(row, visit.realm.policies.verify, visit.now)


def _below(visit: Visit) -> int | None:
    """Below which row the page begins."""
    cursor = visit.query.get("cursor")
    found = ids.parse(PREFIX, cursor) if cursor else None
    return None if found is None else found[1]


PAGES: Final[tuple[Page, ...]] = (
    Page("GET", PLACE, show, _READ, _FIGURES, entry=Entry("Verify", "verify", "Reach")),
    Page("GET", f"{PLACE}/guard", show_guard, _READ, _FIGURES),
    Page("GET", f"{PLACE}/list", show_list, _READ),
    Page("GET", f"{PLACE}/list/{{id}}", show_one, _READ),
    Page("POST", f"{PLACE}/list/{{id}}/cancel", cancel, _READ),
)
