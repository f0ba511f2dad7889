"""What is told of money, quality and who asks."""

from datetime import datetime
from decimal import Decimal
from typing import TypeAlias

import msgspec

Value: TypeAlias = int | float | str | dict[str, str] | None  # of a measure


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """One measure of one budget in its present span. `of` names whose it is, where each client, country, kind or tag
    has its own. `forecast` is where the span would end at the pace so far."""

    budget: str
    per: str
    each: str
    of: str | None = None
    measure: str
    used: int | str
    limit: int | str
    remaining: int | str
    percent: float
    forecast: int | str
    currency: str | None = None
    stops: bool
    begins_at: datetime
    resets_at: datetime


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """Costs of one group in one currency. A currency of null: messages of which nobody knows what they cost."""

    group: str | None = None
    currency: str | None = None
    total: Decimal
    message: Decimal
    surcharge: Decimal
    inbound: Decimal
    rental: Decimal
    lookup: Decimal
    messages: int
    segments: int
    delivered: int
    failed: int
    failed_price: Decimal
    cost_per_delivered: Decimal | None = None


class Costs(msgspec.Struct, frozen=True, kw_only=True):
    """What a span cost: by group, and in all. With `tag` a message counts for each of its tags."""

    since: datetime
    until: datetime
    by: str
    data: list[Cost]
    totals: list[Cost]


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """One connector to one country, for one kind. Parts are between 0 and 1; null where nothing is known."""

    connector: str
    country: str
    kind: str
    score: float | None = None
    submitted: int
    faults: int
    fault_part: float | None = None
    awaited: int
    delivered: int
    delivered_part: float | None = None
    mean_delay_ms: int | None = None
    instant_part: float | None = None
    convertible: int
    converted: int
    converted_part: float | None = None
    plausibility: float | None = None


class Leader(msgspec.Struct, frozen=True, kw_only=True):
    """Who goes first on a route by quality, where that is not the first in its list."""

    route: str
    country: str
    kind: str
    connector: str
    since: datetime


class Quality(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of the span."""

    since: datetime
    until: datetime
    data: list[Way]
    leaders: list[Leader]


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One group. Of each measure the values, one for each time, and the value of the whole time."""

    group: dict[str, str]
    values: dict[str, list[Value]]
    total: dict[str, Value]
    previous: dict[str, Value] | None = None  # of the time before, which is as long


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """Measures over time."""

    since: datetime
    until: datetime
    step_s: int | None = None
    times: list[datetime]
    data: list[Line]


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """A measure, and how it comes about."""

    name: str
    unit: str
    formula: str
    meaning: str
    by: list[str]


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, and what that key may do."""

    key_id: str
    name: str
    workspace: str
    environment: str
    mode: str
    scopes: list[str]
    account_sid: str
    messages_per_second: int | None = None
    default_country: str | None = None
