"""The gateway's Python SDK.

    from heliograph.sdk import Heliograph

    with Heliograph() as client:  # HELIOGRAPH_KEY and HELIOGRAPH_URL say who and where
        message = client.messages.send("+447700900123", "Hello from Heliograph")
        print(client.messages.get(message.id).status)

`AsyncHeliograph` is the same for asyncio, `webhooks.verify` reads webhooks, `testing.FakeHeliograph` stands in for a
gateway in tests. It knows nothing of the gateway's own code and is installable alone, as `heliograph-sdk`.
"""

from heliograph.sdk import errors, webhooks
from heliograph.sdk.client import AsyncHeliograph, Heliograph
from heliograph.sdk.errors import HeliographError, Refused
from heliograph.sdk.exchange import Patience

__all__ = ["AsyncHeliograph", "Heliograph", "HeliographError", "Patience", "Refused", "errors", "webhooks"]
