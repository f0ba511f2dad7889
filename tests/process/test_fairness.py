"""A small one of the bar; see `tests.process.fairness`."""

from pathlib import Path

from tests.process.fairness import run


def test_many_promotional_messages_hold_up_nobody_else(tmp_path: Path) -> None:
    verdict = run(tmp_path, queued=2_000, seconds=10)
    assert verdict.otps == 10
    assert verdict.is_good, verdict
