"""How long a number is left alone."""

import pytest

from heliograph.core.cooldown import LONGEST_MS, holds, span_ms

HOUR = 3_600_000
DAY = 24 * HOUR


@pytest.mark.parametrize(
    ("failures", "span"),
    [(1, HOUR), (2, DAY), (3, 7 * DAY), (4, 14 * DAY), (5, 28 * DAY), (6, 56 * DAY), (7, LONGEST_MS), (99, LONGEST_MS)],
)
def test_each_failure_makes_it_longer_up_to_a_bound(failures: int, span: int) -> None:
    assert span_ms(failures) == span


@pytest.mark.parametrize(
    ("kind", "failures", "held"),
    [("otp", 1, False), ("otp", 2, True), ("transactional", 1, True), ("support", 1, True), ("promotional", 3, True)],
)
def test_a_mistyped_number_does_not_stop_the_next_code(kind: str, failures: int, held: bool) -> None:
    assert holds(kind, failures) == held
