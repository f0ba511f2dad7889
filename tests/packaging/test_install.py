"""What docs/install.md shows is done as it stands there; and every command that any page shows exists."""

import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer

from heliograph.cli.program import program
from tests.process.database import postgres
from tests.process.server import BIN, Server

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(
    r"(?:<!-- (?P<mark>[^>]*?) -->\n)?^```(?P<language>\w+)[^\n]*\n(?P<text>.*?)^```", re.DOTALL | re.MULTILINE
)
WHOLE: Any = typer.main.get_command(program)


def blocks(page: Path, *languages: str) -> list[tuple[str, str]]:
    """(mark, text) of each block in one of these languages."""
    found = BLOCK.finditer(page.read_text("utf-8"))
    return [(one["mark"] or "", one["text"]) for one in found if one["language"] in languages]


OURS = [
    text for mark, text in blocks(ROOT / "docs/install.md", "sh") if mark == "run by: tests/packaging/test_install.py"
]


def test_the_commands_of_the_page_do_what_it_says(tmp_path: Path) -> None:
    first_key, look, _, backup, restore = OURS
    server = Server(tmp_path)
    folders = {name: tmp_path / name.lower() for name in ("BACKUPS", "KEYS", "JOURNALS")}
    for folder in folders.values():
        folder.mkdir()
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("HELIOGRAPH_")},
        **{name: str(folder) for name, folder in folders.items()},
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "HELIOGRAPH_CONFIG": str(server.config),
        "HELIOGRAPH_DATA_DIR": str(server.data_dir),
    }

    def do(script: str) -> str:
        done = subprocess.run(["bash", "-euc", script], capture_output=True, text=True, env=environ, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    with server:
        assert '"key":"hg_test_' in do(first_key)
        assert "answers, and is ready" in do(look)
        do(backup)
    assert [path.name for path in folders["KEYS"].iterdir()] == ["master.key"]
    assert "intact" in do(restore)


def test_the_database_of_the_page_is_one_that_we_can_use(tmp_path: Path) -> None:
    with postgres() as server:
        for line in OURS[2].splitlines():
            _, _, statement = shlex.split(line)
            server.psql(f"{statement};")
        url = server.get_uri("heliograph").replace("postgres:", "heliograph:").replace("postgres@", "heliograph@")
        command = [str(BIN / "heliograph"), "migrate", "--url", url, "--data-dir", str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, "applied 0001_foundation" in done.stdout) == (0, True), done.stderr


def commands() -> list[tuple[str, str]]:
    """Every line that calls us, of every page: (page, line)."""
    found = []
    for page in PAGES:
        for _, text in blocks(page, "sh", "bash", "console", "shell"):
            lines = re.sub(r"\\\n\s*", "", text).splitlines()
            names = [line.strip().removeprefix("$ ") for line in lines]
            found += [(page.name, name) for name in names if re.match(r"(\S*/)?heliograph\s", name)]
    return list(dict.fromkeys(found))


@pytest.mark.parametrize(("page", "line"), commands())
def test_a_command_that_a_page_shows_can_be_called(page: str, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HELIOGRAPH_KEY", "k")
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split, lexer.commenters = True, "#"
    words = list(lexer)[1:]
    ends = [place for place, word in enumerate(words) if set(word) <= set("|;&<>")]
    words = words[: ends[0]] if ends else words
    command, path = WHOLE, []
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        path.append(words.pop(0))
        command = command.get_command(None, path[-1])
        assert command is not None, f"there is no command {' '.join(path)}"
    if not hasattr(command, "commands"):
        command.make_context(" ".join(path), words)  # raises what the caller would be told
