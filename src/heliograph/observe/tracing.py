"""Traces, when they are asked for: from the request over the commit, the attempt and the receipt to the webhook.

Nothing of it runs unless a server for traces is named; then only messages of requests that are sampled are followed.
Spans are made afterwards, with the times that were measured anyway, one batch after the other; a thread of the library
sends them. What is followed is remembered in this process alone and bounded: a message that another process goes on
with has its trace end there. No span holds a number, a text or a name that callers choose.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, SpanKind, Status, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from heliograph import __version__
from heliograph.core.message import Delivery, Message, Outcome
from heliograph.core.views import message_id
from heliograph.observe.log import Log
from heliograph.ports import Answer

_FOLLOWED: Final = 100_000  # messages at a time
_UNANSWERED: Final = 10_000  # webhooks at a time
_NS: Final = 1_000_000  # in a millisecond
_propagator: Final = TraceContextTextMapPropagator()


class _Followed(NamedTuple):
    """A message of a request that is sampled."""

    context: SpanContext
    since: int  # when its last span ended


class Tracing:
    """The traces of one process."""

    def __init__(self, provider: TracerProvider, now_ms: Callable[[], int]) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("heliograph", __version__)
        self._now_ms = now_ms
        self._messages: OrderedDict[int, _Followed] = OrderedDict()
        self._webhooks: OrderedDict[int, Span] = OrderedDict()

    def close(self) -> None:
        """Send what is left; it may take a few seconds."""
        self._provider.shutdown()

    # -- what is told

    def accepted(self, traceparent: bytes | None, began: int, handed: int, messages: Sequence[Message]) -> None:
        """A request whose messages are durable now; `handed`: when they were given to the ledger."""
        carrier = {} if traceparent is None else {"traceparent": traceparent.decode("latin-1")}
        span = self._tracer.start_span(
            "accept messages",
            _propagator.extract(carrier),
            SpanKind.SERVER,
            _facts(messages),
            start_time=began * _NS,
        )
        now = self._now_ms()
        if span.is_recording():
            context = span.get_span_context()
            self._made("commit", context, handed, now, {})
            for message in messages:
                self._messages[message.id] = _Followed(context, now)
            while len(self._messages) > _FOLLOWED:
                self._messages.popitem(last=False)
        span.end(now * _NS)

    def answered(self, connector: str, answers: Sequence[tuple[Message, Outcome]]) -> None:
        """A carrier has answered attempts."""
        now = self._now_ms()
        for message, outcome in answers:
            followed = self._messages.get(message.id)
            if followed is not None:
                facts = {"heliograph.connector": connector, "heliograph.attempt": message.attempts}
                facts |= {"heliograph.outcome": outcome.state, **_why(outcome.failure, outcome.code)}
                facts["heliograph.message"] = message_id(message)
                self._made("attempt", followed.context, followed.since, now, facts, bad=outcome.state != "accepted")
                self._messages[message.id] = followed._replace(since=now)

    def ended(self, messages: Sequence[Message]) -> None:
        """Messages have come to their ends, by a receipt or without one."""
        now = self._now_ms()
        for message in messages:
            followed = self._messages.get(message.id)
            if followed is not None:
                facts = {"heliograph.state": message.state, "heliograph.message": message_id(message)}
                facts |= _why(message.failure, message.failure_code)
                good = message.state in ("delivered", "read")
                self._made("receipt", followed.context, followed.since, now, facts, bad=not good)
                self._messages[message.id] = followed._replace(since=now)

    def webhook(self, deliveries: Sequence[Delivery]) -> bytes:
        """The header lines that go along with a webhook: its server's spans belong below ours."""
        for delivery in deliveries:
            followed = self._messages.get(delivery.message or 0)
            if followed is not None:
                span = self._tracer.start_span("webhook", _below(followed.context), SpanKind.CLIENT)
                self._webhooks[delivery.id] = span
                while len(self._webhooks) > _UNANSWERED:
                    self._webhooks.popitem(last=False)[1].end()
                carrier: dict[str, str] = {}
                _propagator.inject(carrier, set_span_in_context(span))
                return f"traceparent: {carrier['traceparent']}\r\n".encode()
        return b""

    def delivery(self, delivery: Delivery, answer: Answer) -> None:
        """A customer's server has answered, or not."""
        span = self._webhooks.pop(delivery.id, None)
        if span is not None:
            span.set_attribute("http.response.status_code", answer.status)
            span.set_attribute("heliograph.try", delivery.tries + 1)
            if not 200 <= answer.status < 300:
                span.set_status(Status(StatusCode.ERROR, answer.reason or None))
            span.end()

    def _made(
        self, name: str, parent: SpanContext, start: int, end: int, facts: dict[str, Any], *, bad: bool = False
    ) -> None:
        """A span that is over already."""
        span = self._tracer.start_span(name, _below(parent), attributes=facts, start_time=start * _NS)
        if bad:
            span.set_status(Status(StatusCode.ERROR))
        span.end(end * _NS)


def _below(parent: SpanContext) -> Any:
    return set_span_in_context(NonRecordingSpan(parent))


def _facts(messages: Sequence[Message]) -> dict[str, Any]:
    facts: dict[str, Any] = {"heliograph.messages": len(messages)}
    if len(messages) == 1:
        facts |= {"heliograph.message": message_id(messages[0]), "heliograph.kind": messages[0].kind}
    return facts


def _why(failure: str | None, code: str | None) -> dict[str, str]:
    return {
        name: value for name, value in (("heliograph.failure", failure), ("heliograph.code", code)) if value is not None
    }


class _ToLog(logging.Handler):
    """What the library says goes to our log, a line each."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        self._log.warning("tracing", says=record.getMessage()[:500])


def open_tracing(url: str, ratio: float, instance: str, log: Log, now_ms: Callable[[], int]) -> Tracing:
    """Traces that go to a server of OTLP over HTTP; of requests that bring no trace along, this part is sampled."""
    library = logging.getLogger("opentelemetry")
    library.handlers, library.propagate = [_ToLog(log)], False
    resource = Resource.create(
        {"service.name": "heliograph", "service.version": __version__, "service.instance.id": instance}
    )
    provider = TracerProvider(ParentBased(TraceIdRatioBased(ratio)), resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(url, timeout=5)))
    return Tracing(provider, now_ms)
