"""The metrics, each declared once with its help and labels.

Labels have few values: kinds, states, countries, connectors, codes; never a number, an id or a name that callers choose
freely.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.metrics_core import Metric

from heliograph.observe.families import Counter, Gauge, Histogram, Labels

_FAST: Final = (0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_SLOW: Final = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0, 86_400.0)


class Metrics:
    """All metrics of one process."""

    def __init__(self) -> None:
        self.accepted = Counter("heliograph_messages_accepted", "Messages taken in.", ("kind", "country"))
        self.accepted_segments = Counter("heliograph_segments_accepted", "Their parts.", ("kind", "encoding"))
        self.multipart = Counter("heliograph_messages_multipart", "Messages that take more than one part.", ("kind",))
        self.refused = Counter("heliograph_requests_refused", "Requests that were refused, by code.", ("code",))
        self.answers = Counter("heliograph_http_answers", "Requests that a door answered, by status.", ("status",))
        self.submissions = Counter(
            "heliograph_submissions", "Attempts by their outcome.", ("connector", "outcome", "failure")
        )
        self.segments = Counter("heliograph_segments_sent", "Parts that a carrier took.", ("connector", "country"))
        self.retries = Counter("heliograph_retries", "Attempts that were not a message's first.", ("connector",))
        self.duplicates = Counter(
            "heliograph_possible_duplicates", "Messages submitted again after an unknown outcome.", ("connector",)
        )
        self.ended = Counter("heliograph_messages_ended", "Messages by their end.", ("state", "connector", "country"))
        self.webhooks = Counter("heliograph_webhook_deliveries", "Posts to customers by their result.", ("result",))
        self.defects = Counter("heliograph_defects", "Things of ours that broke; each is in the log.", ("type",))
        self.notes = Counter("heliograph_notes", "Rare events that an operator wants to know of.", ("what",))
        self.to_carrier = Histogram(
            "heliograph_accept_to_carrier_seconds", "From accept to the carrier's answer.", ("connector", "kind"), _FAST
        )
        self.to_delivered = Histogram(
            "heliograph_accept_to_delivered_seconds", "From accept to the receipt.", ("connector",), _SLOW
        )
        self.answer_time = Histogram(
            "heliograph_http_answer_seconds", "From a request to its answer; messages are durable by then.", (), _FAST
        )
        self.webhook_latency = Histogram(
            "heliograph_webhook_latency_seconds", "How long customers' servers take.", (), _FAST
        )
        self.exports = Counter("heliograph_exports", "Scheduled exports by their result.", ("result",))
        self.streamed = Counter(
            "heliograph_stream_events", "Events that a stream's server has kept.", ("workspace", "stream")
        )
        self.unlogged = Counter("heliograph_requests_unlogged", "Requests that the request log had no room for.")
        self._registry = CollectorRegistry()
        self._gauges: list[Gauge] = []
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        self._registry.register(self)

    def gauge(self, name: str, text: str, labels: Labels, ask: Callable[[], Iterable[tuple[Labels, float]]]) -> None:
        """Add a value that is asked for whenever the text is made."""
        self._gauges.append(Gauge(name, text, labels, ask))

    def declared(self) -> Iterator[Counter | Histogram | Gauge]:
        """Each of them, in the order of its declaration."""
        for metric in (*vars(self).values(), *self._gauges):
            if isinstance(metric, Counter | Histogram | Gauge):
                yield metric

    def collect(self) -> Iterator[Metric]:
        """What the registry asks."""
        for metric in self.declared():
            yield metric.family()

    def text(self) -> bytes:
        """Everything, as Prometheus reads it."""
        return generate_latest(self._registry)
