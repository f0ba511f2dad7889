"""The metrics: what is counted, and that Prometheus can read it."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from heliograph.observe.families import Histogram
from heliograph.observe.metrics import Metrics


def families(metrics: Metrics) -> dict[str, Metric]:
    return {family.name: family for family in text_string_to_metric_families(metrics.text().decode())}


def test_each_declared_metric_has_its_family_and_its_help() -> None:
    metrics = Metrics()
    found = families(metrics)
    for metric in metrics.declared():
        assert found[metric.name].documentation == metric.text
        assert metric.text.endswith(".")
    assert "process_cpu_seconds" in found


def test_what_is_counted_is_told_with_its_labels() -> None:
    metrics = Metrics()
    metrics.accepted.add(("otp", "GB"))
    metrics.accepted.add(("otp", "GB"), 4)
    metrics.accepted.add(("support", "DE"))
    samples = families(metrics)["heliograph_messages_accepted"].samples
    told = {(s.labels["kind"], s.labels["country"]): s.value for s in samples if s.name.endswith("_total")}
    assert told == {("otp", "GB"): 5, ("support", "DE"): 1}


def test_a_gauge_is_asked_when_the_text_is_made() -> None:
    metrics, asked = Metrics(), [1.0]
    metrics.gauge("heliograph_queue_waiting", "Waiting.", ("lane",), lambda: [(("otp",), asked[0])])
    asked[0] = 7.0
    (sample,) = families(metrics)["heliograph_queue_waiting"].samples
    assert (sample.labels, sample.value) == ({"lane": "otp"}, 7.0)


@given(st.lists(st.floats(min_value=0, max_value=20), max_size=50))
def test_buckets_count_what_is_not_above_them(seconds: list[float]) -> None:
    histogram = Histogram("spans", "Spans.", (), (0.1, 1.0, 10.0))
    for value in seconds:
        histogram.observe((), value)
    found = {(s.name, s.labels.get("le")): s.value for s in histogram.family().samples}
    if seconds:
        for bound in ("0.1", "1.0", "10.0"):
            assert found["spans_bucket", bound] == sum(Decimal(value) <= Decimal(float(bound)) for value in seconds)
        assert found["spans_count", None] == found["spans_bucket", "+Inf"] == len(seconds)
        assert found["spans_sum", None] == pytest.approx(sum(seconds))
