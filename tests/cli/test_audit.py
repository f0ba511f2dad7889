"""`heliograph audit`: list, export, head and verify, on the ledger itself."""

import json
from pathlib import Path

import apsw
import pytest

from tests.cli.conftest import Done, Run


@pytest.fixture
def filled(run: Run, data: str) -> Run:
    def call(*words: str) -> Done:
        return run(*words, "--data-dir", data)

    for name in ("one", "two", "three"):
        call("keys", "create", "--name", name)
    return call


def test_entries_are_listed_and_narrowed(filled: Run) -> None:
    found = filled("audit", "list", "--action", "key.*", "--json").data["data"]
    assert [entry["detail"]["name"] for entry in found] == ["three", "two", "one"]
    assert "key.created" in filled("audit", "list", "--actor", found[0]["actor"]).out


def test_an_intact_log_is_called_intact(filled: Run) -> None:
    anchor = filled("audit", "head").out.strip()
    assert filled("audit", "verify", "--anchor", anchor).out.startswith("intact: 4 entries")


def test_meddling_ends_with_an_error(filled: Run, data: str) -> None:
    apsw.Connection(f"{data}/heliograph.db").execute("UPDATE audit SET actor = 'nobody' WHERE id = 2")
    done = filled("audit", "verify")
    assert done.code == 1
    assert "entry 2: was changed" in done.out
    assert "not as it was written" in done.err


def test_an_export_is_a_file_of_lines(filled: Run, tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    filled("audit", "export", str(file), "--action", "key.created")
    assert [json.loads(line)["detail"]["name"] for line in file.read_text().splitlines()] == ["three", "two", "one"]
    filled("audit", "export", str(tmp_path / "audit.csv"))
    assert (tmp_path / "audit.csv").read_bytes().startswith(b"id,at,actor,action,object,detail,ip,hash\r\n")
    assert filled("audit", "list", "--action", "audit.exported", "--json").data["data"]
