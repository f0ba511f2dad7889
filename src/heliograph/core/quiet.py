"""Quiet hours: may a message reach somebody now, and if not, from when on?

A rule names the hours of each weekday in which messages may go, in the recipient's local time: half-open intervals,
none on a closed day. The rows of `data/quiet_hours.json` hold by country and US state, a workspace may put its own in
their place. Every rule that applies must agree, in every time zone in which the phone may be.

Wall clocks jump. What counts is what the clock on the wall shows: an hour that is shown twice is open twice, one that
is skipped does not delay the opening beyond the jump.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib import resources
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from heliograph.core.holidays import calendar_of, holiday
from heliograph.core.message import PROMOTIONAL
from heliograph.core.zones import Place, zone

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EVERYWHERE: Final = "*"
HOLD: Final = "hold"
REJECT: Final = "reject"
_DEFAULT: Final = "DEFAULT"  # the row of every country without one, and of US numbers of an unknown state
_MINUTE_MS: Final = 60_000
_DAY_MS: Final = 86_400_000
_DAY_MINUTES: Final = 1_440
_LOOK_AHEAD_DAYS: Final = 15
_SPAN: Final = re.compile(r"([01]\d|2[0-4]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")

Windows: TypeAlias = tuple[tuple[tuple[int, int], ...], ...]  # (from, until) in minutes of the day, by weekday
Hours: TypeAlias = Mapping[str, str]  # as written: {"mon-sat": "08:00-20:00", "sun": ""}


class BadHours(ValueError):
    """What is wrong with hours as they are written."""


class Rule(msgspec.Struct, frozen=True):
    """When messages may go."""

    name: str  # of the jurisdiction, or of a workspace's own rule
    windows: Windows
    calendar: str | None = None  # whose public holidays are closed


class Override(msgspec.Struct, frozen=True):
    """A workspace's own rule, in the place of the legal ones of these jurisdictions."""

    rule: Rule
    countries: frozenset[str]  # FR, US, US-FL; "*": in the place of all
    kinds: frozenset[str]  # empty: all kinds that keep quiet hours
    closes_on_holidays: bool = False


class Policy(msgspec.Struct, frozen=True):
    """What a workspace does about quiet hours."""

    action: str = HOLD
    kinds: frozenset[str] = frozenset({PROMOTIONAL})  # that keep them
    overrides: tuple[Override, ...] = ()
    in_test: bool = False  # also where nothing can reach a phone


class Answer(msgspec.Struct, frozen=True):
    """May it go now? `until`: when that changes, the next opening or the closing; None: not within two weeks."""

    allowed: bool
    until: int | None
    rule: str  # which one forbids it, or which ones agree
    why: str


class _Row(msgspec.Struct, frozen=True):
    hours: dict[str, str]
    confidence: str
    holidays: bool = False
    cap: dict[str, int] | None = None


# -- rules


@cache
def rows() -> dict[str, _Row]:
    """The legal rows by jurisdiction."""
    file = resources.files("heliograph.core") / "data" / "quiet_hours.json"
    return msgspec.json.decode(file.read_bytes(), type=dict[str, _Row])


@cache
def legal(jurisdiction: str) -> Rule:
    """The rule of a jurisdiction that has a row."""
    row = rows()[jurisdiction]
    return Rule(jurisdiction, windows(row.hours), calendar_of(jurisdiction) if row.holidays else None)


def jurisdictions(place: Place) -> tuple[str, ...]:
    """Whose rows apply: the country's, and the state's if it has its own. No row, or an unknown state: the cautious
    default."""
    if place.country not in rows():
        return (_DEFAULT,)
    if place.country != "US":
        return (place.country,)
    if place.region is None:
        return (place.country, _DEFAULT)
    state = f"{place.country}-{place.region}"
    return (place.country, state) if state in rows() else (place.country,)


def rules_of(place: Place, kind: str, policy: Policy) -> tuple[Rule, ...]:
    """The rules that a message of this kind must keep there; none for kinds that keep no quiet hours."""
    if kind not in policy.kinds:
        return ()
    found: dict[Rule, None] = {}
    for jurisdiction in jurisdictions(place):
        own = next((o for o in policy.overrides if _is_meant(o, jurisdiction, place, kind)), None)
        found[legal(jurisdiction) if own is None else _own(own, jurisdiction)] = None
    return tuple(found)


def _is_meant(own: Override, jurisdiction: str, place: Place, kind: str) -> bool:
    names = {jurisdiction, EVERYWHERE} if jurisdiction != _DEFAULT else {place.country, EVERYWHERE}
    return not names.isdisjoint(own.countries) and (not own.kinds or kind in own.kinds)


def _own(own: Override, jurisdiction: str) -> Rule:
    calendar = calendar_of(jurisdiction) if own.closes_on_holidays else None
    return msgspec.structs.replace(own.rule, calendar=calendar)


def windows(hours: Hours) -> Windows:
    """Hours as they are written, by weekday. What runs past midnight goes on in the next day. Raises `BadHours`."""
    found: list[list[tuple[int, int]]] = [[] for _ in WEEKDAYS]
    named: list[int] = []
    for days, text in hours.items():
        for day in _days(days):
            named.append(day)
            for start, end in _spans(text):
                if start < end:
                    found[day].append((start, end))
                else:
                    found[day].append((start, _DAY_MINUTES))
                    found[(day + 1) % len(WEEKDAYS)].append((0, end))
    if sorted(named) != list(range(len(WEEKDAYS))):
        raise BadHours(f"every weekday is named once: {', '.join(WEEKDAYS)}, or ranges such as mon-fri")
    return tuple(tuple(sorted(spans)) for spans in found)


def _days(text: str) -> range:
    first, _, last = text.partition("-")
    if first not in WEEKDAYS or (last or first) not in WEEKDAYS:
        raise BadHours(f"{text[:20]!r} names no weekday: {', '.join(WEEKDAYS)}, or a range such as mon-fri")
    return range(WEEKDAYS.index(first), WEEKDAYS.index(last or first) + 1)


def _spans(text: str) -> Iterator[tuple[int, int]]:
    for part in filter(None, (part.strip() for part in text.split(","))):
        span = _SPAN.fullmatch(part)
        start, end = (int(span[1]) * 60 + int(span[2]), int(span[3]) * 60 + int(span[4])) if span else (-1, -1)
        if start == end or start >= _DAY_MINUTES or end > _DAY_MINUTES:
            raise BadHours(f"{part[:20]!r} is no span of hours, as 08:00-20:00 is; a closed day is an empty text")
        yield start, end


# -- times


def look(now: int, zones: Sequence[str], rules: Sequence[Rule]) -> Answer:
    """May a message go at this time (milliseconds), and when does that change?"""
    clocks = [zone(name) for name in zones]
    barrier = _barrier(now, clocks, rules)
    after = next(
        (at for at in _moments(now, clocks, rules) if bool(_barrier(at, clocks, rules)) != bool(barrier)), None
    )
    if barrier is None:
        return Answer(True, after, ", ".join(rule.name for rule in rules), "open" if after else "always open")
    return Answer(False, after, *barrier)


def _barrier(at: int, clocks: Iterable[ZoneInfo], rules: Sequence[Rule]) -> tuple[str, str] | None:
    """The first rule that forbids this time, and why."""
    for clock in clocks:
        local = datetime.fromtimestamp(at // 1000, clock)
        minute, shown = local.hour * 60 + local.minute, f"{local:%a %H:%M} in {clock.key}"
        for rule in rules:
            if rule.calendar is not None and (name := holiday(rule.calendar, local.date())):
                return rule.name, f"{shown}: {name}"
            spans = rule.windows[local.weekday()]
            if not any(start <= minute < end for start, end in spans):
                return rule.name, f"{shown}: {_written(spans)}"
    return None


def _written(spans: Iterable[tuple[int, int]]) -> str:
    times = [f"{start // 60:02}:{start % 60:02}-{end // 60:02}:{end % 60:02}" for start, end in spans]
    return f"open {', '.join(times)} only" if times else "closed all day"


def _moments(now: int, clocks: Sequence[ZoneInfo], rules: Sequence[Rule]) -> Iterator[int]:
    """The times after `now` at which an answer may change, in order: beginnings and ends of windows by the clocks on
    the wall, and the jumps of these clocks."""
    for day in range(_LOOK_AHEAD_DAYS):
        since, until = now + day * _DAY_MS, now + (day + 1) * _DAY_MS
        found = {at for clock in clocks for at in (*_edges(since, until, clock, rules), *_jump(since, until, clock))}
        yield from sorted(at for at in found if since < at <= until)


def _edges(since: int, until: int, clock: ZoneInfo, rules: Sequence[Rule]) -> Iterator[int]:
    first = datetime.fromtimestamp(since // 1000, clock).date()
    last = datetime.fromtimestamp(until // 1000, clock).date()
    for offset in range((last - first).days + 1):
        day = first + timedelta(offset)
        minutes = {minute for rule in rules for span in rule.windows[day.weekday()] for minute in span} | {0}
        for minute in minutes:
            yield from _instants(day, minute, clock)


def _instants(day: date, minute: int, clock: ZoneInfo) -> Iterator[int]:
    """When the clock shows this: once, or twice where it is set back."""
    naive = datetime(day.year, day.month, day.day) + timedelta(minutes=minute)
    for fold in (0, 1):
        yield int(naive.replace(tzinfo=clock, fold=fold).timestamp()) * 1000


def _jump(since: int, until: int, clock: ZoneInfo) -> Iterator[int]:
    """The minute in between at which the clock is set forward or back."""
    low, high = since // _MINUTE_MS, until // _MINUTE_MS
    before = _offset(low, clock)
    if before == _offset(high, clock):
        return
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset(middle, clock) == before else (low, middle)
    yield high * _MINUTE_MS


def _offset(minute: int, clock: ZoneInfo) -> timedelta | None:
    return datetime.fromtimestamp(minute * 60, UTC).astimezone(clock).utcoffset()
