"""What a month will cost, and which carrier does the same for less."""

import calendar
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

import msgspec

from heliograph.core.forecast import METHOD, WEEKS, forecast
from heliograph.core.measures import Value, written
from heliograph.core.views import moment
from heliograph.engine.insight.reading import Ask, Line, series, totals
from heliograph.engine.insight.rolling import DAY
from heliograph.engine.rents import rents
from heliograph.store.port import Ledger

_COMPARED: Final = (
    *("taken", "delivered", "delivery_rate", "cost_per_message", "cost_per_delivered"),
    *("time_to_send_p50", "time_to_deliver_p50", "time_to_deliver_p95"),
)


class MonthView(msgspec.Struct):
    """A month in one currency: what is spent, and what it will come to."""

    currency: str
    spent: str  # messages and what phones sent, so far
    expected: str  # of the same, for the whole month
    low: str
    high: str
    rental: str  # of the whole month
    total: str  # expected and rental


class Month(msgspec.Struct):
    """The present month, in UTC."""

    since: str
    until: str
    method: str
    data: list[MonthView]


class CarrierView(msgspec.Struct):
    """What one connector did of the traffic that is compared."""

    connector: str
    values: dict[str, Value]


class Comparison(msgspec.Struct):
    """Connectors that carried the same: to one country, of one kind, at the same time. The cheapest delivery first."""

    country: str
    kind: str
    carriers: list[CarrierView]


async def month(ledger: Ledger, workspace: int, environment: int, now: int, *, is_live: bool) -> Month:
    """What the month of `now` comes to."""
    today = now // DAY * DAY
    first = datetime.fromtimestamp(today / 1000, UTC).replace(day=1)
    length = calendar.monthrange(first.year, first.month)[1]
    start = int(first.timestamp() * 1000)
    end = int((first + timedelta(days=length)).timestamp() * 1000)
    from_day = min(start, today - 7 * WEEKS * DAY)
    ask = Ask(
        workspace=workspace,
        environment=environment,
        measures=("cost", "inbound_cost"),
        start=from_day,
        end=today + DAY,
    )
    found = await series(ledger, ask, DAY)
    days = [_amounts(found.lines[0], place) for place in range(len(found.times))]
    rental: dict[str, Decimal] = {}
    for rent in await rents(ledger, start, end, workspace) if is_live else ():
        rental[rent.currency] = rental.get(rent.currency, Decimal(0)) + Decimal(rent.price)
    currencies = sorted({*rental, *(currency for day in days for currency in day)})
    left = (end - today) // DAY
    views = [_view(one, days, (start - found.start) // DAY, left, rental.get(one, Decimal(0))) for one in currencies]
    return Month(moment(start), moment(end), METHOD, views)


def _amounts(line: Line, place: int) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for name in ("cost", "inbound_cost"):
        value = line.values[name][place]
        for currency, amount in value.items() if isinstance(value, dict) else ():
            sums[currency] = sums.get(currency, Decimal(0)) + Decimal(amount)
    return sums


def _view(currency: str, days: list[dict[str, Decimal]], first: int, left: int, rental: Decimal) -> MonthView:
    amounts = [day.get(currency, Decimal(0)) for day in days]
    spent = sum(amounts[first:], Decimal(0))
    past = amounts[:-1]
    while past and not past[0]:  # before there was anything nothing is usual
        past = past[1:]
    seen = forecast(float(spent), float(amounts[-1]), [float(one) for one in past], left)
    expected, low, high = (Decimal(str(round(one, 2))) for one in seen)
    shown = (written(one, whole=True) for one in (spent, expected, low, high, rental, expected + rental))
    return MonthView(currency, *shown)


async def compare(ledger: Ledger, ask: Ask) -> list[Comparison]:
    """Of each country and kind that two connectors or more carried."""
    by = ("country", "kind", "connector")
    wanted = msgspec.structs.replace(ask, measures=_COMPARED, by=by, groups=200)
    groups: dict[tuple[str, str], list[CarrierView]] = {}
    for line in (await totals(ledger, wanted)).lines:
        values = {name: found[0] for name, found in line.values.items()}
        if values["taken"]:
            where = (line.group["country"], line.group["kind"])
            groups.setdefault(where, []).append(CarrierView(line.group["connector"], values))
    return [
        Comparison(*where, sorted(carriers, key=_price))
        for where, carriers in sorted(groups.items())
        if len(carriers) > 1
    ]


def _price(carrier: CarrierView) -> tuple[bool, Decimal]:
    """What nobody knows comes last."""
    prices = carrier.values["cost_per_delivered"]
    known = [Decimal(amount) for amount in prices.values()] if isinstance(prices, dict) else []
    return not known, min(known, default=Decimal(0))
