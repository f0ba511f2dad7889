"""A gateway in memory, for the tests of applications:

    client = FakeHeliograph()
    order_shipped(client)  # the code under test
    assert client.gateway.sent[0]["to"] == "+447700900123"

Numbers and texts choose a fate as in the sandbox: a message to +447700900101 stays undelivered, `[sandbox:blocked]` in
a text names one. Each look at a message lets it take a step, `gateway.settle()` all of them.
"""

from heliograph.sdk.testing.clients import FakeAsyncHeliograph, FakeHeliograph
from heliograph.sdk.testing.gateway import FakeGateway

__all__ = ["FakeAsyncHeliograph", "FakeGateway", "FakeHeliograph"]
