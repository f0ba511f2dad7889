"""What a message leaves in memory is gone when the last one that knows it lets go. What only a search for cycles finds
costs that search: a tenth of all work, and pauses of a tenth of a second."""

import os
import signal
import stat
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.process.server import Api, Server
from tests.process.sink import Sink
from tests.process.smsc import Smsc

CONFIG = """
[webhooks]
allow_networks = ["127.0.0.0/8"]
[endpoints.app]
url = "{url}"
[connectors.practice]
kind = "sandbox"
receipt_delay_ms = 0
[connectors.telco]
kind = "smpp"
host = "127.0.0.1"
port = {port}
system_id = "u"
password = "p"
bind = "transceiver"
[[routes]]
name = "practice"
match = {{tag = "practice"}}
via = ["practice"]
[[routes]]
name = "all"
via = ["telco"]
"""
# The gateway, whose search is silent but for our question: how much have you found since we asked last?
PROGRAM = """#!{python}
import gc, os, signal, sys
from heliograph.__main__ import main

def count(*_):
    with open({found!r}, "a") as found:
        found.write(f"{{gc.collect()}}\\n")

gc.set_threshold = lambda *_: gc.disable()
signal.signal(signal.SIGUSR1, count)
sys.argv[0] = {program!r}
main()
"""
MANY = 300
TO = "+4915112345678"


class Counting:
    """A gateway that says how much was found."""

    def __init__(self, folder: Path, config: str) -> None:
        self.found = folder / "found"
        self.found.touch()
        program = folder / "heliograph"
        program.write_text(PROGRAM.format(python=sys.executable, found=str(self.found), program=str(program)))
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        self.server = Server(folder, config, program=str(program))

    def in_cycles(self) -> int:
        """Objects since the last time."""
        assert self.server.process is not None
        before = self.found.read_text()
        os.kill(self.server.process.pid, signal.SIGUSR1)
        end = time.monotonic() + 30
        while (now := self.found.read_text()) == before or not now.endswith("\n"):
            assert time.monotonic() < end, self.server.log()
            time.sleep(0.02)
        return int(now.splitlines()[-1])


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    with Sink() as listening:
        yield listening


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, sink: Sink) -> Iterator[Counting]:
    with Smsc(tmp_path_factory.mktemp("smsc")) as centre:
        config = CONFIG.format(url=sink.url, port=centre.port)
        counting = Counting(tmp_path_factory.mktemp("garbage"), config)
        with counting.server:
            yield counting


@pytest.fixture(scope="module")
def api(gateway: Counting) -> Api:
    return Api(gateway.server, gateway.server.key("admin", environment="live"))


def one_by_one(api: Api, tags: list[str]) -> None:
    for _ in range(MANY):
        api.send(TO, tags=tags)


def in_batches(api: Api, tags: list[str]) -> None:
    for _ in range(3):
        messages = [{"to": TO, "text": "Hello", "tags": tags}] * (MANY // 3)
        assert api("POST", "/v1/messages/batch", {"messages": messages}).status_code == 202


@pytest.mark.parametrize("carrier", ["practice", "telco"])
@pytest.mark.parametrize("send", [one_by_one, in_batches])
def test_messages_leave_no_cycles(
    gateway: Counting, api: Api, sink: Sink, carrier: str, send: Callable[[Api, list[str]], None]
) -> None:
    for _ in range(2):  # what is only made at the first messages is gone after the first round
        before = len(sink.heard)
        send(api, [carrier])
        sink.until(lambda heard, before=before: len(heard) >= before + 2 * MANY)
        found = gateway.in_cycles()
    assert found < MANY, "that is an object or more for each message"
