"""Carriers: each connector, how it is, what goes through it and what comes of it; paused, drained, let go on, and what
it recorded.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final, NamedTuple, cast

import msgspec

from heliograph.console import charts
from heliograph.console.figures import SPANS
from heliograph.console.page import Entry, Page
from heliograph.console.rendering import machine
from heliograph.console.visit import Answer, Visit, not_found, refuse
from heliograph.core import failures
from heliograph.core.meanings import meaning
from heliograph.engine import pauses, recordings
from heliograph.engine.clients import ADMIN
from heliograph.engine.declared import OPERATOR
from heliograph.engine.form import SECRET_KEYS
from heliograph.engine.insight import reading
from heliograph.engine.insight.reading import Ask, Line
from heliograph.engine.specs import ConnectorSpec

_SPAN: Final = "24h"
_ENDS: Final = ("delivered", "undelivered", "failed", "expired", "sent", "waiting")
_RATES: Final = (
    *("messages", "segments", "delivery_rate", "failure_rate", "attempt_failure_rate", "cost_per_delivered"),
)
_TIMES: Final = ("time_to_send_p95", "time_to_deliver_p50", "time_to_deliver_p95")
_MEASURES: Final = (*_RATES, *_TIMES)
_LOST: Final = ("undelivered", "failed", "expired")
_CODES_SHOWN: Final = 5
_CODE_STYLES: Final = ("bad", "warn", "info", "accent", "good", "wait")
_NO_CODE: Final = "without a code"
_OTHER_CODES: Final = "other codes"


class Standing(msgspec.Struct, frozen=True):
    """A connector as this process sees it. `rate`: segments of the last second; None: it has no cap to count by."""

    name: str
    kind: str
    state: str
    reason: str
    since: int | None
    in_flight: int | None
    window: int
    rate: int | None
    cap: int
    is_paused: bool
    is_ours: bool  # of the visitor's own workspace
    figures: Mapping[str, Any]


class Code(NamedTuple):
    """An error of a span: how often, and what it means."""

    code: str
    times: int
    means: str


async def show(visit: Visit) -> Answer:
    by_name = {line.group["connector"]: line for line in await _totals(visit, "24h", ("connector",), {})}
    return visit.show(
        "carriers.html",
        connectors=[standing(visit, spec, by_name.get(spec.name)) for spec in serving(visit)],
        may_pause=may_pause(visit),
        everything_paused=visit.means.snapshot().paused.everything,
    )


async def one(visit: Visit) -> Answer:
    spec = _find(visit)
    span = visit.query.get("span", _SPAN)
    span = span if span in SPANS else _SPAN
    narrowed = {"connector": (spec.name,)}
    whole = await _totals(visit, span, (), narrowed)
    length, step = SPANS[span]
    ask = _ask(visit, length, _ENDS, (), narrowed)
    over_time = await reading.series(visit.means.ledger, ask, step)
    names = [_label(at, span) for at in over_time.times]
    line = cast("Mapping[str, list[int]]", over_time.lines[0].values)
    traffic = [
        charts.Point(name, (line["delivered"][place], sum(line[lost][place] for lost in _LOST), _open(line, place)))
        for place, name in enumerate(names)
    ]
    errors, codes = await _errors(visit, spec, span, names)
    recorder = recordings.recorder_of(visit.means.carrier(spec.name))
    return visit.show(
        "carrier.html",
        connector=standing(visit, spec, whole[0] if whole else None),
        span=span,
        spans=[(name, name == span) for name in SPANS],
        traffic=charts.columns(traffic, ("Delivered", "Failed", "On the way"), ("good", "bad", "wait")),
        errors=errors,
        error_styles=_CODE_STYLES,
        codes=codes,
        countries=await _totals(visit, span, ("country",), narrowed),
        networks=await _totals(visit, span, ("country", "network"), narrowed, _RATES),
        settings=_settings(visit, spec),
        routes=[
            route.name
            for route in visit.means.snapshot().realms[visit.client.environment].rules.routes
            if spec.name in route.via
        ],
        may_pause=may_pause(visit),
        records=recorder is not None and visit.client.is_operator and visit.may("routing:manage"),
        may_take_texts=visit.may(ADMIN),
    )


async def pause(visit: Visit) -> Answer:
    """Also the first half of draining: what is in flight comes to its end."""
    spec = _operators(visit)
    await pauses.pause(
        visit.means.ledger, visit.client.workspace, "connector", spec.name, actor=visit.actor, now=visit.now
    )
    await visit.means.reload()
    return visit.go(_place(spec), f"{spec.name} is paused. What is in flight comes to its end.")


async def resume(visit: Visit) -> Answer:
    spec = _operators(visit)
    await pauses.resume(
        visit.means.ledger, visit.client.workspace, "connector", spec.name, actor=visit.actor, now=visit.now
    )
    await visit.means.reload()
    return visit.go(_place(spec), f"{spec.name} goes on.")


async def record(visit: Visit) -> Answer:
    """What it said and heard of late. A form, for it leaves a trace in the audit log."""
    spec = _operators(visit)
    format, has_texts = visit.form.get("format"), visit.form.get("texts") == "1"
    if format not in recordings.MEDIA_TYPES:
        raise refuse("bad_value", f"There are {', '.join(recordings.MEDIA_TYPES)}.")
    if has_texts and not visit.may(ADMIN):
        raise refuse("missing_scope", "Texts and whole numbers are for owners.", status=403)
    recorder = recordings.recorder_of(visit.means.carrier(spec.name))
    if recorder is None:
        raise refuse("not_found", f"{spec.name} does not record, or not in this process.", status=404)
    body = await recordings.export(
        visit.means.ledger,
        recorder,
        spec.name,
        format,
        texts=has_texts,
        workspace=visit.client.workspace,
        actor=visit.actor,
        now=visit.now,
    )

    async def pieces() -> AsyncIterator[bytes]:
        yield body

    return visit.stream(recordings.file_name(spec.name, format), recordings.MEDIA_TYPES[format], pieces())


def serving(visit: Visit) -> list[ConnectorSpec]:
    """The connectors that serve the visitor's workspace, by name."""
    snapshot = visit.means.snapshot()
    owners = (snapshot.workspaces[OPERATOR], visit.client.workspace)
    return sorted((spec for spec in snapshot.connectors.values() if spec.workspace in owners), key=lambda one: one.name)


def may_pause(visit: Visit) -> bool:
    """A connector serves every workspace: only those who run the gateway stop it."""
    return visit.client.is_operator and visit.may("pauses:manage")


def standing(visit: Visit, spec: ConnectorSpec, line: Line | None) -> Standing:
    paused, link = visit.means.snapshot().paused, visit.means.link(spec.name)
    is_paused = paused.everything or spec.name in paused.connectors
    state = "paused" if is_paused else "idle" if link is None else "up" if link.up else "down"
    reason = "" if link is not None and link.up else "not at work in this process" if link is None else link.reason
    cap = 0 if link is None else link.cap.per_second
    rate = cap - link.cap.free(visit.means.clock.monotonic()) if link is not None and cap else None
    return Standing(
        spec.name,
        spec.kind,
        state,
        reason,
        None if link is None else link.since,
        None if link is None else link.in_flight,
        spec.window if link is None else link.window,
        rate,
        cap or spec.max_segments_per_second,
        is_paused,
        spec.workspace == visit.client.workspace,
        {} if line is None else {name: values[0] for name, values in line.values.items()},
    )


async def _totals(
    visit: Visit,
    span: str,
    by: tuple[str, ...],
    narrowed: Mapping[str, tuple[str, ...]],
    measures: tuple[str, ...] = _MEASURES,
) -> list[Line]:
    ask = _ask(visit, SPANS[span][0], measures, by, narrowed)
    return (await reading.totals(visit.means.ledger, ask)).lines


def _ask(
    visit: Visit,
    length: int,
    measures: tuple[str, ...],
    by: tuple[str, ...],
    narrowed: Mapping[str, tuple[str, ...]],
) -> Ask:
    return Ask(
        workspace=visit.where.workspace,
        environment=visit.where.environment,
        measures=measures,
        start=visit.now - length,
        end=visit.now,
        by=by,
        where=narrowed,
    )


async def _errors(visit: Visit, spec: ConnectorSpec, span: str, names: list[str]) -> tuple[charts.Chart, list[Code]]:
    """The codes of what did not arrive: over time, and each with its meaning."""
    length, step = SPANS[span]
    narrowed = {"connector": (spec.name,), "status": ("undelivered", "failed", "expired")}
    ask = _ask(visit, length, ("messages",), ("code", "status"), narrowed)
    over_time = await reading.series(visit.means.ledger, ask, step)
    counts: dict[str, list[int]] = {}
    codes: dict[str, Code] = {}
    for line in over_time.lines:
        code, values = line.group["code"] or _NO_CODE, cast("list[int]", line.values["messages"])
        before = counts.get(code, [0] * len(values))
        counts[code] = [one + other for one, other in zip(before, values, strict=True)]
        means = meaning(line.group["status"], failures.UNKNOWN, line.group["code"] or None).means
        codes[code] = Code(code, sum(counts[code]), means)
    ranked = sorted(codes.values(), key=lambda one: -one.times)
    shown = [one.code for one in ranked[:_CODES_SHOWN]]
    if rest := [one.code for one in ranked[_CODES_SHOWN:]]:
        counts[_OTHER_CODES] = [sum(counts[code][place] for code in rest) for place in range(len(names))]
        shown.append(_OTHER_CODES)
    points = [charts.Point(name, tuple(counts[code][place] for code in shown)) for place, name in enumerate(names)]
    return charts.columns(points, tuple(shown), _CODE_STYLES[: len(shown)]), ranked


def _settings(visit: Visit, spec: ConnectorSpec) -> list[tuple[str, Any]]:
    """What was declared of it, secrets struck out; of the operator's only for the operator."""
    if spec.workspace != visit.client.workspace:
        return []
    return [(key, "…" if key in SECRET_KEYS else value) for key, value in sorted(spec.settings.items())]


def _open(line: Mapping[str, list[int]], place: int) -> int:
    return line["sent"][place] + line["waiting"][place]


def _find(visit: Visit) -> ConnectorSpec:
    name = visit.place["name"]
    for spec in serving(visit):
        if spec.name == name:
            return spec
    raise not_found("connector", name)


def _operators(visit: Visit) -> ConnectorSpec:
    spec = _find(visit)
    if not visit.client.is_operator:
        detail = f"{spec.name} serves other workspaces too: those who run the gateway may do that."
        raise refuse("foreign_workspace", detail, status=403)
    return spec


def _label(at: int, span: str) -> str:
    text = machine(at)
    return text[11:16] if span in ("1h", "24h") else text[5:10] if span == "30d" else f"{text[5:10]} {text[11:16]}"


def _place(spec: ConnectorSpec) -> str:
    return f"/console/carriers/connectors/{spec.name}"


_LOOK: Final = ("routing:manage", "pauses:manage")
_ONE: Final = "/console/carriers/connectors/{name}"
PAGES: Final[tuple[Page, ...]] = (
    Page("GET", "/console/carriers", show, *_LOOK, entry=Entry("Carriers", "carrier", "Run")),
    Page("GET", _ONE, one, *_LOOK),
    Page("POST", f"{_ONE}/pause", pause, "pauses:manage"),
    Page("POST", f"{_ONE}/resume", resume, "pauses:manage"),
    Page("POST", f"{_ONE}/recording", record, "routing:manage"),
)
