"""Senders: what may stand as "from", and whether this workspace may use it."""

import re
from typing import Final

import msgspec

from heliograph.core.failures import Refusal

_ALPHANUMERIC: Final = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 &\-_.+]{1,11}")
_LONG_NUMBER: Final = re.compile(r"\+?[1-9][0-9]{6,14}")
_SHORT_CODE: Final = re.compile(r"[0-9]{3,8}")
TYPES: Final = ("alphanumeric", "long_number", "toll_free", "short_code")


class Sender(msgspec.Struct, frozen=True):
    """A declared sender."""

    value: str
    type: str
    countries: frozenset[str] = frozenset()  # empty: everywhere
    kinds: frozenset[str] = frozenset()  # empty: for every kind
    default: bool = False
    two_way: bool = False  # can it receive replies?
    registration: dict[str, str] = {}  # country → registered | pending | rejected


def type_of(value: str) -> str | None:
    """The type that the shape of a sender tells, or None when no network would take it."""
    if _SHORT_CODE.fullmatch(value):
        return "short_code" if len(value) < 7 else "long_number"
    if _LONG_NUMBER.fullmatch(value):
        return "long_number"
    if _ALPHANUMERIC.fullmatch(value) and value == value.strip():
        return "alphanumeric"
    return None


def check(value: str, declared: dict[str, Sender], *, country: str, kind: str) -> Refusal | None:
    """May a message of this kind to this country come from `value`? Without declared senders every good shape may."""
    if type_of(value) is None:
        return Refusal(
            "bad_sender",
            f"{value[:40]!r} can't be a sender: up to 11 letters and digits with at least one letter, "
            "a number in E.164, or a short code of 3 to 8 digits",
            "/sender",
        )
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


def default(declared: dict[str, Sender], *, country: str, kind: str) -> str | None:
    """The sender of a message that names none: the declared default that fits, else the only one that fits."""
    fitting = [
        sender
        for sender in declared.values()
        if (not sender.countries or country in sender.countries) and (not sender.kinds or kind in sender.kinds)
    ]
    for sender in fitting:
        if sender.default:
            return sender.value
    return fitting[0].value if len(fitting) == 1 else None


def _names(declared: dict[str, Sender]) -> str:
    names = sorted(declared)
    return ", ".join(names[:8]) + (" …" if len(names) > 8 else "")
