"""Traces: which spans a message has, whose trace they belong to, and that nothing grows without a bound."""

import subprocess
import sys
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from heliograph.core.message import Outcome
from heliograph.observe import tracing
from heliograph.observe.tracing import Tracing
from tests.observe.test_watch import NOW, Said, delivery, message

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Traced:
    def __init__(self, ratio: float = 1.0) -> None:
        self.now = NOW
        self._exporter = InMemorySpanExporter()
        provider = TracerProvider(ParentBased(TraceIdRatioBased(ratio)), shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracing = Tracing(provider, lambda: self.now)

    def spans(self) -> dict[str, ReadableSpan]:
        return {span.name: span for span in self._exporter.get_finished_spans()}


def whole_life(traced: Traced, parent: bytes | None) -> bytes:
    """One message from its request to its webhook; the header lines of that."""
    tracing = traced.tracing
    traced.now = NOW + 5
    tracing.accepted(parent, NOW, NOW + 1, [message()])
    traced.now = NOW + 40
    tracing.answered("telco", [(message(), Outcome("accepted", ("x",)))])
    traced.now = NOW + 900
    tracing.ended([message(state="delivered")])
    told = delivery()
    told.message = 1
    headers = tracing.webhook([told])
    tracing.delivery(told, Said(204))
    return headers


def test_a_message_is_followed_from_its_request_to_its_webhook() -> None:
    traced = Traced()
    headers = whole_life(traced, f"00-{TRACE}-{CALLER}-01".encode())
    spans = traced.spans()
    assert list(spans) == ["commit", "accept messages", "attempt", "receipt", "webhook"]
    assert {f"{span.context.trace_id:032x}" for span in spans.values() if span.context} == {TRACE}
    request = spans["accept messages"]
    assert request.parent is not None and request.context is not None
    assert f"{request.parent.span_id:016x}" == CALLER
    for name in ("commit", "attempt", "receipt", "webhook"):
        parent = spans[name].parent
        assert parent is not None and parent.span_id == request.context.span_id
    webhook = spans["webhook"].context
    assert webhook is not None
    assert headers == f"traceparent: 00-{TRACE}-{webhook.span_id:016x}-01\r\n".encode()
    times = {name: (span.start_time, span.end_time) for name, span in spans.items() if name != "webhook"}
    assert {name: [(at or 0) // 1_000_000 - NOW for at in both] for name, both in times.items()} == {
        "accept messages": [0, 5],
        "commit": [1, 5],
        "attempt": [5, 40],
        "receipt": [40, 900],
    }


def test_spans_tell_what_became_of_it_and_nobodys_number() -> None:
    traced = Traced()
    traced.tracing.accepted(None, NOW, NOW, [message()])
    refused = Outcome("refused", failure="permanent", code="invalid_number")
    traced.tracing.answered("telco", [(message(), refused)])
    span = traced.spans()["attempt"]
    assert not span.status.is_ok
    facts = dict(span.attributes or {})
    assert facts["heliograph.connector"] == "telco"
    assert (facts["heliograph.failure"], facts["heliograph.code"]) == ("permanent", "invalid_number")
    said = " ".join(one.to_json() for one in traced.spans().values())
    for secret in ("447700900123", "482913", "order 7", "Acme"):
        assert secret not in said


@pytest.mark.parametrize(
    ("ratio", "parent"),
    [(0.0, None), (1.0, f"00-{TRACE}-{CALLER}-00"), (0.0, "nonsense")],
    ids=["not chosen", "the caller does not follow it", "no trace at all"],
)
def test_what_is_not_sampled_leaves_nothing(ratio: float, parent: str | None) -> None:
    traced = Traced(ratio)
    assert whole_life(traced, parent.encode() if parent else None) == b""
    assert traced.spans() == {}


def test_what_was_not_followed_from_its_request_has_no_spans() -> None:
    traced = Traced()
    traced.tracing.answered("telco", [(message(id=7), Outcome("accepted"))])
    traced.tracing.ended([message(id=7)])
    assert traced.spans() == {}


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "_FOLLOWED", 10)
    monkeypatch.setattr(tracing, "_UNANSWERED", 3)
    traced = Traced()
    traced.tracing.accepted(None, NOW, NOW, [message(id=number) for number in range(25)])
    for number in range(10):
        told = delivery()
        told.id, told.message = number, 24
        assert traced.tracing.webhook([told])
    assert (len(traced.tracing._messages), len(traced.tracing._webhooks)) == (10, 3)


def test_nothing_of_it_is_loaded_unless_it_is_asked_for() -> None:
    script = "import heliograph.app, sys; print([name for name in sys.modules if name.startswith('opentelemetry')])"
    done: Any = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
