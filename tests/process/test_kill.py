"""A few rounds of the bar; see `tests.process.kill`."""

from pathlib import Path

from tests.process.database import database
from tests.process.kill import Verdict, run


def _good(verdict: Verdict) -> None:
    assert verdict.accepted > 50
    assert verdict.is_good, verdict


def test_killed_on_sqlite_nothing_is_lost_doubled_or_untold(tmp_path: Path) -> None:
    _good(run(tmp_path, rounds=4, seed=7))


def test_killed_on_postgres_nothing_is_lost_doubled_or_untold(tmp_path: Path) -> None:
    with database() as url:
        _good(run(tmp_path, rounds=3, seed=8, store=f'[store]\nurl = "{url}"'))
