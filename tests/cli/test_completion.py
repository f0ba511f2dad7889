"""Completion, in the shells themselves: somebody types, presses Tab, and the line goes on."""

import os
import pty
import select
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.process.server import BIN

_WAIT_S = 30.0
# What a person's own set-up does, and a key (Ctrl-X Ctrl-X) that writes the line as it stands to a file.
_SET_UP = {
    "bash": """
source "$SCRIPT"
show() { printf '%s' "$READLINE_LINE" > "$SHOWN.new"; mv "$SHOWN.new" "$SHOWN"; }
bind -x '"\\C-x\\C-x": show'
""",
    "zsh": """
autoload -U compinit; compinit -u -D
source "$SCRIPT"
show() { print -rn -- "$BUFFER" > "$SHOWN.new"; mv "$SHOWN.new" "$SHOWN" }
zle -N show; bindkey '^X^X' show
""",
}
_START = {"bash": ["--noprofile", "--rcfile", "{rc}", "-i"], "zsh": ["-d", "-f", "-i"]}
LINES = [
    ("heliograph connec", "heliograph connectors "),
    ("heliograph connectors dr", "heliograph connectors drain "),
    ("heliograph verify start --pur", "heliograph verify start --purpose "),
    ("heliograph templates import x --format tw", "heliograph templates import x --format twilio "),
    ("heliograph templates import tex", "heliograph templates import texts.csv "),
]


def needs(shell: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(shell) is None, reason=f"{shell} is missing: apt install {shell}")


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "texts.csv").touch()
    ours = {name: value for name, value in os.environ.items() if not name.startswith("HELIOGRAPH_")}
    return {**ours, "PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(tmp_path), "TERM": "xterm", "PS1": "$ "}


def script(shell: str, folder: Path, environ: dict[str, str]) -> Path:
    """What `heliograph --show-completion` prints for a shell."""
    told = {**environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    shown = subprocess.run(
        ["heliograph", "--show-completion", shell], capture_output=True, text=True, check=True, env=told
    )
    file = folder / f"completion.{shell}"
    file.write_text(shown.stdout)
    return file


class Typist:
    """Somebody at a shell."""

    def __init__(self, shell: str, folder: Path, environ: dict[str, str]) -> None:
        self.shown = folder / "shown"
        more = {"SCRIPT": str(script(shell, folder, environ)), "SHOWN": str(self.shown)}
        rc = folder / "rc"
        rc.write_text(_SET_UP[shell])
        words = [word.format(rc=rc) for word in _START[shell]]
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [shell, *words],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=folder,
            env={**environ, **more},
            start_new_session=True,
        )
        os.close(slave)
        if shell == "zsh":
            self._press(f". {rc}\n")

    def __enter__(self) -> "Typist":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.master)

    def completed(self, line: str) -> str:
        """The line after Tab; cleared away then."""
        self.shown.unlink(missing_ok=True)
        self._press(f"{line}\t\x18\x18")
        end = time.monotonic() + _WAIT_S
        while not self.shown.exists():
            self._listen()
            assert time.monotonic() < end, f"nothing came of {line!r}"
        self._press("\x15")
        return self.shown.read_text()

    def _press(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def _listen(self) -> None:
        """What the shell draws has to be taken from it, or it waits."""
        if select.select([self.master], [], [], 0.05)[0]:
            os.read(self.master, 65_536)


@pytest.mark.parametrize("shell", [pytest.param(shell, marks=needs(shell)) for shell in ("bash", "zsh")])
def test_tab_completes_commands_options_values_and_files(shell: str, tmp_path: Path, environ: dict[str, str]) -> None:
    with Typist(shell, tmp_path, environ) as typist:
        assert [typist.completed(line) for line, _ in LINES] == [whole for _, whole in LINES]


@needs("fish")
def test_fish_completes_commands_options_values_and_files(tmp_path: Path, environ: dict[str, str]) -> None:
    asked = "".join(f"complete -C '{line}'; echo ==\n" for line, _ in LINES)
    words = ["fish", "--no-config", "-c", f"source {script('fish', tmp_path, environ)}\n{asked}"]
    done = subprocess.run(words, capture_output=True, text=True, env=environ, cwd=tmp_path, timeout=60)
    offered = [[line.split("\t")[0] for line in part.strip().split("\n")] for part in done.stdout.split("==\n")[:-1]]
    assert offered == [[whole.split()[-1]] for _, whole in LINES], done.stderr


@pytest.mark.parametrize("shell", [pytest.param(shell, marks=needs(shell)) for shell in ("bash", "zsh", "fish")])
def test_completion_is_installed_for_the_shell_at_hand(shell: str, tmp_path: Path, environ: dict[str, str]) -> None:
    told = {**environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    words = ["heliograph", "--install-completion", shell]
    done = subprocess.run(words, capture_output=True, text=True, check=True, env=told, cwd=tmp_path)
    installed = [file for file in tmp_path.rglob("*heliograph*") if file.is_file()]
    assert installed and shell in done.stdout
    subprocess.run([shell, *(["--no-config"] if shell == "fish" else []), "-n", str(installed[0])], check=True)
