"""Alarms: what is wrong, what was, who looks after it, and what is not to be told."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from heliograph.api.reading import where
from heliograph.api.routes import Request, Route, refuse
from heliograph.core import ids
from heliograph.core.alarm_rules import RULES
from heliograph.core.failures import Refusal, Refused
from heliograph.core.request import read_time
from heliograph.core.spans import read_span
from heliograph.core.views import moment
from heliograph.engine.alarms import register, reports
from heliograph.engine.alarms.looking import Where
from heliograph.engine.alarms.register import AlarmView, Silence, view


class AlarmsQuery(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Which alarms."""

    status: Literal["pending", "firing", "resolved"] | None = None
    cursor: str | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class AlarmPage(msgspec.Struct):
    """A page of alarms, the newest first."""

    data: list[AlarmView]
    next_cursor: str | None


class AlarmStep(msgspec.Struct):
    """Something that happened to an alarm."""

    at: str
    what: str
    detail: str


class AlarmDetail(msgspec.Struct):
    """An alarm with its history, and what its rule advises."""

    alarm: AlarmView
    history: list[AlarmStep]
    means: str
    steps: list[str]
    actions: list[str]


class AlarmReport(msgspec.Struct):
    """The beginning of a post-mortem."""

    markdown: str


class RuleView(msgspec.Struct):
    """A rule as it holds in this workspace."""

    name: str
    title: str
    enabled: bool
    severity: str
    unit: str
    limit: float
    factor: float
    minimum: int
    for_s: int
    by: list[str]
    means: str
    steps: list[str]
    actions: list[str]


class AlarmRules(msgspec.Struct):
    """All rules."""

    data: list[RuleView]


class SilenceRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What is not to be told: of one rule or of all, about something or about anything, for how long, and why."""

    why: Annotated[str, Meta(min_length=1, max_length=200)]
    duration: int | str | None = None
    until: str | None = None
    rule: str | None = None
    subject: Annotated[dict[str, str], Meta(max_length=10)] = {}


class Silences(msgspec.Struct):
    """What is silent now."""

    data: list[Silence]


def _where(request: Request) -> Where:
    its = where(request)
    return Where(its.workspace, its.environment)


async def list_alarms(request: Request) -> AlarmPage:
    query: AlarmsQuery = request.query
    below = None
    if query.cursor is not None:
        place = ids.parse(register.PREFIX, query.cursor)
        if place is None:
            raise refuse("bad_cursor", "the cursor is not one of ours; use next_cursor as it is", "/cursor", 400)
        below = place[1]
    found = await register.listed(request.context.ledger, _where(request), query.status, below, query.limit)
    return AlarmPage([view(one) for one in found], found[-1].public_id if len(found) == query.limit else None)


async def show(request: Request) -> AlarmDetail:
    known = await register.find(request.context.ledger, _where(request), request.place["id"])
    history = [
        AlarmStep(moment(at), what, detail)
        for at, what, detail in await register.history(request.context.ledger, known.id)
    ]
    rule = RULES[known.rule]
    return AlarmDetail(view(known), history, rule.means, list(rule.steps), list(rule.actions))


async def report(request: Request) -> AlarmReport:
    ledger = request.context.ledger
    known = await register.find(ledger, _where(request), request.place["id"])
    return AlarmReport(await reports.begun(ledger, known, request.now))


async def acknowledge(request: Request) -> AlarmView:
    ledger = request.context.ledger
    known = await register.find(ledger, _where(request), request.place["id"])
    return view(await register.acknowledge(ledger, known, request.actor, request.now))


async def rules(request: Request) -> AlarmRules:
    policy = request.context.snapshot().realms[request.client.environment].policies.alarms
    found = []
    for name, usual in RULES.items():
        here = policy.rule(name)
        rule = here or usual
        found.append(
            RuleView(
                *(name, rule.title, here is not None, rule.severity, rule.unit, rule.floor, rule.factor, rule.minimum),
                *(rule.for_ms // 1000, list(rule.by), rule.means, list(rule.steps), list(rule.actions)),
            )
        )
    return AlarmRules(found)


async def silence(request: Request) -> Silence:
    asked: SilenceRequest = request.body
    if (asked.until is None) == (asked.duration is None):
        raise refuse("missing_field", "give duration or until, one of them", "/duration")
    if asked.until is not None:
        until = read_time(asked.until, "/until")
    else:
        span = read_span(asked.duration or "")
        until = msgspec.structs.replace(span, pointer="/duration") if isinstance(span, Refusal) else request.now + span
    if isinstance(until, Refusal):
        raise Refused(until)
    workspace = request.client.workspace
    return await register.silence(
        *(request.context.ledger, workspace, asked.rule, asked.subject, until, asked.why, request.actor, request.now)
    )


async def list_silences(request: Request) -> Silences:
    return Silences(await register.silences(request.context.ledger, request.client.workspace, request.now))


async def unsilence(request: Request) -> Silences:
    await register.unsilence(
        *(request.context.ledger, request.client.workspace, request.place["id"], request.actor, request.now)
    )
    return await list_silences(request)


_LOOK: Final = ("analytics:read", "pauses:manage")
ROUTES: Final = (
    Route(*("GET", "/v1/alarms", list_alarms, *_LOOK), query=AlarmsQuery, answer=AlarmPage, summary="List alarms"),
    Route(*("GET", "/v1/alarms/{id}", show, *_LOOK), answer=AlarmDetail, summary="Show an alarm with its history"),
    Route(
        *("GET", "/v1/alarms/{id}/report", report, "pauses:manage"),
        answer=AlarmReport,
        summary="Begin a post-mortem of an alarm",
    ),
    Route(
        *("POST", "/v1/alarms/{id}/acknowledge", acknowledge, "pauses:manage"),
        answer=AlarmView,
        summary="Say that somebody looks after an alarm",
    ),
    Route("GET", "/v1/alarm-rules", rules, *_LOOK, answer=AlarmRules, summary="List the rules of alarms"),
    Route("GET", "/v1/silences", list_silences, *_LOOK, answer=Silences, summary="List what is silent"),
    Route(
        *("POST", "/v1/silences", silence, "pauses:manage"),
        body=SilenceRequest,
        answer=Silence,
        status=201,
        summary="Keep alarms from being told for a while",
    ),
    Route("DELETE", "/v1/silences/{id}", unsilence, "pauses:manage", answer=Silences, summary="End a silence"),
)
