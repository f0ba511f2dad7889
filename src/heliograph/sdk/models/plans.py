"""Message plans: several channels to one person, one after the other."""

from datetime import datetime
from decimal import Decimal

import msgspec


class PlanRunStep(msgspec.Struct, frozen=True, kw_only=True):
    """One way that was tried. `took_ms`: from its beginning until it reached the person."""

    channel: str
    to: str | None = None
    status: str
    reason: str | None = None
    message_id: str | None = None
    connector: str | None = None
    price: Decimal | None = None
    currency: str | None = None
    begun_at: datetime
    sent_at: datetime | None = None
    took_ms: int | None = None


class PlanRun(msgspec.Struct, frozen=True, kw_only=True):
    """One person whom a plan is to reach. `reached_by`: the channel that did."""

    id: str
    plan: str | None = None
    status: str
    to: str
    kind: str
    reached_by: str | None = None
    steps: list[PlanRunStep]
    created_at: datetime
    ended_at: datetime | None = None


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one channel. Money by currency; `seconds`: how long it took to reach people, on average."""

    channel: str
    tried: int = 0
    sent: int = 0
    reached: int = 0
    skipped: int = 0
    reached_percent: float | None = None
    seconds: float | None = None
    cost: dict[str, Decimal] = {}
    cost_per_reached: dict[str, Decimal] = {}
