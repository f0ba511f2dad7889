"""What is told of audiences and campaigns."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec


class Filter(msgspec.Struct, frozen=True, kw_only=True, rename={"is_": "is", "in_": "in"}):
    """One thing that must be so of a contact. Without a comparison: the field must be there."""

    field: str
    is_: str | None = None
    in_: list[str] | None = None
    is_not: str | None = None
    begins: str | None = None


class Audience(msgspec.Struct, frozen=True, kw_only=True):
    """An audience as the API shows it. `lines`: all that were read, and what became of them."""

    name: str
    status: str
    filters: list[Filter] | None = None
    variables: list[str]
    lines: int
    valid: int
    bad: int
    duplicates: int
    created_at: datetime
    filled_at: datetime | None = None


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """What a campaign would do if it began now. `refused`: by the code of what stands against it."""

    recipients: int
    reachable: int
    refused: dict[str, int]
    duplicates: int
    bad: int
    held: int
    segments: int
    most_segments: int
    cost: dict[str, Decimal]
    unpriced: int
    checked_at: datetime


class Campaign(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign as the API shows it."""

    name: str
    status: str
    audience: str
    spec: Any = None
    estimate: Estimate | None = None
    winner: str | None = None
    author: str
    approved_by: str | None = None
    created_at: datetime
    starts_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Messages by what became of them. `sent` includes what was delivered since, or could not be."""

    accepted: int = 0
    waiting: int = 0
    sent: int = 0
    delivered: int = 0
    failed: int = 0
    canceled: int = 0
    segments: int = 0
    opted_out: int = 0
    refused: dict[str, int] = {}
    cost: dict[str, Decimal] = {}


class CampaignProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How far it is. `in_time_percent`: how much will have left before `ends_at`, as things go now."""

    recipients: int
    handled: int
    total: Counts
    variants: dict[str, Counts]
    estimated_end: datetime | None = None
    in_time_percent: float | None = None


class Tested(msgspec.Struct, frozen=True, kw_only=True):
    """One test message: its id, or the code of what stood against it."""

    to: str
    variant: str
    id: str | None = None
    refused: str | None = None
