from decimal import Decimal

import pytest

from heliograph.carriers.http.fields import (
    amount_of,
    count_of,
    decimal_of,
    dict_of,
    dicts_of,
    first_of,
    string_of,
    word_of,
)

NONSENSE = [None, True, False, [], {}, [1], {"a": 1}, object(), b"1"]


def test_objects_are_read() -> None:
    assert (dict_of({"a": 1}), dict_of([{"a": 1}]), dict_of("a"), dict_of(None)) == ({"a": 1}, {}, {}, {})
    assert dicts_of([{"a": 1}, 7, None, {}]) == [{"a": 1}, {}]
    assert (dicts_of({"a": 1}), dicts_of("ab"), dicts_of(None)) == ([], [], [])
    assert first_of([{"a": 1}, {"a": 2}]) == {"a": 1}
    assert (first_of([]), first_of([7]), first_of({"a": 1}), first_of(None)) == ({}, {}, {}, {})


def test_a_word_may_be_a_number_and_a_string_may_not() -> None:
    assert [word_of(value) for value in ("a", "", 7, -1, 0, 0.5)] == ["a", "", "7", "-1", "0", "0.5"]
    assert [string_of(value) for value in ("a", "", 7, 0.5)] == ["a", "", "", ""]


@pytest.mark.parametrize("value", NONSENSE)
def test_nonsense_is_no_word(value: object) -> None:
    assert (word_of(value), string_of(value)) == ("", "")


@pytest.mark.parametrize(("value", "count"), [(1, 1), (999, 999), ("1", 1), ("42", 42)])
def test_a_count_is_read(value: object, count: int) -> None:
    assert count_of(value) == count


@pytest.mark.parametrize(
    "value", [*NONSENSE, 0, -1, 1000, 1.0, 10**40, "", "0", "-1", "+1", "01", "1.5", "1 ", "١", "9" * 5000]
)
def test_what_is_no_count_is_none(value: object) -> None:
    assert count_of(value) is None


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        ("0.0333", "0.0333"),
        ("0.03330000", "0.03330000"),  # as it was said
        ("12", "12"),
        (12, "12"),
        (0.015, "0.015"),
        (0.00001, "0.00001"),
        (0.1 + 0.2, "0.30000000000000004"),
        (Decimal("0.00883"), "0.00883"),
        (Decimal("1E+1"), "10"),
    ],
)
def test_an_amount_is_read(value: object, amount: str) -> None:
    assert (amount_of(value), decimal_of(value)) == (amount, amount)


@pytest.mark.parametrize("value", [0, 0.0, -0.0, "0", "0.000", "-0.1", -1, -0.5, Decimal(0), Decimal("-0.1")])
def test_a_sign_or_nought_is_no_amount(value: object) -> None:
    assert amount_of(value) is None
    assert decimal_of(value) is not None


NO_NUMBERS = ["", ".", "much", "nan", "1e400", "+1", "1.", ".5", "1,5", "0x1", " 1", "1\n", "٣", "9" * 5000]


@pytest.mark.parametrize(
    "value", [*NONSENSE, *NO_NUMBERS, float("nan"), float("inf"), 1e300, 1e-300, 10**40, Decimal("NaN")]
)
def test_what_is_no_number_is_none(value: object) -> None:
    assert (amount_of(value), decimal_of(value)) == (None, None)
