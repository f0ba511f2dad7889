"""A gateway with the sandbox, and an SDK client of it."""

import itertools
import time
from collections.abc import Callable, Iterator

import pytest

from heliograph.sdk import Heliograph
from heliograph.sdk.models.conversations import Inbound
from heliograph.sdk.models.messages import MessageDetail
from heliograph.sdk.testing import FakeHeliograph
from tests.api.conftest import CONFIG
from tests.process.server import Server

_numbers = itertools.count(1)
PATIENCE_S = 15.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("sdk"), CONFIG) as running:
        yield running


@pytest.fixture(scope="module")
def key(server: Server) -> str:
    return server.key("admin")


@pytest.fixture
def fresh() -> Callable[[], str]:
    """Numbers that nobody has used before."""
    return lambda: f"+44740010{next(_numbers):04d}"


class Side:
    """A client, and how time passes on its side."""

    client: Heliograph

    def settled(self, message_id: str) -> MessageDetail:
        """The message, once it has come to its end."""
        raise NotImplementedError

    def heard(self, phone: str) -> list[Inbound]:
        """What the phone has sent, once that is something."""
        raise NotImplementedError


class Real(Side):
    def __init__(self, server: Server, key: str) -> None:
        self.client = Heliograph(key, server.url)

    def settled(self, message_id: str) -> MessageDetail:
        end = time.monotonic() + PATIENCE_S
        while not self.client.messages.states([message_id]).data[0].final:
            assert time.monotonic() < end, "it has no end"
            time.sleep(0.02)
        return self.client.messages.get(message_id)

    def heard(self, phone: str) -> list[Inbound]:
        end = time.monotonic() + PATIENCE_S
        while not (found := self.client.inbound.list(sender=phone).data):
            assert time.monotonic() < end, "nothing was heard"
            time.sleep(0.02)
        return found


class Fake(Side):
    client: FakeHeliograph

    def __init__(self) -> None:
        self.client = FakeHeliograph()

    def settled(self, message_id: str) -> MessageDetail:
        self.client.gateway.settle()
        return self.client.messages.get(message_id)

    def heard(self, phone: str) -> list[Inbound]:
        return self.client.inbound.list(sender=phone).data


@pytest.fixture(params=["fake", "real"])
def side(request: pytest.FixtureRequest, server: Server, key: str) -> Iterator[Side]:
    """The same test against both: what the fake does, the gateway does."""
    found: Side = Fake() if request.param == "fake" else Real(server, key)
    with found.client:
        yield found
