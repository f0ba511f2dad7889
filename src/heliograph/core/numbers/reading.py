"""Reads a text as a number: by a plan when it is E.164 already, else after cleaning by the library.

A national form needs a default country. Without one, bare digits are taken as international only if that
gives a valid number which is not just as well a North American one: a wrong guess would reach a stranger.
"""

from typing import Final

import msgspec
import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, ValidationResult

from heliograph.core.numbers import plans, ranges
from heliograph.core.numbers import text as writing
from heliograph.core.numbers.number import BadNumber, Number, shown

# Plans by the first four characters and the length of a number: a few thousand keys at most.
_PLANS: Final[dict[tuple[str, int], plans.Plan]] = {}

_SHORT_CODE_DIGITS: Final = 8  # at most
_LENGTH_FAULTS: Final = {
    ValidationResult.TOO_SHORT: ("too_short", "is too short"),
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: ("too_short", "lacks its area code"),
    ValidationResult.TOO_LONG: ("too_long", "is too long"),
    ValidationResult.INVALID_LENGTH: ("invalid_length", "has a length that no number of the country has"),
}
_NO_NUMBER: Final = {
    NumberParseException.INVALID_COUNTRY_CODE: ValidationResult.INVALID_COUNTRY_CODE,
    NumberParseException.TOO_LONG: ValidationResult.TOO_LONG,
}


def parse(text: str, default_country: str | None = None) -> Number | BadNumber:
    """The number that a text writes, or why it is none. With a default country, its national forms count."""
    plan = _PLANS.get((text[:4], len(text)))
    if plan is not None:
        match_all, kinds = plan
        match = match_all(text)
        if match is not None:
            country, kind, valid = kinds[match.lastindex or 0]
            return Number(text, country, kind, valid)
    return _parse_written(text, default_country.upper() if default_country else None)


def suggest(digits: str, region: str | None = None) -> str | None:
    """What these digits probably should be: the first repair of a usual slip that gives a valid number."""
    for candidate in ranges.repairs(digits):
        if candidate[0] == "+" or region is not None:
            number = _possible(candidate, region)
            if isinstance(number, Number) and number.valid:
                return number.e164
    return None


def time_zones(number: Number) -> tuple[str, ...]:
    """The IANA zones in which the phone may be; ("Etc/Unknown",) when nobody can tell."""
    from phonenumbers import timezone  # its table is large, and few need it

    return timezone.time_zones_for_number(phonenumbers.parse(number.e164))


def _parse_written(text: str, region: str | None) -> Number | BadNumber:
    digits = writing.digits_of(text)
    if isinstance(digits, BadNumber):
        return _without_additions(digits, text, region)
    if digits[0] == "+":
        return _international(digits, region) if digits == text else parse(digits, region)
    if region is None:
        return _without_country(digits)
    if not is_country(region):
        return BadNumber(
            "unknown_country",
            f"The default country {shown(region)} is not the ISO code of one with phone numbers, as GB is",
        )
    return _national(digits, region)


def _without_additions(refusal: BadNumber, text: str, region: str | None) -> BadNumber:
    if refusal.code not in ("letters", "extension"):
        return refusal
    for candidate in writing.without_additions(text):
        number = _parse_written(candidate, region)
        if isinstance(number, Number) and number.valid:
            return msgspec.structs.replace(refusal, suggestion=number.e164)
    return refusal


def _or_suggestion(number: Number | BadNumber, digits: str, region: str | None) -> Number | BadNumber:
    if isinstance(number, Number):
        return number
    return msgspec.structs.replace(number, suggestion=suggest(digits, region))


def _international(digits: str, region: str | None) -> Number | BadNumber:
    key = digits[:4], len(digits)
    if key not in _PLANS and (plan := plans.plan_for(digits)) is not None:
        _PLANS[key] = plan
    return _or_suggestion(_possible(digits, None), digits, region)


def _without_country(digits: str) -> Number | BadNumber:
    if digits[0] != "0" and len(digits) <= _SHORT_CODE_DIGITS:
        return _short_code(digits, None)
    if digits[0] != "0" and len(digits) >= 10:
        number = parse("+" + digits)
        if isinstance(number, Number) and (number.valid or ranges.is_test_number(number.e164)):
            return _unless_north_american(digits, number)
    return BadNumber(
        "not_international",
        f"{shown(digits)} is not in international form; write '+', the calling code of the country "
        "and the number, or name a default country",
        suggest(digits),
    )


def _unless_north_american(digits: str, number: Number) -> Number | BadNumber:
    """Half of all North American ten-digit numbers would also pass for a number of another country."""
    other = parse("+1" + digits) if len(digits) == 10 else None
    if not isinstance(other, Number) or not other.valid:
        return number
    return BadNumber(
        "ambiguous",
        f"{shown(digits)} can be {number.e164} ({number.country}) or {other.e164} ({other.country}); "
        "write the one that is meant, with its '+'",
    )


def _national(digits: str, region: str) -> Number | BadNumber:
    number = _possible(digits, region)
    if digits[0] == "0" or len(digits) > _SHORT_CODE_DIGITS:
        return _or_suggestion(number, digits, region)
    if isinstance(number, Number) and number.valid and (len(digits) > 6 or number.type == "mobile"):
        return number
    return _short_code(digits, number)


def _short_code(digits: str, number: Number | BadNumber | None) -> BadNumber:
    if len(digits) < 3:
        return BadNumber("too_short", f"{shown(digits)} is too short for a phone number; give it as in +447400123456")
    return BadNumber(
        "short_code",
        f"{shown(digits)} looks like a short code, which can't receive messages; "
        "give a whole number, as in +447400123456",
        number.e164 if isinstance(number, Number) and number.valid else None,
    )


def _possible(digits: str, region: str | None) -> Number | BadNumber:
    """The library's answer: a number of a possible length, or why there is none."""
    try:
        parsed = phonenumbers.parse(digits, region)
    except NumberParseException as error:
        return _refusal(digits, _NO_NUMBER.get(error.error_type, ValidationResult.TOO_SHORT), 0)
    e164 = phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
    code = parsed.country_code or 0
    length = phonenumbers.is_possible_number_with_reason(parsed)
    if length == ValidationResult.IS_POSSIBLE:
        if len(e164) - 1 in plans.E164_DIGITS:
            region = phonenumbers.region_code_for_number(parsed)
            country = region or phonenumbers.region_code_for_country_code(code)
            kind = plans.TYPES[phonenumbers.number_type(parsed)]
            return Number(e164, country, kind, phonenumbers.is_valid_number(parsed))
        length = ValidationResult.TOO_LONG if len(e164) > 8 else ValidationResult.TOO_SHORT
    return _refusal(digits, length, code)


def _refusal(digits: str, length: int, code: int) -> BadNumber:
    if length == ValidationResult.INVALID_COUNTRY_CODE:
        return BadNumber(
            "unknown_country_code",
            f"{shown(digits)} begins with no calling code in use; "
            "write '+' and that of the country, as in +447400123456",
        )
    name, fault = _LENGTH_FAULTS[length]
    right = f"after +{code} come {plans.national_lengths(code)}" if code else "a number has 7 to 15"
    return BadNumber(name, f"{shown(digits)} {fault}; {right} digits")


def is_country(region: str) -> bool:
    """Is this a two-letter country code with a numbering plan?"""
    return region in phonenumbers.SUPPORTED_REGIONS
