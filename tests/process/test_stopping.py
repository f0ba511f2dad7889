"""Stops under load, a full disk, a database that goes away: what was accepted is kept, and nothing is doubled."""

import os
import resource
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from tests.process.database import postgres
from tests.process.kill import CONFIG, Load
from tests.process.server import Api, Server
from tests.process.sink import Sink
from tests.process.wire import Wire


def ended(api: Api, accepted: list[str], within_s: float = 30.0) -> set[str]:
    """The states that all these messages have reached when they have ended."""
    end = time.monotonic() + within_s
    while True:
        states = [
            found
            for start in range(0, len(accepted), 1_000)
            for found in api("POST", "/v1/messages/states", {"ids": accepted[start : start + 1_000]}).json()["data"]
        ]
        if len(states) == len(set(accepted)) and all(found["final"] for found in states):
            return {found["status"] for found in states}
        assert time.monotonic() < end, (
            f"{sum(not found['final'] for found in states)} of {len(accepted)} have not ended"
        )
        time.sleep(0.2)


@contextmanager
def loaded(server: Server, hook: str) -> Iterator[list[Load]]:
    """Callers that go on sending until the end of the block."""
    key = server.key("messages:send", "messages:read", environment="live")
    loads = [Load(server, key, hook, index) for index in range(3)]
    for load in loads:
        load.start()
    try:
        yield loads
    finally:
        for load in loads:
            load.stopping.set()
        for load in loads:
            load.join(30)


def test_a_clean_stop_under_load_leaves_no_outcome_unknown(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    with Sink() as sink, Server(tmp_path, CONFIG.format(store="", journal=journal)) as server:
        with loaded(server, sink.url) as loads:
            for _ in range(3):
                time.sleep(0.7)
                assert server.stop() == 0
                server.start()
            time.sleep(0.3)
        accepted = [public_id for load in loads for public_id in load.accepted]
        api = Api(server, server.key("messages:read", environment="live"))
        assert len(accepted) > 50 and ended(api, accepted) == {"delivered"}
    lines = [line.split() for line in journal.read_text().splitlines()]
    assert len({number for number, *_ in lines}) == len(lines), "nothing was handed over twice"
    assert {flag for _, _, flag, *_ in lines} == {"0"}, "nothing had to be flagged"


def test_a_full_disk_refuses_what_it_can_not_keep_and_keeps_what_it_accepted(tmp_path: Path) -> None:
    with Server(tmp_path, CONFIG.format(store="", journal=tmp_path / "journal")) as server:
        api = Api(server, server.key("messages:send", "messages:read", environment="live"))
        before = [api.send()["id"] for _ in range(20)]
        ended(api, before)
        assert server.process is not None
        _limit_files(server.process.pid, _largest_file(server.data_dir))
        answers = [api("POST", "/v1/messages", {"to": "+447700900123", "text": "x" * 150}) for _ in range(50)]
        refused = [answer for answer in answers if answer.status_code != 202]
        assert refused, "the disk was not full"
        assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {(503, "ledger_unavailable")}
        assert all(answer.headers["retry-after"] for answer in refused)
        _limit_files(server.process.pid, resource.RLIM_INFINITY)
        after = [api.send()["id"] for _ in range(20)]
        kept = [answer.json()["id"] for answer in answers if answer.status_code == 202]
        assert ended(api, before + kept + after) == {"delivered"}
        stored = api("GET", "/v1/messages?limit=200").json()["data"]
        assert len(stored) == len(before + kept + after), "what was refused was not stored"


def test_another_writer_holds_up_messages_but_not_the_server(tmp_path: Path) -> None:
    """As a command beside the server does, for a moment."""
    with Server(tmp_path) as server:
        api = Api(server, server.key("messages:send", "messages:read"))
        api.send()
        writer = sqlite3.connect(server.data_dir / "heliograph.db", isolation_level=None)
        writer.execute("BEGIN IMMEDIATE")
        answered: list[int] = []
        sending = threading.Thread(target=lambda: answered.append(len(api.send()["id"])))
        sending.start()
        time.sleep(0.3)
        assert not answered, "it was accepted although nothing could be written"
        assert requests.get(f"{server.url}/healthz", timeout=1).status_code == 200
        writer.execute("ROLLBACK")
        sending.join(10)
        assert answered


def _largest_file(folder: Path) -> int:
    return max(path.stat().st_size for path in folder.iterdir() if path.is_file())


def _limit_files(pid: int, size: int) -> None:
    """No file of the process may grow beyond this: to its writes that is a full disk."""
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))


def test_a_database_that_goes_away_is_waited_for(tmp_path: Path) -> None:
    with postgres() as server_of_postgres, Sink() as sink:
        server_of_postgres.psql("CREATE DATABASE heliograph;")
        address = server_of_postgres.get_uri("heliograph")
        with Wire(address) as wire:
            store = f'[store]\nurl = "{wire.url}"'
            with Server(tmp_path, CONFIG.format(store=store, journal=tmp_path / "journal")) as server:
                api = Api(server, server.key("messages:send", "messages:read", environment="live"))
                before = [api.send(callback_url=sink.url)["id"] for _ in range(20)]
                wire.cut()
                answers = _answers(api, 5)
                assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {
                    (503, "ledger_unavailable")
                }
                assert requests.get(f"{server.url}/healthz", timeout=5).status_code == 200
                _until_not_ready(server)
                wire.mend()
                server.wait_ready()
                after = [api.send(callback_url=sink.url)["id"] for _ in range(20)]
                assert ended(api, before + after) == {"delivered"}
    journal = [line.split() for line in (tmp_path / "journal").read_text().splitlines()]
    unflagged = [number for number, _, flag, *_ in journal if flag == "0"]
    assert len(unflagged) == len(set(unflagged))


def test_a_server_stops_even_if_its_database_is_gone(tmp_path: Path) -> None:
    with postgres() as server_of_postgres:
        server_of_postgres.psql("CREATE DATABASE heliograph;")
        with Wire(server_of_postgres.get_uri("heliograph")) as wire:
            store = f'[store]\nurl = "{wire.url}"'
            server = Server(tmp_path, CONFIG.format(store=store, journal=tmp_path / "journal")).start()
            api = Api(server, server.key("messages:send", "messages:read", environment="live"))
            sent = [api.send()["id"] for _ in range(20)]
            wire.cut()
            server.stop()
            wire.mend()
            with server:
                assert ended(api, sent) == {"delivered"}


def _until_not_ready(server: Server, within_s: float = 15.0) -> None:
    end = time.monotonic() + within_s
    while requests.get(f"{server.url}/readyz", timeout=5).status_code != 503:
        assert time.monotonic() < end, "it goes on calling itself ready"
        time.sleep(0.1)


def _answers(api: Api, count: int) -> list[Any]:
    """Of as many callers at once."""
    found: list[Any] = []

    def ask() -> None:
        caller = requests.post(
            f"{api.url}/v1/messages",
            json={"to": "+447700900123", "text": "Hello"},
            headers=dict(api.session.headers),
            timeout=30,
        )
        found.append(caller)

    threads = [threading.Thread(target=ask) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == count, f"{os.getpid()}: somebody was not answered"
    return found
