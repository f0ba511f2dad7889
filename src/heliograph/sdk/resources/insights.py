"""What was spent, what is left, how well connectors do, and who asks."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypedDict, Unpack

from heliograph.sdk.asking import D, Resource, asks
from heliograph.sdk.exchange import Ask, at, given
from heliograph.sdk.models import Page
from heliograph.sdk.models.insights import Budget, Costs, Me, Measure, Quality, Series


class CostFilter(TypedDict, total=False):
    """Which time, and what to split by. Without times it is the last thirty days."""

    since: datetime | str
    until: datetime | str
    by: str
    workspace: str


class SeriesFilter(TypedDict, total=False):
    """Of which time, how fine, split by what and narrowed to what. Several values are separated by commas."""

    by: str
    since: datetime | str
    until: datetime | str
    step: str  # 5m, 1h, 1d …; left out: one value for the whole time
    compare: str  # previous
    groups: int
    country: str
    network: str
    kind: str
    connector: str
    sender: str
    template: str
    campaign: str
    client: str
    status: str
    code: str
    currency: str
    detail: str


def _named(narrowed: Mapping[str, object]) -> dict[str, object]:
    """`from` is no name in Python."""
    names = {"since": "from", "until": "to"}
    return {names.get(name, name): value for name, value in narrowed.items()}


class Insights(Resource[D]):
    """Figures."""

    @asks
    def series(self, measures: Sequence[str], **narrowed: Unpack[SeriesFilter]) -> Ask[Series]:
        """Measures over time, as in `series(["delivered", "delivery_rate"], by="country", step="1d")`."""
        query = {"measures": ",".join(measures), **_named(narrowed)}
        return Ask("GET", at("insights"), Series, query=query)

    @asks
    def measures(self) -> Ask[Page[Measure]]:
        """All measures that there are, and how each comes about."""
        return Ask("GET", at("insights", "measures"), Page[Measure])

    @asks
    def costs(self, **narrowed: Unpack[CostFilter]) -> Ask[Costs]:
        """What was spent, by day or by another group."""
        return Ask("GET", at("costs"), Costs, query=_named(narrowed))

    @asks
    def budgets(self, *, budget: str | None = None, limit: int = 100) -> Ask[Page[Budget]]:
        """What is used of budgets, and where their spans would end."""
        return Ask("GET", at("budgets"), Page[Budget], query=given(budget=budget, limit=limit))

    @asks
    def quality(self) -> Ask[Quality]:
        """How well connectors do."""
        return Ask("GET", at("quality"), Quality)

    @asks
    def me(self) -> Ask[Me]:
        """Who asks, and what that key may do."""
        return Ask("GET", at("me"), Me)
