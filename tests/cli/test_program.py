"""The program as a whole: what it loads, how it answers mistakes."""

import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from heliograph.cli.commands import PLACES
from heliograph.cli.examples import EXAMPLES
from heliograph.cli.program import program
from tests.cli.conftest import Run
from tests.cli.terminal import seen
from tests.process.server import BIN

HEAVY = {"apsw", "asyncpg", "cryptography", "litestar", "phonenumbers", "prometheus_client", "rich", "uvicorn"}


WHOLE: Any = typer.main.get_command(program)


def leaves(group: Any = WHOLE, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every command with its words."""
    for name in group.list_commands(None):
        command = group.get_command(None, name)
        if hasattr(command, "commands"):
            yield from leaves(command, f"{path} {name}")
        else:
            yield f"{path} {name}".strip(), command


COMMANDS = dict(leaves())


@pytest.mark.parametrize("words", ["--help", "serve --help", "keys create --help", "version"])
def test_help_comes_without_servers_and_databases(words: str) -> None:
    script = (
        f"import atexit, sys; sys.argv = ['heliograph', *{words.split()!r}]\n"
        "atexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"
        "from heliograph.cli.program import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout
    assert HEAVY & set(done.stderr.split()) == set()


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ("nonsense", 2, "No such command 'nonsense'"),
        ("serve --roles cook", 1, "--roles takes api, engine, console"),
        ("serve --listen here", 1, "--listen: server.listen: expected HOST:PORT"),
        ("serve --config nowhere.toml", 1, "nowhere.toml: can't be read: No such file or directory"),
        ("segments", 2, "Missing argument 'TEXT'"),
        ("send +447700900123 Hello", 2, "Missing option '--key'"),
        ("send +447700900123 Hello --key k --url example.com", 1, "example.com is not the URL of a server"),
        ("send +447700900123 Hello --key env:NOT_THERE", 1, "the variable NOT_THERE is not set"),
        ("messages list --key k --url http://127.0.0.1:1", 1, "no answer from http://127.0.0.1:1"),
        ("pause connector --key k", 1, "which connector? give its name"),
        ("pause all sandbox --key k", 1, "all takes no name"),
        ("webhooks replay orders --key k", 1, "which events? give --since or --message"),
        ("webhooks certify ftp://here --secret whsec_x", 1, "ftp://here is not a URL that webhooks can go to"),
        ("webhooks certify http://127.0.0.1:1 --secret guess", 1, "a webhook secret is whsec_"),
        ("listen --forward-to here --key k", 1, "here is not a URL that events can be posted to"),
        ("migrate --url nowhere --to 999", 1, "--to 999: this program knows migrations up to"),
    ],
)
def test_a_mistake_is_told_in_one_place_and_without_a_traceback(run: Run, words: str, code: int, told: str) -> None:
    done = run(*words.split())
    assert (done.code, told in done.err) == (code, True), done.err
    assert "Traceback" not in done.err
    assert done.out == ""


def test_the_version_is_that_of_the_package(run: Run) -> None:
    assert run("version").out == f"heliograph {run('version', '--json').data['version']}\n"


def test_help_loads_no_command_at_all() -> None:
    script = "import sys; sys.argv = ['heliograph', '--help']\nfrom heliograph.cli.program import main\n"
    script += "try: main()\nexcept SystemExit: print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = {name for name in done.stdout.split() if name.startswith("heliograph.")}
    assert loaded == {f"heliograph.cli{name}" for name in ("", ".commands", ".examples", ".output", ".program")}
    assert {"asyncio", "ssl", "http.client", "msgspec"} & set(done.stdout.split()) == set()


def test_the_list_of_commands_says_of_each_what_its_own_help_says() -> None:
    differ = []
    for name, place in PLACES.items():
        own = WHOLE.get_command(None, name).help.split("\n")[0].replace("`", "")
        if not own.startswith(place.line.rstrip(".")):
            differ.append((name, place.line, own))
    assert differ == []


def test_every_command_answers_in_json() -> None:
    assert [path for path, one in COMMANDS.items() if not any("--json" in p.opts for p in one.params)] == ["serve"]


def test_every_command_has_examples_and_no_example_is_left_over() -> None:
    assert EXAMPLES.keys() == COMMANDS.keys()


@pytest.mark.parametrize(("path", "words"), [(path, one) for path, all_ in EXAMPLES.items() for one in all_])
def test_an_example_can_be_called(path: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HELIOGRAPH_KEY", "k")
    COMMANDS[path].make_context(path, shlex.split(words))  # raises what the caller would be told


def test_a_help_shows_its_examples_line_by_line(run: Run) -> None:
    assert "\n  For example:\n    heliograph verify check ver_01h 123456\n" in run("verify", "check", "--help").out


def test_colours_are_for_terminals(tmp_path: Path) -> None:
    command = [str(BIN / "heliograph"), "keys", "list", "--data-dir", str(tmp_path)]
    piped = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "\x1b" not in piped
    assert "\x1b[1mID" in seen(command)
    for plain in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        assert seen(command, **plain).replace("\r\n", "\n") == piped
    wrong = [str(BIN / "heliograph"), "restore", "nowhere.db", "--data-dir", str(tmp_path)]
    assert "\x1b[31mheliograph:\x1b[0m nowhere.db does not exist" in seen(wrong)
