"""The page about metrics names those that exist, with their labels."""

from __future__ import annotations

import re
from pathlib import Path

from prometheus_client import CollectorRegistry

from cqworker.observe.instruments import Family
from cqworker.observe.meters import Meters

PAGE = Path(__file__).parents[2] / "docs" / "observability.md"
ROW = re.compile(r"^\| `(cqworker_\w+)` \| (\w+) \|([^|]*)\|", re.MULTILINE)
ELSEWHERE = {
    ("cqworker_log_lines_dropped", "counter", ""),
    ("cqworker_observer_failures", "counter", ""),
}


def test_the_page_lists_every_metric_with_its_type_and_labels() -> None:
    meters = Meters(CollectorRegistry())
    families = [value for value in vars(meters).values() if isinstance(value, Family)]
    real = {(metric.name, metric.type, ", ".join(one.labels)) for one in families for metric in one.collect()}
    told = {
        (name.removesuffix("_total"), kind, labels.strip())
        for name, kind, labels in ROW.findall(PAGE.read_text(encoding="utf-8"))
    }
    assert told == real | ELSEWHERE
