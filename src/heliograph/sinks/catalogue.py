"""Kind → sink. Each is loaded when a stream of its kind begins; the extra `streams` brings what they need."""

from collections.abc import Callable
from typing import Final

from heliograph.ports import NotTaken, Sink, WebClient
from heliograph.sinks.settings import PACKAGES, SinkSettings, missing

KINDS: Final = (*PACKAGES, "webhook_batch")


def build(settings: SinkSettings, web: WebClient, now_ms: Callable[[], int]) -> Sink:
    """Raises `NotTaken` when what it needs is not installed."""
    if (package := missing(settings.kind)) is not None:
        raise NotTaken(
            f"{settings.kind} needs {package}, which is not installed here: pip install 'heliograph[streams]'"
        )
    if settings.kind == "kafka":
        from heliograph.sinks.kafka import KafkaSink

        return KafkaSink(settings)
    if settings.kind == "nats":
        from heliograph.sinks.nats import NatsSink

        return NatsSink(settings)
    if settings.kind == "rabbitmq":
        from heliograph.sinks.rabbitmq import RabbitSink

        return RabbitSink(settings)
    from heliograph.sinks.webhook_batch import WebhookSink

    return WebhookSink(settings, web, now_ms)
