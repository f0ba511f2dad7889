"""Numbering plans: for each calling code and length one regular expression that tells country and type at once.

Made of the library's metadata in the order in which the library itself asks, so that a match is its answer. No
match says nothing: the library then decides. Where it would cut off a trunk prefix, a plan never matches.
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

Plan = tuple[Callable[[str], re.Match[str] | None], tuple[tuple[str, str], ...]]
"""Matches a whole E.164 number; the index of the match's last group is that of its (country, type)."""

E164_DIGITS: Final = range(7, 16)
_CAPTURING: Final = re.compile(r"\((?!\?)")


def calling_code(digits: str) -> int | None:
    """The calling code that these digits begin with."""
    for length in (1, 2, 3):
        code = int(digits[:length])
        if code in COUNTRY_CODE_TO_REGION_CODE:
            return code
    return None


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
    if len(lengths) > 3:
        return f"{lengths[0]} to {lengths[-1]}"
    return " or ".join(map(str, lengths))


@cache
def _plan(code: int, length: int) -> Plan | None:
    if length not in _lengths(code):
        return None
    kinds: list[tuple[str, str]] = [("", "")]  # groups count from 1
    branches: list[str] = []
    for region, guard in _regions(code):
        metadata = _metadata(code, region)
        types = list(_types(metadata, length))
        if types:
            general = _pattern(metadata.general_desc, length)
            branches.append(rf"{guard}(?={general}\Z)(?:{'|'.join(f'{pattern}()' for _, pattern in types)})")
            kinds.extend((region, name) for name, _ in types)
    pattern = rf"\+{code}{_no_trunk_prefix(code)}(?:{'|'.join(branches)})"
    return re.compile(pattern, re.ASCII).fullmatch, tuple(kinds)


def _regions(code: int) -> Iterator[tuple[str, str]]:
    """The regions of a calling code, main region first, with what keeps one from the numbers of another.

    Leading digits claim a number for their region, valid there or not.
    """
    regions = COUNTRY_CODE_TO_REGION_CODE[code]
    earlier: list[str] = []
    for region in regions:
        claim = _metadata(code, region).leading_digits if len(regions) > 1 else None
        yield region, (f"(?={claim})" if claim else "") + (f"(?!{'|'.join(earlier)})" if earlier else "")
        if claim:
            earlier.append(claim)


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


def _types(metadata: PhoneMetadata, length: int) -> Iterator[tuple[str, str]]:
    """The types of a region with their patterns, in the library's order of precedence."""
    for name, desc in (
        ("premium", metadata.premium_rate),
        ("toll_free", metadata.toll_free),
        ("shared_cost", metadata.shared_cost),
        ("voip", metadata.voip),
        ("personal", metadata.personal_number),
        ("pager", metadata.pager),
        ("uan", metadata.uan),
        ("voicemail", metadata.voicemail),
    ):
        if pattern := _pattern(desc, length):
            yield name, pattern
    fixed, mobile = _pattern(metadata.fixed_line, length), _pattern(metadata.mobile, length)
    if metadata.same_mobile_and_fixed_line_pattern:
        if fixed:
            yield "fixed_or_mobile", fixed
    elif fixed and mobile:
        # Mobile first: that is where messages go.
        yield "mobile", rf"(?!{fixed}\Z){mobile}"
        yield "fixed_or_mobile", rf"(?={mobile}\Z){fixed}"
        yield "fixed", fixed
    elif fixed or mobile:
        yield ("fixed", fixed) if fixed else ("mobile", mobile)


def _pattern(desc: PhoneNumberDesc | None, length: int) -> str:
    """The pattern of numbers of this type and length; empty when there are none."""
    if desc is None or not desc.national_number_pattern:
        return ""
    if desc.possible_length and length not in desc.possible_length:
        return ""
    return f"(?:{_CAPTURING.sub('(?:', desc.national_number_pattern)})"
