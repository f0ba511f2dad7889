"""Parts and route → price. Money is decimal, never binary."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final, NamedTuple, TypeAlias

import msgspec

from heliograph.core import numbers
from heliograph.core.message import Message

MESSAGE: Final = "message"  # what the carrier asks for a segment
SURCHARGE: Final = "surcharge"  # what comes on top of that: fees that are passed through
INBOUND: Final = "inbound"  # a segment of a message from a phone
LOOKUP: Final = "lookup"  # one question about a number
ITEMS: Final = (MESSAGE, SURCHARGE, INBOUND, LOOKUP)

# (connector, country, network, kind); "" stands for all of them.
Table = Mapping[tuple[str, str, str, str], tuple[str, str | None]]

Amount: TypeAlias = tuple[str | None, str | None]  # price and currency


class Line(NamedTuple):
    """What one segment costs, and where that stands."""

    price: str
    currency: str | None
    where: str  # as the trace of a decision names it


class Cost(NamedTuple):
    """What a message costs, and which part of that is surcharge."""

    price: str | None
    currency: str | None
    surcharge: str | None = None


UNKNOWN: Final = Cost(None, None)


class PriceBook(msgspec.Struct, frozen=True):
    """What things cost at each connector, by country, network and kind."""

    lines: Table = {}  # of a segment
    own: Mapping[str, tuple[str, str | None]] = {}  # connectors' own `price_per_segment`, where the book is silent
    surcharges: Table = {}
    received: Table = {}  # of a segment from a phone
    lookups: Table = {}
    networks: frozenset[str] = frozenset()  # that some line names: only then is a number's network looked at

    def find(self, connector: str, country: str, kind: str, network: str = "") -> tuple[str, str | None] | None:
        """(price, currency) of one segment, its surcharge included."""
        found = self.estimate(connector, country, kind, 1, network)
        return None if found.price is None else (found.price, found.currency)

    def line(self, connector: str, country: str, kind: str, network: str = "") -> Line | None:
        """The price of one segment, without its surcharge."""
        found = _most_particular(self.lines, connector, country, kind, network)
        own = self.own.get(connector)
        return found if found is not None or own is None else Line(*own, "price_per_segment")

    def surcharge(self, connector: str, country: str, kind: str, network: str = "") -> Line | None:
        """What comes on top of the price of one segment."""
        return _most_particular(self.surcharges, connector, country, kind, network)

    def inbound(self, connector: str, country: str) -> Line | None:
        """The price of one segment from a phone."""
        return _most_particular(self.received, connector, country, "", "")

    def lookup(self, connector: str, country: str) -> Line | None:
        """The price of one question about a number."""
        return _most_particular(self.lookups, connector, country, "", "")

    def estimate(self, connector: str, country: str, kind: str, segments: int, network: str = "") -> Cost:
        """What a message of so many segments costs; nothing is known of it where nobody knows what a segment does."""
        line = self.line(connector, country, kind, network)
        if line is None:
            return UNKNOWN
        more = self.surcharge(connector, country, kind, network) if self.surcharges else None
        return cost(segments, line, more)

    def of(self, message: Message, connector: str) -> Cost:
        """What a message costs at a connector."""
        network = ""
        if self.networks and isinstance(number := numbers.parse(message.to, None), numbers.Number):
            network = numbers.network_of(number)
        return self.estimate(connector, message.country, message.kind, message.segments, network)


def cost(segments: int, line: Line, surcharge: Line | None) -> Cost:
    """Both lines together. A surcharge in another currency can't be added, and is left out."""
    if surcharge is None or surcharge.currency != line.currency:
        return Cost(price(segments, line.price), line.currency)
    more = Decimal(surcharge.price) * segments
    return Cost(f"{Decimal(line.price) * segments + more:f}", line.currency, f"{more:f}")


def price(segments: int, per_segment: str | None) -> str | None:
    """What a message of so many segments costs; None when nobody knows what one does."""
    return None if per_segment is None else format(Decimal(per_segment) * segments, "f")


def reported(message: Message, amount: str, currency: str | None, segments: int) -> Cost:
    """What a message costs when its carrier tells its price. The surcharge is no part of that: it comes on top."""
    if message.surcharge is None or currency != message.currency:
        return Cost(amount, currency)
    surcharge = _scaled(Decimal(message.surcharge), _counted(message), segments)
    return Cost(f"{Decimal(amount) + surcharge:f}", currency, f"{surcharge:f}")


def recounted(message: Message, segments: int) -> Cost:
    """What a message is estimated to cost when its carrier made so many segments of it."""
    if message.price is None:
        return UNKNOWN
    surcharge = None
    if message.surcharge is not None:
        surcharge = f"{_scaled(Decimal(message.surcharge), _counted(message), segments):f}"
    return Cost(f"{_scaled(Decimal(message.price), _counted(message), segments):f}", message.currency, surcharge)


def _counted(message: Message) -> int:
    return message.billed_segments or message.segments


def _scaled(amount: Decimal, segments: int, to: int) -> Decimal:
    return amount if segments == to else amount / segments * to  # exact: the amount was made by multiplying


def _most_particular(table: Table, connector: str, country: str, kind: str, network: str) -> Line | None:
    """A network is more particular than a country, and that than a kind."""
    if network:
        for at_country in (country, ""):
            for at_kind in (kind, "") if kind else ("",):
                if (found := table.get((connector, at_country, network, at_kind))) is not None:
                    return Line(*found, _where(at_country, network, at_kind))
    for at_country, at_kind in ((country, kind), (country, ""), ("", kind), ("", "")):
        if (found := table.get((connector, at_country, "", at_kind))) is not None:
            return Line(*found, _where(at_country, "", at_kind))
    return None


def _where(country: str, network: str, kind: str) -> str:
    named = (("country", country), ("network", network), ("kind", kind))
    return ", ".join(f"{name} {value}" for name, value in named if value) or "every country and kind"
