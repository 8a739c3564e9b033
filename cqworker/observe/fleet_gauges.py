"""The gauges of the fleet: only the daemon that measures serves them, for old figures beside new ones would mislead."""

from __future__ import annotations

from cqworker.events.fleet_events import FleetMeasured
from cqworker.observe.metric_definitions import MetricDefinitions


def show(metrics: MetricDefinitions, measured: FleetMeasured) -> None:
    """Shows what was measured."""
    slots = max(1, measured.slots)
    metrics.fleet_workers["live",].set(measured.live)
    metrics.fleet_workers["silent",].set(measured.silent)
    metrics.fleet_slots[()].set(measured.slots)
    metrics.fleet_utilization[()].set(measured.busy / slots)
    metrics.fleet_backlog[()].set(measured.backlog / slots)
    metrics.fleet_desired[()].set(measured.desired)
    metrics.fleet_oldest[()].set(measured.oldest)


def forget(metrics: MetricDefinitions) -> None:
    """Shows none of it any more."""
    for family in (
        metrics.fleet_workers,
        metrics.fleet_slots,
        metrics.fleet_utilization,
        metrics.fleet_backlog,
        metrics.fleet_desired,
        metrics.fleet_oldest,
    ):
        family.clear()
