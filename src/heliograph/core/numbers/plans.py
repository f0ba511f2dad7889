"""Numbering plans: per calling code and length one regular expression that tells country and type at once.

Made of the library's metadata in the order in which the library itself asks, so that a match is its answer,
also for a number of possible length in no known range. No match says nothing: the library then decides. Where
it would cut off a trunk prefix, a plan never matches.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Final

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata, PhoneNumberDesc, PhoneNumberType

TYPES: Final = {
    PhoneNumberType.FIXED_LINE: "fixed",
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE_OR_MOBILE: "fixed_or_mobile",
    PhoneNumberType.TOLL_FREE: "toll_free",
    PhoneNumberType.PREMIUM_RATE: "premium",
    PhoneNumberType.SHARED_COST: "shared_cost",
    PhoneNumberType.VOIP: "voip",
    PhoneNumberType.PERSONAL_NUMBER: "personal",
    PhoneNumberType.PAGER: "pager",
    PhoneNumberType.UAN: "uan",
    PhoneNumberType.VOICEMAIL: "voicemail",
    PhoneNumberType.UNKNOWN: "unknown",
}

# Matches a whole E.164 number; the index of the match's last group is that of its (country, type, valid).
Plan = tuple[Callable[[str], re.Match[str] | None], tuple[tuple[str, str, bool], ...]]

E164_DIGITS: Final = range(7, 16)
_CAPTURING: Final = re.compile(r"\((?!\?)")


def calling_code(digits: str) -> int | None:
    """The calling code that these digits begin with, if it is in use."""
    if digits[0] == "0":
        return None
    codes = (int(digits[:length]) for length in (1, 2, 3))
    return next((code for code in codes if code in COUNTRY_CODE_TO_REGION_CODE), None)


def plan_for(e164: str) -> Plan | None:
    """The plan for numbers with this beginning and length, if there can be any."""
    digits = e164[1:]
    code = calling_code(digits)
    if code is None or len(digits) not in E164_DIGITS:
        return None
    return _plan(code, len(digits) - len(str(code)))


def national_lengths(code: int) -> str:
    """How many digits may follow a calling code, in words."""
    lengths = [length for length in _lengths(code) if length + len(str(code)) in E164_DIGITS]
    if len(lengths) > 2 and lengths == list(range(lengths[0], lengths[-1] + 1)):
        return f"{lengths[0]} to {lengths[-1]}"
    *others, last = map(str, lengths)
    return f"{', '.join(others)} or {last}" if others else last


@cache
def _plan(code: int, length: int) -> Plan | None:
    if length not in _lengths(code):
        return None
    kinds = [("", "", False)]  # groups count from 1
    branches: list[str] = []
    for region, branch, types in _branches(code, length):
        branches.append(branch)
        kinds.extend((region, name, name != "unknown") for name in types)
    pattern = rf"\+{code}{_no_trunk_prefix(code)}(?:{'|'.join(branches)})"
    return re.compile(pattern, re.ASCII).fullmatch, tuple(kinds)


def _branches(code: int, length: int) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Each region of a calling code, main region first, its part of the pattern and the types of its groups.

    Leading digits claim a number for a region, valid there or not; what nobody knows is the main region's.
    """
    regions = COUNTRY_CODE_TO_REGION_CODE[code]
    unclaimed = ""
    for region in regions:
        metadata = _metadata(code, region)
        types = _types(metadata, length)
        alternatives = "|".join(f"{pattern}()" for pattern in types.values())
        valid = rf"(?={_pattern(metadata.general_desc, length)}\Z)(?:{alternatives})"
        if metadata.leading_digits and len(regions) > 1:
            claimed = f"(?={metadata.leading_digits})"
            yield region, rf"{claimed}{unclaimed}(?:{valid}|\d+())", (*types, "unknown")
            unclaimed += f"(?!{metadata.leading_digits})"
        elif types:
            yield region, unclaimed + valid, tuple(types)
    yield regions[0], r"\d+()", ("unknown",)


def _lengths(code: int) -> tuple[int, ...]:
    """The possible lengths, which the library judges by the main region alone."""
    general = _metadata(code, COUNTRY_CODE_TO_REGION_CODE[code][0]).general_desc
    return general.possible_length if general else ()


def _metadata(code: int, region: str) -> PhoneMetadata:
    metadata = PhoneMetadata.metadata_for_region_or_calling_code(code, region)
    assert metadata is not None, (code, region)
    return metadata


def _no_trunk_prefix(code: int) -> str:
    """Keeps out what the library might shorten. A prefix that matches nothing at all changes nothing."""
    prefix = _metadata(code, COUNTRY_CODE_TO_REGION_CODE[code][0]).national_prefix_for_parsing
    return rf"(?!(?:{_CAPTURING.sub('(?:', prefix)})(?<!^\+{code}))" if prefix else ""


def _types(metadata: PhoneMetadata, length: int) -> dict[str, str]:
    """The types of a region with their patterns, in the library's order of precedence."""
    special = {
        "premium": metadata.premium_rate,
        "toll_free": metadata.toll_free,
        "shared_cost": metadata.shared_cost,
        "voip": metadata.voip,
        "personal": metadata.personal_number,
        "pager": metadata.pager,
        "uan": metadata.uan,
        "voicemail": metadata.voicemail,
    }
    patterns = {name: _pattern(desc, length) for name, desc in special.items()}
    fixed, mobile = _pattern(metadata.fixed_line, length), _pattern(metadata.mobile, length)
    if metadata.same_mobile_and_fixed_line_pattern:
        patterns["fixed_or_mobile"] = fixed
    elif fixed and mobile:
        # Mobile first: that is where messages go.
        patterns["mobile"] = rf"(?!{fixed}\Z){mobile}"
        patterns["fixed_or_mobile"] = rf"(?={mobile}\Z){fixed}"
        patterns["fixed"] = fixed
    else:
        patterns |= {"fixed": fixed, "mobile": mobile}
    return {name: pattern for name, pattern in patterns.items() if pattern}


def _pattern(desc: PhoneNumberDesc | None, length: int) -> str:
    """The pattern of numbers of this type and length; empty when there are none."""
    if desc is None or not desc.national_number_pattern:
        return ""
    if desc.possible_length and length not in desc.possible_length:
        return ""
    return f"(?:{_CAPTURING.sub('(?:', desc.national_number_pattern)})"
