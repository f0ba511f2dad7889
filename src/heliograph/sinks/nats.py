"""NATS JetStream, by nats-py. The stream on the server must take the subject; it leaves out what it has already, by the
id of the event."""

import asyncio
from collections.abc import Sequence
from typing import Any

import nats
from nats.errors import Error
from nats.js import JetStreamContext

from heliograph.ports import NotTaken, Record
from heliograph.sinks.settings import TIMEOUT_S, SinkSettings


class NatsSink:
    """Publishes to SUBJECT.TYPE, such as sms.message.delivered."""

    keeps_order = False

    def __init__(self, settings: SinkSettings) -> None:
        self._settings = settings
        self._client: Any = None

    async def take(self, records: Sequence[Record]) -> None:
        try:
            stream = await self._ready()
            await asyncio.gather(*(self._publish(stream, record) for record in records))
        except (Error, OSError, TimeoutError) as error:  # those of JetStream are errors of NATS too
            await self.close()
            raise NotTaken(f"{type(error).__name__}: {error}".removesuffix(": ")) from error

    async def _publish(self, stream: JetStreamContext, record: Record) -> None:
        subject = f"{self._settings.subject}.{record.type}"
        headers = {"Nats-Msg-Id": record.id, "Heliograph-Key": record.key}
        await stream.publish(subject, record.body, timeout=TIMEOUT_S, headers=headers)

    async def _ready(self) -> JetStreamContext:
        if self._client is None:
            settings, scheme = self._settings, "tls" if self._settings.tls else "nats"
            self._client = await nats.connect(
                [f"{scheme}://{server}" for server in settings.servers],
                name="heliograph",
                allow_reconnect=False,  # who asks for the next try is the stream's own desk
                connect_timeout=TIMEOUT_S,
                user=settings.username,
                password=settings.password,
                token=settings.token,
                tls=settings.tls_context,
                error_cb=_heard,
            )
        found: JetStreamContext = self._client.jetstream()
        return found

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()


async def _heard(error: Exception) -> None:
    """The library would write it to a log of its own; whoever publishes next hears it anyway."""
