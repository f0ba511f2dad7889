"""Statistics: measures over time, split and narrowed; and goals that applications report back."""

import re
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from heliograph.api.reading import where
from heliograph.api.routes import Request, Route, refuse
from heliograph.core import ids
from heliograph.core.failures import Refusal, Refused
from heliograph.core.measures import MEASURES, PARTS, Value
from heliograph.core.request import read_time
from heliograph.core.views import moment
from heliograph.engine.insight import goals, reading
from heliograph.engine.insight.goals import Goal, GoalView
from heliograph.engine.insight.reading import DIMENSIONS, Ask, Line, Series

_DAY_MS: Final = 86_400_000
_STEP: Final = re.compile(r"([1-9][0-9]{0,3})([mhd])")
_UNITS: Final = {"m": 60_000, "h": 3_600_000, "d": _DAY_MS}
_SEVERAL: Final = 100


class InsightsQuery(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """What, of which time, how fine, split by what and narrowed to what. Several values are separated by commas."""

    measures: str
    by: str | None = None
    from_: str | None = None
    to: str | None = None
    step: str | None = None  # 5m, 1h, 1d …; left out: one value for the whole time
    compare: Literal["previous"] | None = None
    groups: Annotated[int, Meta(ge=1, le=200)] = reading.GROUPS
    country: str | None = None
    network: str | None = None
    kind: str | None = None
    connector: str | None = None
    sender: str | None = None
    template: str | None = None
    campaign: str | None = None
    client: str | None = None
    status: str | None = None
    code: str | None = None
    currency: str | None = None
    detail: str | None = None


class InsightLine(msgspec.Struct):
    """One group. Of each measure the values, one for each time, and the value of the whole time."""

    group: dict[str, str]
    values: dict[str, list[Value]]
    total: dict[str, Value]
    previous: dict[str, Value] | None = None  # of the time before, which is as long


class Insights(msgspec.Struct):
    """Measures over time."""

    since: str
    until: str
    step_s: int | None
    times: list[str]
    data: list[InsightLine]


class MeasureView(msgspec.Struct):
    """A measure, and how it comes about."""

    name: str
    unit: str
    formula: str
    meaning: str
    by: list[str]


class Measures(msgspec.Struct):
    """All that can be asked for."""

    data: list[MeasureView]


async def show(request: Request) -> Insights:
    query: InsightsQuery = request.query
    ledger, ask = request.context.ledger, _ask(request, query)
    whole = await reading.totals(ledger, ask)
    over_time = None if query.step is None else await reading.series(ledger, ask, _step(query.step))
    before = None
    if query.compare is not None:
        length = ask.end - ask.start
        before = await reading.totals(ledger, msgspec.structs.replace(ask, start=ask.start - length, end=ask.start))
    return _insights(whole, over_time, before)


def _insights(whole: Series, over_time: Series | None, before: Series | None) -> Insights:
    values = {} if over_time is None else {_key(line): line.values for line in over_time.lines}
    previous = None if before is None else {_key(line): _first(line) for line in before.lines}
    lines = [
        InsightLine(
            line.group,
            values.get(_key(line), {}),
            _first(line),
            None if previous is None else previous.get(_key(line), {}),
        )
        for line in whole.lines
    ]
    times = [] if over_time is None else [moment(at) for at in over_time.times]
    step_s = None if over_time is None else over_time.step // 1000
    return Insights(moment(whole.start), moment(whole.end), step_s, times, lines)


def _key(line: Line) -> tuple[str, ...]:
    return tuple(line.group.values())


def _first(line: Line) -> dict[str, Value]:
    return {name: values[0] for name, values in line.values.items()}


def _ask(request: Request, query: InsightsQuery) -> Ask:
    end = request.now if query.to is None else _time(query.to, "/to")
    start = end - _DAY_MS if query.from_ is None else _time(query.from_, "/from")
    if start >= end:
        raise refuse("bad_value", "from has to be before to", "/from", 400)
    by = _list(query.by)
    for name in by:
        if name not in DIMENSIONS:
            raise refuse("bad_value", f"{name[:40]!r} is not possible; give {', '.join(DIMENSIONS)}", "/by", 400)
    narrowed = {name: tuple(_list(getattr(query, name))) for name in DIMENSIONS if getattr(query, name) is not None}
    its = where(request)
    return Ask(
        workspace=its.workspace,
        environment=its.environment,
        measures=tuple(_list(query.measures)),
        by=tuple(by),
        where=narrowed,
        start=start,
        end=end,
        groups=query.groups,
    )


def _list(text: str | None) -> list[str]:
    found = [] if text is None else [one.strip() for one in text.split(",")]
    if len(found) > _SEVERAL:
        raise refuse("bad_value", f"at most {_SEVERAL} values are possible", status=400)
    return list(dict.fromkeys(found))


def _time(text: str, pointer: str) -> int:
    found = read_time(text if "T" in text else f"{text}T00:00:00Z", pointer)
    if isinstance(found, Refusal):
        raise Refused(msgspec.structs.replace(found, status=400))
    return found


def _step(text: str) -> int:
    found = _STEP.fullmatch(text)
    if found is None:
        raise refuse("bad_value", f"{text[:20]!r} is no step; give 5m, 1h or 1d, for example", "/step", 400)
    return int(found[1]) * _UNITS[found[2]]


async def measures(request: Request) -> Measures:
    return Measures([view(name) for name in MEASURES])


def view(name: str) -> MeasureView:
    measure = MEASURES[name]
    known = frozenset.intersection(*(frozenset(reading.KNOWN_BY[table]) for table in measure.tables))
    meaning = PARTS[name].meaning if name in PARTS else measure.more
    return MeasureView(name, measure.unit, measure.formula, meaning, [each for each in DIMENSIONS if each in known])


# -- goals


class GoalRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A goal that was reached, of a message or of a contact."""

    goal: Annotated[str, Meta(min_length=1, max_length=80, pattern="^[a-z0-9_.-]+$")]
    message_id: str | None = None
    contact_id: str | None = None
    reference: Annotated[str, Meta(max_length=120)] = ""
    value: str | None = None
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")] | None = None
    at: str | None = None


class GoalsQuery(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Which goals."""

    goal: str | None = None
    cursor: str | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class GoalPage(msgspec.Struct):
    """A page of goals, the newest first."""

    data: list[GoalView]
    next_cursor: str | None


async def reached(request: Request) -> GoalView:
    asked: GoalRequest = request.body
    if (asked.message_id is None) == (asked.contact_id is None):
        raise refuse("missing_field", "give message_id or contact_id, one of them", "/message_id")
    at: Any = request.now if asked.at is None else read_time(asked.at, "/at")
    if isinstance(at, Refusal):
        raise Refused(at)
    subject = asked.message_id or asked.contact_id or ""
    prefix = "msg" if asked.message_id is not None else "cnt"
    if ids.parse(prefix, subject) is None:
        what = "message" if prefix == "msg" else "contact"
        raise refuse("not_found", f"there is no {what} {subject[:60]!r}", f"/{what}_id", 404)
    goal = Goal(asked.goal, subject, at, asked.reference, asked.value, asked.currency)
    client = request.client
    return await goals.note(request.context.ledger, client.workspace, client.environment, goal, request.now)


async def list_goals(request: Request) -> GoalPage:
    query: GoalsQuery = request.query
    below = None
    if query.cursor is not None:
        place = ids.parse("gol", query.cursor)
        if place is None:
            raise refuse("bad_cursor", "the cursor is not one of ours; use next_cursor as it is", "/cursor", 400)
        below = place[1]
    client = request.client
    found = await goals.listed(
        request.context.ledger, client.workspace, client.environment, query.goal, below, query.limit
    )
    return GoalPage(found, found[-1].id if len(found) == query.limit else None)


ROUTES: Final = (
    Route(
        *("GET", "/v1/insights", show, "analytics:read"),
        query=InsightsQuery,
        answer=Insights,
        summary="Measures over time",
    ),
    Route("GET", "/v1/insights/measures", measures, "analytics:read", answer=Measures, summary="What is measured"),
    Route(
        *("POST", "/v1/conversions", reached, "messages:send"),
        body=GoalRequest,
        answer=GoalView,
        summary="Report that a goal was reached",
    ),
    Route(
        *("GET", "/v1/conversions", list_goals, "analytics:read"),
        query=GoalsQuery,
        answer=GoalPage,
        summary="List goals that were reached",
    ),
)
