"""Reports of a provider at a steady rate: how fast is each answered, and what does it cost?

`python -m tests.process.callbacks --count 20000 --rate 2000` is the bar; pytest runs a small one. Half of the reports
are of messages that were sent, each through a real gateway to a provider of ours; the other half nobody knows. All are
made and signed beforehand, and go out when they are due over kept-alive connections, whatever became of those before:
a wait for a free connection counts as the gateway's.
"""

import argparse
import asyncio
import json
import os
import sqlite3
import sys
import tempfile
import time
from collections import Counter, deque
from itertools import chain
from pathlib import Path
from typing import NamedTuple, cast

from heliograph.core import ids
from tests.process.provider import Play, Provider, report_of, request, signature
from tests.process.server import Api, Server

CONFIG = """public_url = "{url}"
{connector}
[[routes]]
name = "all"
via = ["main"]
"""
TO = "+447400123456"
_AT_ONCE = 1_000
_TICK_S = 0.001
_CPU_TICK = os.sysconf("SC_CLK_TCK")


class Verdict(NamedTuple):
    """What came of it."""

    reports: int
    per_s: float
    p50_ms: float
    p99_ms: float
    worst_ms: float
    late_s: float  # the last answer, after the last report was due
    cpu_us: float  # of the gateway, for each report
    not_taken: int  # answers that were no 2xx, or none
    delivered: int  # messages
    lost: int  # reports that left no trace: not delivered, not parked
    asked: int  # questions that the gateway asked meanwhile about messages not yet reported

    @property
    def is_whole(self) -> bool:
        return not (self.not_taken or self.lost)

    @property
    def is_good(self) -> bool:
        return self.is_whole and self.late_s <= 1.0


class Line(asyncio.Protocol):
    """One kept-alive connection: a report at a time."""

    def __init__(self, load: "Load") -> None:
        self._load = load
        self._buffer = b""
        self._due = 0.0
        self._is_waiting = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def close(self) -> None:
        self._transport.close()

    def send(self, due: float, report: bytes) -> None:
        self._due, self._is_waiting = due, True
        self._transport.write(report)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, end, body = self._buffer.partition(b"\r\n\r\n")
        if not end or len(body) < _length(head):
            return
        self._buffer, self._is_waiting = b"", False
        self._load.answered(self, self._due, int(head[9:12]))

    def connection_lost(self, error: Exception | None) -> None:
        if self._is_waiting:
            self._load.note(self._due, 0)
        self._load.gone(self)


def _length(head: bytes) -> int:
    _, _, rest = head.lower().partition(b"content-length:")
    return int(rest.partition(b"\r\n")[0] or 0)


class Load:
    """Sends each report when it is due, over whatever connection is free."""

    def __init__(self, reports: list[bytes], rate: float) -> None:
        self._waiting = deque(enumerate(reports))
        self._free: list[Line] = []
        self._step = 1 / rate
        self._count = len(reports)
        self._open = 0
        self.waits: list[float] = []
        self.statuses: Counter[int] = Counter()

    async def run(self, port: int, connections: int) -> float:
        """Seconds between the moment when the last report was due and the last answer."""
        loop = asyncio.get_running_loop()
        self._done: asyncio.Future[None] = loop.create_future()
        for _ in range(connections):
            _, line = await loop.create_connection(lambda: Line(self), "127.0.0.1", port)
            self._free.append(line)
            self._open += 1
        self._began = loop.time()
        self._send()
        await self._done
        late = loop.time() - self._began - self._step * (self._count - 1)
        for line in self._free:
            line.close()
        while self._open:
            await asyncio.sleep(0)
        return late

    def _send(self) -> None:
        loop = asyncio.get_running_loop()
        self._send_due(loop.time())
        if self._waiting:
            loop.call_later(_TICK_S, self._send)

    def _send_due(self, now: float) -> None:
        while self._waiting and self._free:
            number, report = self._waiting[0]
            due = self._began + number * self._step
            if due > now:
                return
            self._waiting.popleft()
            self._free.pop().send(due, report)

    def answered(self, line: Line, due: float, status: int) -> None:
        self._free.append(line)
        self.note(due, status)
        self._send_due(asyncio.get_running_loop().time())

    def note(self, due: float, status: int) -> None:
        self.statuses[status] += 1
        if status:
            self.waits.append(asyncio.get_running_loop().time() - due)
        if self.statuses.total() == self._count and not self._done.done():
            self._done.set_result(None)

    def gone(self, line: Line) -> None:
        """The gateway closed it; when it was the last one, nothing of what waits can be sent."""
        self._open -= 1
        if line in self._free:
            self._free.remove(line)
        while not self._open and self._waiting:
            number, _ = self._waiting.popleft()
            self.note(self._began + number * self._step, 0)


def run(folder: Path, *, count: int, rate: float, connections: int = 32) -> Verdict:
    """Send half as many messages, then report them and as many that nobody knows."""
    with Provider(Play(reports=())) as provider:
        server = Server(folder)
        server.configure(CONFIG.format(url=server.url, connector=provider.connector("main")))
        with server:
            _send(server, provider, count // 2)
            reports = _reports(server, provider, count)
            load = Load(reports, rate)
            assert server.process is not None
            asked, before = len(provider.asked), _cpu_s(server.process.pid)
            late = asyncio.run(load.run(server.port, connections))
            spent = _cpu_s(server.process.pid) - before
            asked = len(provider.asked) - asked
            delivered, parked = _kept(server)
    waits = sorted(load.waits) or [0.0]
    taken = sum(number for status, number in load.statuses.items() if 200 <= status < 300)
    return Verdict(
        reports=count,
        per_s=round(taken / max(count / rate + late, 1e-9)),
        p50_ms=round(waits[len(waits) // 2] * 1e3, 2),
        p99_ms=round(waits[int(len(waits) * 0.99)] * 1e3, 2),
        worst_ms=round(waits[-1] * 1e3, 2),
        late_s=round(late, 3),
        cpu_us=round(spent / count * 1e6, 1),
        not_taken=count - taken,
        delivered=delivered,
        lost=count - delivered - parked,
        asked=asked,
    )


def _send(server: Server, provider: Provider, count: int) -> None:
    """Messages that the provider has taken, and of which it has said no more."""
    api = Api(server, server.key("messages:send", environment="live"))
    for start in range(0, count, _AT_ONCE):
        messages = [{"to": TO, "text": "Hello"}] * min(_AT_ONCE, count - start)
        answer = api("POST", "/v1/messages/batch", {"messages": messages})
        assert answer.status_code == 202, answer.text
    end = time.monotonic() + 60 + count / 100
    while _count(server, "SELECT COUNT(*) FROM messages WHERE state = 'sent'") < count:
        assert time.monotonic() < end, f"only {len(provider.texts)} of {count} were handed over"
        time.sleep(0.1)


def _reports(server: Server, provider: Provider, count: int) -> list[bytes]:
    """Of a known message and an unknown one by turns, as they go over the wire."""
    known = [(text.sid, text.callback) for text in provider.texts]
    now = int(time.time() * 1_000)
    url = f"{server.url}/in/main/status?ref="  # of another installation that uses the account
    unknown = [(f"SMunknown{n:023d}", url + ids.reference(now, 10**9 + n, 1)) for n in range(count - len(known))]
    reports = []
    for sid, callback in chain.from_iterable(zip(known, unknown, strict=True)):
        form = report_of(provider.account, sid, "delivered", to=TO)
        reports.append(request(callback, form, signature(provider.token, callback, form), close=False))
    return reports


def _kept(server: Server) -> tuple[int, int]:
    """Delivered messages and parked reports: all that was answered must be there at once."""
    delivered = _count(server, "SELECT COUNT(*) FROM messages WHERE state = 'delivered'")
    return delivered, _count(server, "SELECT COUNT(*) FROM parked_receipts")


def _count(server: Server, sql: str) -> int:
    ledger = sqlite3.connect(f"file:{server.data_dir / 'heliograph.db'}?mode=ro", uri=True)
    try:
        return int(ledger.execute(sql).fetchone()[0])
    finally:
        ledger.close()


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _CPU_TICK


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--rate", type=float, default=2_000)
    parser.add_argument("--connections", type=int, default=32)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hg-callbacks-") as folder:
        verdict = run(Path(folder), count=asked.count // 2 * 2, rate=asked.rate, connections=asked.connections)
    sys.stdout.write(json.dumps(verdict._asdict()) + "\n")
    raise SystemExit(not verdict.is_good)


if __name__ == "__main__":
    main()
