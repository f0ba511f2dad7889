"""What is told of texts and numbers."""

from datetime import datetime
from decimal import Decimal

import msgspec


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """One part: its text, how many septets or units it takes, and how many it might."""

    text: str
    units: int
    limit: int


class Forcing(msgspec.Struct, frozen=True, kw_only=True):
    """A character that GSM-7 lacks: where it stands and what could stand there instead."""

    position: int
    character: str
    name: str
    replacement: str | None = None


class Replacement(msgspec.Struct, frozen=True, kw_only=True):
    """What smart encoding put in another's place."""

    position: int
    character: str
    replacement: str


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule found, where it begins and ends in the text, and what would be right."""

    rule: str
    severity: str
    detail: str
    where: tuple[int, int]
    suggestion: str


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """The text as it would be sent."""

    text: str
    encoding: str
    segments: int
    units: int
    units_left: int
    parts: list[Segment]
    forced_by: list[Forcing]
    replaced: list[Replacement]
    allowed_segments: int
    within_budget: bool
    findings: list[Finding]
    within_content_rules: bool


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider said, and when; `note` says why that is nothing."""

    provider: str
    at: datetime
    valid: bool | None = None
    type: str | None = None
    carrier: str | None = None
    mccmnc: str | None = None
    can_receive: bool | None = None
    price: Decimal | None = None
    currency: str | None = None
    note: str | None = None


class BadNumber(msgspec.Struct, frozen=True, kw_only=True):
    """Why a text is not taken as a number, or a number not sent to."""

    code: str
    detail: str
    suggestion: str | None = None


class Lookup(msgspec.Struct, frozen=True, kw_only=True):
    """A number, what public metadata say of it, and what a provider said."""

    asked: Asked | None = None
    e164: str
    country: str
    type: str
    valid: bool
    national: str
    international: str
    time_zones: list[str]
    carrier: str | None = None
    carrier_note: str | None = None
    is_test_number: bool
    may_be_texted: bool
    why_not: BadNumber | None = None
