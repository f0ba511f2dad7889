"""The overview: how it goes right now, and compared with before."""

from typing import Final

import msgspec

from heliograph.console import alarms, charts, checklist
from heliograph.console.figures import SPANS, Sums, figures, waiting
from heliograph.console.page import Entry, Page
from heliograph.console.rendering import machine
from heliograph.console.snippets import FIRST, curl
from heliograph.console.visit import Answer, Visit
from heliograph.engine import endpoints
from heliograph.engine.declared import OPERATOR

_SPAN: Final = "24h"
_NAMES: Final = {"1h": "the last hour", "24h": "the last 24 hours", "7d": "the last 7 days", "30d": "the last 30 days"}


class Light(msgspec.Struct, frozen=True):
    """How one connector or endpoint is."""

    name: str
    state: str
    detail: str
    since: int | None = None
    kind: str = ""


async def show(visit: Visit) -> Answer:
    span = visit.query.get("span", _SPAN)
    span = span if span in SPANS else _SPAN
    ledger = visit.means.ledger
    found = await figures(ledger, visit.where, span, visit.now)
    names = [_label(at, span) for at in found.times]
    traffic = [
        charts.Point(name, (step.delivered, step.failed, step.open))
        for name, step in zip(names, found.steps, strict=True)
    ]
    times = [
        charts.Point(name, (_seconds(step.median_ms), _seconds(step.slow_ms)))
        for name, step in zip(names, found.steps, strict=True)
    ]
    return visit.show(
        "overview.html",
        span=span,
        spans=[(name, name == span) for name in SPANS],
        span_name=_NAMES[span],
        found=found,
        changes=changes(found.now, found.before),
        traffic=charts.columns(traffic, ("Delivered", "Failed", "On the way"), ("good", "bad", "wait")),
        times=charts.lines(times, ("Half of them within", "95 of 100 within"), ("accent", "warn"), " s"),
        rate=charts.sparkline([step.delivery_rate for step in found.steps]),
        volume=charts.sparkline([step.messages for step in found.steps]),
        alarms=[alarms.shown(one) for one in await alarms.open_ones(visit)],
        readiness=await checklist.look(visit) if visit.may("routing:manage") else None,
        queue=await waiting(ledger, visit.where, visit.means.snapshot().connectors, visit.now),
        connectors=connectors(visit),
        endpoints=await endpoint_lights(visit) if visit.may("webhooks:read", "webhooks:manage") else None,
        is_new=not found.now.messages and not found.before.messages,
        first_curl=curl(visit.our_url, FIRST),
    )


def changes(now: Sums, before: Sums) -> dict[str, float | None]:
    """By how much each figure moved, as a share of what it was before; None where nothing was before."""
    return {
        "messages": _change(now.messages, before.messages),
        "delivered": _change(now.delivered, before.delivered),
        "failed": _change(now.failed, before.failed),
        "opt_outs": _change(now.opt_outs, before.opt_outs),
        "rate": _change(now.delivery_rate, before.delivery_rate),
        "median": _change(now.median_ms, before.median_ms),
        "parts": _change(now.parts, before.parts),
        **{
            currency: _change(float(cost), float(before.costs.get(currency, 0))) for currency, cost in now.costs.items()
        },
    }


def connectors(visit: Visit) -> list[Light]:
    """Those that serve the visitor's workspace: up or down as this process sees them."""
    snapshot = visit.means.snapshot()
    operator = snapshot.workspaces[OPERATOR]
    lights = []
    for spec in snapshot.connectors.values():
        if spec.workspace not in (operator, visit.client.workspace):
            continue
        link = visit.means.link(spec.name)
        if snapshot.paused.everything or spec.name in snapshot.paused.connectors:
            lights.append(Light(spec.name, "paused", "paused", kind=spec.kind))
        elif link is None:
            lights.append(Light(spec.name, "idle", "not at work in this process", kind=spec.kind))
        else:
            detail = f"{link.in_flight} of {link.window} in flight" if link.up else link.reason
            lights.append(Light(spec.name, "up" if link.up else "down", detail, link.since, spec.kind))
    return lights


async def endpoint_lights(visit: Visit) -> list[Light]:
    """The webhooks of the environment."""
    lights: list[Light] = []
    for endpoint in visit.means.snapshot().endpoints.values():
        if endpoint.environment != visit.client.environment:
            continue
        health = await endpoints.health(visit.means.ledger, endpoint.id)
        state = "disabled" if health.disabled_at else "failing" if health.failing_since else "healthy"
        lights.append(Light(endpoint.name, state, health.reason or "", health.disabled_at or health.failing_since))
    return lights


def _change(now: float | None, before: float | None) -> float | None:
    return None if now is None or not before else (now - before) / before


def _seconds(ms: int | None) -> float | None:
    return None if ms is None else ms / 1_000


def _label(at: int, span: str) -> str:
    text = machine(at)
    return text[11:16] if span in ("1h", "24h") else text[5:10] if span == "30d" else f"{text[5:10]} {text[11:16]}"


PAGES: Final[tuple[Page, ...]] = (
    Page("GET", "/console", show, "analytics:read", entry=Entry("Overview", "overview", "Watch")),
)
