"""Listens to the engine, and tells the log and the metrics. Knows what may be told: never a text, never a secret."""

import traceback
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from heliograph.core import ids
from heliograph.core.message import Delivery, Message, Outcome
from heliograph.core.numbers import mask_number
from heliograph.core.views import message_id, moment
from heliograph.observe.log import Log
from heliograph.observe.metrics import Metrics
from heliograph.ports import Answer, Unavailable

if TYPE_CHECKING:
    from heliograph.observe.tracing import Tracing

_STATUS: Final = {status: (str(status),) for status in range(200, 600)}


class Observer:
    """The engine's `Watch`."""

    def __init__(self, log: Log, metrics: Metrics, now_ms: Callable[[], int]) -> None:
        self._log = log
        self._metrics = metrics
        self._now_ms = now_ms
        self._tells = log.writes("info")  # of every message
        self.tracing: Tracing | None = None

    def accepted(self, messages: Sequence[Message]) -> None:
        metrics = self._metrics
        for m in messages:
            metrics.accepted.add((m.kind, m.country))
            metrics.accepted_segments.add((m.kind, m.encoding), m.segments)
            if m.segments > 1:
                metrics.multipart.add((m.kind,))
            if self._tells:
                self._log.info("message_accepted", **_facts(m))

    def refused(self, code: str, count: int = 1) -> None:
        self._metrics.refused.add((code,), count)

    def replied(self, status: int, took_ms: int | None = None) -> None:
        self._metrics.answers.add(_STATUS[status])
        if took_ms is not None:
            self._metrics.answer_time.observe((), took_ms / 1000)

    def answered(self, connector: str, answers: Sequence[tuple[Message, Outcome]]) -> None:
        if self.tracing is not None:
            self.tracing.answered(connector, answers)
        metrics = self._metrics
        alike: dict[tuple[str, str | None, str, str], list[Message]] = {}  # most of a batch have the same labels
        for m, outcome in answers:
            alike.setdefault((outcome.state, outcome.failure, m.country, m.kind), []).append(m)
            if m.attempts > 1:
                metrics.retries.add((connector,))
            if m.possible_duplicate:
                metrics.duplicates.add((connector,))
            if self._tells:
                self._log.info(
                    "message_answered",
                    **_facts(m),
                    outcome=outcome.state,
                    carrier_ids=outcome.carrier_ids,
                    failure=outcome.failure,
                    code=outcome.code,
                    carrier_code=outcome.carrier_code,
                )
        now = self._now_ms()
        for (state, failure, country, kind), messages in alike.items():
            metrics.submissions.add((connector, state, failure or ""), len(messages))
            if state == "accepted":
                metrics.segments.add((connector, country), sum(m.segments for m in messages))
                metrics.to_carrier.observe((connector, kind), *[(now - m.accepted_at) / 1000 for m in messages])

    def ended(self, messages: Sequence[Message]) -> None:
        if self.tracing is not None:
            self.tracing.ended(messages)
        alike: dict[tuple[str, str, str], list[Message]] = {}
        for m in messages:
            alike.setdefault((m.state, m.connector, m.country), []).append(m)
            if self._tells:
                self._log.info(
                    "message_ended",
                    **_facts(m),
                    state=m.state,
                    sent_at=m.sent_at and moment(m.sent_at),
                    final_at=m.final_at and moment(m.final_at),
                    failure=m.failure,
                    code=m.failure_code,
                    carrier_code=m.carrier_code,
                )
        for key, ones in alike.items():
            self._metrics.ended.add(key, len(ones))
            if key[0] == "delivered":
                spans = [(m.updated_at - m.accepted_at) / 1000 for m in ones]
                self._metrics.to_delivered.observe((key[1],), *spans)

    def delivery(self, delivery: Delivery, answer: Answer) -> None:
        if self.tracing is not None:
            self.tracing.delivery(delivery, answer)
        good = 200 <= answer.status < 300
        self._metrics.webhooks.add(("ok" if good else f"http_{answer.status}" if answer.status else answer.reason,))
        self._metrics.webhook_latency.observe((), answer.latency_ms / 1000)
        if not good and self._tells:
            self._log.info(
                "webhook_failed",
                delivery=ids.make("dlv", delivery.created_at, delivery.id),
                target=delivery.target,
                tries=delivery.tries + 1,
                status=answer.status,
                reason=answer.reason,
                latency_ms=answer.latency_ms,
            )

    def defect(self, error: BaseException) -> None:
        if isinstance(error, Unavailable):  # not ours to mend, and told without a trace: it may go on for hours
            self.note("ledger_unavailable", why=str(error))
            return
        self._metrics.defects.add((type(error).__name__,))
        trace = "".join(traceback.format_exception(error))
        self._log.error("defect", error=repr(error), trace=trace)

    def note(self, what: str, **facts: object) -> None:
        self._metrics.notes.add((what,))
        self._log.warning(what, **facts)


def _facts(m: Message) -> dict[str, object]:
    """What every line about a message says."""
    return {
        "message": message_id(m),
        "correlation_id": m.correlation_id,
        "tags": m.tags,
        "to": mask_number(m.to),
        "country": m.country,
        "kind": m.kind,
        "sender": m.sender,
        "segments": m.segments,
        "connector": m.connector,
        "attempt": m.attempts,
    }
