"""Senders: what may stand as "from", and whether this workspace may use it."""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec

from heliograph.core.channels import CHANNELS, SMS
from heliograph.core.channels.email import split_sender
from heliograph.core.failures import Refusal

_ALPHANUMERIC: Final = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 &\-_.+]{1,11}")
_LONG_NUMBER: Final = re.compile(r"\+?[1-9][0-9]{6,14}")
_SHORT_CODE: Final = re.compile(r"[0-9]{3,8}")
_WHATSAPP: Final = re.compile(r"whatsapp:\+[1-9][0-9]{6,14}")
_RCS: Final = re.compile(r"rcs:[A-Za-z0-9_.-]{1,64}")
TYPES: Final = ("alphanumeric", "long_number", "toll_free", "short_code", "email", "whatsapp", "rcs")
_FORMS: Final = {
    SMS: "up to 11 letters and digits with at least one letter, a number in E.164, or a short code of 3 to 8 digits",
    "whatsapp": "a number of WhatsApp, as in whatsapp:+15550001111",
    "rcs": "an agent, as in rcs:acme_support",
    "email": "an e-mail address, alone or as in Acme <hello@acme.example>",
}
_NUMBER: Final = "a number in E.164, or a short code of 3 to 8 digits"
_NOBODY: Final = "this channel shows none: leave it out"


class Sender(msgspec.Struct, frozen=True):
    """A declared sender."""

    value: str
    type: str
    countries: frozenset[str] = frozenset()  # empty: everywhere
    kinds: frozenset[str] = frozenset()  # empty: for every kind
    default: bool = False
    two_way: bool = False  # can it receive replies?
    registration: dict[str, str] = {}  # country → registered | pending | rejected
    unregistered: str | None = (
        None  # warn | refuse: whatever its state; None: refuse what is known not to be registered
    )
    pool: str | None = None
    home: str | None = None  # the country of its number
    max_segments_per_second: int = 0  # 0: no limit of its own
    max_segments_per_day: int = 0
    day_zone: str = "UTC"  # whose midnight begins its day


def type_of(value: str) -> str | None:
    """The type that the shape of a sender tells, or None when no network would take it."""
    if _SHORT_CODE.fullmatch(value):
        return "short_code" if len(value) < 7 else "long_number"
    if _LONG_NUMBER.fullmatch(value):
        return "long_number"
    if _ALPHANUMERIC.fullmatch(value) and value == value.strip():
        return "alphanumeric"
    if _WHATSAPP.fullmatch(value):
        return "whatsapp"
    if _RCS.fullmatch(value):
        return "rcs"
    return "email" if split_sender(value) else None


def check(value: str, declared: Mapping[str, Sender], *, country: str, kind: str, channel: str = SMS) -> Refusal | None:
    """May a message of this kind to this country come from `value`? Without declared senders every good shape may."""
    types = CHANNELS[channel].senders
    if type_of(value) not in types:
        form = _FORMS.get(channel, _NUMBER) if types else _NOBODY
        what = "can't be a sender" if channel == SMS else f"can't be a sender of {channel}"
        return Refusal("bad_sender", f"{value[:40]!r} {what}: {form}", "/sender")
    if not declared:
        return None
    sender = declared.get(value)
    if sender is None:
        return Refusal(
            "unknown_sender", f"{value!r} is not a sender of this workspace; declared are {_names(declared)}", "/sender"
        )
    if sender.countries and country not in sender.countries:
        return Refusal("sender_not_for_country", f"{value!r} is not declared for {country}", "/sender")
    if sender.kinds and kind not in sender.kinds:
        return Refusal("sender_not_for_kind", f"{value!r} is not declared for {kind} messages", "/sender")
    return None


class Default(NamedTuple):
    """What a message comes from that names no sender: a sender, or a pool."""

    name: str
    is_pool: bool


def default(declared: Mapping[str, Sender], *, country: str, kind: str, channel: str = SMS) -> Default | None:
    """The declared default that fits, or the pool that it is in; else the only sender or pool that fits."""
    types = CHANNELS[channel].senders
    fitting = [
        sender
        for sender in declared.values()
        if (not sender.countries or country in sender.countries)
        and (not sender.kinds or kind in sender.kinds)
        and sender.type in types
    ]
    for sender in fitting:
        if sender.default:
            return _as_default(sender)
    found = {_as_default(sender) for sender in fitting}
    return found.pop() if len(found) == 1 else None


def _as_default(sender: Sender) -> Default:
    return Default(sender.value, False) if sender.pool is None else Default(sender.pool, True)


def _names(declared: Mapping[str, Sender]) -> str:
    names = sorted({*declared, *(sender.pool for sender in declared.values() if sender.pool is not None)})
    return ", ".join(names[:8]) + (" …" if len(names) > 8 else "")
