"""Instruments of ours say at a scrape what the client library's own would say."""

from __future__ import annotations

import random

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from cqworker.observe.instruments import MAX_LABEL_SETS, OTHER_LABEL, CounterFamily, GaugeFamily, HistogramFamily

BOUNDS = (0.1, 0.5, 1, 10)


@pytest.fixture(autouse=True)
def _without_creation_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prometheus_client.metrics._use_created", False)


def told(*collectors: object) -> list[str]:
    registry = CollectorRegistry()
    for collector in collectors:
        registry.register(collector)  # type: ignore[arg-type]
    return sorted(generate_latest(registry).decode().splitlines())


def test_a_scrape_reads_like_one_of_the_client_library() -> None:
    chance = random.Random(7)
    jobs, level, spread = (
        Counter("jobs_total", "Jobs.", ["type"], registry=None),
        Gauge("level", "Level.", registry=None),
        Histogram("wait", "Wait.", ["type"], buckets=BOUNDS, registry=None),
    )
    our_jobs, our_level = CounterFamily("jobs_total", "Jobs.", ("type",)), GaugeFamily("level", "Level.", ())
    our_spread = HistogramFamily("wait", "Wait.", ("type",), BOUNDS)
    for value in (0.1, 1.0, 0.0, 10.0, 11.0, *(chance.random() * 12 for _ in range(200))):
        name = chance.choice("ab")
        jobs.labels(name).inc(value)
        our_jobs[name,].inc(value)
        spread.labels(name).observe(value)
        our_spread[name,].observe(value)
        level.set(value)
        our_level[()].set(value)
    assert told(our_jobs, our_level, our_spread) == told(jobs, level, spread)


def test_a_metric_without_labels_is_told_before_it_was_used() -> None:
    assert "level 0.0" in told(GaugeFamily("level", "Level.", ()))


def test_a_metric_has_no_more_series_than_it_may() -> None:
    jobs = CounterFamily("jobs_total", "Jobs.", ("type",))
    for number in range(MAX_LABEL_SETS + 50):
        jobs[str(number),].inc()
    assert len(jobs) == MAX_LABEL_SETS + 1
    assert jobs[OTHER_LABEL,].value == 50
