"""The price book: the most particular price that there is, and where it stands."""

import pytest

from heliograph.core.prices import PriceBook, price

BOOK = PriceBook(
    {
        ("full", "GB", "", "otp"): ("0.01", "EUR"),
        ("full", "GB", "", ""): ("0.02", "EUR"),
        ("full", "", "", "otp"): ("0.03", "USD"),
        ("full", "", "", ""): ("0.04", "GBP"),
        ("some", "GB", "", "otp"): ("0.05", "EUR"),
    },
    {"full": ("0.10", "EUR"), "some": ("0.20", None), "own": ("0.30", "EUR")},
)


@pytest.mark.parametrize(
    ("connector", "country", "kind", "found", "where"),
    [
        ("full", "GB", "otp", ("0.01", "EUR"), "country GB, kind otp"),
        ("full", "GB", "support", ("0.02", "EUR"), "country GB"),
        ("full", "DE", "otp", ("0.03", "USD"), "kind otp"),
        ("full", "DE", "support", ("0.04", "GBP"), "every country and kind"),
        ("some", "GB", "otp", ("0.05", "EUR"), "country GB, kind otp"),
        ("some", "GB", "support", ("0.20", None), "price_per_segment"),
        ("own", "GB", "otp", ("0.30", "EUR"), "price_per_segment"),
    ],
)
def test_the_most_particular_price_counts(
    connector: str, country: str, kind: str, found: tuple[str, str | None], where: str
) -> None:
    assert BOOK.find(connector, country, kind) == found
    line = BOOK.line(connector, country, kind)
    assert line is not None and line.where == where


def test_without_a_price_nobody_knows() -> None:
    assert BOOK.find("other", "GB", "otp") is None
    assert BOOK.line("other", "GB", "otp") is None
    assert BOOK.estimate("other", "GB", "otp", 2) == (None, None, None)
    assert PriceBook().find("full", "GB", "otp") is None


def test_an_estimate_is_for_all_segments() -> None:
    assert BOOK.estimate("full", "GB", "otp", 3) == ("0.03", "EUR", None)
    assert BOOK.estimate("some", "DE", "otp", 2) == ("0.40", None, None)


def test_a_price_of_nothing_is_a_price() -> None:
    book = PriceBook({("free", "", "", ""): ("0", "EUR")}, {"free": ("0.10", "EUR")})
    assert book.estimate("free", "GB", "otp", 2) == ("0", "EUR", None)


def test_no_digit_is_lost() -> None:
    assert price(255, "999999999.999999999") == "254999999999.999999745"
