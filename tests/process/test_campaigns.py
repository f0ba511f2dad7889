"""A few rounds of the bar; see `tests.process.campaigns`."""

from pathlib import Path

from tests.process.campaigns import killed


def test_killed_in_the_middle_each_recipient_is_taken_exactly_once(tmp_path: Path) -> None:
    verdict = killed(tmp_path, count=20_000, kills=3, seed=5)
    assert verdict.kills >= 2
    assert verdict.is_good, verdict
