"""The price book: the most particular price that there is, and where it stands."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.core import numbers
from heliograph.core.message import Message
from heliograph.core.prices import Line, PriceBook, cost, price, recounted, reported
from tests.carriers.network import message

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


def at_cost(price: str | None, surcharge: str | None = None, **changes: Any) -> Message:
    return message(1, **{"price": price, "currency": "EUR", "surcharge": surcharge} | changes)


NETWORKS = PriceBook(
    {
        ("full", "GB", "", ""): ("0.02", "EUR"),
        ("full", "GB", "O2", ""): ("0.03", "EUR"),
        ("full", "", "O2", "otp"): ("0.05", "EUR"),
        ("full", "", "", "otp"): ("0.06", "EUR"),
    },
    surcharges={("full", "US", "", ""): ("0.003", "USD"), ("full", "GB", "", ""): ("0.004", "EUR")},
    received={("full", "", "", ""): ("0.001", "EUR"), ("full", "GB", "", ""): ("0.002", "EUR")},
    networks=frozenset({"O2"}),
)


@pytest.mark.parametrize(
    ("country", "network", "kind", "found"),
    [
        ("GB", "O2", "otp", ("0.03", "country GB, network O2")),
        ("DE", "O2", "otp", ("0.05", "network O2, kind otp")),
        ("GB", "Three", "otp", ("0.02", "country GB")),
        ("DE", "", "otp", ("0.06", "kind otp")),
    ],
)
def test_a_network_is_more_particular_than_a_country(
    country: str, network: str, kind: str, found: tuple[str, str]
) -> None:
    line = NETWORKS.line("full", country, kind, network)
    assert line is not None and (line.price, line.where) == found


def test_a_surcharge_comes_on_top_for_each_segment() -> None:
    assert NETWORKS.estimate("full", "GB", "support", 2) == ("0.048", "EUR", "0.008")
    assert NETWORKS.find("full", "GB", "support") == ("0.024", "EUR")


def test_a_surcharge_in_another_currency_can_not_be_added() -> None:
    assert NETWORKS.estimate("full", "US", "otp", 2) == ("0.12", "EUR", None)


def test_what_comes_in_has_a_price_of_its_own() -> None:
    assert NETWORKS.inbound("full", "GB") == ("0.002", "EUR", "country GB")
    assert NETWORKS.inbound("full", "FR") == ("0.001", "EUR", "every country and kind")
    assert NETWORKS.inbound("some", "GB") is None


def test_what_a_message_costs_goes_by_the_network_of_its_number() -> None:
    number = "+447712345678"
    parsed = numbers.parse(number, None)
    assert isinstance(parsed, numbers.Number) and numbers.network_of(parsed) == "O2"
    assert NETWORKS.of(at_cost(None, to=number, country="GB"), "full").price == "0.034"
    assert NETWORKS.of(at_cost(None, to="+447400123456", country="GB"), "full").price == "0.024"


def test_a_carriers_price_replaces_ours_and_the_surcharge_stays_on_top() -> None:
    assert reported(at_cost("0.024", "0.004"), "0.05", "EUR", 1) == ("0.054", "EUR", "0.004")
    assert reported(at_cost("0.024", "0.004"), "0.05", "EUR", 3) == ("0.062", "EUR", "0.012")
    assert reported(at_cost("0.024", "0.004"), "0.05", "USD", 1) == ("0.05", "USD", None)
    assert reported(at_cost("0.02"), "0.05", "EUR", 3) == ("0.05", "EUR", None)


@given(
    st.decimals(min_value=0, max_value=100, places=6),
    st.decimals(min_value=0, max_value=1, places=6),
    st.integers(1, 255),
    st.integers(1, 255),
)
def test_as_many_segments_as_the_carrier_made_cost_as_if_we_had_counted_so(
    each: Decimal, more: Decimal, ours: int, theirs: int
) -> None:
    line, fee = Line(f"{each:f}", "EUR", ""), Line(f"{more:f}", "EUR", "")
    first, wanted = cost(ours, line, fee), cost(theirs, line, fee)
    found = recounted(at_cost(first.price, first.surcharge, segments=ours), theirs)
    assert Decimal(found.price or "x") == Decimal(wanted.price or "x")
    assert Decimal(found.surcharge or "x") == Decimal(wanted.surcharge or "x")


def test_what_nobody_knows_is_not_recounted() -> None:
    assert recounted(at_cost(None), 3).price is None
