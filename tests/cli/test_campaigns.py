"""`heliograph campaigns`: from a file to a line that says how it went."""

from pathlib import Path

from tests.cli.conftest import Run
from tests.cli.terminal import seen
from tests.process.server import BIN

CSV = "to,name\n+447700910000,Ann\n+447700910001,Bob\nnonsense,Cid\n"
SPEC = 'name = "spring"\naudience = "customers"\ntext = "Hello {{name}}"\n'


def test_a_campaign_is_made_started_and_watched(ask: Run, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(CSV)
    (tmp_path / "spring.toml").write_text(SPEC)
    told = ask("campaigns", "upload", "customers", str(tmp_path / "people.csv")).out
    assert "2 recipients; 1 bad lines, 0 duplicates" in told
    assert "letters" in told
    assert "2 of 2" in ask("campaigns", "create", str(tmp_path / "spring.toml")).out
    assert ask("campaigns", "start", "spring").out == "spring is scheduled\n"
    assert "done 100.0 % · sent 2" in ask("campaigns", "watch", "spring").out
    assert ask("campaigns", "watch", "spring", "--json").data["handled"] == 2
    assert "spring" in ask("campaigns", "list").out
    command = [str(BIN / "heliograph"), "campaigns", "watch", "spring"]
    bar = f"[\x1b[32m{'█' * 24}\x1b[0m] done 100.0 %"
    assert seen(command).startswith(f"\r\x1b[K{bar}"), "a terminal is shown a bar"
    assert seen(command, columns=30).strip("\r\n") == f"\x1b[K[{'█' * 24}] do", "which never takes two rows"
