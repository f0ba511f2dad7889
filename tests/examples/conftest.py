"""One gateway for all examples, and keys for it."""

from collections.abc import Iterator

import pytest

from tests.process.server import Api, Server

CONFIG = """
[webhooks]
allow_networks = ["127.0.0.0/8"]
retry_schedule_s = [1, 1, 1]
"""


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("gateway"), CONFIG) as running:
        yield running


@pytest.fixture(scope="session")
def key(server: Server) -> str:
    """As an example's application has it."""
    return server.key("messages:send", "messages:read", "verify", "consent:manage")


@pytest.fixture(scope="session")
def admin(server: Server) -> Api:
    return Api(server, server.key("admin"))
