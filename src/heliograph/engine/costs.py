"""What was spent, by currency, with a line for each thing that costs: messages of whole days by the sums that are kept
of them, all else summed from the ledger when somebody asks.

A message costs what its carrier says, or as long as that says nothing what was estimated; it is counted on the day on
which it was accepted, and only when a carrier took it. Each attempt but the last is left out: a carrier that took a
message twice may ask for it twice, and only its bill tells.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import msgspec

from heliograph.core.failures import Refusal, Refused
from heliograph.core.measures import UNIT
from heliograph.core.views import moment
from heliograph.engine.insight import spent
from heliograph.engine.quality import first_since
from heliograph.engine.rents import Rent, rents
from heliograph.store.port import Ledger, Row

DAY_MS: Final = 86_400_000
LONGEST_MS: Final = 93 * DAY_MS
BY: Final = {  # what costs can be split by → how a message, and how something else that costs, tells it
    "day": ("m.accepted_at / 86400000", "x.at / 86400000"),
    "connector": ("m.connector", "x.connector"),
    "country": ("m.country", "CAST(NULL AS TEXT)"),
    "network": ("NULLIF(m.network, '')", "CAST(NULL AS TEXT)"),
    "kind": ("m.kind", "CAST(NULL AS TEXT)"),
    "workspace": ("w.name", "w.name"),
    "tag": ("t.tag", "CAST(NULL AS TEXT)"),
}
_SLACK_MS: Final = 3_600_000  # a message may get its id a while after it was accepted
_TAKEN: Final = "(m.sent_at IS NOT NULL OR m.state IN ('delivered', 'read', 'undelivered'))"
_SCOPE: Final = (
    "JOIN environments e ON e.id = {0}.environment JOIN workspaces w ON w.id = {0}.workspace "
    "WHERE e.name = $1 AND ({0}.workspace = $2 OR $3 = 1) "
)


class Span(msgspec.Struct, frozen=True):
    """Whose costs, and of which time. `everyones`: of all workspaces, in their environments of this name."""

    workspace: int
    environment: str
    everyones: bool
    since: int
    until: int


class CostView(msgspec.Struct):
    """Costs of one group in one currency. A currency of null: messages of which nobody knows what they cost."""

    group: str | None  # null: what belongs to no group, and where nothing is split
    currency: str | None
    total: str
    message: str
    surcharge: str
    inbound: str
    rental: str
    lookup: str
    messages: int
    segments: int  # as the carriers count them
    delivered: int
    failed: int  # and paid for, as it seems
    failed_price: str
    cost_per_delivered: str | None  # of messages and surcharges, failed ones included


class Costs(msgspec.Struct):
    """What a span cost: by group, and in all. With `tag` a message counts for each of its tags."""

    since: str
    until: str
    by: str
    data: list[CostView]
    totals: list[CostView]


class _Sum:
    """What gathers of a group in a currency."""

    def __init__(self) -> None:
        self.lines = {line: Decimal(0) for line in ("message", "surcharge", "inbound", "rental", "lookup")}
        self.failed_price = Decimal(0)
        self.messages = self.segments = self.delivered = self.failed = 0

    def count(self, row: Sequence[Any]) -> None:
        """Messages that are alike: price, surcharge, state, how many, their segments."""
        price, surcharge, state, messages, segments = row
        more = Decimal(surcharge or 0)
        self.lines["surcharge"] += more * messages
        self.lines["message"] += (Decimal(price or 0) - more) * messages
        self._count(state, messages, segments, Decimal(price or 0) * messages)

    def count_kept(self, row: Sequence[Any]) -> None:
        """The same of the sums: state, how many, their segments, cost and surcharge."""
        state, messages, segments, cost, surcharge = row
        price = _amount(cost)
        self.lines["surcharge"] += _amount(surcharge)
        self.lines["message"] += price - _amount(surcharge)
        self._count(state, messages, segments, price)

    def _count(self, state: str, messages: int, segments: int, price: Decimal) -> None:
        self.messages, self.segments = self.messages + messages, self.segments + segments
        if state in ("delivered", "read"):
            self.delivered += messages
        elif state in ("undelivered", "failed", "expired"):
            self.failed += messages
            self.failed_price += price

    def view(self, group: str | None, currency: str | None) -> CostView:
        spent = self.lines["message"] + self.lines["surcharge"]
        each = spent / self.delivered if self.delivered and currency is not None else None
        lines = {name: f"{amount:f}" for name, amount in self.lines.items()}
        return CostView(
            group=group,
            currency=currency,
            total=f"{sum(self.lines.values(), Decimal(0)):f}",
            **lines,
            messages=self.messages,
            segments=self.segments,
            delivered=self.delivered,
            failed=self.failed,
            failed_price=f"{self.failed_price:f}",
            cost_per_delivered=None if each is None else f"{each.quantize(Decimal('0.000001')):f}",
        )


async def costs(ledger: Ledger, span: Span, by: str) -> Costs:
    """Raises `Refused`."""
    if by not in BY:
        raise Refused(Refusal("bad_value", f"{by[:40]!r} is not possible; give {', '.join(BY)}", "/by", 400))
    if not 0 < span.until - span.since <= LONGEST_MS:
        detail = f"from has to be before to, by at most {LONGEST_MS // DAY_MS} days"
        raise Refused(Refusal("bad_value", detail, "/from", 400))
    groups: dict[tuple[str | None, str | None], _Sum] = {}
    totals: dict[tuple[str | None, str | None], _Sum] = {}
    shown = _day if by == "day" else _name

    def at(group: str | None, currency: str | None) -> _Sum:
        return groups.setdefault((group, currency), _Sum())

    def total(currency: str | None) -> _Sum:
        return totals.setdefault((None, currency), _Sum())

    for group, currency, row, is_kept in await _rows(ledger, span, by):
        for one in (at(shown(group), currency), *([total(currency)] if by != "tag" else [])):
            (one.count_kept if is_kept else one.count)(row)
    if by == "tag":  # a message with two tags was paid once
        for _, currency, row, is_kept in await _rows(ledger, span, "kind"):
            (total(currency).count_kept if is_kept else total(currency).count)(row)
    for line, group, currency, amount in await _others(ledger, span, by, shown):
        for one in (at(group, currency), total(currency)):
            one.lines[line] += amount
    return Costs(moment(span.since), moment(span.until), by, list(_views(groups)), list(_views(totals)))


def _views(sums: Mapping[tuple[str | None, str | None], _Sum]) -> Iterator[CostView]:
    for group, currency in sorted(sums, key=lambda key: (key[0] is None, key[0] or "", key[1] is None, key[1] or "")):
        yield sums[group, currency].view(group, currency)


async def _rows(ledger: Ledger, span: Span, by: str) -> list[tuple[Any, str | None, Sequence[Any], bool]]:
    """(group, currency, messages that are alike, whether they are of the sums). No sums are kept by tag."""
    first, last = -(-span.since // DAY_MS) * DAY_MS, span.until // DAY_MS * DAY_MS
    if by == "tag" or first >= last:
        return [(row[0], row[1], row[2:], False) for row in await _messages(ledger, span, by)]
    found: list[tuple[Any, str | None, Sequence[Any], bool]] = []
    for since, until in ((span.since, first), (last, span.until)):
        edge = msgspec.structs.replace(span, since=since, until=until)
        found += [(row[0], row[1], row[2:], False) for row in await _messages(ledger, edge, by)]
    days = msgspec.structs.replace(span, since=first, until=last)
    group = BY[by][0].replace("m.accepted_at", "x.at").replace("m.", "x.")
    return found + [
        (row[0], row[1] or None, row[2:], True) for row in await spent.of_days(ledger, group, *_values(days))
    ]


def _amount(units: int) -> Decimal:
    return (Decimal(units) / UNIT).normalize()


async def _messages(ledger: Ledger, span: Span, by: str) -> list[Row]:
    """Day by day, so that nobody else waits long for a reader."""
    group = BY[by][0]
    tags = "LEFT JOIN message_tags t ON t.message = m.id AND t.workspace = m.workspace " if by == "tag" else ""
    scope = _SCOPE.format("m").replace("WHERE", f"{tags}WHERE")
    alike = f"{group}, CASE WHEN m.price IS NULL THEN NULL ELSE m.currency END, m.price, m.surcharge, m.state"
    rows: list[Row] = []
    for since in range(span.since, span.until, DAY_MS):
        day = msgspec.structs.replace(span, since=since, until=min(since + DAY_MS, span.until))
        bounds, ids = await _between(ledger, day)
        rows += await ledger.fetch(
            f"SELECT {alike}, COUNT(*), CAST(SUM(COALESCE(m.billed_segments, m.segments)) AS BIGINT) "
            f"FROM messages m {scope}AND m.accepted_at >= $4 AND m.accepted_at < $5 {bounds}AND {_TAKEN} "
            f"GROUP BY {alike}",
            *_values(day),
            *ids,
        )
    return rows


async def _between(ledger: Ledger, day: Span) -> tuple[str, tuple[int, ...]]:
    """Bounds of the ids of a day, where ids rise with time; elsewhere an index by time finds its messages."""
    if not ledger.is_alone:
        return "", ()
    first, end = await first_since(ledger, day.since - _SLACK_MS), await first_since(ledger, day.until + _SLACK_MS)
    return "AND m.id >= $6 AND m.id < $7 ", (first, end)


def _values(span: Span) -> tuple[Any, ...]:
    return (span.environment, span.workspace, int(span.everyones), span.since, span.until)


Spent = tuple[str, str | None, str, Decimal]  # line, group, currency, amount


async def _others(ledger: Ledger, span: Span, by: str, shown: Callable[[Any], str | None]) -> list[Spent]:
    """What costs beside messages."""
    found: list[Spent] = []
    for line, table in (("inbound", "inbound"), ("lookup", "lookups")):
        group = BY[by][1]
        rows = await ledger.fetch(
            f"SELECT {group}, x.currency, x.price, COUNT(*) FROM {table} x {_SCOPE.format('x')}"
            f"AND x.at >= $4 AND x.at < $5 AND x.price IS NOT NULL GROUP BY {group}, x.currency, x.price",
            *_values(span),
        )
        found += [(line, shown(row[0]), row[1], Decimal(row[2]) * row[3]) for row in rows]
    if await _is_live(ledger, span.environment):
        whose = None if span.everyones else span.workspace
        for rent in await rents(ledger, span.since, span.until, whose):
            found.append(("rental", _of_rent(rent, by), rent.currency, Decimal(rent.price)))
    return found


async def _is_live(ledger: Ledger, environment: str) -> bool:
    """Numbers are rented for the traffic that is real."""
    return bool(
        await ledger.fetch("SELECT 1 FROM environments WHERE name = $1 AND mode <> 'test' LIMIT 1", environment)
    )


def _of_rent(rent: Rent, by: str) -> str | None:
    if by == "day":
        return _day(rent.at // DAY_MS)
    return rent.workspace if by == "workspace" else None


def _name(value: str | None) -> str | None:
    return value


def _day(number: int) -> str:
    return datetime.fromtimestamp(number * DAY_MS / 1000, UTC).strftime("%Y-%m-%d")
