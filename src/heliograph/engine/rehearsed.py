"""What a rehearsal counts, and the report that it makes of it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

import msgspec

from heliograph.core.views import moment
from heliograph.engine.declare import Change
from heliograph.engine.declared import Snapshot

MOVES_SHOWN: Final = 20


class Side(msgspec.Struct, frozen=True):
    """What one configuration makes of a group of messages."""

    refusal: str | None = None
    connectors: tuple[str, ...] = ()
    sender: str | None = None
    price: str | None = None
    currency: str | None = None
    route: tuple[int | None, str] | None = None  # of whom (None: the operator), and its name

    @property
    def connector(self) -> str | None:
        return self.connectors[0] if self.connectors else None


class Group(msgspec.Struct):
    """Messages of which both configurations make the same."""

    country: str
    kind: str
    segments: int
    example: str
    before: Side
    after: Side
    messages: int = 0


class Moved(msgspec.Struct, frozen=True):
    """Messages of one sort that would take another way."""

    from_: str = msgspec.field(name="from")
    to: str
    country: str
    kind: str
    messages: int


class Turned(msgspec.Struct, frozen=True):
    """Messages that would be refused, or no longer be refused, for this reason."""

    code: str
    messages: int
    example: str  # a number of which only the end is shown


class Cost(msgspec.Struct, frozen=True):
    """Money in one currency: as the ledger has it, and as either configuration would have it."""

    currency: str
    booked: str
    before: str
    after: str


class Peak(msgspec.Struct, frozen=True):
    """The busiest span: its parts, and when it began."""

    parts: int
    at: str | None = None


class Load(msgspec.Struct, frozen=True):
    """What one connector has to carry."""

    connector: str
    max_segments_per_second: int  # 0: no cap
    messages_before: int
    messages_after: int
    second_before: Peak
    second_after: Peak
    minute_before: Peak
    minute_after: Peak
    exceeded: bool  # more parts in a second, as they came in, than it takes


class Report(msgspec.Struct, frozen=True):
    """What would change. Every message looked at is unchanged, moved, altered, newly refused or newly accepted."""

    since: str
    until: str
    changes: list[Change]
    messages: int
    left_out: int  # to numbers that had opted out, or of environments that are no more
    unchanged: int
    moved: int
    altered: int  # same connector, but …
    altered_by: dict[str, int]  # … another sender, price, fallbacks; or refused for another reason
    newly_refused: list[Turned]
    newly_accepted: list[Turned]
    moves: list[Moved]
    moves_left_out: int
    cost: list[Cost]
    parts_before: int
    parts_after: int
    load: list[Load]
    idle_routes: list[str]
    idle_connectors: list[str]
    warnings: list[str]


class Tally:
    """Counts messages one by one; the rest is known of their groups."""

    def __init__(self, before: Snapshot, after: Snapshot) -> None:
        self.left_out = 0
        self._before = before
        self._after = after
        self._booked: Counter[tuple[str, str]] = Counter()  # (price, currency)
        self._seconds: tuple[dict[str, Counter[int]], ...] = ({}, {})  # by connector: parts in each second

    def count(self, group: Group, at: int, price: str | None, currency: str | None) -> None:
        group.messages += 1
        if price is not None and currency is not None:
            self._booked[price, currency] += 1
        second = at // 1_000
        for side, seconds in zip((group.before, group.after), self._seconds, strict=True):
            if side.connectors:
                seconds.setdefault(side.connectors[0], Counter())[second] += group.segments

    def report(self, groups: list[Group], changes: list[Change], since: int, until: int) -> Report:
        sorts: Counter[str] = Counter()
        altered: Counter[str] = Counter()
        for group in groups:
            sort = _sort(group)
            sorts[sort] += group.messages
            if sort == "altered":
                altered.update(dict.fromkeys(_alterations(group), group.messages))
        moves = _moves(groups)
        load = self._load(groups)
        return Report(
            since=moment(since),
            until=moment(until),
            changes=changes,
            messages=sum(group.messages for group in groups),
            left_out=self.left_out,
            unchanged=sorts["unchanged"],
            moved=sorts["moved"],
            altered=sorts["altered"],
            altered_by=dict(altered),
            newly_refused=_turned((group, group.after.refusal) for group in groups if _sort(group) == "refused"),
            newly_accepted=_turned((group, group.before.refusal) for group in groups if _sort(group) == "accepted"),
            moves=moves[:MOVES_SHOWN],
            moves_left_out=max(0, len(moves) - MOVES_SHOWN),
            cost=_costs(groups, self._booked),
            parts_before=sum(group.messages * group.segments for group in groups if group.before.connectors),
            parts_after=sum(group.messages * group.segments for group in groups if group.after.connectors),
            load=load,
            idle_routes=self._idle_routes(groups),
            idle_connectors=[one.connector for one in load if self._is_idle(one)],
            warnings=[_warning(one) for one in load if one.exceeded],
        )

    def _load(self, groups: list[Group]) -> list[Load]:
        counts = tuple(
            Counter[str](dict.fromkeys({**self._before.connectors, **self._after.connectors}, 0)) for _ in range(2)
        )
        for group in groups:
            for side, count in zip((group.before, group.after), counts, strict=True):
                if side.connector is not None:
                    count[side.connector] += group.messages
        return [self._load_of(name, counts[0][name], counts[1][name]) for name in sorted(counts[0])]

    def _load_of(self, name: str, before: int, after: int) -> Load:
        spec = self._after.connectors.get(name)
        cap = spec.max_segments_per_second if spec else 0
        old, new = (_peaks(seconds.get(name, {})) for seconds in self._seconds)
        return Load(name, cap, before, after, old[0], new[0], old[1], new[1], exceeded=0 < cap < new[0].parts)

    def _is_idle(self, load: Load) -> bool:
        """Is it declared, and without work? The built-in sandbox is nobody's."""
        spec = self._after.connectors.get(load.connector)
        return spec is not None and spec.id != 0 and load.messages_after == 0

    def _idle_routes(self, groups: list[Group]) -> list[str]:
        taken = {group.after.route for group in groups if group.messages}
        names = {key: name for name, key in self._after.workspaces.items()}
        every = {(route.workspace, route.name) for realm in self._after.realms.values() for route in realm.rules.routes}
        idle = every - taken
        return sorted(name if owner is None else f"{name} ({names[owner]})" for owner, name in idle)


def _sort(group: Group) -> str:
    """What becomes of a group: one word."""
    before, after = group.before, group.after
    if before.refusal is None and after.refusal is not None:
        return "refused"
    if before.refusal is not None and after.refusal is None:
        return "accepted"
    if before.connector != after.connector:
        return "moved"
    return "altered" if _alterations(group) else "unchanged"


def _alterations(group: Group) -> list[str]:
    """In what the two sides differ, but for the connector. By which route a message went is nobody's concern."""
    before, after = group.before, group.after
    differences = {
        "refusal": before.refusal != after.refusal,
        "sender": before.sender != after.sender,
        "price": (before.price, before.currency) != (after.price, after.currency),
        "fallbacks": before.connectors != after.connectors,
    }
    return [name for name, differs in differences.items() if differs]


def _moves(groups: Iterable[Group]) -> list[Moved]:
    """The largest first."""
    found: Counter[tuple[str, str, str, str]] = Counter()
    for group in groups:
        if _sort(group) == "moved" and group.before.connector and group.after.connector:
            found[group.before.connector, group.after.connector, group.country, group.kind] += group.messages
    ordered = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return [Moved(from_=key[0], to=key[1], country=key[2], kind=key[3], messages=count) for key, count in ordered]


def _turned(groups: Iterable[tuple[Group, str | None]]) -> list[Turned]:
    found: dict[str, Turned] = {}
    for group, code in groups:
        if code is not None and group.messages:
            there = found.get(code) or Turned(code, 0, masked(group.example))
            found[code] = msgspec.structs.replace(there, messages=there.messages + group.messages)
    return sorted(found.values(), key=lambda turned: (-turned.messages, turned.code))


def masked(number: str) -> str:
    """The end of a number: enough to find it again, too little to call it."""
    return f"…{number[-3:]}"


def _costs(groups: Iterable[Group], booked: Mapping[tuple[str, str], int]) -> list[Cost]:
    sums: dict[str, list[Decimal]] = {}

    def add(price: str | None, currency: str | None, messages: int, place: int) -> None:
        if price is not None and currency is not None and messages:
            sums.setdefault(currency, [Decimal(0)] * 3)[place] += Decimal(price) * messages

    for (price, currency), messages in booked.items():
        add(price, currency, messages, 0)
    for group in groups:
        add(group.before.price, group.before.currency, group.messages, 1)
        add(group.after.price, group.after.currency, group.messages, 2)
    return [Cost(currency, *(format(one, "f") for one in sums[currency])) for currency in sorted(sums)]


def _peaks(seconds: Mapping[int, int]) -> tuple[Peak, Peak]:
    """The busiest second and the busiest minute, the first of several."""
    minutes: Counter[int] = Counter()
    for second, parts in seconds.items():
        minutes[second // 60] += parts
    return _peak(seconds, 1_000), _peak(minutes, 60_000)


def _peak(spans: Mapping[int, int], ms: int) -> Peak:
    if not spans:
        return Peak(0)
    span, parts = max(spans.items(), key=lambda item: (item[1], -item[0]))
    return Peak(parts, moment(span * ms))


def _warning(load: Load) -> str:
    cap, second, minute = load.max_segments_per_second, load.second_after, load.minute_after
    text = f"{load.connector} would get {second.parts} parts in one second ({second.at}) and takes {cap}: some wait"
    if minute.parts <= cap * 60:
        return text
    return f"{text}; in the busiest minute ({minute.at}) it would get {minute.parts} and fall behind"
