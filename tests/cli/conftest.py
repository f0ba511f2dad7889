"""Commands run as a shell would run them: by their words, with an exit code and two outputs."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from heliograph.cli.program import main
from tests.process.server import Server


class Done(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)


Run = Callable[..., Done]


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables of whoever runs the tests decide nothing."""
    for name in [name for name in os.environ if name.startswith("HELIOGRAPH_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*words: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["heliograph", *words])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        return Done(code, *capsys.readouterr())

    return call


@pytest.fixture
def data(tmp_path: Path) -> str:
    return str(tmp_path / "data")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("cli"), '[webhooks]\nallow_networks = ["127.0.0.0/8"]\n') as running:
        yield running


@pytest.fixture
def ask(run: Run, server: Server, monkeypatch: pytest.MonkeyPatch, admin_key: str) -> Run:
    """Commands that use a running server, told of it by variables."""
    monkeypatch.setenv("HELIOGRAPH_URL", server.url)
    monkeypatch.setenv("HELIOGRAPH_KEY", admin_key)
    return run


@pytest.fixture(scope="session")
def admin_key(server: Server) -> str:
    return server.key("admin")
