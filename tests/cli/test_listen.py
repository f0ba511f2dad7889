"""Events brought to a local URL, from a real server through a real process."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from standardwebhooks import Webhook

from tests.cli.receiver import SECRET
from tests.process.server import BIN, Api, Server, free_port
from tests.process.sink import Sink


@contextmanager
def listening(server: Server, key: str, *words: str) -> Iterator[IO[str]]:
    """A listener that is past all earlier events."""
    command = [str(BIN / "heliograph"), "listen", "--json", "--url", server.url, *words]
    environ = {**os.environ, "HELIOGRAPH_KEY": key, "WEBHOOK_SECRET": SECRET}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ) as process:
        try:
            assert process.stdout is not None
            yield process.stdout
        finally:
            process.terminate()


def line(out: IO[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(out.readline())
    return found


def test_what_happens_from_now_on_is_told_signed_and_in_order(server: Server, admin_key: str) -> None:
    api = Api(server, admin_key)
    api.until(api.send(text="Before")["id"], "delivered")
    with (
        Sink() as sink,
        listening(server, admin_key, "--forward-to", sink.url, "--secret", "env:WEBHOOK_SECRET") as out,
    ):
        assert line(out) == {"listening": server.url, "forward_to": sink.url}
        sent = api.send(text="After")
        heard = sink.until(lambda heard: len(heard) == 4)
        assert line(out)["status"] == 200
    assert {one.event["data"]["id"] for one in heard} == {sent["id"]}
    assert [one.event["type"].partition(".")[2] for one in heard] == ["accepted", "queued", "sent", "delivered"]
    assert Webhook(SECRET).verify(heard[0].body, heard[0].headers)


def test_what_happened_before_is_told_when_asked_and_types_are_chosen(server: Server, admin_key: str) -> None:
    api = Api(server, admin_key)
    before = api.send(text="Before")
    api.until(before["id"], "delivered")
    words = ("--from-start", "--event", "message.delivered")
    with Sink() as sink, listening(server, admin_key, "--forward-to", sink.url, *words) as out:
        secret = line(out)["secret"]
        heard = sink.until(lambda heard: any(one.event["data"]["id"] == before["id"] for one in heard))
    assert {one.event["type"] for one in heard} == {"message.delivered"}
    assert Webhook(secret).verify(heard[-1].body, heard[-1].headers)


def test_a_refusal_is_shown_and_the_rest_is_still_told(server: Server, admin_key: str) -> None:
    api = Api(server, admin_key)
    with Sink(lambda heard: 500) as sink, listening(server, admin_key, "--forward-to", sink.url) as out:
        line(out)
        api.send()
        assert [line(out)["status"] for _ in range(4)] == [500] * 4


def test_nothing_is_lost_while_server_and_application_start_again(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        key = server.key("admin")
        port = free_port()
        words = ("--forward-to", f"http://127.0.0.1:{port}/hook", "--event", "message.accepted")
        with listening(server, key, *words) as out:
            line(out)
            first = Api(server, key).send()["id"]  # nobody answers at the local URL yet
            with Sink(port=port) as sink:
                sink.until(lambda heard: [one.event["data"]["id"] for one in heard] == [first])
                server.stop()
                server.start()
                second = Api(server, key).send()["id"]
                heard = sink.until(lambda heard: len(heard) == 2)
        assert [one.event["data"]["id"] for one in heard] == [first, second]


def test_an_earlier_place_is_gone_on_from(server: Server, admin_key: str) -> None:
    api = Api(server, admin_key)
    with Sink() as sink:
        words = ("--forward-to", sink.url, "--event", "message.accepted")
        with listening(server, admin_key, *words) as out:
            line(out)
            api.send()
            cursor = line(out)["cursor"]
        missed = api.send()["id"]
        with listening(server, admin_key, *words, "--since", cursor):
            sink.until(lambda heard: missed in [one.event["data"]["id"] for one in heard])
