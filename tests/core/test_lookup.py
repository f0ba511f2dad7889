"""What public metadata say of a number, and what they can't."""

import re
import subprocess
import sys

import phonenumbers
import pytest

from heliograph.core.numbers import BadNumber, is_test_number, parse, policy
from heliograph.core.numbers.lookup import Known, hinted, look_up


def known(text: str, country: str | None = None) -> Known:
    found = look_up(text, country)
    assert isinstance(found, Known), found
    return found


def refused(text: str, country: str | None = None) -> BadNumber:
    found = look_up(text, country)
    assert isinstance(found, BadNumber), found
    return found


@pytest.mark.parametrize(
    ("e164", "country", "kind", "national", "international", "zone"),
    [
        ("+447400123456", "GB", "mobile", "07400 123456", "+44 7400 123456", "Europe/London"),
        ("+442083661177", "GB", "fixed", "020 8366 1177", "+44 20 8366 1177", "Europe/London"),
        ("+12125551234", "US", "fixed_or_mobile", "(212) 555-1234", "+1 212-555-1234", "America/New_York"),
        ("+14165551234", "CA", "fixed_or_mobile", "(416) 555-1234", "+1 416-555-1234", "America/Toronto"),
        ("+4915123456789", "DE", "mobile", "01512 3456789", "+49 1512 3456789", "Europe/Berlin"),
        ("+33612345678", "FR", "mobile", "06 12 34 56 78", "+33 6 12 34 56 78", "Europe/Paris"),
        ("+390236618300", "IT", "fixed", "02 3661 8300", "+39 02 3661 8300", "Europe/Rome"),
        ("+5511987654321", "BR", "mobile", "(11) 98765-4321", "+55 11 98765-4321", "America/Sao_Paulo"),
        ("+919876543210", "IN", "mobile", "098765 43210", "+91 98765 43210", "Asia/Calcutta"),
        ("+6581234567", "SG", "mobile", "8123 4567", "+65 8123 4567", "Asia/Singapore"),
    ],
)
def test_a_number_in_use_is_known(
    e164: str, country: str, kind: str, national: str, international: str, zone: str
) -> None:
    found = known(e164)
    assert (found.e164, found.country, found.type, found.valid) == (e164, country, kind, True)
    assert (found.national, found.international) == (national, international)
    assert zone in found.time_zones
    assert (found.is_test_number, found.may_be_texted, found.why_not) == (False, True, None)


@pytest.mark.parametrize(
    ("text", "country", "e164"),
    [
        ("07400 123456", "GB", "+447400123456"),
        ("07400 123456", "gb", "+447400123456"),
        ("(212) 555-1234", "US", "+12125551234"),
        ("+44 7400 123456", "US", "+447400123456"),
        ("+44 (0)7400 123456", None, "+447400123456"),
    ],
)
def test_it_is_read_as_any_recipient_is(text: str, country: str | None, e164: str) -> None:
    assert known(text, country) == known(e164)


@pytest.mark.parametrize("e164", ["+447400123456", "+4915123456789", "+33612345678", "+5511987654321"])
def test_the_carrier_is_the_one_of_the_range_and_says_so(e164: str) -> None:
    found = known(e164)
    assert found.carrier
    assert found.carrier_note is not None and "ported" in found.carrier_note


@pytest.mark.parametrize(
    "e164",
    [
        "+442083661177",  # fixed
        "+448001234567",  # toll-free
        "+447640123456",  # a pager, of which the library would name a carrier
        "+551187654321",  # in no range
        "+4915228817386",  # for fiction, in a range that was given out
        "+12125551234",  # nothing is published of North America
    ],
)
def test_no_carrier_is_told_where_none_can_be(e164: str) -> None:
    found = known(e164)
    assert (found.carrier, found.carrier_note) == (None, None)


@pytest.mark.parametrize(
    "e164",
    ["+447700900123", "+12025550123", "+4915228817386", "+493023125000", "+61491570156", "+46701740605"],
)
def test_a_number_for_fiction_is_a_test_number_that_may_be_texted(e164: str) -> None:
    found = known(e164)
    assert (found.is_test_number, found.may_be_texted, found.carrier) == (True, True, None)


@pytest.mark.parametrize(
    ("e164", "kind", "code"),
    [
        ("+449012345678", "premium", "type_not_allowed"),
        ("+447640123456", "pager", "type_not_allowed"),
        ("+448001234567", "toll_free", "type_not_allowed"),
        ("+881612345678", "mobile", "network_not_allowed"),
    ],
)
def test_what_may_not_be_texted_says_why(e164: str, kind: str, code: str) -> None:
    found = known(e164)
    assert (found.type, found.may_be_texted) == (kind, False)
    assert found.why_not is not None and found.why_not.code == code


def test_a_number_of_no_place_has_no_time_zone() -> None:
    assert known("+881612345678").time_zones == ()


@pytest.mark.parametrize(
    ("text", "country", "code", "suggestion"),
    [
        ("12345", None, "short_code", None),
        ("60777", "GB", "short_code", None),
        ("", None, "empty", None),
        ("call me", None, "letters", None),
        ("\0\0", None, "empty", None),
        ("+++", None, "bad_characters", None),
        ("07400 123456", None, "not_international", None),
        ("07400 123456", "Narnia", "unknown_country", None),
        ("+999123456789", None, "unknown_country_code", None),
        ("+44123", None, "too_short", None),
        ("+5215512345678", None, "too_long", "+525512345678"),
        ("9" * 300, None, "too_long", None),
    ],
)
def test_what_is_no_number_is_refused_as_in_sending(
    text: str, country: str | None, code: str, suggestion: str | None
) -> None:
    found = refused(text, country)
    assert (found.code, found.suggestion) == (code, suggestion)
    assert found == parse(text, country)


def test_a_refusal_hints_at_what_was_probably_meant() -> None:
    assert hinted(refused("+5215512345678")).endswith("; did you mean +525512345678?")
    assert hinted(refused("12345")) == refused("12345").detail


@pytest.mark.parametrize("text", ["+460001234567", "+49001234567890", "+3580001234", "+390236618300", "+39000000000"])
def test_zeros_at_the_beginning_stay(text: str) -> None:
    found = known(text)
    assert re.sub(r"[^+\d]", "", found.international) == found.e164


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_of_every_country_a_number_is_known(region: str) -> None:
    example = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
    example = example or phonenumbers.example_number(region)
    assert example is not None
    e164 = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
    found, number = known(e164), parse(e164)
    assert not isinstance(number, BadNumber)
    assert (found.e164, found.country, found.type, found.valid) == (e164, number.country, number.type, number.valid)
    assert found.international == phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    assert found.national == phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.NATIONAL)
    assert found.why_not == policy(number) and found.may_be_texted == (found.why_not is None)
    assert found.is_test_number == is_test_number(e164)


def test_the_large_tables_are_loaded_for_a_lookup_only() -> None:
    script = (
        "import sys\nfrom heliograph.core.numbers.lookup import look_up\n"
        "tables = {'phonenumbers.carrierdata', 'phonenumbers.timezone'}\n"
        "assert not tables & sys.modules.keys()\nlook_up('+447400123456')\nassert tables <= sys.modules.keys()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
