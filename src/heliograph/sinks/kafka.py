"""Kafka, by aiokafka. An event's key is its message, so that a message's events stay in one partition; the producer is
idempotent and waits for all replicas that are in sync."""

import asyncio
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaProducer  # type: ignore[import-untyped]
from aiokafka.errors import KafkaError  # type: ignore[import-untyped]

from heliograph.ports import NotTaken, Record
from heliograph.sinks.settings import TIMEOUT_S, SinkSettings


class KafkaSink:
    """A producer for one topic."""

    keeps_order = True

    def __init__(self, settings: SinkSettings) -> None:
        self._settings = settings
        self._producer: AIOKafkaProducer | None = None

    async def take(self, records: Sequence[Record]) -> None:
        try:
            producer = await self._ready()
            topic = self._settings.topic
            sent = [
                await producer.send(
                    topic,
                    record.body,
                    key=record.key.encode(),
                    timestamp_ms=record.at,
                    headers=[("id", record.id.encode()), ("type", record.type.encode())],
                )
                for record in records
            ]
            await asyncio.gather(*sent)
        except (KafkaError, OSError, TimeoutError) as error:
            await self.close()
            raise NotTaken(f"{type(error).__name__}: {error}") from error

    async def _ready(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(
                bootstrap_servers=self._settings.servers,
                client_id="heliograph",
                acks="all",
                enable_idempotence=True,
                request_timeout_ms=int(TIMEOUT_S * 1000),
                **self._security(),
            )
            try:
                await producer.start()
            except BaseException:
                await producer.stop()
                raise
            self._producer = producer
        return self._producer

    def _security(self) -> dict[str, Any]:
        settings, tls = self._settings, self._settings.tls_context
        if settings.sasl is None:
            return {"security_protocol": "PLAINTEXT" if tls is None else "SSL", "ssl_context": tls}
        return {
            "security_protocol": "SASL_PLAINTEXT" if tls is None else "SASL_SSL",
            "ssl_context": tls,
            "sasl_mechanism": settings.sasl,
            "sasl_plain_username": settings.username,
            "sasl_plain_password": settings.password,
        }

    async def close(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.stop()
