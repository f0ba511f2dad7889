"""`make bench`: throughput, CPU for each message, latencies and memory, on this machine.

Machines are noisy and share their cores with the load: compare ratios of one sitting, and CPU rather than time.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench import consent
from bench.fill import fill
from bench.gateway import Gateway, cpu_s, descendants, resident_mb
from bench.ledger import server


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
