"""Public holidays against the dates that calendars print for 2026 to 2028."""

from datetime import date, timedelta

import pytest

from heliograph.core.holidays import calendar_of, calendars, easter, holiday

FRENCH = {
    2026: "01-01 04-06 05-01 05-08 05-14 05-25 07-14 08-15 11-01 11-11 12-25",
    2027: "01-01 03-29 05-01 05-06 05-08 05-17 07-14 08-15 11-01 11-11 12-25",
    2028: "01-01 04-17 05-01 05-08 05-25 06-05 07-14 08-15 11-01 11-11 12-25",
}
ITALIAN = {
    2026: "01-01 01-06 04-05 04-06 04-25 05-01 06-02 08-15 10-04 11-01 12-08 12-25 12-26",
    2027: "01-01 01-06 03-28 03-29 04-25 05-01 06-02 08-15 10-04 11-01 12-08 12-25 12-26",
    2028: "01-01 01-06 04-16 04-17 04-25 05-01 06-02 08-15 10-04 11-01 12-08 12-25 12-26",
}
# The days themselves, and the working days on which those that fall on a weekend are observed.
AMERICAN = {
    2026: "01-01 01-19 02-16 05-25 06-19 07-03 07-04 09-07 10-12 11-11 11-26 12-25",
    2027: "01-01 01-18 02-15 05-31 06-18 06-19 07-04 07-05 09-06 10-11 11-11 11-25 12-24 12-25 12-31",
    2028: "01-01 01-17 02-21 05-29 06-19 07-04 09-04 10-09 11-10 11-11 11-23 12-25",
}


def days_of(calendar: str, year: int) -> list[str]:
    days = (date(year, 1, 1) + timedelta(offset) for offset in range(366))
    return [f"{day:%m-%d}" for day in days if day.year == year and holiday(calendar, day)]


@pytest.mark.parametrize(
    ("calendar", "year", "expected"),
    [
        (calendar, year, days)
        for calendar, years in (("FR", FRENCH), ("IT", ITALIAN), ("US", AMERICAN))
        for year, days in years.items()
    ],
)
def test_a_calendar_has_the_days_that_are_printed(calendar: str, year: int, expected: str) -> None:
    assert days_of(calendar, year) == expected.split()


@pytest.mark.parametrize(
    ("calendar", "more"),
    [
        ("US-AL", {2026: "02-17 04-27 06-01", 2027: "02-09 04-26 06-07", 2028: "02-29 04-24 06-05"}),
        ("US-LA", {2026: "02-17 04-03 11-27", 2027: "02-09 03-26 11-26", 2028: "02-29 04-14 11-24"}),
        ("US-PA", {2026: "04-03 11-27", 2027: "03-26 11-26", 2028: "04-14 11-24"}),
    ],
)
def test_a_state_adds_to_the_calendar_of_its_country(calendar: str, more: dict[int, str]) -> None:
    for year, days in more.items():
        assert days_of(calendar, year) == sorted([*AMERICAN[year].split(), *days.split()])


@pytest.mark.parametrize(
    ("year", "expected"),
    [
        *((1818, "03-22"), (1954, "04-18"), (1981, "04-19"), (2000, "04-23"), (2008, "03-23"), (2019, "04-21")),
        *((2024, "03-31"), (2025, "04-20"), (2026, "04-05"), (2027, "03-28"), (2028, "04-16"), (2038, "04-25")),
        *((2049, "04-18"), (2076, "04-19")),
    ],
)
def test_easter(year: int, expected: str) -> None:
    assert f"{easter(year):%m-%d}" == expected


def test_a_holiday_has_a_name() -> None:
    assert holiday("FR", date(2026, 7, 14)) == "Fête nationale"
    assert holiday("US", date(2026, 7, 3)) == "Independence Day"
    assert holiday("US", date(2020, 6, 19)) is None, "not a holiday then"


def test_whose_calendar_holds() -> None:
    found = {name: calendar_of(name) for name in ("FR", "US", "US-LA", "US-TX", "DE", "*")}
    assert found == {"FR": "FR", "US": "US", "US-LA": "US-LA", "US-TX": "US", "DE": None, "*": None}
    assert calendars() == ("FR", "IT", "US", "US-AL", "US-LA", "US-PA")
