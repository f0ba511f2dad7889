"""Many promotional messages of one workspace, and what the others notice of it.

`python -m tests.process.fairness --queued 100000 --seconds 300` is the bar; pytest runs a small one. Everything goes
through one connector whose rate is far too small for what waits. One workspace queues so many promotional messages, a
rival of equal weight half as many, and a third one asks for an OTP every second.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from heliograph.core import ids
from tests.process.server import Api, Server

_AT_ONCE = 10_000
CONFIG = """
{store}
[connectors.narrow]
kind = "sandbox"
answer_delay_ms = 5
receipt_delay_ms = 20
max_segments_per_second = {rate}
journal = "{journal}"
[[routes]]
name = "all"
via = ["narrow"]
"""


class Verdict(NamedTuple):
    """What the others noticed."""

    otps: int
    p50_ms: int
    p99_ms: int
    worst_ms: int
    shares: tuple[int, int]  # handed over while both had something waiting

    @property
    def imbalance(self) -> float:
        return abs(self.shares[0] - self.shares[1]) / max(1, sum(self.shares) / 2)

    @property
    def is_good(self) -> bool:
        return self.otps > 0 and self.p99_ms <= 1_000 and self.imbalance <= 0.1


class Line(NamedTuple):
    """What the carrier wrote down of one submission."""

    message: int
    kind: str
    at: int
    accepted_at: int


def run(folder: Path, *, queued: int, seconds: int, store: str = "") -> Verdict:
    """The rate is such that both queues outlast the test."""
    journal = folder / "journal"
    rate = max(20, queued // seconds)
    names = ("big", "rival", "third")
    with Server(folder, CONFIG.format(store=store, rate=rate, journal=journal)) as server:
        for name in names:
            server.run("workspaces", "create", name)
            Api(server, server.key("admin", workspace=name)).policy("consent", promotional="no_opt_out")
        apis = {name: Api(server, server.key("messages:send", workspace=name, environment="live")) for name in names}
        rivals = _queue(apis["rival"], queued // 2 + 2 * rate)
        _queue(apis["big"], queued)
        began = time.monotonic()
        for second in range(seconds):
            time.sleep(max(0.0, began + second - time.monotonic()))
            apis["third"].send(kind="otp", text=f"Your code is {second:06d}")
        time.sleep(2.0)
        lines = [_line(text) for text in journal.read_text().splitlines()]
    return _judge(lines, rivals, seconds)


def _queue(api: Api, count: int) -> set[int]:
    """Queue so many; the numbers of what was accepted."""
    message = {"to": "+447700900123", "text": "Our sale begins today.", "kind": "promotional"}
    accepted: set[int] = set()
    for start in range(0, count, _AT_ONCE):
        answer = api("POST", "/v1/messages/batch", {"messages": [message] * min(_AT_ONCE, count - start)})
        assert answer.status_code == 202, answer.text
        places = [ids.parse("msg", item["id"]) for item in answer.json()["data"]]
        accepted |= {place[1] for place in places if place is not None}
    assert len(accepted) == count
    return accepted


def _line(text: str) -> Line:
    message, _, _, at, kind, accepted_at = text.split()
    return Line(int(message), kind, int(at), int(accepted_at))


def _judge(lines: list[Line], rivals: set[int], seconds: int) -> Verdict:
    otps = [line for line in lines if line.kind == "otp"]
    waits = sorted(line.at - line.accepted_at for line in otps)
    first, last = otps[0].at, otps[0].at + seconds * 800  # both had something waiting all that time
    contended = [line for line in lines if line.kind == "promotional" and first <= line.at < last]
    theirs = sum(line.message in rivals for line in contended)
    return Verdict(
        len(waits),
        waits[len(waits) // 2],
        waits[int(len(waits) * 0.99)],
        waits[-1],
        (len(contended) - theirs, theirs),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queued", type=int, default=100_000)
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--store", choices=("sqlite", "postgres"), default="sqlite")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hg-fair-") as folder:
        if asked.store == "sqlite":
            verdict = run(Path(folder), queued=asked.queued, seconds=asked.seconds)
        else:
            from tests.process.database import database

            with database() as url:
                store = f'[store]\nurl = "{url}"'
                verdict = run(Path(folder), queued=asked.queued, seconds=asked.seconds, store=store)
    sys.stdout.write(f"{verdict._asdict()}, imbalance {verdict.imbalance:.1%}\n")
    raise SystemExit(not verdict.is_good)


if __name__ == "__main__":
    main()
