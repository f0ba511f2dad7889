"""Alarms: what is wrong now, what was, who looks after it, what is kept quiet, and what each rule looks at."""

from collections.abc import AsyncIterator, Sequence
from typing import Final, NamedTuple
from urllib.parse import quote, urlencode

from heliograph.console.page import Entry, Page
from heliograph.console.visit import Answer, Visit, refuse
from heliograph.core import ids
from heliograph.core.alarm_rules import RULES
from heliograph.core.alarms import CRITICAL, FIRING, PENDING, RESOLVED, Rule
from heliograph.core.failures import Refused
from heliograph.engine.alarms import register, reports
from heliograph.engine.alarms.looking import Where
from heliograph.engine.alarms.policy import AlarmPolicy
from heliograph.engine.alarms.register import Known, Silence

_OPEN_AT_MOST: Final = 200
_PAGE: Final = 30
_HOUR: Final = 3_600_000
SPANS: Final = {"1h": _HOUR, "4h": 4 * _HOUR, "1d": 24 * _HOUR, "7d": 7 * 24 * _HOUR}
SPAN_NAMES: Final = (("1h", "1 hour"), ("4h", "4 hours"), ("1d", "1 day"), ("7d", "7 days"))
_LONGEST_WHY: Final = 200
_SEARCHED: Final = ("country", "network", "connector", "kind")  # what messages can be narrowed to


class Shown(NamedTuple):
    """An alarm for people."""

    id: str
    rule: Rule
    known: Known
    about: list[tuple[str, str]]
    value: str
    usual: str
    worst: str
    is_silent: bool


class Held(NamedTuple):
    """A rule as it holds here; `is_on`: somebody did not turn it off."""

    rule: Rule
    is_on: bool
    is_changed: bool
    limit: str


class Way(NamedTuple):
    """Something that can be done at once, and where."""

    title: str
    place: str
    picture: str


async def show(visit: Visit) -> Answer:
    return await _list(visit, {})


async def _list(visit: Visit, problems: dict[str, str], status: int = 200) -> Answer:
    ledger, where = visit.means.ledger, _where(visit)
    cursor = ids.parse(register.PREFIX, visit.query.get("cursor"))
    quiet = await register.silences(ledger, visit.client.workspace, visit.now)
    past = await register.listed(ledger, where, RESOLVED, cursor[1] if cursor else None, _PAGE + 1)
    return visit.show(
        "alarms.html",
        status=status,
        open=[shown(one, quiet) for one in await open_ones(visit)],
        past=[shown(one, quiet) for one in past[:_PAGE]],
        next=past[_PAGE - 1].public_id if len(past) > _PAGE else None,
        silences=quiet,
        rules=[("", "Any rule"), *((rule.name, rule.title) for rule in RULES.values())],
        titles={rule.name: rule.title for rule in RULES.values()},
        spans=SPAN_NAMES,
        policy=_policy(visit),
        is_watched=visit.client.mode != "test" or _policy(visit).test_traffic,
        may_act=visit.may("pauses:manage"),
        problems=problems,
    )


async def open_ones(visit: Visit) -> list[Known]:
    """Of the environment in view: those that fire first, the gravest of them on top."""
    ledger, where = visit.means.ledger, _where(visit)
    found = [
        one for state in (FIRING, PENDING) for one in await register.listed(ledger, where, state, None, _OPEN_AT_MOST)
    ]
    return sorted(found, key=lambda one: (one.state != FIRING, one.severity != CRITICAL, -one.began_at))


async def one(visit: Visit) -> Answer:
    return await _one(visit, {})


async def _one(visit: Visit, problems: dict[str, str], status: int = 200) -> Answer:
    ledger, known = visit.means.ledger, await _find(visit)
    quiet = await register.silences(ledger, visit.client.workspace, visit.now)
    rule = RULES[known.rule]
    return visit.show(
        "alarm.html",
        status=status,
        alarm=shown(known, quiet),
        limit=register.figure(known.ceiling, rule.unit),
        history=await register.history(ledger, known.id),
        ways=_ways(visit, known),
        spans=SPAN_NAMES,
        may_act=visit.may("pauses:manage"),
        problems=problems,
    )


async def rules(visit: Visit) -> Answer:
    policy = _policy(visit)
    held = [_held(rule, policy) for rule in RULES.values()]
    return visit.show("alarm_rules.html", held=held, policy=policy)


async def acknowledge(visit: Visit) -> Answer:
    known = await _find(visit)
    await register.acknowledge(visit.means.ledger, known, visit.actor, visit.now)
    return visit.go(_place(known), "It is yours: it is not told again until it is over.")


async def silence_this(visit: Visit) -> Answer:
    """What this alarm is about, for its rule."""
    known = await _find(visit)
    problems = await _silence(visit, known.rule, known.about)
    return await _one(visit, problems, 422) if problems else visit.go(_place(known), _QUIET)


async def silence(visit: Visit) -> Answer:
    """A rule or all of them, whatever it is about."""
    problems = await _silence(visit, visit.form.get("rule") or None, {})
    return await _list(visit, problems, 422) if problems else visit.go(_LIST, _QUIET)


async def _silence(visit: Visit, rule: str | None, about: dict[str, str]) -> dict[str, str]:
    """What was wrong, by field."""
    why, span = visit.form.get("why"), visit.form.get("for")
    if not why or len(why) > _LONGEST_WHY:
        return {"why": f"Say why, in up to {_LONGEST_WHY} characters: those on call will ask."}
    if span not in SPANS:
        return {"for": "Choose how long."}
    until = visit.now + SPANS[span]
    try:
        await register.silence(
            *(visit.means.ledger, visit.client.workspace, rule, about, until, why, visit.actor, visit.now)
        )
    except Refused as refused:
        return {"rule": refused.refusals[0].detail}
    return {}


async def unsilence(visit: Visit) -> Answer:
    await register.unsilence(visit.means.ledger, visit.client.workspace, visit.place["id"], visit.actor, visit.now)
    return visit.go(_LIST, "It is told again from now on.")


async def report(visit: Visit) -> Answer:
    known = await _find(visit)
    text = await reports.begun(visit.means.ledger, known, visit.now)

    async def pieces() -> AsyncIterator[bytes]:
        yield text.encode()

    return visit.stream(f"{known.public_id}.md", "text/markdown; charset=utf-8", pieces())


async def _find(visit: Visit) -> Known:
    try:
        return await register.find(visit.means.ledger, _where(visit), visit.place["id"])
    except Refused as refused:
        raise refuse("not_found", f"There is no alarm {visit.place['id'][:60]!r} here.", status=404) from refused


def shown(known: Known, quiet: Sequence[Silence] = ()) -> Shown:
    rule = RULES[known.rule]
    return Shown(
        known.public_id,
        rule,
        known,
        [(name, value) for name, value in known.about.items() if value],
        register.figure(known.value, rule.unit),
        "" if known.usual is None else register.figure(known.usual, rule.unit),
        register.figure(known.worst, rule.unit),
        register.is_silent(known, quiet),
    )


def _ways(visit: Visit, known: Known) -> list[Way]:
    """Where to look, and what can be stopped or changed, of what the alarm is about."""
    about, ways = known.about, []
    narrowed = {name: about[name] for name in _SEARCHED if about.get(name)}
    if narrowed and visit.may("messages:read"):
        # An incident with one error is found by it: some of its messages were refused, not undelivered.
        ends = {"q": about["code"]} if about.get("code") else {"state": "undelivered"}
        asked = urlencode({**narrowed, **ends, "since": "24h"})
        ways.append(Way("Messages that did not arrive", f"/console/messages?{asked}", "messages"))
    if visit.may("routing:manage", "pauses:manage"):
        if connector := about.get("connector"):
            place = f"/console/carriers/connectors/{quote(connector)}"
            ways.append(Way(f"{connector}: errors, countries, pause and drain", place, "carrier"))
        ways.append(Way("Routes: who would take over?", "/console/carriers/routes", "arrow"))
    return ways


def _held(rule: Rule, policy: AlarmPolicy) -> Held:
    here = policy.rule(rule.name)
    held = here or rule
    return Held(held, here is not None, here != rule, register.figure(held.floor, rule.unit))


def _policy(visit: Visit) -> AlarmPolicy:
    return visit.means.snapshot().realms[visit.client.environment].policies.alarms


def _where(visit: Visit) -> Where:
    return Where(visit.where.workspace, visit.where.environment)


def _place(known: Known) -> str:
    return f"{_LIST}/{known.public_id}"


_QUIET: Final = "It stays in the list, and nobody is told."
_LIST: Final = "/console/alarms"
_ONE: Final = "/console/alarms/{id}"
_LOOK: Final = ("analytics:read", "pauses:manage")
PAGES: Final[tuple[Page, ...]] = (
    Page("GET", _LIST, show, *_LOOK, entry=Entry("Alarms", "alarm", "Watch")),
    Page("GET", "/console/alarms/rules", rules, *_LOOK),
    Page("POST", "/console/alarms/silences", silence, "pauses:manage"),
    Page("POST", "/console/alarms/silences/{id}/end", unsilence, "pauses:manage"),
    Page("GET", _ONE, one, *_LOOK),
    Page("GET", f"{_ONE}/report.md", report, "pauses:manage"),
    Page("POST", f"{_ONE}/acknowledge", acknowledge, "pauses:manage"),
    Page("POST", f"{_ONE}/silence", silence_this, "pauses:manage"),
)
