"""Where a phone may be: by its owner's zone, exchange, area code, the beginning of its number, its country."""

import pytest
from phonenumbers import SUPPORTED_REGIONS, PhoneNumberFormat, PhoneNumberType, example_number_for_type, format_number

from heliograph.core import numbers
from heliograph.core.numbers import Number
from heliograph.core.zones import _area_codes, is_zone, locate, zone

NEW_YORK, CHICAGO = "America/New_York", "America/Chicago"


def number(text: str) -> Number:
    found = numbers.parse(text)
    assert isinstance(found, Number), found
    return found


@pytest.mark.parametrize(
    ("text", "region", "zones", "source"),
    [
        ("+12125550123", "NY", (NEW_YORK,), "area code"),
        ("+13055550123", "FL", (NEW_YORK,), "area code"),
        ("+15125550123", "TX", (CHICAGO,), "area code"),
        ("+14165550123", "ON", ("America/Toronto",), "area code"),
        # Florida's panhandle: some exchanges are known to be in one zone, of the others nobody can tell.
        ("+18502005555", "FL", (CHICAGO,), "exchange"),
        ("+18505555555", "FL", (CHICAGO, NEW_YORK), "area code"),
        ("+19072255555", "AK", ("America/Juneau",), "exchange"),
        ("+33612345678", None, ("Europe/Paris",), "country"),
        ("+447400123456", None, ("Europe/London",), "country"),
        ("+919876543210", None, ("Asia/Kolkata",), "country"),
        ("+5511987654321", None, ("America/Sao_Paulo",), "number"),
        ("+5592987654321", None, ("America/Manaus",), "number"),
        ("+61892345678", None, ("Australia/Adelaide", "Australia/Perth"), "number"),
    ],
)
def test_a_number_tells_where_it_may_be(text: str, region: str | None, zones: tuple[str, ...], source: str) -> None:
    place = locate(number(text))
    assert (place.region, place.zones, place.source) == (region, zones, source)


@pytest.mark.parametrize(
    ("text", "among"),
    [
        ("+61412345678", {"Australia/Perth", "Australia/Sydney"}),  # mobiles of Australia say nothing of the place
        ("+18005550123", {NEW_YORK, "America/Los_Angeles", "Pacific/Honolulu"}),  # nor do toll-free numbers
        ("+79161234567", {"Europe/Kaliningrad", "Asia/Kamchatka"}),
    ],
)
def test_what_says_nothing_may_be_anywhere_in_its_country(text: str, among: set[str]) -> None:
    place = locate(number(text))
    assert among <= set(place.zones) and place.source == "country" and place.region is None


def test_a_known_zone_of_the_contact_comes_first_and_the_state_stays() -> None:
    place = locate(number("+13055550123"), "Asia/Tokyo")
    assert (place.country, place.region, place.zones, place.source) == ("US", "FL", ("Asia/Tokyo",), "contact")


def test_every_area_code_is_read_and_its_zones_exist() -> None:
    assert len(_area_codes()) == 442
    assert sum(len(area.zones) > 1 for area in _area_codes().values()) == 25
    for code, area in _area_codes().items():
        assert area.zones and all(map(is_zone, area.zones)), code


def test_every_country_with_numbers_has_zones_that_exist() -> None:
    for country in sorted(SUPPORTED_REGIONS):
        for kind in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE, PhoneNumberType.TOLL_FREE):
            if (example := example_number_for_type(country, kind)) is not None:
                place = locate(number(format_number(example, PhoneNumberFormat.E164)))
                assert place.zones and place.zones != ("Etc/UTC",), example
                assert all(map(is_zone, place.zones)), place


def test_zones_have_rules_where_the_system_has_none() -> None:
    assert zone(NEW_YORK).key == NEW_YORK
    assert not any(map(is_zone, ("Mars/Olympus", "", "America", "../etc/passwd", "/etc/localtime")))
