"""The metrics: events counted on instruments, rendered for Prometheus."""

from __future__ import annotations

import platform
from collections.abc import Callable, Collection, Iterator, Mapping
from importlib import metadata
from typing import Any

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.metrics_core import CounterMetricFamily
from prometheus_client.registry import Collector

from cqworker import events as e
from cqworker.events.fleet_events import (
    CommandObeyed,
    CrowdingNoticed,
    FleetMeasured,
    FleetUnmeasured,
    LimitNoticed,
    LimitOrdered,
    QueueOrdered,
    QueueStateNoticed,
    WorkerFolded,
    WorkerNameTaken,
    WorkerOrdered,
)
from cqworker.events.level_events import JobReprioritised, LevelReceived, LevelStarted
from cqworker.events.limit_events import SubmissionsLimited
from cqworker.events.loop_events import HandlerLoopBlocked, HandlerLoopProbed, MainLoopBlocked, MainLoopProbed
from cqworker.events.operation_events import OperationAsked, OperationStopped
from cqworker.events.schedule_events import JobHandedOver, JobScheduled, JobUnsendable, ShardLeft, ShardSwept
from cqworker.events.stop_events import EndingDiscarded, ReturnedAfterStop
from cqworker.events.unique_events import DuplicateMet
from cqworker.model.status import FailureKind, Status
from cqworker.observe import fleet_gauges
from cqworker.observe.attempt_counters import AttemptCounters
from cqworker.observe.instruments import MAX_LABEL_SETS, Distribution, Value
from cqworker.observe.limit_acts import limit_act
from cqworker.observe.metric_definitions import MetricDefinitions
from cqworker.observe.type_labels import TypeLabels
from cqworker.observe.vitals import Vitals, take_vitals

UNCOUNTED: frozenset[type] = frozenset(
    {e.CancelNoticed, EndingDiscarded, e.HandlerLoaded, MainLoopBlocked, ReturnedAfterStop}
    | {CommandObeyed, CrowdingNoticed, LimitNoticed, QueueStateNoticed, WorkerFolded, WorkerNameTaken}
)
"""Never counted: a cancel is counted when asked for and when the job ends; a loaded handler is the normal case.
What people ask of the fleet is counted where they ask. What is discarded was counted as the lease that was lost or the
handler that was abandoned; a loop's lag is measured."""


class MetricsObserver:
    """An observer that counts and measures; job types that are not in `types` count as one, `(unknown)`."""

    def __init__(self, types: Collection[str], counts: Mapping[str, Callable[[], float]] | None = None) -> None:
        """`counts` adds counters that live elsewhere, by name (without cqworker_ and _total), read at each scrape."""
        # a second series beside each one, to say what process_start_time_seconds says
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self._registry)
        self._registry.register(_ExternalCounters(counts or {}))
        self._metrics = MetricDefinitions(self._registry)
        fleet_gauges.forget(self._metrics)
        self._metrics.build[_version(), platform.python_version()].set(1)
        self._labels = TypeLabels(types)
        self._attempts = AttemptCounters(self._metrics, types)
        self._calls: dict[tuple[str, str, str], tuple[Value, Distribution]] = {}
        self._slots_taken, self._slots = self._metrics.slots_taken[()], self._metrics.slots[()]
        self._phase = ""
        self._actions: dict[type, Callable[[Any], None]] = {
            **self._job_actions(),
            **self._copy_actions(),
            **self._schedule_actions(),
            **self._fleet_actions(),
            **self._other_actions(),
        }

    def action_on(self, kind: type) -> Callable[[Any], None] | None:
        """What is done about events of this class; None where they change no metric."""
        return self._actions.get(kind)

    def __call__(self, event: e.Event) -> None:
        action = self._actions.get(type(event))
        if action is not None:
            action(event)

    def render(self) -> tuple[bytes, str]:
        """The body of /metrics and its content type."""
        return generate_latest(self._registry), CONTENT_TYPE_LATEST

    def take_vitals(self) -> Vitals:
        """What this daemon's heartbeat tells."""
        return take_vitals(self._metrics, self._attempts)

    def depth_of(self, queue: str) -> dict[str, int]:
        """Messages of a queue by state, as they were last counted; none where nobody here asks for them."""
        found = self._metrics.depth.items()
        return {state: round(number.value) for (name, state), number in found if name == queue}

    def level_of(self, queue: str, priority: str) -> tuple[int, int]:
        """Starts of a level of a queue here, and the age (s) of the oldest message that its last receive brought."""
        metrics = self._metrics
        return round(metrics.level_starts[queue, priority].value), round(metrics.level_oldest[queue, priority].value)

    @property
    def counted_events(self) -> frozenset[type]:
        """The classes of events that change a number."""
        return frozenset(self._actions)

    def _job_actions(self) -> dict[type, Callable[[Any], None]]:
        metrics, attempts = self._metrics, self._attempts
        return {
            e.JobSubmitted: lambda event: metrics.submitted[self._type(event)].inc(),
            e.SubmissionReplayed: lambda event: metrics.replayed[self._type(event)].inc(),
            DuplicateMet: lambda event: metrics.duplicates[*self._type(event), event.outcome].inc(),
            e.RecordPostponed: lambda event: metrics.postponed[self._type(event)].inc(),
            e.JobStarted: attempts.count_start,
            e.JobSettled: attempts.count_settle,
            e.JobForestalled: lambda event: attempts.count_finish(event, event.status, event.kind),
            e.JobLost: lambda event: attempts.count_finish(event, Status.FAILED, FailureKind.LOST),
            e.JobHandedBack: self._count_hand_back,
            e.LeaseLost: self._count_lost_lease,
            e.LeaseUnanswered: lambda event: metrics.silences[self._type(event)].inc(),
            e.JobLeftRunning: lambda event: metrics.left[self._type(event)].inc(),
            e.JobTakenOver: lambda event: metrics.taken_over[self._type(event)].inc(),
            e.CancelAsked: lambda _: metrics.interventions["cancel",].inc(),
            e.RetryAsked: lambda _: metrics.interventions["retry",].inc(),
            e.HandlerAbandoned: self._count_abandonment,
            e.AbandonedHandlerEnded: lambda event: metrics.stragglers[self._type(event)].dec(),
        }

    def _copy_actions(self) -> dict[type, Callable[[Any], None]]:
        metrics = self._metrics
        return {
            e.CopyHidden: lambda _: metrics.copies["hidden",].inc(),
            e.CopyDropped: lambda _: metrics.copies["dropped",].inc(),
            e.CopyRefreshed: lambda _: metrics.copies["refreshed",].inc(),
            e.ReceiveAnswered: self._count_receive,
            e.ForeignMessage: lambda event: metrics.foreign[event.queue,].inc(),
            e.LeasesRenewed: lambda event: metrics.renewals[event.queue,].inc(event.count),
            e.ReceiptRefused: lambda event: metrics.refused[event.queue, event.action, str(event.gone).lower()].inc(),
            e.DepthMeasured: self._set_depth,
            LevelReceived: lambda event: metrics.level_oldest[event.queue, event.priority].set(event.oldest),
            LevelStarted: lambda event: metrics.level_starts[event.queue, event.priority].inc(),
        }

    def _schedule_actions(self) -> dict[type, Callable[[Any], None]]:
        metrics = self._metrics
        return {
            JobReprioritised: lambda _: metrics.interventions["reprioritise",].inc(),
            JobScheduled: lambda event: metrics.scheduled[self._type(event)].inc(),
            JobHandedOver: lambda event: metrics.handed_over[self._type(event)].inc(),
            JobUnsendable: lambda event: metrics.unsendable[self._type(event)].inc(),
            ShardLeft: lambda event: metrics.overdue[event.shard,].set(0),
            ShardSwept: lambda event: metrics.overdue[event.shard,].set(event.overdue),
        }

    def _fleet_actions(self) -> dict[type, Callable[[Any], None]]:
        metrics = self._metrics
        return {
            QueueOrdered: lambda event: metrics.queue_orders[event.state,].inc(),
            LimitOrdered: lambda event: metrics.limit_orders[limit_act(event),].inc(),
            WorkerOrdered: lambda event: metrics.worker_orders[event.command,].inc(),
            OperationAsked: lambda event: metrics.operations[event.act,].inc(),
            OperationStopped: lambda event: metrics.operations_stopped[event.act,].inc(),
            FleetMeasured: lambda event: fleet_gauges.show(metrics, event),
            FleetUnmeasured: lambda _: fleet_gauges.forget(metrics),
        }

    def _other_actions(self) -> dict[type, Callable[[Any], None]]:
        metrics = self._metrics
        return {
            e.ServiceFailed: self._count_service_failure,
            e.ItemFailed: lambda event: metrics.unusable[event.service,].inc(),
            e.ServiceRecovered: lambda event: metrics.up[event.service,].set(1),
            e.ServiceCalled: self._count_call,
            e.SlotsChanged: self._set_slots,
            HandlerLoopBlocked: self._count_loop_silence,
            MainLoopProbed: lambda event: metrics.main_lag[()].observe(event.lag),
            HandlerLoopProbed: lambda event: metrics.loop_lag[()].set(event.lag),
            e.PluginBroken: lambda event: metrics.broken[event.type,].set(1),
            e.DaemonPhase: self._set_phase,
            e.BackgroundFailed: lambda event: metrics.background[event.loop,].inc(),
            e.RequestFailed: lambda _: metrics.requests[()].inc(),
            SubmissionsLimited: lambda event: metrics.limited[event.limit,].inc(event.count),
        }

    def _type(self, event: e.JobEvent) -> tuple[str]:
        return (self._labels[event.job.type],)

    def _count_hand_back(self, event: e.JobHandedBack) -> None:
        self._metrics.handed_back[event.reason,].inc()
        self._attempts.remove_running(event)

    def _count_lost_lease(self, event: e.LeaseLost) -> None:
        self._metrics.losses[self._type(event)].inc()
        self._attempts.remove_running(event)

    def _count_abandonment(self, event: e.HandlerAbandoned) -> None:
        self._metrics.abandoned[self._type(event)].inc()
        self._metrics.stragglers[self._type(event)].inc()
        self._attempts.remove_running(event)

    def _count_receive(self, event: e.ReceiveAnswered) -> None:
        result = "empty" if event.count == 0 else "full" if event.count >= event.asked else "partial"
        self._metrics.receives[event.queue, result].inc()
        self._metrics.received[event.queue,].inc(event.count)

    def _set_depth(self, event: e.DepthMeasured) -> None:
        for state in ("visible", "in_flight", "delayed"):
            self._metrics.depth[event.queue, state].set(getattr(event, state))

    def _count_service_failure(self, event: e.ServiceFailed) -> None:
        self._metrics.failures[event.service,].inc()
        self._metrics.up[event.service,].set(0)

    def _count_call(self, event: e.ServiceCalled) -> None:
        metrics = self._metrics
        found = self._calls.get((event.service, event.operation, event.result))
        count, time = found or self._find_call(event.service, event.operation, event.result)
        count.value += 1.0
        time.observe(event.seconds)
        if event.write_units:
            metrics.write_units[event.operation,].inc(event.write_units)
        if event.read_units:
            metrics.read_units[event.operation,].inc(event.read_units)
        if found is None and event.result == "ok" and (event.service,) not in metrics.up:
            metrics.up[event.service,].set(1)

    def _find_call(self, service: str, operation: str, result: str) -> tuple[Value, Distribution]:
        found = (self._metrics.calls[service, operation, result], self._metrics.call_time[service, operation])
        if len(self._calls) < MAX_LABEL_SETS:
            self._calls[service, operation, result] = found
        return found

    def _set_slots(self, event: e.SlotsChanged) -> None:
        self._slots_taken.value, self._slots.value = event.taken, event.total

    def _count_loop_silence(self, event: HandlerLoopBlocked) -> None:
        self._metrics.loop_silences[self._labels[event.type],].inc()
        self._metrics.loop_lag[()].set(event.seconds)

    def _set_phase(self, event: e.DaemonPhase) -> None:
        if self._phase:
            self._metrics.phase[self._phase,].set(0)
        self._phase = event.phase
        self._metrics.phase[self._phase,].set(1)


class _ExternalCounters(Collector):
    """Counters that live elsewhere, read at each scrape."""

    def __init__(self, counts: Mapping[str, Callable[[], float]]) -> None:
        self._counts = counts

    def collect(self) -> Iterator[CounterMetricFamily]:
        for name, read in self._counts.items():
            yield CounterMetricFamily(f"cqworker_{name}", name.replace("_", " ").capitalize(), value=read())


def _version() -> str:
    try:
        return metadata.version("cqworker")
    except metadata.PackageNotFoundError:
        return "unknown"
