"""A server that takes many events in one POST: `{"events": […]}`, signed like a webhook. Any 2xx means that it has kept
all of them."""

import asyncio
from collections.abc import Callable, Sequence

from heliograph.core.signing import Signer
from heliograph.ports import Answer, NotTaken, Record, WebClient
from heliograph.sinks.settings import TIMEOUT_S, SinkSettings


class WebhookSink:
    """Posts to one URL, one batch after the other."""

    keeps_order = True

    def __init__(self, settings: SinkSettings, web: WebClient, now_ms: Callable[[], int]) -> None:
        self._target = web.target(settings.url)
        self._web = web
        self._signer = Signer([settings.secret])
        self._now_ms = now_ms

    async def take(self, records: Sequence[Record]) -> None:
        if self._target is None:
            raise NotTaken("the URL can't be used")
        body = b'{"events":[%b]}' % b",".join(record.body for record in records)
        batch, second = f"{records[0].id}_{len(records)}", self._now_ms() // 1000
        headers = (
            f"content-type: application/json\r\nwebhook-id: {batch}\r\nwebhook-timestamp: {second}\r\n"
            "webhook-signature: "
        ).encode() + self._signer.sign(batch, second, body)
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

        def done(answer: Answer) -> None:
            if not answered.done():  # the stream may have been stopped
                answered.set_result(answer)

        self._web.post(self._target, headers + b"\r\n", body, TIMEOUT_S, done)
        answer = await answered
        if not 200 <= answer.status < 300:
            raise NotTaken(f"answered {answer.status}" if answer.status else f"{answer.reason}: {answer.detail}")

    async def close(self) -> None:
        """Connections belong to the pool."""
