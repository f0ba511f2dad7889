"""What charts, pages and alarms ask: measures over time, split and narrowed. It reads sums only, never messages."""

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any, Final, TypeAlias

import msgspec

from heliograph.core.failures import Refusal, Refused
from heliograph.core.measures import FACTS, MEASURES, MESSAGES, PARTS, TIMES, Measure, Value
from heliograph.engine.insight.rolling import CUTS, DAY, FULL, GRAINS, HOUR, MINUTE, WAYS, WHOLE
from heliograph.engine.suggest import did_you_mean
from heliograph.store.port import Ledger

POINTS_MAX: Final = 1_500
GROUPS: Final = 50
OTHERS: Final = "(others)"
_EVERYWHERE: Final = frozenset({"country", "kind", "connector"})
_BESIDE: Final = _EVERYWHERE | {"network", "sender", "template", "campaign", "client"}
KNOWN_BY: Final = {  # table → by what its sums are kept
    MESSAGES: _BESIDE | {"status", "code", "currency"},
    FACTS: _BESIDE | {"detail", "currency"},
    TIMES: _EVERYWHERE,
}
DIMENSIONS: Final = (
    *("country", "network", "kind", "connector", "sender", "template", "campaign", "client"),
    *("status", "code", "currency", "detail"),
)
_NAMED: Final = {"campaign": "campaigns", "client": "clients"}  # kept by number, asked and shown by name


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """A question. Times are in milliseconds; `end` is not part of it."""

    workspace: int
    environment: int
    measures: tuple[str, ...]
    start: int
    end: int
    by: tuple[str, ...] = ()
    where: Mapping[str, tuple[str, ...]] = {}
    groups: int = GROUPS  # what is beyond, by the first measure, is told together


class Line(msgspec.Struct, frozen=True):
    """One group: its values, one for each time."""

    group: dict[str, str]
    values: dict[str, list[Value]]


class Series(msgspec.Struct, frozen=True):
    """The answer."""

    start: int
    end: int
    step: int
    times: list[int]
    lines: list[Line]


Key: TypeAlias = tuple[str, ...]


class _Gathered:
    """The sums of one group at one time."""

    __slots__ = ("currencies", "slots", "sums")

    def __init__(self) -> None:
        self.sums: dict[str, int] = {}
        self.currencies: dict[str, dict[str, int]] = {}
        self.slots: dict[str, dict[int, int]] = {}

    def add(self, other: "_Gathered") -> None:
        _merge(self.sums, other.sums)
        for mine, theirs in ((self.currencies, other.currencies), (self.slots, other.slots)):
            for name, values in theirs.items():
                _merge(mine.setdefault(name, {}), values)

    def value(self, measure: Measure) -> Value:
        if measure.what:
            return measure.of_slots(self.slots.get(measure.what, {}))
        return measure.of_money(self.currencies) if measure.unit == "money" else measure.of(self.sums)


def _merge(mine: dict[Any, int], theirs: Mapping[Any, int]) -> None:
    for name, value in theirs.items():
        mine[name] = mine.get(name, 0) + value


_Cells: TypeAlias = dict[Key, dict[int, _Gathered]]


async def series(ledger: Ledger, ask: Ask, step: int) -> Series:
    """Values over time. `start` goes back to where a step begins. Raises `Refused`."""
    measures = _checked(ask)
    grain = _grain(step)
    firsts = await _firsts(ledger)
    start = ask.start - ask.start % step
    points = -(-(ask.end - start) // step)
    if not 0 < points <= POINTS_MAX:
        detail = f"from {points} points, ask for 1 to {POINTS_MAX}: another step, or another time"
        raise _bad(detail, "/step")
    if start < firsts[grain]:
        detail = f"sums by {_NAMES[grain]} are kept for a shorter time; ask for a longer step"
        raise Refused(Refusal("not_kept", detail, "/step", 400))
    cells = await _gather(ledger, ask, measures, [(grain, start, start + points * step)], start, step)
    lines = await _lines(ledger, ask, measures, cells, points)
    return Series(start, start + points * step, step, [start + step * place for place in range(points)], lines)


async def totals(ledger: Ledger, ask: Ask) -> Series:
    """One value for the whole time. `start` and `end` go to where a bucket begins: of a minute, or as long ago as
    minutes are not kept any more, of an hour or a day."""
    measures = _checked(ask)
    firsts = await _firsts(ledger)
    start, end = _kept(ask.start, firsts, up=False), _kept(ask.end, firsts, up=True)
    pieces = list(_pieces(start, end))
    cells = await _gather(ledger, ask, measures, pieces, start, max(end - start, MINUTE))
    return Series(start, end, end - start, [start], await _lines(ledger, ask, measures, cells, 1))


_NAMES: Final = {MINUTE: "minute", HOUR: "hour", DAY: "day"}


def _kept(at: int, firsts: Mapping[int, int], *, up: bool) -> int:
    grain = next((grain for grain in GRAINS if at >= firsts[grain]), DAY)
    return -(-at // grain) * grain if up else at - at % grain


def _pieces(start: int, end: int) -> Iterable[tuple[int, int, int]]:
    """A time in as few buckets as possible: minutes at its edges, days in its middle."""
    for grain, coarser in ((MINUTE, HOUR), (HOUR, DAY)):
        inner, outer = -(-start // coarser) * coarser, end - end % coarser
        if inner >= outer:
            yield grain, start, end
            return
        if start < inner:
            yield grain, start, inner
        if outer < end:
            yield grain, outer, end
        start, end = inner, outer
    yield DAY, start, end


def _grain(step: int) -> int:
    for grain, whole in ((DAY, None), (HOUR, DAY), (MINUTE, HOUR)):
        if step > 0 and step % grain == 0 and (whole is None or whole % step == 0):
            return grain
    raise _bad(
        "a step is a part of an hour in minutes, a part of a day in hours, or days: 5m, 15m, 1h, 6h, 1d", "/step"
    )


async def _firsts(ledger: Ledger) -> dict[int, int]:
    rows = await ledger.fetch("SELECT name, value FROM rolled")
    found: dict[str, str] = dict(rows)
    return {grain: int(found[str(grain)]) for grain in GRAINS}


def _checked(ask: Ask) -> list[Measure]:
    found = []
    for name in ask.measures:
        measure = MEASURES.get(name)
        if measure is None:
            raise _bad(f"{name[:40]!r} is no measure.{did_you_mean(name, MEASURES)}", "/measures")
        found.append(measure)
    if not found:
        raise _bad("name one measure or more, as in measures=messages,delivery_rate", "/measures")
    for pointer, names in (("/by", ask.by), ("", tuple(ask.where))):
        for name in names:
            for measure in found:
                if any(name not in KNOWN_BY[table] for table in measure.tables):
                    known = sorted(frozenset.intersection(*(frozenset(KNOWN_BY[t]) for t in measure.tables)))
                    detail = f"{measure.name} is not known by {name[:40]}, only by {', '.join(known)}"
                    raise _bad(detail, pointer or f"/{name}")
    return found


def _bad(detail: str, pointer: str) -> Refused:
    return Refused(Refusal("bad_value", detail, pointer, 400))


# -- asking


async def _gather(
    ledger: Ledger,
    ask: Ask,
    measures: Sequence[Measure],
    pieces: Sequence[tuple[int, int, int]],
    start: int,
    step: int,
) -> _Cells:
    cells: _Cells = {}
    narrowed = await _by_number(ledger, ask)
    plain = [m for m in measures if m.unit != "money" and not m.what]
    money = [m for m in measures if m.unit == "money"]
    times = sorted({m.what for m in measures if m.what})
    for piece in pieces:
        for asked, extra in ((plain, ""), (money, "currency")):
            for table in (MESSAGES, FACTS):
                parts = sorted({p for m in asked for p in m.parts if PARTS[p].table == table})
                if parts:
                    for bucket, key, more, values in await _rows(
                        ledger, ask, narrowed, table, piece, start, step, extra, parts
                    ):
                        cell = cells.setdefault(key, {}).setdefault(bucket, _Gathered())
                        into = cell.currencies.setdefault(more[0], {}) if extra else cell.sums
                        _merge(into, dict(zip(parts, values, strict=True)))
        if times:
            for bucket, key, more, values in await _rows(
                ledger, ask, {**narrowed, "what": times}, TIMES, piece, start, step, "what, slot", ["count"]
            ):
                what, slot = more
                cell = cells.setdefault(key, {}).setdefault(bucket, _Gathered())
                _merge(cell.slots.setdefault(what, {}), {int(slot): values[0]})
    return cells


async def _rows(
    ledger: Ledger,
    ask: Ask,
    narrowed: Mapping[str, Sequence[Any]],
    table: str,
    piece: tuple[int, int, int],
    start: int,
    step: int,
    extra: str,
    parts: Sequence[str],
) -> list[tuple[int, Key, Key, list[int]]]:
    """(which step, group, what `extra` tells, sums)."""
    values: list[Any] = [ask.workspace, ask.environment, *piece, start, step]
    conditions = ["workspace = $1", "environment = $2", "grain = $3", "at >= $4", "at < $5"]
    if table != FACTS:
        conditions.append(f"cut = {_cut(table, {*ask.by, *ask.where})}")
    for name, wanted in narrowed.items():
        marks = ", ".join(f"${len(values) + place}" for place in range(1, len(wanted) + 1))
        values += wanted
        conditions.append(f"{_column(name)} IN ({marks})" if wanted else "1 = 0")
    more = extra.split(", ") if extra else []
    groups = [*map(_column, ask.by), *more]
    sums = ["SUM(count)" if part == "count" else f"SUM({PARTS[part].sql})" for part in parts]
    bucket = "(at - CAST($6 AS BIGINT)) / CAST($7 AS BIGINT)"
    rows = await ledger.fetch(
        f"SELECT {', '.join([bucket, *groups, *sums])} FROM {table} WHERE {' AND '.join(conditions)} "
        f"GROUP BY {', '.join([bucket, *groups])}",
        *values,
    )
    by, end = 1 + len(ask.by), 1 + len(ask.by) + len(more)
    return [
        (
            int(row[0]),
            tuple(map(str, row[1:by])),
            tuple(map(str, row[by:end])),
            [int(value or 0) for value in row[end:]],
        )
        for row in rows
    ]


def _cut(table: str, names: Set[str]) -> int:
    """The one with the least detail that knows all this."""
    asked = names & CUTS[FULL]
    cuts = (WHOLE, WAYS) if table == TIMES else (WHOLE, WAYS, FULL)
    return next(cut for cut in cuts if asked <= CUTS[cut])


def _column(name: str) -> str:
    return "state" if name == "status" else name


async def _by_number(ledger: Ledger, ask: Ask) -> dict[str, Sequence[Any]]:
    """What it is narrowed to, names of what is kept by number looked up."""
    narrowed: dict[str, Sequence[Any]] = {}
    for name, wanted in ask.where.items():
        if name in _NAMED:
            numbers = await _numbers(ledger, ask, name)
            narrowed[name] = [number for number, its in numbers.items() if its in wanted]
        else:
            narrowed[name] = wanted
    return narrowed


async def _numbers(ledger: Ledger, ask: Ask, name: str) -> dict[int, str]:
    rows = await ledger.fetch(
        f"SELECT id, name FROM {_NAMED[name]} WHERE workspace = $1 AND environment = $2",
        *(ask.workspace, ask.environment),
    )
    return {int(row[0]): str(row[1]) for row in rows}


# -- answering


async def _lines(ledger: Ledger, ask: Ask, measures: Sequence[Measure], cells: _Cells, points: int) -> list[Line]:
    shown = await _shown(ledger, ask, cells)
    ranked = sorted(shown, key=lambda key: (-_weight(measures[0], shown[key]), key))
    if len(ranked) > ask.groups:
        rest: dict[int, _Gathered] = {}
        for key in ranked[ask.groups :]:
            for bucket, cell in shown.pop(key).items():
                rest.setdefault(bucket, _Gathered()).add(cell)
        others = (OTHERS,) * len(ask.by)
        shown[others] = rest
        ranked = [*ranked[: ask.groups], others]
    if not ask.by and not ranked:
        shown[()], ranked = {}, [()]
    nothing = _Gathered()
    return [
        Line(
            dict(zip(ask.by, key, strict=True)),
            {m.name: [shown[key].get(place, nothing).value(m) for place in range(points)] for m in measures},
        )
        for key in ranked
    ]


async def _shown(ledger: Ledger, ask: Ask, cells: _Cells) -> _Cells:
    """With names where groups are kept by number."""
    for place, name in enumerate(ask.by):
        if name in _NAMED:
            names = await _numbers(ledger, ask, name)
            named: _Cells = {}
            for key, buckets in cells.items():
                into = named.setdefault((*key[:place], names.get(int(key[place]), ""), *key[place + 1 :]), {})
                for bucket, cell in buckets.items():
                    into.setdefault(bucket, _Gathered()).add(cell)
            cells = named
    return cells


def _weight(measure: Measure, buckets: Mapping[int, _Gathered]) -> int:
    """How much there is of a group, in what the first measure is a share of."""
    parts = measure.bottom or measure.top
    total = 0
    for cell in buckets.values():
        total += sum(cell.sums.get(part, 0) for part in parts)
        total += sum(sums.get(part, 0) for sums in cell.currencies.values() for part in parts)
        total += sum(count for counts in cell.slots.values() for count in counts.values())
    return total
