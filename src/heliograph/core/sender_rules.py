"""What countries ask of senders: alphanumeric ones that can't work, and those that must be registered first.

Compiled from public documentation; rules change by the month and the carrier has the last word. So what is known not to
work is refused, and what only lacks a registration that we know of is a warning in the trace.
"""

from functools import cache
from importlib import resources
from typing import Final

import msgspec

from heliograph.core.failures import Refusal

REGISTERED: Final = "registered"
WARN: Final = "warn"
REFUSE: Final = "refuse"
_NUMBERS_IN_US: Final = ("long_number", "toll_free")


class Country(msgspec.Struct, frozen=True):
    """One country's rules."""

    alphanumeric: str = "unknown"  # yes | no | registration | partial-registration | limited | unknown
    two_way: bool = False
    rule: str = ""


@cache
def _countries() -> dict[str, Country]:
    file = resources.files("heliograph.core") / "data" / "sender_rules.json"
    return msgspec.json.decode(file.read_bytes(), type=dict[str, Country])


def rules_of(country: str) -> Country:
    return _countries().get(country) or Country()


def check(
    value: str, sender_type: str, country: str, registration: str | None, unregistered: str | None = None
) -> Refusal | str | None:
    """May a sender be used there? A refusal, a warning, or None. `registration` is what is declared of it;
    `unregistered` what to do when that is not enough: `warn`, `refuse`, or by what is known of it."""
    rules = rules_of(country)
    if sender_type == "alphanumeric" and rules.alphanumeric == "no":
        detail = f"{value!r} can't be seen in {country}: senders there are numbers. {rules.rule}".strip()
        return Refusal("sender_not_possible", detail, "/sender")
    if not _wants_registration(sender_type, country, rules) or registration == REGISTERED:
        return None
    if registration is not None:
        detail = f"{value!r} is {registration}, not registered, in {country}, where carriers block it until it is"
    else:
        detail = f"{country} wants such senders registered, and nothing declares that {value!r} is"
    if unregistered == REFUSE or (unregistered is None and registration is not None):
        return Refusal("sender_not_registered", detail, "/sender")
    return detail


def replies(value: str, sender_type: str, is_declared: bool, two_way: bool) -> str | None:
    """Why nothing that is sent to this sender arrives, as far as we know."""
    if sender_type == "alphanumeric":
        return f"nobody can answer a name such as {value!r}"
    if is_declared and not two_way:
        return f"nothing declares that {value!r} can receive (two_way = true)"
    return None


def _wants_registration(sender_type: str, country: str, rules: Country) -> bool:
    if country == "US":  # 10DLC brand and campaign, toll-free verification
        return sender_type in _NUMBERS_IN_US
    return sender_type == "alphanumeric" and rules.alphanumeric == "registration"
