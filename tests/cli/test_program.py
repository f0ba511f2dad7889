"""The program as a whole: what it loads, how it answers mistakes."""

import subprocess
import sys

import pytest

from tests.cli.conftest import Run

HEAVY = {"apsw", "asyncpg", "cryptography", "litestar", "phonenumbers", "prometheus_client", "rich", "uvicorn"}


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
