"""What is told of contacts and their consent."""

from datetime import datetime
from typing import Any

import msgspec


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """A number or e-mail address of a contact, and since when."""

    address: str
    since: datetime
    until: datetime | None = None


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """A person as the public API shows them."""

    id: str
    external_id: str | None = None
    name: str | None = None
    locale: str | None = None
    time_zone: str | None = None
    attributes: dict[str, str]
    addresses: list[Address]
    created_at: datetime
    updated_at: datetime


class Stance(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for one scope."""

    scope: str
    opted_in_at: datetime | None = None
    confirmed_at: datetime | None = None
    until: datetime | None = None
    opted_out_at: datetime | None = None
    firm: bool
    in_review_since: datetime | None = None


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """An entry as the record has it."""

    id: str
    address: str
    contact: str | None = None
    action: str
    scope: str
    source: str
    at: datetime
    recorded_at: datetime
    channel: str | None = None
    language: str | None = None
    text: str | None = None
    text_version: str | None = None
    ip: str | None = None
    user_agent: str | None = None
    message: str | None = None
    detail: Any = None
    until: datetime | None = None
    actor: str
    is_test: bool


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for a person, and all that was recorded. `may_send`: by kind, `yes` or why not."""

    to: str
    may_send: dict[str, str]
    stances: list[Stance]
    data: list[Recorded]


class Suppressed(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who said no, and what to."""

    to: str
    scope: str
    since: datetime
    firm: bool
