"""A gateway under measurement: `heliograph serve` with its sink and message centre, and what they cost."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

BIN: Final = Path(sys.executable).parent
TICK: Final = os.sysconf("SC_CLK_TCK")
CONFIG: Final = """
[server]
listen = "127.0.0.1:{port}"
{store}
[webhooks]
allow_networks = ["127.0.0.0/8"]
[connectors.rig]
{connector}
[[routes]]
name = "all"
via = ["rig"]
[senders.Acme]
type = "alphanumeric"
{endpoint}
"""
SANDBOX: Final = """kind = "sandbox"
answer_delay_ms = 0
receipt_delay_ms = 0
window = 1000
"""
SMPP: Final = """kind = "smpp"
host = "127.0.0.1"
port = {port}
system_id = "bench"
password = "bench"
window = 500
"""
SECRET: Final = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


class Gateway:
    """`heliograph serve` and its sink, on a folder of their own."""

    def __init__(self, folder: Path, *, store: str = "", journal: bool = False, bundle: int = 0, smpp: bool = False):
        self.folder, self.port, self.hook_port = folder, _free_port(), _free_port()
        self.centre_port = _free_port() if smpp else 0
        self.store = store or f"sqlite:///{folder.absolute() / 'data' / 'heliograph.db'}"
        self.hook = "" if bundle else f"http://127.0.0.1:{self.hook_port}/hook"
        self.journal = folder / "journal"
        endpoint = (
            f'[endpoints.bench]\nurl = "http://127.0.0.1:{self.hook_port}/hook"\nevents = ["message.delivered"]\n'
            f'secret = "{SECRET}"\nbatch = {bundle}\n'
        )
        self.config = folder / "heliograph.toml"
        self.config.write_text(
            CONFIG.format(
                port=self.port,
                store=f'[store]\nurl = "{store}"' if store else "",
                connector=SMPP.format(port=self.centre_port) if smpp else SANDBOX + self._journal(journal),
                endpoint=endpoint if bundle else "",
            )
        )
        self.environ = {**os.environ, "HELIOGRAPH_LOG_LEVEL": "warning"}
        self.words = ["--config", str(self.config), "--data-dir", str(folder / "data")]

    def _journal(self, wanted: bool) -> str:
        return f'journal = "{self.journal}"\n' if wanted else ""

    @contextmanager
    def running(self) -> Iterator[int]:
        """The server's process id."""
        others = [["bench.sink", str(self.hook_port), SECRET if not self.hook else ""]]
        if self.centre_port:
            others.append(["bench.centre", str(self.centre_port)])
        helping = [subprocess.Popen([sys.executable, "-m", *words]) for words in others]
        gateway = subprocess.Popen([str(BIN / "heliograph"), "serve", *self.words], env=self.environ)
        try:
            self._wait_ready(gateway)
            yield gateway.pid
        finally:
            gateway.terminate()
            gateway.wait(30)
            for process in helping:
                process.terminate()
                process.wait(10)

    def _wait_ready(self, gateway: subprocess.Popen[bytes]) -> None:
        for _ in range(600):
            if gateway.poll() is not None:
                raise SystemExit("the server ended before it was ready")
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise SystemExit("the server was not ready in time")

    def run(self, *words: str) -> dict[str, Any]:
        """A command's answer."""
        command = [str(BIN / "heliograph"), *words, "--json", *self.words]
        made: dict[str, Any] = json.loads(subprocess.check_output(command, env=self.environ))
        return made

    def key(self) -> str:
        words = ("keys", "create", "--name", "bench", "--environment", "live", "--scope", "messages:send")
        return str(self.run(*words)["key"])

    def load(self, key: str, count: int, start: int, batch: int, rate: float = 0.0, **more: Any) -> dict[str, Any]:
        connections = 4 if batch > 1 else 32
        flags = {"hook": self.hook, "count": count, "start": start, "batch": batch, "rate": rate, **more}
        words = [f"--{name}={value}" for name, value in {**flags, "connections": connections}.items()]
        url = f"http://127.0.0.1:{self.port}"
        found: dict[str, Any] = json.loads(
            subprocess.check_output([sys.executable, "-m", "bench.load", url, key, *words])
        )
        if found["bad"]:
            raise SystemExit(f"{found['bad']} requests were refused: {found['first_bad']}")
        return found

    def heard(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.hook_port}/", timeout=5) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def wait_heard(self, count: int) -> dict[str, Any]:
        end = time.monotonic() + 60
        while (found := self.heard())["unique"] < count and time.monotonic() < end:
            time.sleep(0.05)
        return found


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def cpu_s(pids: list[int]) -> float:
    """CPU time of processes and of all that they have started."""
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICK


def descendants(pid: int) -> list[int]:
    found = [pid]
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == pid:
            found += descendants(int(path.name))
    return found


def resident_mb(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20
