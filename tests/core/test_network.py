"""Networks by number ranges: the same answer as the library's, without the library's detours."""

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import carrier
from phonenumbers.carrierdata import CARRIER_LONGEST_PREFIX

from heliograph.core.numbers import Number, network, network_of, networks, parse


def read(text: str) -> Number:
    number = parse(text)
    assert isinstance(number, Number)
    return number


@pytest.mark.parametrize(
    ("number", "network"),
    [
        ("+491721234567", "Vodafone"),
        ("+33612345678", "SFR"),
        ("+447911123456", "JT"),
        ("+442079460123", ""),  # no mobile
        ("+447700900123", ""),  # fiction
        ("+12025550123", ""),
    ],
)
def test_a_range_tells_the_network(number: str, network: str) -> None:
    assert network_of(read(number)) == network


@given(st.sampled_from(["+4917", "+336", "+4474", "+39347", "+919", "+23480", "+5511"]), st.integers(0, 10**9 - 1))
def test_it_is_what_the_library_says(start: str, rest: int) -> None:
    number = parse(start + f"{rest:09d}"[: 12 - len(start)])
    if isinstance(number, Number) and number.valid and number.type in ("mobile", "fixed_or_mobile"):
        said = carrier.name_for_valid_number(phonenumbers.parse(number.e164), "en")
        assert network_of(number) in (said, "")  # "": a number of fiction


def test_no_range_is_longer_than_what_is_looked_at() -> None:
    assert network._LONGEST >= CARRIER_LONGEST_PREFIX


def test_every_name_that_there_is_is_known() -> None:
    assert {"Vodafone", "SFR", "JT"} <= networks() and "" not in networks()
