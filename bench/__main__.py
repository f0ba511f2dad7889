"""`make bench`: throughput, CPU for each message, latencies and memory, on this machine.

Machines are noisy and share their cores with the load: compare ratios of one sitting, and CPU rather than time.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from bench.fill import fill
from bench.ledger import server

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


def throughput(
    name: str,
    *,
    count: int,
    batch: int,
    store: str = "",
    database: int = 0,
    stored: int = 0,
    bundle: int = 0,
    smpp: bool = False,
) -> dict[str, Any]:
    """One closed loop: as fast as it goes."""
    with tempfile.TemporaryDirectory(prefix="hg-bench-") as folder:
        gateway = Gateway(Path(folder), store=store, bundle=bundle, smpp=smpp)
        if stored:
            with gateway.running():
                pass
            fill(Path(folder) / "data" / "heliograph.db", stored, int(time.time() * 1000))
        with gateway.running() as pid:
            key = gateway.key()
            gateway.load(key, 20 * batch if batch > 1 else 1_000, 0, batch)
            warm = gateway.wait_heard(20 * batch if batch > 1 else 1_000)["unique"]
            before, others = cpu_s([pid]), cpu_s(descendants(database)) if database else 0.0
            began = time.time()
            seen = gateway.load(key, count, 1_000_000, batch)
            heard = gateway.wait_heard(warm + count)
            time.sleep(0.3)
            row = {
                "case": name,
                "accepted_per_s": round(count / seen["seconds"]),
                "told_per_s": round(count / max(heard["last"] - began, 1e-9)),
                "cpu_us": round((cpu_s([pid]) - before) / count * 1e6, 1),
                "p50_ms": seen["p50_ms"],
                "p99_ms": seen["p99_ms"],
                "rss_mb": resident_mb(pid),
                "untold": warm + count - heard["unique"],
                "forged": heard["forged"],
            }
            if database:
                row["database_cpu_us"] = round((cpu_s(descendants(database)) - others) / count * 1e6, 1)
            return row


def latency(rate: float, seconds: int) -> dict[str, Any]:
    """Accept to carrier at a steady rate, by the sandbox's own journal."""
    with tempfile.TemporaryDirectory(prefix="hg-bench-") as folder:
        gateway = Gateway(Path(folder), journal=True)
        with gateway.running():
            key = gateway.key()
            gateway.load(key, 200, 0, 1)
            gateway.wait_heard(200)
            lines = len(gateway.journal.read_text().splitlines())
            seen = gateway.load(key, int(rate * seconds), 1_000, 1, rate)
            gateway.wait_heard(200 + int(rate * seconds))
            rows = [line.split() for line in gateway.journal.read_text().splitlines()[lines:]]
    spans = sorted(int(row[3]) - int(row[5]) for row in rows)
    return {
        "case": f"{rate:.0f}/s",
        "accept_p50_ms": seen["p50_ms"],
        "accept_p99_ms": seen["p99_ms"],
        "to_carrier_p50_ms": spans[len(spans) // 2],
        "to_carrier_p99_ms": spans[int(len(spans) * 0.99)],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a minute: SQLite only, smaller counts")
    parser.add_argument(
        "--stored", type=int, default=1_000_000, help="messages in the ledger for the last case; 0: none"
    )
    asked = parser.parse_args()
    part = 4 if asked.quick else 1
    _tell(throughput("single, SQLite", count=40_000 // part, batch=1))
    _tell(throughput("batch 100, SQLite", count=60_000 // part, batch=100))
    _tell(throughput("batch 100, SQLite, 100 events a webhook", count=60_000 // part, batch=100, bundle=100))
    _tell(throughput("single, SQLite, SMPP", count=40_000 // part, batch=1, smpp=True))
    _tell(throughput("batch 100, SQLite, SMPP", count=60_000 // part, batch=100, smpp=True))
    _tell(
        throughput(
            "batch 100, SQLite, SMPP, 100 events a webhook", count=60_000 // part, batch=100, bundle=100, smpp=True
        )
    )
    _tell(latency(200, 20 // part))
    if asked.quick:
        return
    _postgres()
    from bench import consent

    consent.measure(people=1_000_000, rounds=3, count=20_000)
    if asked.stored:
        _tell(throughput(f"single, SQLite, {asked.stored} stored", count=40_000, batch=1, stored=asked.stored))


def _postgres() -> None:
    with tempfile.TemporaryDirectory(prefix="hg-bench-pg-") as folder, server(Path(folder) / "pg") as own:
        pid = int((Path(folder) / "pg" / "postmaster.pid").read_text().split()[0])
        for name, batch, count in (("single", 1, 20_000), ("batch 100", 100, 40_000)):
            database = f"bench_{batch}"
            own.psql(f"CREATE DATABASE {database};")
            url = own.get_uri(database)
            _tell(throughput(f"{name}, PostgreSQL", count=count, batch=batch, store=url, database=pid))


def _tell(row: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(row) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
