"""One gateway for all doors, with what programs that were written for other gateways ask of it."""

from collections.abc import Iterator
from typing import Any, NamedTuple

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
default = true
[senders.one]
value = "+447700900601"
pool = "MG0123456789abcdef0123456789abcdef"
[policies.verify.limits]
near_per_10_minutes = 0
prefix_per_10_minutes = 0
prefix_per_hour = 0
"""


class Account(NamedTuple):
    """Credentials as `keys create --json` prints them."""

    id: str
    sid: str
    key: str


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("doors"), CONFIG) as running:
        yield running


def account(server: Server, *scopes: str, environment: str = "test", workspace: str = "default") -> Account:
    flags = [word for scope in scopes for word in ("--scope", scope)]
    place = ["--environment", environment, "--workspace", workspace]
    made: dict[str, Any] = server.run("keys", "create", "--name", "door", *place, *flags)
    return Account(made["id"], made["account_sid"], made["key"])


@pytest.fixture(scope="package")
def mine(server: Server) -> Account:
    return account(server, "messages:send", "messages:read", "verify", "analytics:read")


@pytest.fixture(scope="package")
def theirs(server: Server) -> Account:
    server.run("workspaces", "create", "neighbour")
    return account(server, "admin", workspace="neighbour")


@pytest.fixture(scope="package")
def api(server: Server, mine: Account) -> Api:
    return Api(server, mine.key)


@pytest.fixture(scope="package")
def admin(server: Server) -> Api:
    return Api(server, server.key("admin"))


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as listening:
        yield listening
