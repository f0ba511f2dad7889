"""The message budget: nothing becomes multipart by accident, nothing is longer than a header can count."""

import pytest

from heliograph.core.budget import Budget
from heliograph.core.message import OTP, PROMOTIONAL, SUPPORT, TRANSACTIONAL


@pytest.mark.parametrize(("kind", "limit"), [(OTP, 1), (TRANSACTIONAL, 6), (SUPPORT, 6), (PROMOTIONAL, 6)])
def test_every_kind_has_a_limit_of_its_own(kind: str, limit: int) -> None:
    assert Budget().limit(kind, None) == limit


@pytest.mark.parametrize(
    ("declared", "asked", "limit"),
    [
        ({OTP: 2}, None, 2),
        ({OTP: 2}, 1, 1),
        ({OTP: 2}, 3, 3),
        ({OTP: 1000}, None, 255),
        ({OTP: 2}, 1000, 255),
        ({}, None, 255),
    ],
    ids=["declared", "asked for less", "asked for more", "declared too much", "asked for too much", "not declared"],
)
def test_a_request_may_ask_for_another_limit_but_no_header_counts_beyond_255(
    declared: dict[str, int], asked: int | None, limit: int
) -> None:
    assert Budget(declared).limit(OTP, asked) == limit


def test_budgets_share_nothing() -> None:
    Budget().max_segments[OTP] = 9
    assert Budget().limit(OTP, None) == 1
