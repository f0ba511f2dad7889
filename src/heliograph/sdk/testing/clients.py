"""Clients of a gateway in memory. They are clients like the real ones: an application can't tell."""

from heliograph.sdk.client import AsyncHeliograph, Heliograph, Resources
from heliograph.sdk.drivers import Async, Calm
from heliograph.sdk.exchange import Answer, NoAnswer, Patience, Request
from heliograph.sdk.testing.gateway import FakeGateway


class FakeHeliograph(Heliograph):
    """A client without a network; `gateway` says what was sent, and what happens next. Its pauses take no time."""

    def __init__(self, gateway: FakeGateway | None = None, *, patience: Patience | None = None) -> None:
        self.gateway = gateway or FakeGateway()
        driver = Calm(self.gateway.answer, {}, patience or Patience(), self.gateway.pass_time)
        Resources.__init__(self, driver)

    def close(self) -> None:
        """Nothing is open."""


class FakeAsyncHeliograph(AsyncHeliograph):
    """The same for asyncio."""

    def __init__(self, gateway: FakeGateway | None = None, *, patience: Patience | None = None) -> None:
        self.gateway = gateway or FakeGateway()
        Resources.__init__(self, Async(self._send, {}, patience or Patience(), self._sleep))

    async def _send(self, request: Request) -> Answer | NoAnswer:
        return self.gateway.answer(request)

    async def _sleep(self, seconds: float) -> None:
        self.gateway.pass_time(seconds)

    async def close(self) -> None:
        """Nothing is open."""
