"""The page about metrics names those that exist, with their labels."""

from __future__ import annotations

import re
from pathlib import Path

from prometheus_client import CollectorRegistry

from cqworker.observe.instruments import GaugeFamily, MetricFamily
from cqworker.observe.metric_definitions import MetricDefinitions

PAGE = Path(__file__).parents[2] / "docs" / "observability.md"
ROW = re.compile(r"^\| `(cqworker_\w+)` \| (\w+) \|([^|]*)\|", re.MULTILINE)
ELSEWHERE = {
    ("cqworker_log_lines_dropped", "counter", ""),
    ("cqworker_observer_failures", "counter", ""),
}


def test_the_page_lists_every_metric_with_its_type_and_labels() -> None:
    meters = MetricDefinitions(CollectorRegistry())
    families = [value for value in vars(meters).values() if isinstance(value, MetricFamily)]
    real = {(metric.name, metric.type, ", ".join(one.labels)) for one in families for metric in one.collect()}
    told = {
        (name.removesuffix("_total"), kind, labels.strip())
        for name, kind, labels in ROW.findall(PAGE.read_text(encoding="utf-8"))
    }
    assert told == real | ELSEWHERE


SHARED = "cqworker_queue_messages"
SECTION = PAGE.read_text(encoding="utf-8").partition("### Many daemons")[2].partition("\n## ")[0]
EXPRESSIONS = [
    *re.findall(r"^ +expr: (.+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE),
    *re.findall(r"^```promql\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)[0].splitlines(),
]


def test_the_page_says_of_every_gauge_how_it_is_taken_over_many_daemons() -> None:
    meters = MetricDefinitions(CollectorRegistry())
    gauges = {value.name for value in vars(meters).values() if isinstance(value, GaugeFamily)}
    told = [
        name for row in re.findall(r"^\| (`cqworker_.*?) \|", SECTION, re.MULTILINE) for name in row.split("`")[1::2]
    ]
    assert sorted(told) == sorted(gauges)


def test_what_every_daemon_tells_of_all_is_never_summed() -> None:
    uses = [use for each in EXPRESSIONS for use in re.findall(rf"(\w+ by \([\w, ]+\) \()?{SHARED}", each)]
    assert len(uses) >= 3
    assert {use.split(",")[0].rstrip(") (") for use in uses} == {"max by (queue"}


def test_the_metric_itself_says_so() -> None:
    meters = MetricDefinitions(CollectorRegistry())
    assert "every daemon tells it: take the maximum" in meters.depth.meaning
