"""RabbitMQ, by aio-pika: persistent messages to an exchange that exists, each confirmed by the server.

A message that no queue takes is given back, and counts as not taken.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import aio_pika
from aio_pika.abc import AbstractConnection, AbstractExchange
from aio_pika.exceptions import AMQPException, DeliveryError

from heliograph.ports import NotTaken, Record
from heliograph.sinks.settings import TIMEOUT_S, SinkSettings


class RabbitSink:
    """Publishes with the type as routing key, such as message.delivered, unless the stream names one."""

    keeps_order = False

    def __init__(self, settings: SinkSettings) -> None:
        self._settings = settings
        self._connection: AbstractConnection | None = None
        self._exchange: AbstractExchange | None = None

    async def take(self, records: Sequence[Record]) -> None:
        try:
            exchange = await self._ready()
            await asyncio.gather(*(self._publish(exchange, record) for record in records))
        except DeliveryError as error:
            await self.close()
            raise NotTaken("no queue of the exchange took it, or the queue is full") from error
        except (AMQPException, OSError, TimeoutError, RuntimeError) as error:  # RuntimeError: it is closing just now
            await self.close()
            raise NotTaken(f"{type(error).__name__}: {error}".removesuffix(": ")) from error

    async def _publish(self, exchange: AbstractExchange, record: Record) -> None:
        message = aio_pika.Message(
            record.body,
            content_type="application/json",
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            message_id=record.id,
            type=record.type,
            timestamp=datetime.fromtimestamp(record.at / 1000, UTC),
            headers={"key": record.key},
        )
        await exchange.publish(message, self._settings.routing_key or record.type, mandatory=True, timeout=TIMEOUT_S)

    async def _ready(self) -> AbstractExchange:
        if self._exchange is None or self._connection is None or self._connection.is_closed:
            await self.close()
            self._connection = await self._connect()
            channel = await self._connection.channel(publisher_confirms=True, on_return_raises=True)
            self._exchange = await channel.get_exchange(self._settings.exchange, ensure=True)
        return self._exchange

    async def _connect(self) -> AbstractConnection:
        """To the first server that answers."""
        settings = self._settings
        who: dict[str, Any] = {}
        if settings.username is not None:
            who = {"login": settings.username, "password": settings.password}
        for number, server in enumerate(settings.servers, start=1):
            host, _, port = server.rpartition(":")
            try:
                opened: AbstractConnection = await aio_pika.connect(
                    host=host.strip("[]"),
                    port=int(port),
                    virtualhost=settings.vhost or "/",
                    ssl=bool(settings.tls),
                    ssl_context=settings.tls_context,
                    timeout=TIMEOUT_S,
                    **who,
                )
                return opened
            except (AMQPException, OSError, TimeoutError):
                if number == len(settings.servers):
                    raise
        raise NotTaken("no server is named")

    async def close(self) -> None:
        connection, self._connection, self._exchange = self._connection, None, None
        if connection is not None:
            await connection.close()
