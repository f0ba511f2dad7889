"""A few rounds of the bar; see `tests.process.plans`."""

from pathlib import Path

from tests.process.plans import run


def test_killed_each_plan_comes_to_one_end_and_no_step_is_sent_twice(tmp_path: Path) -> None:
    verdict = run(tmp_path, rounds=3, seed=4)
    assert verdict.runs > 10
    assert verdict.is_good, verdict
