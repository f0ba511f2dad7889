"""Somebody says no while thousands of messages to them wait: what still leaves, and when?

    python -m tests.process.opt_out --count 10000                  one process on SQLite
    python -m tests.process.opt_out --count 10000 --processes 3    three on PostgreSQL, each with a connector of its own

The no is said twice, by two people: one by `POST /v1/consents`, the other texts STOP. With `--carrier smpp` the message
centre says when each message arrived; with `--carrier sandbox` the carrier says, to the millisecond, when each was
handed to it, which is the sharper measure. All clocks are this machine's. pytest runs small ones; the exit code is 1
when a bar was missed.
"""

import argparse
import asyncio
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, NamedTuple

import asyncpg

from heliograph.engine.secrets import new_key
from tests.process.server import Api, Server
from tests.process.smsc import STOP_SENT, STOP_TAKEN, Smsc

_AT_ONCE: Final = 100
_SENDER: Final = "+447700900100"
_BY_API, _BY_TEXT = "+447911000001", "+447911000002"
_CONFIG: Final = """
{store}
[senders."{sender}"]
type = "long_number"
two_way = true
"""
# On PostgreSQL the server knows when a transaction was committed; of SQLite we see when it has been.
_COMMITTED: Final = (
    "SELECT extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8 FROM consents "
    "WHERE number = $1 AND action = 'opt_out'"
)
_STATES: Final = (
    "SELECT count(*), count(m.sent_at), sum(CASE WHEN m.failure_code = 'opted_out' THEN 1 ELSE 0 END), "
    "sum(CASE WHEN m.final_at IS NULL THEN 1 ELSE 0 END) FROM messages m "
    "WHERE m.to_number = $1 AND m.kind = 'promotional'"
)


class Said(NamedTuple):
    """How a no of one person went."""

    how: str
    queued: int
    left: int  # were handed over, before the no or after it
    after_commit: int  # handed over, or arrived at the message centre, when the no was in the ledger
    after_answer: int  # … when the API had answered, or the confirmation was on its way to the phone
    rejected: int
    open: int  # have no end
    ms_to_answer: int  # from the API's request, or from the commit of the STOP

    @property
    def is_good(self) -> bool:
        all_told = self.left + self.rejected == self.queued and not self.open
        return all_told and not self.after_answer and 0 < self.left < self.queued


class Sent(NamedTuple):
    """A message as its carrier saw it."""

    at: float
    to: str
    is_offer: bool


class Site:
    """The processes, their ledger and their carrier."""

    def __init__(self, folder: Path, stack: ExitStack, asked: "Asked", url: str | None) -> None:
        self.folder, self.url = folder, url
        self.centre = stack.enter_context(Smsc(folder, *asked.moods)) if asked.carrier == "smpp" else None
        environ = {"HELIOGRAPH_MASTER_KEY": new_key()}
        config = _CONFIG.format(store=f'[store]\nurl = "{url}"' if url else "", sender=_SENDER)
        self.servers: list[Server] = []
        for place in range(asked.processes):
            (home := folder / str(place)).mkdir()
            self.servers.append(stack.enter_context(Server(home, config, environ=environ)))
        key = self.servers[0].key("admin", environment="live")
        self.api = [Api(server, key) for server in self.servers]
        names = [f"way{place}" for place in range(asked.processes)]
        if url:  # so that each process has one
            asyncio.run(_lend(url, names))
        document = {
            "policies": {"quiet_hours": {"kinds": []}},  # a connector over SMPP reaches people: at night offers wait
            "connectors": {name: self._connector(name, max(1, asked.rate // len(names))) for name in names},
            "routes": [
                {"name": name, "match": {"share": 1 / (len(names) - place)}, "via": [name]}
                for place, name in enumerate(names)
            ],
        }
        answer = self.api[0]("POST", "/v1/apply", {"document": document})
        assert answer.status_code == 200, answer.text
        self.seen_at: dict[str, float] = {}  # when a no was in the ledger, as far as one can see
        self._is_over = threading.Event()
        watch = threading.Thread(target=self._watch, daemon=True)
        watch.start()
        stack.callback(watch.join)
        stack.callback(self._is_over.set)

    def _connector(self, name: str, rate: int) -> dict[str, Any]:
        if self.centre is None:
            journal = str(self.folder / f"{name}.journal")
            more = {"kind": "sandbox", "answer_delay_ms": 10, "receipt_delay_ms": 30, "journal": journal}
        else:
            more = {"kind": "smpp", "host": "127.0.0.1", "port": self.centre.port, "system_id": "acme"}
            more |= {"password": "secret", "binds": 2, "window": 50}
        return {"max_segments_per_second": rate, **more}

    def _watch(self) -> None:
        if self.url:
            return
        ledger = sqlite3.connect(f"file:{self.servers[0].data_dir / 'heliograph.db'}?mode=ro", uri=True)
        while not self._is_over.wait(0.001):
            for (number,) in ledger.execute("SELECT number FROM stances WHERE out_at IS NOT NULL"):
                self.seen_at.setdefault(number, time.time())
        ledger.close()

    def rows(self, sql: str, *values: Any) -> list[Any]:
        if self.url:
            return asyncio.run(_ask(self.url, sql, values))
        ledger = sqlite3.connect(f"file:{self.servers[0].data_dir / 'heliograph.db'}?mode=ro", uri=True)
        try:
            return ledger.execute(sql.replace("$", "?"), values).fetchall()
        finally:
            ledger.close()

    def states(self, number: str) -> tuple[int, int, int, int]:
        """How many offers there are, were taken by their carrier, were rejected, have no end."""
        (row,) = self.rows(_STATES, number)
        return (int(row[0]), int(row[1]), int(row[2] or 0), int(row[3] or 0))

    def committed(self, number: str) -> float:
        return float(self.rows(_COMMITTED, number)[0][0]) if self.url else self.seen_at[number]

    def sent(self) -> list[Sent]:
        """What the carriers saw."""
        if self.centre is not None:
            lines = [one for one in self.centre.lines() if one.text != STOP_SENT and one.text != STOP_TAKEN]
            return [Sent(one.at, f"+{one.number}", one.text.startswith("Offer")) for one in lines]
        to = dict(self.rows("SELECT id, to_number FROM messages WHERE id > $1", 0))
        found = []
        for journal in self.folder.glob("*.journal"):
            for line in journal.read_text().splitlines():
                message, _, _, at, kind, _ = line.split()
                found.append(Sent(int(at) / 1000, to[int(message)], kind == "promotional"))
        return sorted(found)

    def text_stop(self) -> None:
        """The message centre does it by itself; a phone of the sandbox is told to, where its connector is."""
        if self.centre is None:
            body = {"from": _BY_TEXT, "to": _SENDER, "text": "STOP", "connector": "way0"}
            answers = (api("POST", "/v1/sandbox/inbound", body).status_code for api in self.api)
            assert 202 in answers, "no process has the connector"


class Asked(NamedTuple):
    """What is to be run."""

    count: int
    processes: int = 1
    carrier: str = "smpp"
    rate: int = 1_000

    @property
    def moods(self) -> list[str]:
        return ["--stop-after", str(self.count // 4)]


async def _lend(url: str, names: Sequence[str]) -> None:
    """Each process its connector: a lease that is there before the connector is nobody else's."""
    connection = await asyncpg.connect(url)
    try:
        owners = [row["id"] for row in await connection.fetch("SELECT id FROM processes ORDER BY id")]
        until = int(time.time() * 1000) + 15_000
        for owner, name in zip(owners, names, strict=True):
            await connection.execute("INSERT INTO leases VALUES ($1, $2, 1, $3)", f"connector:{name}", owner, until)
    finally:
        await connection.close()


async def _ask(url: str, sql: str, values: Sequence[Any]) -> list[Any]:
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(sql, *values)]
    finally:
        await connection.close()


def queue(api: Api, count: int) -> None:
    """So many offers for each of the two, by turns."""
    for number in (_BY_API, _BY_TEXT):
        said = {"to": number, "action": "opt_in", "purpose": "promotional", "source": "web_form"}
        assert api("POST", "/v1/consents", said).status_code == 201
    for start in range(0, count, _AT_ONCE):
        for number in (_BY_API, _BY_TEXT):
            places = range(start, min(start + _AT_ONCE, count))
            messages = [{"to": number, "text": f"Offer {place}"} for place in places]
            body = {"defaults": {"kind": "promotional", "sender": _SENDER}, "messages": messages}
            answer = api("POST", "/v1/messages/batch", body)
            assert answer.status_code == 202, answer.text


def until(condition: Callable[[], bool], within_s: float) -> None:
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.05)


def run(folder: Path, asked: Asked, url: str | None = None) -> list[Said]:
    """Both ways, at the same time."""
    with ExitStack() as stack:
        site = Site(folder, stack, asked, url)
        patience_s = 60 + 3 * asked.count / asked.rate
        queue(site.api[0], asked.count)
        until(lambda: min(site.states(number)[1] for number in (_BY_API, _BY_TEXT)) >= asked.count // 5, patience_s)
        site.text_stop()
        began = time.time()
        # Asked of another process than the one that hands over, where there are several.
        answer = site.api[-1]("POST", "/v1/consents", {"to": _BY_API, "action": "opt_out"})
        answered = time.time()
        assert answer.status_code == 201, answer.text
        until(lambda: site.states(_BY_API)[3] == site.states(_BY_TEXT)[3] == 0, patience_s)
        time.sleep(1.0)  # what is still on its way to the message centre
        states = {number: site.states(number) for number in (_BY_API, _BY_TEXT)}
        commits = {number: site.committed(number) for number in states}
        sent = site.sent() if site.centre is None else []
    sent = sent or site.sent()  # the message centre tells when it has ended
    confirmed = min(one.at for one in sent if one.to == _BY_TEXT and not one.is_offer)
    found = []
    for how, number, begin, end in (
        ("POST /v1/consents", _BY_API, began, answered),
        ("STOP by text", _BY_TEXT, commits[_BY_TEXT], confirmed),
    ):
        queued, _, rejected, open_ones = states[number]
        times = [one.at for one in sent if one.to == number and one.is_offer]
        after = [sum(at > moment for at in times) for moment in (commits[number], end)]
        found.append(Said(how, queued, len(times), *after, rejected, open_ones, round((end - begin) * 1000)))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--carrier", choices=("smpp", "sandbox"), default="smpp")
    parser.add_argument("--rate", type=int, default=1_000)
    asked = Asked(**vars(parser.parse_args()))
    with tempfile.TemporaryDirectory(prefix="hg-opt-out-") as folder, ExitStack() as stack:
        url = None
        if asked.processes > 1:
            from tests.process.database import database

            url = stack.enter_context(database("track_commit_timestamp = on"))
        found = run(Path(folder), asked, url)
    sys.stdout.write("\n".join(map(str, [asked, *found, ""])))
    raise SystemExit(not all(said.is_good for said in found))


if __name__ == "__main__":
    main()
