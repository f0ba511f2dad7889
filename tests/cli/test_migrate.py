"""The schema, up and back by command."""

from pathlib import Path

import apsw
import pytest

from tests.cli.conftest import Run


def test_a_ledger_goes_up_and_back(run: Run, data: str) -> None:
    up = run("migrate", "--data-dir", data, "--json").data
    assert (up["applied"][0], up["rolled_back"]) == ("0001_foundation", [])
    assert run("migrate", "--data-dir", data).out.startswith("nothing to do\n")
    back = run("migrate", "--to", "0", "--data-dir", data, "--json").data
    assert (back["rolled_back"][-1], back["at"]) == ("0001_foundation", None)


def test_another_ledger_than_the_configured_one(run: Run, data: str, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'other.db'}"
    assert run("migrate", "--url", url, "--data-dir", data, "--json").data["at"]
    assert not Path(data).exists()


@pytest.mark.parametrize("words", [("migrate",), ("doctor",), ("keys", "list")])
def test_a_ledger_of_a_newer_program_is_left_alone(run: Run, data: str, words: tuple[str, ...]) -> None:
    run("migrate", "--data-dir", data)
    ledger = apsw.Connection(f"{data}/heliograph.db")
    ledger.execute("INSERT INTO migrations VALUES (999, 'future', 0)")
    ledger.close()
    done = run(*words, "--data-dir", data)
    assert done.code == 1
    assert "written by a newer Heliograph (migration 0999_future)" in done.err + done.out
