"""What bad carriers do to many messages, seen at the carrier and in the ledger.

    python -m tests.process.links hostile --count 20000    drops, throttles, loses answers, reports early and twice
    python -m tests.process.links outage --count 10000     the first carrier of a route goes away in the middle
    python -m tests.process.links caps --processes 3       a configured rate, in every window of one second

pytest runs small ones. Every run stops by itself; the exit code is 1 when a bar was missed.
"""

import argparse
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from heliograph.engine.secrets import new_key
from tests.process.server import Api, Server
from tests.process.smsc import Line, Smsc, most_in_a_second

_AT_ONCE = 1_000
_HEAD = """
{store}
[[routes]]
name = "all"
via = [{via}]
"""
_CONNECTOR = """
[connectors.{name}]
kind = "smpp"
host = "127.0.0.1"
port = {port}
system_id = "acme"
password = "secret"
binds = {binds}
window = {window}
response_timeout_s = 3
reconnect_first_s = 0.2
reconnect_longest_s = 2
max_segments_per_second = {cap}
"""


def connector(name: str, port: int, *, binds: int = 2, window: int = 50, cap: int = 0) -> str:
    return _CONNECTOR.format(name=name, port=port, binds=binds, window=window, cap=cap)


def number_of(place: int) -> str:
    return f"+447911{place:06d}"


class Row(NamedTuple):
    """A message in the ledger."""

    number: str
    state: str
    kind: str
    connector: str
    possible_duplicate: int
    accepted_at: int
    sent_at: int | None


class Seen(NamedTuple):
    """What became of all messages."""

    accepted: int
    lost: int  # no carrier ever saw them
    not_ended: int
    wrong_end: int
    doubled: int
    doubled_unflagged: int
    seconds: float

    @property
    def is_good(self) -> bool:
        return not (self.lost or self.not_ended or self.wrong_end or self.doubled_unflagged)


def send(api: Api, places: Sequence[int], kind: str = "transactional") -> None:
    for start in range(0, len(places), _AT_ONCE):
        some = places[start : start + _AT_ONCE]
        messages = [{"to": number_of(place), "text": f"Parcel {place} is there", "kind": kind} for place in some]
        answer = api("POST", "/v1/messages/batch", {"messages": messages})
        assert answer.status_code == 202, answer.text


def rows(server: Server) -> list[Row]:
    ledger = sqlite3.connect(f"file:{server.data_dir / 'heliograph.db'}?mode=ro", uri=True)
    try:
        columns = ", ".join("to_number" if name == "number" else name for name in Row._fields)
        return [Row(*row) for row in ledger.execute(f"SELECT {columns} FROM messages ORDER BY id")]
    finally:
        ledger.close()


def wait_for_ends(server: Server, count: int, within_s: float) -> None:
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        ledger = sqlite3.connect(f"file:{server.data_dir / 'heliograph.db'}?mode=ro", uri=True)
        [(ended,)] = ledger.execute("SELECT count(*) FROM messages WHERE final_at IS NOT NULL")
        ledger.close()
        if ended >= count:
            return
        time.sleep(0.25)


def judge(found: Sequence[Row], lines: Sequence[Line], seconds: float) -> Seen:
    """Compare the ledger with what the carriers wrote down. Numbers are used once each."""
    taken = Counter(f"+{line.number}" for line in lines if line.taken)
    right = {row.number: "undelivered" if row.number.endswith("7") else "delivered" for row in found}
    doubled = [row for row in found if taken[row.number] > 1]
    return Seen(
        len(found),
        sum(not taken[row.number] for row in found),
        sum(row.state not in ("delivered", "undelivered", "failed", "expired") for row in found),
        sum(row.state != right[row.number] for row in found),
        len(doubled),
        sum(not row.possible_duplicate for row in doubled),
        round(seconds, 1),
    )


def hostile(folder: Path, count: int, *, per_second: int = 300, drop_after: int = 500) -> Seen:
    """Everything at once that a carrier may do short of lying."""
    options = ["--drop-after", drop_after, "--per-second", per_second, "--lose", 0.01]
    centre = Smsc(folder, *map(str, options), "--early", "--twice", "--other-binds")
    with centre, Server(folder, _HEAD.format(store="", via='"telco"') + connector("telco", centre.port)) as server:
        api = Api(server, server.key("messages:send", environment="live"))
        began = time.monotonic()
        send(api, range(count))
        wait_for_ends(server, count, 180 + 4 * count / per_second)
        seconds = time.monotonic() - began
        server.stop()
        found = rows(server)
        centre.stop()
        return judge(found, centre.lines(), seconds)


class Moved(NamedTuple):
    """An outage, and how the OTPs fared that were sent during it."""

    seen: Seen
    otps: int
    otp_worst_ms: int
    by_second: int  # delivered by the second connector

    @property
    def is_good(self) -> bool:
        return self.seen.is_good and self.seen.doubled == 0 and self.otp_worst_ms <= 5_000


def outage(folder: Path, count: int) -> Moved:
    """The first carrier goes away while most of the messages wait for it; OTPs keep coming. What it took it reports
    when it is back, after everything else has gone the other way."""
    first, second = Smsc(folder), Smsc(folder)
    config = _HEAD.format(store="", via='"first", "second"')
    # A modest rate and window, so that much waits when it happens; nothing is in flight when it goes.
    config += connector("first", first.port, cap=count // 4, window=20) + connector("second", second.port)
    with first, second, Server(folder, config) as server:
        api = Api(server, server.key("messages:send", environment="live"))
        began = time.monotonic()
        send(api, range(count))
        time.sleep(1.5)
        first.outage(True)
        otps = 20
        for place in range(otps):
            send(api, [count + place], kind="otp")
            time.sleep(0.1)
        time.sleep(15.0)
        first.outage(False)
        wait_for_ends(server, count + otps, 90)
        seconds = time.monotonic() - began
        server.stop()
        found = rows(server)
        first.stop()
        second.stop()
        worst = max((row.sent_at or 1 << 60) - row.accepted_at for row in found if row.kind == "otp")
        seen = judge(found, [*first.lines(), *second.lines()], seconds)
        return Moved(seen, otps, worst, sum(row.connector == "second" for row in found))


class Capped(NamedTuple):
    """The fullest second at the message centre."""

    cap: int
    most: int
    submits: int

    @property
    def is_good(self) -> bool:
        return 0 < self.most <= self.cap and self.submits > self.cap


def caps(folder: Path, count: int, *, cap: int = 100, processes: int = 1, store: str = "") -> Capped:
    """A rate, with as many processes as asked for; more than one needs PostgreSQL."""
    with Smsc(folder) as centre:
        config = _HEAD.format(store=store, via='"telco"') + connector("telco", centre.port, cap=cap)
        servers: list[Server] = []
        try:
            key = {"HELIOGRAPH_MASTER_KEY": new_key()}
            for place in range(processes):
                home = folder / str(place)
                home.mkdir()
                servers.append(Server(home, config, environ=key).start())
            api = Api(servers[0], servers[0].key("messages:send", environment="live"))
            for start in range(0, count, 200):
                send(api, range(start, min(start + 200, count)))
            time.sleep(count / cap / 2)
            if processes > 1:  # another one takes the connector over in the middle
                servers.pop(0).kill()
            time.sleep(count / cap / 2 + (20 if processes > 1 else 3))
        finally:
            for server in servers:
                server.stop()
        centre.stop()
        times = [line.at for line in centre.lines()]
        return Capped(cap, most_in_a_second(times), len(times))


def run(asked: Any, folder: Path) -> Seen | Moved | Capped:
    if asked.what == "hostile":
        return hostile(folder, asked.count or 20_000)
    if asked.what == "outage":
        return outage(folder, asked.count or 10_000)
    if asked.processes == 1:
        return caps(folder, asked.count or 1_000)
    from tests.process.database import database

    with database() as url:
        store = f'[store]\nurl = "{url}"'
        return caps(folder, asked.count or 2_000, processes=asked.processes, store=store)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("hostile", "outage", "caps"))
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--processes", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hg-links-") as folder:
        found = run(asked, Path(folder))
    sys.stdout.write(f"{found}\n")
    raise SystemExit(not found.is_good)


if __name__ == "__main__":
    main()
