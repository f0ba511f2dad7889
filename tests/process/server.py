"""A real gateway as a process of its own, for tests that go through its sockets and files."""

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr, redirect_stdout, suppress
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch

import requests

from heliograph.cli.program import main
from tests.process import documented

START_S = 90.0
BIN = Path(sys.executable).parent
PROGRAM = str(BIN / "heliograph")
QUIET = {"HELIOGRAPH_LOG_LEVEL": "warning"}


_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_ports = count(_WORKER * 3_300 + os.getpid() * 7)


def free_port() -> int:
    """One that stays free until it is used: below those that the system gives to connections, and each worker goes
    through others."""
    while True:
        with suppress(OSError), socket.create_server(("127.0.0.1", 10_000 + next(_ports) % 20_000)) as probe:
            return int(probe.getsockname()[1])


class Server:
    """`heliograph serve` on a data directory; started, stopped, killed as the test wants."""

    def __init__(
        self, folder: Path, config: str = "", *, environ: dict[str, str] | None = None, program: str = ""
    ) -> None:
        self.program = program or PROGRAM
        self.folder = folder
        self.data_dir = folder / "data"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.config = folder / "heliograph.toml"
        self.environ = {**os.environ, **QUIET, **(environ or {})}
        self.process: subprocess.Popen[bytes] | None = None
        self.configure(config)

    def configure(self, text: str) -> None:
        head = f'[server]\nlisten = "127.0.0.1:{self.port}"\n'
        self.config.write_text(head + text)

    def command(self, *words: str) -> list[str]:
        return [self.program, *words, "--config", str(self.config), "--data-dir", str(self.data_dir)]

    def start(self, *more: str, wait: bool = True) -> "Server":
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen([*self.command("serve"), *more], stdout=log, stderr=log, env=self.environ)
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self) -> None:
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            assert self.process is not None
            if self.process.poll() is not None:
                raise AssertionError(f"the server ended with {self.process.returncode}:\n{self.log()}")
            try:
                if requests.get(f"{self.url}/readyz", timeout=1).status_code == 200:
                    return
            except (requests.ConnectionError, requests.Timeout):
                pass
            time.sleep(0.02)
        raise AssertionError(f"the server was not ready in time:\n{self.log()}")

    def log(self) -> str:
        return (self.folder / "server.log").read_text(errors="replace")[-4_000:]

    def stop(self) -> int:
        """A clean stop; answers the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    def __enter__(self) -> "Server":
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.stop()

    # -- the command line beside it

    def run(self, *words: str) -> Any:
        """A command's answer as JSON."""
        done = self._run_here if self.program == PROGRAM else self._run_apart
        return json.loads(done([*self.command(*words), "--json"]))

    def _run_apart(self, command: list[str]) -> str:
        done = subprocess.run(command, capture_output=True, text=True, env=self.environ, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _run_here(self, command: list[str]) -> str:
        """The same without the time that a process takes to start."""
        out, err = io.StringIO(), io.StringIO()

        def call() -> None:
            environ = patch.dict(os.environ, self.environ, clear=True)
            with environ, patch.object(sys, "argv", command), redirect_stdout(out), redirect_stderr(err):
                main()

        with ThreadPoolExecutor(1) as aside, suppress(SystemExit):  # whoever asks may have an event loop of its own
            aside.submit(call).result()
        assert not err.getvalue(), err.getvalue()
        return out.getvalue()

    def key(self, *scopes: str, environment: str = "test", workspace: str = "default", name: str = "test") -> str:
        flags = [word for scope in scopes for word in ("--scope", scope)]
        made = self.run(
            "keys", "create", "--name", name, "--environment", environment, "--workspace", workspace, *flags
        )
        return str(made["key"])


class Api:
    """Requests with one key."""

    def __init__(self, server: Server, key: str) -> None:
        self.url = server.url
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {key}"
        self.session.hooks["response"].append(documented.hold)

    def __call__(self, method: str, path: str, body: Any = None, **more: Any) -> requests.Response:
        return self.session.request(method, self.url + path, json=body, timeout=20, **more)

    def send(self, to: str = "+447700900123", text: str = "Hello", **more: Any) -> dict[str, Any]:
        answer = self("POST", "/v1/messages", {"to": to, "text": text, **more})
        assert answer.status_code == 202, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def policy(self, policy: str, **spec: Any) -> requests.Response:
        """Declare a policy of the key's workspace."""
        return self("POST", "/v1/apply", {"document": {"policies": {policy: spec}}})

    def until(self, message_id: str, *statuses: str, within_s: float = 15.0) -> dict[str, Any]:
        """The message, once it is in one of these states."""
        end = time.monotonic() + within_s
        while True:
            message: dict[str, Any] = self("GET", f"/v1/messages/{message_id}").json()
            if message["status"] in statuses:
                return message
            assert time.monotonic() < end, f"still {message['status']}, not {statuses}"
            time.sleep(0.02)
