"""Numbers as they may be shown to who needn't know them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.core.numbers import mask_number, national_digits


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("+447700900123", "+44*******123"),
        ("+12025550123", "+1*******123"),
        ("+491700000001", "+49*******001"),
        ("+35312345678", "+353*****678"),
        ("447700900123", "*********123"),
        ("12345", "12345"),
        ("Acme", "Acme"),
        ("erased:0123456789abcdef", "erased:0123456789abcdef"),
        ("", ""),
    ],
)
def test_country_and_last_digits_are_shown(number: str, shown: str) -> None:
    assert mask_number(number) == shown


@pytest.mark.parametrize(
    ("address", "part"),
    [
        ("+447700900123", "7700900123"),
        ("+12025550123", "2025550123"),
        ("+390612345678", "0612345678"),
        ("+4512345678", "12345678"),
        ("+29912345", "29912345"),
        ("anna@example.com", "anna@example.com"),
    ],
)
def test_what_stands_in_every_spelling_is_the_number_without_its_country(address: str, part: str) -> None:
    assert national_digits(address) == part


@given(st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True))
def test_at_least_a_digit_is_hidden_and_the_length_stays(number: str) -> None:
    shown = mask_number(number)
    assert len(shown) == len(number)
    assert shown[-3:] == number[-3:]
    assert "*" in shown
