"""What is known of a number from public metadata alone: nobody is asked, nothing is said of a phone or its owner."""

from typing import Final

import msgspec
import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat

from heliograph.core.numbers.network import network_of
from heliograph.core.numbers.number import BadNumber
from heliograph.core.numbers.plans import calling_code
from heliograph.core.numbers.policy import policy
from heliograph.core.numbers.ranges import is_test_number
from heliograph.core.numbers.reading import parse, time_zones

_CARRIER_NOTE: Final = "its range was given out to this carrier; the number may have been ported to another since"
_NO_ZONE: Final = ("Etc/Unknown",)


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A number and what public metadata say of it. `valid`: it lies in a range that is known to be in use."""

    e164: str
    country: str  # ISO 3166-1; "001" for networks of no country
    type: str
    valid: bool
    national: str
    international: str
    time_zones: tuple[str, ...]  # IANA names; empty when nobody can tell
    carrier: str | None  # of numbers that can be mobile ones
    carrier_note: str | None
    is_test_number: bool
    may_be_texted: bool
    why_not: BadNumber | None


def look_up(text: str, default_country: str | None = None) -> Known | BadNumber:
    """What is known of the number that a text writes, or why it is none."""
    number = parse(text, default_country)
    if isinstance(number, BadNumber):
        return number
    parsed = _taken_apart(number.e164)
    zones = time_zones(number)
    carrier = network_of(number) or None
    refusal = policy(number)
    return Known(
        e164=number.e164,
        country=number.country,
        type=number.type,
        valid=number.valid,
        national=phonenumbers.format_number(parsed, PhoneNumberFormat.NATIONAL),
        international=phonenumbers.format_number(parsed, PhoneNumberFormat.INTERNATIONAL),
        time_zones=() if zones == _NO_ZONE else zones,
        carrier=carrier,
        carrier_note=_CARRIER_NOTE if carrier else None,
        is_test_number=is_test_number(number.e164),
        may_be_texted=refusal is None,
        why_not=refusal,
    )


def hinted(why: BadNumber) -> str:
    """A refusal with what was probably meant."""
    return f"{why.detail}; did you mean {why.suggestion}?" if why.suggestion else why.detail


def _taken_apart(e164: str) -> PhoneNumber:
    """The number for the library's formats. Parsing would take one more zero off a number that begins with some."""
    code = calling_code(e164[1:])
    rest = e164[1 + len(str(code)) :]
    zeros = len(rest[:-1]) - len(rest[:-1].lstrip("0"))  # the last digit is the number's own, be it a zero
    return PhoneNumber(
        country_code=code,
        national_number=int(rest),
        italian_leading_zero=True if zeros else None,
        number_of_leading_zeros=zeros if zeros > 1 else None,
    )
