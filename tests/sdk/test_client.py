"""The clients over real sockets: what the fake can't show."""

import asyncio
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from heliograph import __version__
from heliograph.sdk import AsyncHeliograph, Heliograph, Patience, errors, webhooks
from heliograph.sdk.testing import FakeAsyncHeliograph
from heliograph.sdk.version import VERSION
from tests.process.server import Server
from tests.process.sink import Sink

ROOT = Path(__file__).parents[2]
Fresh = Callable[[], str]
AT_ONCE = Patience(retries=2, first_pause_s=0.01, longest_pause_s=0.02)


def test_it_is_of_the_version_of_the_gateway() -> None:
    assert __version__ == VERSION


def test_key_and_address_may_stand_in_the_environment(
    server: Server, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HELIOGRAPH_KEY", key)
    monkeypatch.setenv("HELIOGRAPH_URL", server.url)
    with Heliograph() as client:
        assert client.insights.me().mode == "test"
    monkeypatch.delenv("HELIOGRAPH_KEY")
    with pytest.raises(errors.HeliographError, match="HELIOGRAPH_KEY"):
        Heliograph()


@pytest.mark.asyncio
async def test_the_async_client_does_the_same(server: Server, key: str, fresh: Fresh) -> None:
    to = fresh()
    async with AsyncHeliograph(key, server.url) as client:
        sent = await asyncio.gather(*(client.messages.send(to, f"Number {number}") for number in range(5)))
        found = [one.id async for one in client.messages.iterate(to=to, limit=2)]
        assert set(found) == {one.id for one in sent} and len(found) == 5
        with pytest.raises(errors.NotFound):
            await client.messages.get("nothing")
    async with FakeAsyncHeliograph() as fake:
        assert (await fake.messages.send(to, "Hello")).status == "queued"


def test_figures_are_read(server: Server, key: str) -> None:
    with Heliograph(key, server.url) as client:
        assert "delivered" in {measure.name for measure in client.insights.measures().data}
        found = client.insights.series(["delivered", "cost"], by="country", step="1h")
        assert found.step_s == 3_600 and found.times
        assert client.insights.costs(by="country").by == "country"


def test_bad_keys_and_missing_scopes_have_types(server: Server) -> None:
    with Heliograph("hg_test_bad", server.url) as client, pytest.raises(errors.NotAuthenticated) as caught:
        client.messages.list()
    assert caught.value.code == "malformed_credentials" and caught.value.request_id.startswith("req_")
    reader = server.key("messages:read")
    with Heliograph(reader, server.url) as client, pytest.raises(errors.NotAllowed, match="messages:send"):
        client.messages.send("+447400100001", "Hello")


def test_where_nobody_listens_is_told(key: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with Heliograph(key, f"http://127.0.0.1:{port}", patience=AT_ONCE) as client, pytest.raises(errors.NotReached) as e:
        client.messages.send("+447400100001", "Hello")
    assert not e.value.is_unknown


class Breaking:
    """A line to the gateway that carries each request, and loses the first answers."""

    def __init__(self, url: str, losses: int) -> None:
        self.inner = httpx.Client(base_url=url)
        self.keys: list[str] = []
        self.losses = losses

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.keys.append(request.headers["idempotency-key"])
        answer = self.inner.request(
            request.method, request.url.raw_path.decode(), headers=dict(request.headers), content=request.content
        )
        if len(self.keys) <= self.losses:
            raise httpx.ReadError("the line broke")
        return httpx.Response(answer.status_code, headers=dict(answer.headers), content=answer.content)


def test_a_lost_answer_does_not_send_twice(server: Server, key: str, fresh: Fresh) -> None:
    line, to = Breaking(server.url, 2), fresh()
    http = httpx.Client(transport=httpx.MockTransport(line.handle))
    with Heliograph(key, server.url, http=http, patience=AT_ONCE) as client:
        made = client.messages.send(to, "Hello")
        assert len(line.keys) == 3 and len(set(line.keys)) == 1
    with Heliograph(key, server.url) as client:
        assert [one.id for one in client.messages.iterate(to=to)] == [made.id]
    line.inner.close()


def test_webhooks_of_the_gateway_are_believed(server: Server, key: str, fresh: Fresh) -> None:
    with Heliograph(key, server.url) as client, Sink() as sink:
        endpoint = client.endpoints.create("sdk", f"{sink.url}/hook", events=["message.delivered"])
        assert endpoint.secret is not None
        made = client.messages.send(fresh(), "Hello")
        [heard] = sink.until(bool)
        event = webhooks.verify(heard.headers, heard.body, endpoint.secret)
        assert (event.type, event.data["id"]) == ("message.delivered", made.id)
        with pytest.raises(errors.WebhookRefused, match="no_match"):
            webhooks.verify(heard.headers, heard.body + b" ", endpoint.secret)
        [delivery] = client.endpoints.deliveries("sdk")
        assert delivery.event_id == event.id
        client.endpoints.delete("sdk")


def test_threads_may_share_a_client(server: Server, key: str, fresh: Fresh) -> None:
    ids: list[str] = []
    with Heliograph(key, server.url) as client:
        threads = [
            threading.Thread(target=lambda to: ids.append(client.messages.send(to, "Hello").id), args=(fresh(),))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(set(ids)) == 8


TYPED = """
from heliograph.sdk import AsyncHeliograph, Heliograph
from heliograph.sdk.models.messages import Accepted, Message

calm, other = Heliograph("k"), AsyncHeliograph("k")
sent: Accepted = calm.messages.send("+447911123456", "Hello", kind="otp")
each: list[Message] = list(calm.messages.iterate(status="failed"))
async def main() -> None:
    awaited: Accepted = await other.messages.send("+447911123456")
    some: list[Message] = [one async for one in other.messages.iterate()]
"""
WRONG = """
from heliograph.sdk import AsyncHeliograph, Heliograph

calm, other = Heliograph("k"), AsyncHeliograph("k")
calm.messages.send("+447911123456", knd="otp")
calm.messages.send("+447911123456", kind=7)
calm.messages.send(text="Hello")
calm.messages.get("msg_1").statuss
async def main() -> None:
    (await other.messages.get("msg_1")).to.nothing
    calm.messages.iterate().anything
"""


def test_type_checkers_see_both_clients(tmp_path: Path) -> None:
    (tmp_path / "right.py").write_text(TYPED)
    (tmp_path / "wrong.py").write_text(WRONG)
    flags = ["--strict", "--config-file=", "--cache-dir", str(ROOT / ".mypy_cache")]
    command, environ = [sys.executable, "-m", "mypy", *flags, "right.py", "wrong.py"], {"MYPYPATH": str(ROOT / "src")}
    done = subprocess.run(command, cwd=tmp_path, env=os.environ | environ, capture_output=True, text=True, check=False)
    found = [line.split(":") for line in done.stdout.splitlines() if ": error:" in line]
    assert {(name, int(line)) for name, line, *_ in found} == {("wrong.py", at) for at in (5, 6, 7, 8, 10, 11)}
