"""What metrics are made of: counters, histograms and gauges, counted in plain dicts.

Counting is a look into a dict; the text for Prometheus is made when somebody asks.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

Labels = tuple[str, ...]


class Counter:
    """Something that happened so many times."""

    def __init__(self, name: str, text: str, labels: Labels = ()) -> None:
        self.name, self.text, self.labels = name, text, labels
        self.counts: dict[Labels, int] = {}

    def add(self, key: Labels = (), count: int = 1) -> None:
        counts = self.counts
        counts[key] = counts.get(key, 0) + count

    def family(self) -> Metric:
        family = CounterMetricFamily(self.name, self.text, labels=self.labels)
        for key, count in [*self.counts.items()]:
            family.add_metric(key, count)
        return family


class Histogram:
    """How long something took, in buckets of seconds."""

    def __init__(self, name: str, text: str, labels: Labels, bounds: tuple[float, ...]) -> None:
        self.name, self.text, self.labels, self.bounds = name, text, labels, bounds
        self.series: dict[Labels, tuple[list[int], list[float]]] = {}

    def observe(self, key: Labels, *seconds: float) -> None:
        series = self.series.get(key)
        if series is None:
            series = self.series[key] = ([0] * (len(self.bounds) + 1), [0.0])
        counts, total = series
        for value in seconds:
            counts[bisect_left(self.bounds, value)] += 1
            total[0] += value

    def family(self) -> Metric:
        family = HistogramMetricFamily(self.name, self.text, labels=self.labels)
        for key, (counts, total) in [*self.series.items()]:
            family.add_metric(key, list(self._buckets(counts)), total[0])
        return family

    def _buckets(self, counts: list[int]) -> Iterator[tuple[str, float]]:
        so_far = 0
        for bound, count in zip((*map(str, self.bounds), "+Inf"), counts, strict=True):
            so_far += count
            yield bound, so_far


class Gauge:
    """How something stands right now; asked when the text is made."""

    def __init__(self, name: str, text: str, labels: Labels, ask: Callable[[], Iterable[tuple[Labels, float]]]) -> None:
        self.name, self.text, self.labels, self.ask = name, text, labels, ask

    def family(self) -> Metric:
        family = GaugeMetricFamily(self.name, self.text, labels=self.labels)
        for key, value in self.ask():
            family.add_metric(key, value)
        return family
