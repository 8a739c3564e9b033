"""The observers of the daemon's events: the log, the metrics, the counts for /status."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from cqworker.clock import Clock
from cqworker.events import Emit
from cqworker.observe.fan_out import FanOut, fan_out
from cqworker.observe.log import Log, LogObserver
from cqworker.observe.metrics_observer import MetricsObserver
from cqworker.observe.stats import Stats
from cqworker.plugins.registry import Registry


@dataclass(frozen=True, slots=True)
class Observers:
    """The observers that others read, and the one emit that hands an event to all of them."""

    emit: Emit
    metrics: MetricsObserver
    stats: Stats


def open_observers(registry: Registry, log: Log, clock: Clock, *, tenants: Collection[str] = ()) -> Observers:
    """Observers for these job types and tenants; what an observer loses is counted by the metrics."""
    types = frozenset(registry.handlers)
    fan_outs: list[FanOut] = []
    losses = {"log_lines_dropped": lambda: float(log.dropped), "observer_failures": lambda: float(fan_outs[0].failures)}
    metrics, stats = MetricsObserver(types, losses), Stats(types, clock, tenants=tenants)
    fan_outs.append(fan_out(LogObserver(log), metrics, stats))
    return Observers(fan_outs[0].emit, metrics, stats)
