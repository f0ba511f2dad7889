"""Times: the examples of the reference, and what is written is read again."""

from datetime import UTC, datetime
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.smpp import moments

NOW: Final = 1_800_000_000_000
DAY_MS: Final = 86_400_000
FIRST_MS: Final = int(datetime(1938, 1, 1, tzinfo=UTC).timestamp() * 1000)
BEYOND_MS: Final = int(datetime(2038, 1, 1, tzinfo=UTC).timestamp() * 1000)


def at(*when: int) -> int:
    return round(datetime(*when, tzinfo=UTC).timestamp() * 1000)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("261120204115000+", at(2026, 11, 20, 20, 41, 15)),
        ("261120224115008+", at(2026, 11, 20, 20, 41, 15)),  # the same instant, at UTC+2
        ("261120154115020-", at(2026, 11, 20, 20, 41, 15)),  # and at UTC-5
        ("261121004115016+", at(2026, 11, 20, 20, 41, 15)),
        ("261120204115900+", at(2026, 11, 20, 20, 41, 15) + 900),
        ("261121084115048+", at(2026, 11, 20, 20, 41, 15)),  # twelve hours: the most
        ("371231235959000+", at(2037, 12, 31, 23, 59, 59)),
        ("380101000000000+", at(1938, 1, 1)),
        ("991231235959000+", at(1999, 12, 31, 23, 59, 59)),
        ("000101000000000+", at(2000, 1, 1)),
        ("240229120000000+", at(2024, 2, 29, 12)),
        ("000001000000000R", NOW + DAY_MS),
        ("000000000001000R", NOW + 1000),
        ("000003010203000R", NOW + 3 * DAY_MS + 3_723_000),
        ("000100000000000R", NOW + 30 * DAY_MS),
        ("010000000000000R", NOW + 365 * DAY_MS),
        ("000000000000000R", NOW),
        ("999999999999999R", NOW + 1000 * (86_400 * (99 + 30 * 99 + 365 * 99) + 99 * 3600 + 99 * 60 + 99)),
    ],
)
def test_a_time_is_read(text: str, moment: int) -> None:
    assert moments.read(text, NOW) == moment


@pytest.mark.parametrize(
    "text",
    ["", "tomorrow", "261120204115000", "261120204115000+\0", "261120204115000Z", "261120204115049+",
     " 61120204115000+", "261320204115000+", "261131204115000+", "260229120000000+", "261120244115000+",
     "261120206015000+", "261120204160000+", "260020204115000+", "261100204115000+",
     "-00001000000000R", "261120204115000r"],
)  # fmt: skip
def test_what_is_no_time_is_none(text: str) -> None:
    assert moments.read(text, NOW) is None


def test_times_are_written_as_the_reference_writes_them() -> None:
    assert moments.absolute(at(2026, 11, 20, 20, 41, 15)) == "261120204115000+"
    assert moments.relative(86_400) == "000001000000000R"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (1, "000000000001000R"),
        (59, "000000000059000R"),
        (60, "000000000100000R"),
        (3_600, "000000010000000R"),
        (72 * 3_600, "000003000000000R"),  # three days, never 72 hours
        (86_399, "000000235959000R"),
        (0, "000000000001000R"),  # in the past: as soon as can be written
        (-5, "000000000001000R"),
        (10**9, "000099235959000R"),  # never months or years, whose length nobody knows
    ],
)
def test_every_field_of_a_span_keeps_its_own_range(seconds: int, text: str) -> None:
    assert moments.relative(seconds) == text


@given(st.integers(FIRST_MS, BEYOND_MS - 1))
def test_a_moment_is_read_again_to_the_tenth(moment: int) -> None:
    text = moments.absolute(moment)
    assert (len(text), moments.read(text, NOW)) == (16, moment - moment % 100)


@given(st.integers(1, 99 * 86_400 + 86_399), st.integers(0, BEYOND_MS))
def test_a_span_is_read_again_from_whatever_moment(seconds: int, now: int) -> None:
    text = moments.relative(seconds)
    assert (len(text), moments.read(text, now)) == (16, now + 1000 * seconds)


@given(st.text() | st.from_regex(r"\A\d{15}[+\-R]\Z"), st.integers(0, BEYOND_MS))
def test_no_text_raises(text: str, now: int) -> None:
    found = moments.read(text, now)
    assert found is None or len(text) == 16
