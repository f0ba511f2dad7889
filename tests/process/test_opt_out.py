"""Small runs of the bar of `tests.process.opt_out`; the full ones are commands."""

from pathlib import Path

import pytest

from tests.process.database import database
from tests.process.opt_out import Asked, run


@pytest.mark.parametrize("carrier", ["smpp", "sandbox"])
def test_who_opts_out_of_many_queued_messages_gets_none_of_them_afterwards(tmp_path: Path, carrier: str) -> None:
    found = run(tmp_path, Asked(400, carrier=carrier, rate=200))
    assert all(said.is_good for said in found), found


def test_nor_from_another_process(tmp_path: Path) -> None:
    with database("track_commit_timestamp = on") as url:
        found = run(tmp_path, Asked(400, processes=3, rate=200), url)
    assert all(said.is_good for said in found), found
