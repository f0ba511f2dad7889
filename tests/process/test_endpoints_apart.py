"""An endpoint that is slow, fails, flaps or lies is its own problem: no other endpoint and no sending notices."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from heliograph.core.signing import secret_from
from tests.process.server import Api, Server
from tests.process.sink import Heard, Sink

COUNT = 120
CONFIG = """
[webhooks]
allow_networks = ["127.0.0.0/8"]
retry_schedule_s = [1, 1, 1, 2, 2]
[connectors.quick]
kind = "sandbox"
answer_delay_ms = 2
receipt_delay_ms = 5
[[routes]]
name = "all"
via = ["quick"]
[endpoints.good]
url = "{good}"
environment = "test"
[endpoints.bad]
url = "{bad}"
environment = "test"
"""


@contextmanager
def liar(words: bytes, hang_up: bool) -> Iterator[str]:
    """Says something that is no answer, to whoever calls, and hangs up or does not."""
    stopping = threading.Event()
    calls = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.1)

        def serve() -> None:
            while not stopping.is_set():
                try:
                    call, _ = listening.accept()
                except TimeoutError:
                    continue
                calls.append(call)
                call.recv(65_536)
                call.sendall(words)
                if hang_up:
                    call.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        finally:
            stopping.set()
            thread.join()
            for call in calls:
                call.close()


def slow(_: Heard) -> int:
    time.sleep(2.9)
    return 200


def flapping() -> Callable[[Heard], int]:
    """Down and up, for a second and a half each."""
    began = time.monotonic()
    return lambda heard: 200 if (time.monotonic() - began) // 1.5 % 2 else 503


@contextmanager
def sink(answer: Callable[[Heard], int]) -> Iterator[str]:
    with Sink(answer) as listening:
        yield listening.url


BAD = {
    "slow": lambda: sink(slow),
    "failing": lambda: sink(lambda heard: 500),
    "flapping": lambda: sink(flapping()),
    "not there": lambda: sink_that_is_gone(),
    "no HTTP": lambda: liar(b"SSH-2.0-OpenSSH_9.6\r\n", hang_up=True),
    "promises a body that never comes": lambda: liar(b"HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\nno", False),
    "never stops talking": lambda: liar(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n" + b"x" * 900_000, False),
    "says nothing": lambda: liar(b"", hang_up=False),
    "sends elsewhere": lambda: liar(b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\n\r\n", hang_up=True),
}


@contextmanager
def sink_that_is_gone() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    yield f"http://127.0.0.1:{port}/"


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_endpoint_is_its_own_problem(kind: str, tmp_path: Path) -> None:
    with (
        BAD[kind]() as bad,
        Sink() as good,
        Server(tmp_path, CONFIG.format(good=good.url, bad=bad)) as server,
    ):
        api = Api(server, server.key("messages:send", "messages:read"))
        sent = {api.send(text=f"Number {number}")["id"] for number in range(COUNT)}

        def told(heard: list[Heard]) -> bool:
            ends = [one for one in heard if one.event["type"] == "message.delivered"]
            return {one.event["data"]["id"] for one in ends} == sent

        began = time.monotonic()
        heard = good.until(told, within_s=15.0)
        took = time.monotonic() - began
        assert took < 2.9, f"the good endpoint waited {took:.1f} s beside one that {kind}"
        assert len(heard) == len({one.event["id"] for one in heard}), "each event was told once"
        states = api("POST", "/v1/messages/states", {"ids": sorted(sent)}).json()["data"]
        assert {state["status"] for state in states} == {"delivered"}


def test_a_slow_and_a_flapping_endpoint_hear_everything_in_the_end(tmp_path: Path) -> None:
    with (
        Sink(slow) as late,
        Sink(flapping()) as torn,
        Server(tmp_path, CONFIG.format(good=late.url, bad=torn.url)) as server,
    ):
        api = Api(server, server.key("messages:send", "messages:read"))
        sent = {api.send(text=f"Number {number}")["id"] for number in range(20)}

        def told(heard: list[Heard]) -> bool:
            ends = [one for one in heard if one.event["type"] == "message.delivered"]
            return {one.event["data"]["id"] for one in ends} == sent

        for sink in (late, torn):
            sink.until(told, within_s=40.0)


def test_many_failures_at_once_are_one_failure(tmp_path: Path) -> None:
    """An endpoint that restarts fails all that is under way to it; it is tried again soon, not after a minute."""
    back = threading.Event()
    with (
        Sink() as good,
        Sink(lambda heard: 200 if back.is_set() else 503) as restarting,
        Server(tmp_path, CONFIG.format(good=good.url, bad=restarting.url)) as server,
    ):
        api = Api(server, server.key("messages:send", "messages:read"))
        api("POST", "/v1/messages/batch", {"messages": [{"to": "+447700900123", "text": "Hello"}] * 50})
        restarting.until(lambda heard: len(heard) >= 5)
        heard_before = len(restarting.heard)
        back.set()
        restarting.until(lambda heard: len(heard) > heard_before + 190, within_s=10.0)


def test_an_endpoint_whose_secret_is_gone_harms_only_itself(tmp_path: Path) -> None:
    config = CONFIG + 'secret = "env:HOOK_SECRET"\n'
    secret = {"HOOK_SECRET": secret_from(bytes(32))}
    with Sink() as good, Sink() as bad:
        server = Server(tmp_path, config.format(good=good.url, bad=bad.url), environ=secret)
        with server:
            api = Api(server, server.key("messages:send", "messages:read", "webhooks:read"))
            api.send()
            bad.until(lambda heard: len(heard) == 4)
        del server.environ["HOOK_SECRET"]
        server.configure(CONFIG.partition("[endpoints")[0])  # what was declared stays
        with server:
            for _ in range(3):
                api.until(api.send()["id"], "delivered")
            good.until(lambda heard: len(heard) == 16)
            assert "HOOK_SECRET" in api("GET", "/v1/endpoints/bad").json()["reason"]
            assert len(bad.heard) == 4


def test_a_burst_larger_than_memory_is_told_without_a_pause(tmp_path: Path) -> None:
    """What finds no room in memory waits in the ledger, but only for its turn."""
    heard_at: list[float] = []

    def hear(_: Heard) -> int:
        heard_at.append(time.monotonic())
        return 200

    with (
        Sink() as good,
        Sink(hear) as busy,
        Server(tmp_path, CONFIG.format(good=good.url, bad=busy.url) + "max_in_flight = 4\n") as server,
    ):
        api = Api(server, server.key("messages:send"))
        message = {"to": "+447700900123", "text": "Hello"}
        for _ in range(5):  # four events each
            answer = api("POST", "/v1/messages/batch", {"messages": [message] * 500})
            assert answer.status_code == 202
        busy.until(lambda heard: len({one.headers["webhook-id"] for one in heard}) == 10_000, within_s=60.0)
    gaps = [later - earlier for earlier, later in pairwise(heard_at)]
    assert max(gaps) < 5.0, "nothing was told for a while, although there was something to tell"
