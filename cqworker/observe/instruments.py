"""Instruments that cost next to nothing when something happens, and are put into Prometheus's words at a scrape.

The client library's own take a lock and three calls for every step, several times a job: a tenth of its CPU time.
All of ours are used on the main loop alone.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import Generic, TypeVar

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

OTHER_LABEL = "(other)"
"""The value of every label in the set that stands for all beyond MAX_LABEL_SETS."""
MAX_LABEL_SETS = 200
"""Label combinations of one metric; labels hold words of ours and of AWS, but none may grow without end."""

Labels = tuple[str, ...]
"""The values of a metric's labels, in the order of their names."""


class Value:
    """A count, or a level that goes up and down."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: float = 0.0

    def inc(self, amount: float = 1.0) -> None:
        """Adds `amount`."""
        self.value += amount

    def dec(self) -> None:
        """Takes one away."""
        self.value -= 1.0

    def set(self, value: float) -> None:
        """Replaces the level."""
        self.value = value


class Distribution:
    """How many values fell into each bucket, and their sum; a bucket holds what is at most its bound."""

    __slots__ = ("_bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self.counts: list[int] = [0] * (len(bounds) + 1)
        self.total: float = 0.0

    def observe(self, value: float) -> None:
        """Counts a value, in the unit of the bounds."""
        self.counts[bisect_left(self._bounds, value)] += 1
        self.total += value

    def buckets(self) -> list[tuple[str, float]]:
        """The bounds as Prometheus writes them, each with the count of all values up to it."""
        names = [*(str(float(bound)) for bound in self._bounds), "+Inf"]
        return [(name, float(count)) for name, count in zip(names, accumulate(self.counts), strict=True)]


C = TypeVar("C", bound=Value | Distribution)


class MetricFamily(dict[Labels, C], Collector, Generic[C]):
    """One metric: its instruments by label values, made when first used; beyond the limit all new ones are one."""

    def __init__(self, name: str, meaning: str, labels: Labels, make: Callable[[], C]) -> None:
        super().__init__()
        self.name = name
        self.meaning = meaning
        self.labels = labels
        self._make = make
        if not labels:
            self[()] = make()

    def __hash__(self) -> int:  # type: ignore[override]
        """By identity: the registry keeps its collectors in a dict."""
        return id(self)

    def __missing__(self, labels: Labels) -> C:
        if len(self) >= MAX_LABEL_SETS:
            labels = tuple(OTHER_LABEL for _ in labels)
            if labels in self:
                return self[labels]
        child = self[labels] = self._make()
        return child


class CounterFamily(MetricFamily[Value]):
    """A metric that only grows."""

    def __init__(self, name: str, meaning: str, labels: Labels) -> None:
        super().__init__(name, meaning, labels, Value)

    def collect(self) -> Iterator[Metric]:
        """The metric in prometheus_client's own form, at a scrape."""
        family = CounterMetricFamily(self.name, self.meaning, labels=self.labels)
        for labels, number in self.items():
            family.add_metric(labels, number.value)
        yield family


class GaugeFamily(MetricFamily[Value]):
    """A metric that goes up and down."""

    def __init__(self, name: str, meaning: str, labels: Labels) -> None:
        super().__init__(name, meaning, labels, Value)

    def collect(self) -> Iterator[Metric]:
        """The metric in prometheus_client's own form, at a scrape."""
        family = GaugeMetricFamily(self.name, self.meaning, labels=self.labels)
        for labels, number in self.items():
            family.add_metric(labels, number.value)
        yield family


class HistogramFamily(MetricFamily[Distribution]):
    """A metric of how values are spread."""

    def __init__(self, name: str, meaning: str, labels: Labels, bounds: tuple[float, ...]) -> None:
        super().__init__(name, meaning, labels, lambda: Distribution(bounds))

    def collect(self) -> Iterator[Metric]:
        """The metric in prometheus_client's own form, at a scrape."""
        family = HistogramMetricFamily(self.name, self.meaning, labels=self.labels)
        for labels, spread in self.items():
            family.add_metric(labels, spread.buckets(), spread.total)
        yield family
