"""Who listens to the daemon's events: the log, the metrics, the counts for /status."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from cqworker.clock import Clock
from cqworker.events import Emit
from cqworker.observe.fan_out import FanOut, fan_out
from cqworker.observe.log import Log, LogLines
from cqworker.observe.metrics_observer import Metrics
from cqworker.observe.stats import Stats
from cqworker.plugins.registry import Registry


@dataclass(frozen=True, slots=True)
class Observers:
    """The observers and the one emit that tells them all."""

    emit: Emit
    metrics: Metrics
    stats: Stats


def open_observers(registry: Registry, log: Log, clock: Clock, *, tenants: Collection[str] = ()) -> Observers:
    """Observers for these job types and tenants; what an observer loses is counted by the metrics."""
    types = frozenset(registry.handlers)
    told: list[FanOut] = []
    losses = {"log_lines_dropped": lambda: float(log.dropped), "observer_failures": lambda: float(told[0].failures)}
    metrics, stats = Metrics(types, losses), Stats(types, clock, tenants=tenants)
    told.append(fan_out(LogLines(log), metrics, stats))
    return Observers(told[0].tell, metrics, stats)
