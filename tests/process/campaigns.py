"""The bars of campaigns, against a real gateway on SQLite.

`python -m tests.process.campaigns --count 1000000` uploads an audience of which 2 % are bad lines, checks it, enqueues
it and says what that took; with `--otp` it sends one-time codes meanwhile and says how long they took to be sent;
`--verify 100` starts so many verifications a second while the campaign is enqueued and sent at 500/s, and says how long
each took from the application's request to the carrier.
`--kills 10` kills the gateway so many times in the middle and counts what each recipient got; pytest does three.
"""

import argparse
import os
import random
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import apsw
import requests

from tests.process.server import Api, Server

_BAD_EVERY = 50
_TICKS = os.sysconf("SC_CLK_TCK")
CONFIG = """
[limits]
client_messages_per_second = 100000
workspace_messages_per_second = 100000
[connectors.quick]
kind = "sandbox"
answer_delay_ms = 5
receipt_delay_ms = 20
{more}
[[routes]]
name = "codes"
via = ["quick"]
match = {{ kind = "otp" }}
[connectors.play]
kind = "sandbox"
answer_delay_ms = 5
receipt_delay_ms = 20
max_segments_per_second = {rate}
{journal}
[[routes]]
name = "all"
via = ["play"]
"""


class Bill(NamedTuple):
    """What a stretch of work took of the gateway."""

    seconds: float
    cpu_us_each: float
    memory_mb: float

    def __str__(self) -> str:
        return f"{self.seconds:.1f} s, {self.cpu_us_each:.1f} us of CPU each, {self.memory_mb:.0f} MB"


def lines(count: int, seed: int = 1) -> Iterator[bytes]:
    """A file with so many good lines; every fiftieth line beside them is bad, for one reason or another."""
    yield b"to,name\n"
    bad = (b"nonsense,Nobody\n", b"+4420,Short\n", b"+447400000000,Twice\n", b"+447400000001,a,b\n")
    for number in range(count):
        yield b"+4474%08d,Customer %d\n" % (number, number)
        if number % (_BAD_EVERY - 1) == _BAD_EVERY - 2:
            yield bad[number % len(bad)]


def pieces(count: int) -> Iterator[bytes]:
    """The same, in pieces as a client sends them."""
    gathered: list[bytes] = []
    for line in lines(count):
        gathered.append(line)
        if len(gathered) == 2_000:
            yield b"".join(gathered)
            gathered.clear()
    yield b"".join(gathered)


class Gauge:
    """Looks at a process from outside."""

    def __init__(self, pid: int, count: int) -> None:
        self._pid, self._count = pid, count
        self._began, self._cpu = time.monotonic(), self._used()

    def _used(self) -> float:
        fields = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def read(self) -> Bill:
        status = Path(f"/proc/{self._pid}/status").read_text()
        memory = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
        seconds, cpu = time.monotonic() - self._began, self._used() - self._cpu
        return Bill(seconds, cpu * 1e6 / self._count, memory / 1024)


def upload(api: Api, count: int) -> dict[str, Any]:
    answer = api.session.post(
        f"{api.url}/v1/audiences/upload?name=many",
        data=pieces(count),
        headers={"Content-Type": "text/csv"},
        timeout=600,
    )
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def create(api: Api, **spec: Any) -> None:
    given = {"name": "many", "audience": "many", "text": "Dear {{name}}, our sale begins today.", **spec}
    answer = api("POST", "/v1/campaigns", given)
    assert answer.status_code == 201, answer.text


def wait(api: Api, path: str, is_so: Any, within_s: float = 600, pause_s: float = 0.5) -> dict[str, Any]:
    end = time.monotonic() + within_s
    while True:
        try:
            found: dict[str, Any] = api("GET", f"/v1/campaigns/many{path}").json()
            if is_so(found):
                return found
        except requests.RequestException:  # it is being killed
            found = {}
        assert time.monotonic() < end, found
        time.sleep(pause_s)


def is_enqueued(server: Server) -> bool:
    """Has the audience been gone through? Asked beside the gateway, which it costs nothing."""
    return _count(server, "SELECT count(*) FROM campaigns WHERE enqueued_at IS NOT NULL") == 1


class Codes(threading.Thread):
    """Sends one-time codes at a steady pace, and learns how long each took from the request to the carrier's yes."""

    def __init__(self, api: Api, per_second: int) -> None:
        super().__init__(daemon=True)
        self._api, self._gap = api, 1 / per_second
        self.ids: list[str] = []
        self.answers_ms: list[float] = []
        self.stopping = threading.Event()

    def run(self) -> None:
        turn = time.monotonic()
        while not self.stopping.is_set():
            began = time.monotonic()
            self.ids.append(self._api.send("+447700912345", "Your code is 123456", kind="otp")["id"])
            self.answers_ms.append((time.monotonic() - began) * 1000)
            turn += self._gap
            time.sleep(max(0.0, turn - time.monotonic()))

    def said(self) -> str:
        self.stopping.set()
        self.join(10)
        time.sleep(0.5)
        taken = []
        for public_id in self.ids[-500:]:
            message = self._api("GET", f"/v1/messages/{public_id}").json()
            if message["sent_at"]:
                taken.append(_ms(message["sent_at"]) - _ms(message["created_at"]))
        return f"answer {_spread(self.answers_ms)}; accepted to sent {_spread(taken)}"


def _ms(text: str) -> float:
    hours, minutes, seconds = text[11:-1].split(":")
    return (int(hours) * 3_600 + int(minutes) * 60 + float(seconds)) * 1_000


def _spread(values: list[float]) -> str:
    cuts = statistics.quantiles(values, n=100)
    return f"p50 {cuts[49]:.1f} p99 {cuts[98]:.1f} max {max(values):.1f} ms (n={len(values)})"


def bar(folder: Path, count: int, otp: int) -> None:
    """Upload, check, enqueue; say what each took."""
    say = sys.stdout.write
    with Server(folder, CONFIG.format(more="", rate=1, journal="")) as server:
        api = Api(server, server.key("admin"))
        assert server.process is not None
        pid = server.process.pid
        if otp:
            codes = Codes(Api(server, server.key("messages:send", "messages:read")), otp)
            codes.start()
            time.sleep(10)
            say(f"codes alone: {codes.said()}\n")
        gauge = Gauge(pid, count)
        audience = upload(api, count)
        say(f"uploaded: {gauge.read()}\n{audience}\n")
        found, cursor = Counter[str](), "0"
        while cursor is not None:
            page = api("GET", f"/v1/audiences/many/faults?limit=10000&cursor={cursor}").json()
            found.update(fault["code"] for fault in page["data"])
            cursor = page["next_cursor"]
        say(f"faults: {dict(found)}\n")
        gauge = Gauge(pid, count)
        create(api)
        ready = wait(api, "", lambda one: one["status"] == "ready")
        say(f"checked: {gauge.read()}\n{ready['estimate']}\n")
        if otp:
            codes = Codes(Api(server, server.key("messages:send", "messages:read")), otp)
            codes.start()
        gauge = Gauge(pid, count)
        api("POST", "/v1/campaigns/many/start", {})
        while not is_enqueued(server):
            time.sleep(0.1)
        say(f"enqueued: {gauge.read()}\n")
        if otp:
            say(f"codes meanwhile: {codes.said()}\n")
        began = time.monotonic()
        total = api("GET", "/v1/campaigns/many/progress").json()
        say(f"progress in {time.monotonic() - began:.2f} s: {total['total']}\n")


class Verifications(threading.Thread):
    """Starts verifications at a steady pace, each of another phone, and enters every second code."""

    def __init__(self, server: Server, key: str, per_second: float, prefix: str) -> None:
        super().__init__(daemon=True)
        self._api, self._gap, self._prefix = Api(server, key), 1 / per_second, prefix
        self.began_ms: dict[str, float] = {}  # by phone
        self.stopping = threading.Event()

    def run(self) -> None:
        turn = time.monotonic()
        while not self.stopping.is_set():
            number = f"{self._prefix}{len(self.began_ms):06d}"
            self.began_ms[number] = time.time() * 1000
            started = self._api("POST", "/v1/verifications", {"to": number})
            assert started.status_code == 201, started.text
            if len(self.began_ms) % 2:
                code = {"code": started.json()["test_code"]}
                assert self._api("POST", f"/v1/verifications/{started.json()['id']}/check", code).json()["is_approved"]
            turn += self._gap
            time.sleep(max(0.0, turn - time.monotonic()))


def verified(server: Server, journal: Path, per_second: int, seconds: float) -> str:
    """How long verifications took to the carrier, of so many a second from four applications."""
    key = server.key("verify")
    threads = [Verifications(server, key, per_second / 4, f"+44790{place}") for place in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    for thread in threads:
        thread.stopping.set()
    for thread in threads:
        thread.join(10)
    time.sleep(1)
    connection = apsw.Connection(str(server.data_dir / "heliograph.db"), flags=apsw.SQLITE_OPEN_READONLY)
    phones = dict(connection.execute("SELECT id, to_number FROM messages WHERE kind = 'otp'").fetchall())
    connection.close()
    began = {number: at for thread in threads for number, at in thread.began_ms.items()}
    arrived = {phones[int(line.split()[0])]: int(line.split()[3]) for line in journal.read_text().splitlines()}
    assert not began.keys() - arrived.keys(), "some never came to the carrier"
    return _spread([arrived[number] - at for number, at in began.items()])


def beside_verifications(folder: Path, count: int, per_second: int) -> None:
    """Verifications alone, while the campaign is enqueued, and while it is sent."""
    say, journal = sys.stdout.write, folder / "codes"
    more = f'journal = "{journal}"\n[policies.verify]\nmode = "shadow"'
    with Server(folder, CONFIG.format(more=more, rate=500, journal="")) as server:
        api = Api(server, server.key("admin"))
        say(f"alone: {verified(server, journal, per_second, 15)}\n")
        upload(api, count)
        create(api)
        wait(api, "", lambda one: one["status"] == "ready")
        api("POST", "/v1/campaigns/many/start", {})
        for _ in range(3):
            is_over = is_enqueued(server)
            said = verified(server, journal, per_second, 20)
            sent = _count(server, "SELECT count(*) FROM messages WHERE sent_at IS NOT NULL AND kind = 'promotional'")
            say(f"beside it, {'enqueued' if is_over else 'being enqueued'}, {sent} sent: {said}\n")


class Verdict(NamedTuple):
    """What came of a campaign that was killed."""

    kills: int
    lost: int  # recipients without a message
    doubled: int  # recipients with more than one
    resubmitted: int  # messages submitted again without being flagged
    left: int  # messages that have not left
    unknown: int  # in the window of a kill: nobody can tell, so they wait for the carrier's word; not sent again

    @property
    def is_good(self) -> bool:
        return not (self.lost or self.doubled or self.resubmitted or self.left)


def killed(folder: Path, count: int, kills: int, seed: int) -> Verdict:
    """Kill it so many times in the middle; then let it come to its end, and count."""
    chance, journal = random.Random(seed), folder / "journal"
    server = Server(folder, CONFIG.format(more="", rate=4_000, journal=f'journal = "{journal}"'))
    done = 0
    with server:
        api = Api(server, server.key("admin"))
        upload(api, count)
        create(api)
        wait(api, "", lambda one: one["status"] == "ready", pause_s=0.05)
        api("POST", "/v1/campaigns/many/start", {})
        while done < kills and not is_enqueued(server):
            time.sleep(chance.uniform(0.02, 0.3))
            server.kill()
            done += 1
            server.start()
        end = time.monotonic() + 120
        while (not is_enqueued(server) or _count(server, _LEAVING)) and time.monotonic() < end:
            time.sleep(0.2)
    return _judge(server, journal, count, done)


_LEAVING = (
    "SELECT count(*) FROM messages WHERE state = 'sending' OR (state IN ('scheduled', 'queued') AND attempts = 0)"
)


def _count(server: Server, sql: str) -> int:
    connection = apsw.Connection(str(server.data_dir / "heliograph.db"), flags=apsw.SQLITE_OPEN_READONLY)
    connection.set_busy_timeout(5_000)
    rows: Any = connection.execute(sql).fetchall()
    connection.close()
    return int(rows[0][0])


def _judge(server: Server, journal: Path, count: int, kills: int) -> Verdict:
    people = _count(server, "SELECT count(DISTINCT to_number) FROM messages")
    messages = _count(server, "SELECT count(*) FROM messages")
    unknown = _count(server, "SELECT count(*) FROM messages WHERE state = 'queued' AND attempts > 0")
    submissions: dict[str, list[str]] = {}
    for line in journal.read_text().splitlines():
        number, _, flag, *_ = line.split()
        submissions.setdefault(number, []).append(flag)
    again = sum("0" in flags[1:] for flags in submissions.values())
    return Verdict(kills, count - people, messages - people, again, _count(server, _LEAVING), unknown)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--otp", type=int, default=0, metavar="PER_SECOND")
    parser.add_argument("--verify", type=int, default=0, metavar="PER_SECOND")
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hg-campaigns-") as folder:
        if asked.verify:
            beside_verifications(Path(folder), asked.count, asked.verify)
            return
        if not asked.kills:
            bar(Path(folder), asked.count, asked.otp)
            return
        verdict = killed(Path(folder), asked.count, asked.kills, asked.seed)
    sys.stdout.write(f"{asked.count} recipients: {verdict}\n")
    raise SystemExit(not verdict.is_good)


if __name__ == "__main__":
    main()
