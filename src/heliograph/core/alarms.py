"""When something is wrong: what is looked at, against what, and how an alarm lives. Pure: numbers in, states out.

A rule looks at a number of each group (a country and a connector, a lane, an endpoint) and says `bad`, `fine`, or that
it can't tell. An alarm begins as `pending`, fires when that lasts, and resolves when it has been fine for a while.
Between bad and fine there is a gap, so that a number which wavers does not ring twice.
"""

from collections.abc import Mapping, Sequence
from math import asin, pi, sin, sqrt
from typing import Final, NamedTuple, TypeAlias

import msgspec

OK: Final = "ok"
PENDING: Final = "pending"
FIRING: Final = "firing"
RESOLVED: Final = "resolved"
STATES: Final = (OK, PENDING, FIRING, RESOLVED)

BAD: Final = "bad"
BETWEEN: Final = "between"
FINE: Final = "fine"
UNKNOWN: Final = "unknown"

CRITICAL: Final = "critical"
WARNING: Final = "warning"

UP: Final = "up"  # a share that rises over its own past
DOWN: Final = "down"  # a share that falls below it
LEVEL: Final = "level"  # an amount, against that about this time of the days before
ABOVE: Final = "above"  # a number that must not be higher, whatever was before

_SIGMAS: Final = 5.0  # by so many standard errors chance alone is hardly ever off: it has some thousand tries a week
_SPREADS: Final = 4.0  # by so many standard deviations amounts of days hardly ever lie apart
_CLEAR: Final = 0.6  # fine again is what has come back so far from the limit towards the past
_NOTHING_TO_SEE_MS: Final = 1_800_000  # what fires, and can't be told for so long, is over
CLEAR_MS: Final = 300_000  # fine for so long, before it is over
MINUTE: Final = 60_000


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked at. `floor`: below it nothing is wrong (of `down` rules: above it), however the past was."""

    name: str
    title: str
    severity: str
    sense: str
    unit: str  # share | per_message | seconds | money | count | days | percent
    floor: float
    means: str  # what it tells, for the page of runbooks
    steps: tuple[str, ...]  # what to do
    actions: tuple[str, ...]  # what the gateway can do at once
    by: tuple[str, ...] = ()
    mix: tuple[str, ...] = ()  # what is usual is that of a window's own mix of these
    top: tuple[str, ...] = ()  # of rules over sums: measures
    bottom: tuple[str, ...] = ()
    window_ms: int = 10 * MINUTE
    lag_ms: int = 0  # so long after acceptance its end should be known
    factor: float = 1.0  # times the past
    minimum: int = 0  # a smaller sample tells nothing
    for_ms: int = 120_000  # bad for so long, before it fires


class Seen(NamedTuple):
    """What was found of one group: of the window, and of the past."""

    top: float
    sample: int
    past_top: float = 0.0
    past_sample: int = 0
    past: Sequence[float] = ()  # of `level`: about this time of each day before


class Signal(NamedTuple):
    """What a rule says of it."""

    verdict: str
    value: float | None
    limit: float | None
    usual: float | None
    sample: int


def judge(rule: Rule, seen: Seen) -> Signal:
    """Bad, fine, between, or not to be told."""
    if rule.sense == ABOVE:
        value = seen.top
        if seen.sample < rule.minimum:
            return Signal(UNKNOWN, value, rule.floor, None, seen.sample)
        return Signal(_high(value, rule.floor, rule.floor * 0.8), value, rule.floor, None, seen.sample)
    if rule.sense == LEVEL:
        return _level(rule, seen)
    if seen.sample < max(rule.minimum, 1):
        return Signal(UNKNOWN, None, None, None, seen.sample)
    value = seen.top / seen.sample
    usual = seen.past_top / seen.past_sample if seen.past_sample >= rule.minimum and seen.past_sample else None
    if usual is None and (rule.sense == DOWN or rule.unit == "per_message"):  # that has no right height of its own
        return Signal(UNKNOWN, value, None, None, seen.sample)
    if rule.sense == UP:
        chance = _by_chance(usual, seen.sample) if rule.unit == "share" else 0.0
        limit = rule.floor if usual is None else max(rule.floor, usual * rule.factor, chance)
        back = limit * 0.8 if usual is None else usual + (limit - usual) * _CLEAR
        return Signal(_high(value, limit, back), value, limit, usual, seen.sample)
    assert usual is not None
    limit = min(rule.floor, usual * rule.factor, 1 - _by_chance(1 - usual, seen.sample))
    back = usual - (usual - limit) * _CLEAR
    return Signal(_high(-value, -limit, -back), value, limit, usual, seen.sample)


def _level(rule: Rule, seen: Seen) -> Signal:
    """Days differ: the highest of them counts, and how far they lie apart."""
    if seen.sample < rule.minimum or len(seen.past) < 2:
        return Signal(UNKNOWN, seen.top, None, None, seen.sample)
    usual = sum(seen.past) / len(seen.past)
    spread = sqrt(sum((one - usual) ** 2 for one in seen.past) / (len(seen.past) - 1))
    limit = max(rule.floor, usual * rule.factor, usual + _SPREADS * spread, max(seen.past) * 1.5)
    return Signal(_high(seen.top, limit, usual + (limit - usual) * _CLEAR), seen.top, limit, usual, seen.sample)


def _high(value: float, limit: float, back: float) -> str:
    if value > limit:
        return BAD
    return FINE if value <= back else BETWEEN


def _by_chance(share: float | None, sample: int) -> float:
    """As much as a share rises by chance alone, which is far when little is to be expected: the arcsine of the root of
    a share wavers by as much, whatever the share."""
    expected = ((share or 0.0) * sample + 0.375) / (sample + 0.75)
    return sin(min(asin(sqrt(expected)) + _SIGMAS / 2 / sqrt(sample + 0.5), pi / 2)) ** 2


def by_chance(expected: float) -> float:
    """The highest count that chance alone may give where so many are to be expected: its root wavers by a half."""
    return (sqrt(expected + 0.375) + _SIGMAS / 2) ** 2


# -- how an alarm lives


class Alarm(msgspec.Struct, frozen=True):
    """Where an alarm stands. Times are those of the present state, and of the last time that it was bad."""

    state: str = OK
    since: int = 0
    bad_at: int = 0
    fine_since: int | None = None


def step(alarm: Alarm, verdict: str, now: int, for_ms: int, clear_ms: int = CLEAR_MS) -> Alarm:
    """Where it stands after another look."""
    if verdict == BAD:
        return _bad(alarm, now, for_ms)
    if alarm.state == PENDING:
        return alarm if verdict == BETWEEN else Alarm(OK, now, alarm.bad_at)
    if alarm.state == FIRING:
        if verdict == FINE:
            since = now if alarm.fine_since is None else alarm.fine_since
            if now - since >= clear_ms:
                return Alarm(RESOLVED, now, alarm.bad_at)
            return msgspec.structs.replace(alarm, fine_since=since)
        if verdict == UNKNOWN:
            if now - alarm.bad_at >= _NOTHING_TO_SEE_MS:
                return Alarm(RESOLVED, now, alarm.bad_at)
            return alarm
        return msgspec.structs.replace(alarm, fine_since=None, bad_at=now)
    return alarm


def _bad(alarm: Alarm, now: int, for_ms: int) -> Alarm:
    if alarm.state == FIRING:
        return msgspec.structs.replace(alarm, bad_at=now, fine_since=None)
    since = alarm.since if alarm.state == PENDING else now
    if now - since >= for_ms:
        return Alarm(FIRING, now, now)
    return Alarm(PENDING, since, now)


# -- failures that belong together


Marks: TypeAlias = tuple[str, ...]  # country, connector, kind, template, network, code
_CODE: Final = 5  # its place: all before it says which way a message went
_NETWORK: Final = 4
_TEMPLATE: Final = 3


class Failures(NamedTuple):
    """Messages that failed, which have all of this in common."""

    marks: Marks
    failed: int
    usual: float  # how many would have been, had it been as before


class Tried(NamedTuple):
    """Of messages with the same marks: how many were tried, and how many failed."""

    tried: int
    failed: int


def beside_past(window: Mapping[Marks, Tried], past: Mapping[Marks, Tried]) -> list[Failures]:
    """What failed, beside what would be usual for as many messages: as those of the same template did before in the
    same network, or everywhere; where it is new, as others of its kind did by the same way; else as all did. Also what
    did not fail though it uses to: it weighs too."""
    lengths = (_CODE, _NETWORK, _TEMPLATE, 0)
    before = {length: _tried_by(past, length) for length in lengths}
    rates = {length: _rates(past, length) for length in lengths}
    usual: dict[Marks, float] = {}
    for way, tried in _tried_by(window, _CODE).items():
        length = next((length for length in lengths if before[length].get(way[:length], 0) >= tried), 0)
        for code, rate in rates[length].get(way[:length], {}).items():
            usual[*way, code] = rate * tried
    nothing = Tried(0, 0)
    return [
        Failures(marks, window.get(marks, nothing).failed, usual.get(marks, 0.0))
        for marks in sorted({*usual, *(marks for marks, its in window.items() if its.failed)})
    ]


def _tried_by(counts: Mapping[Marks, Tried], length: int) -> dict[Marks, int]:
    found: dict[Marks, int] = {}
    for marks, its in counts.items():
        found[marks[:length]] = found.get(marks[:length], 0) + its.tried
    return found


def _rates(counts: Mapping[Marks, Tried], length: int) -> dict[Marks, dict[str, float]]:
    """Of each way, which share failed with which code."""
    tried = _tried_by(counts, length)
    found: dict[Marks, dict[str, float]] = {}
    for marks, its in counts.items():
        if its.failed:
            codes, way = found.setdefault(marks[:length], {}), marks[:length]
            codes[marks[_CODE]] = codes.get(marks[_CODE], 0.0) + its.failed / tried[way]
    return found


class Cluster(NamedTuple):
    """An incident: what its failures have in common (empty: nothing), how many, and how many were to be expected."""

    marks: tuple[str, ...]
    failed: int
    usual: float


_TIMES_USUAL: Final = 3.0
_COVERS: Final = 0.8  # a mark that so large a part of what is too much has in common is a mark of the incident
_SPLITS: Final = 0.5  # what tells this incident from another needs less, if it is more than one mark


def clusters(rows: Sequence[Failures], least: int) -> list[Cluster]:
    """Put what fails more than usual into as few incidents as explain it. Each row belongs to one at most. An incident
    is more than chance alone may give, of all that has its marks: also of what fails less than usual."""
    left = list(rows)
    found: list[Cluster] = []
    while more := [row for row in left if row.failed > row.usual]:
        if _excess(more) < least:
            break
        marks = _in_common(more)
        chosen = [row for row in left if _fits(row.marks, marks)]
        failed, usual = sum(row.failed for row in chosen), sum(row.usual for row in chosen)
        if failed - usual >= least and failed > max(_TIMES_USUAL * usual, by_chance(usual)):
            found.append(Cluster(marks, failed, usual))
        left = [row for row in left if not _fits(row.marks, marks)]
    return found


def _in_common(rows: Sequence[Failures]) -> tuple[str, ...]:
    """The marks that nearly all have in common. Where another incident is mixed in, of the larger one: that is where
    several marks come together."""
    marks = _common(rows)
    for place, mark in sorted({(place, row.marks[place]) for row in rows for place in range(len(marks))}):
        chosen = [row for row in rows if row.marks[place] == mark]
        if marks[place] or not mark or _excess(chosen) < _SPLITS * _excess(rows):
            continue
        inner = _common(chosen)
        if sum(map(bool, inner)) >= sum(map(bool, marks)) + 2:
            return inner
    return marks


def _common(rows: Sequence[Failures]) -> tuple[str, ...]:
    """For each place the mark that nearly all have, or nothing. Those that have it go on: marks belong together."""
    found, inside = [""] * len(rows[0].marks), list(rows)
    for place in range(len(found)):
        weights: dict[str, float] = {}
        for row in inside:
            weights[row.marks[place]] = weights.get(row.marks[place], 0.0) + row.failed - row.usual
        best = max(weights, key=lambda mark: (weights[mark], mark))
        if weights[best] >= _COVERS * _excess(inside):
            found[place] = best
            inside = [row for row in inside if row.marks[place] == best]
    return tuple(found)


def _excess(rows: Sequence[Failures]) -> float:
    return sum(row.failed - row.usual for row in rows)


def _fits(row: Sequence[str], marks: Sequence[str]) -> bool:
    return all(not mark or mark == its for its, mark in zip(row, marks, strict=True))
