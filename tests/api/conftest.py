"""A gateway for each file of tests of the API, as a process with real sockets and files.

What one file does to connectors and journals is nothing to the next.
"""

from collections.abc import Iterator

import pytest

from tests.process.server import Api, Server
from tests.process.sink import Sink

CONFIG = """
[webhooks]
allow_networks = ["127.0.0.0/8"]
retry_schedule_s = [1, 1, 1]
[connectors.quick]
kind = "sandbox"
answer_delay_ms = 5
receipt_delay_ms = 20
[[routes]]
name = "all"
via = ["quick"]
[senders.Acme]
type = "alphanumeric"
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("api"), CONFIG) as running:
        yield running


@pytest.fixture(scope="module")
def api(server: Server) -> Api:
    """With a key that may send and read in the environment `test`."""
    return Api(server, server.key("messages:send", "messages:read"))


@pytest.fixture(scope="module")
def live(server: Server) -> Api:
    return Api(server, server.key("messages:send", "messages:read", environment="live"))


@pytest.fixture(scope="module")
def admin(server: Server) -> Api:
    return Api(server, server.key("admin"))


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as listening:
        yield listening
