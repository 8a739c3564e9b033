"""The numbers: events counted on instruments, rendered for Prometheus."""

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
from cqworker.events.limit_events import SubmissionsLimited
from cqworker.events.loop_events import HandlersLoopSilent, HandlersLoopTurned, MainLoopStoodStill, MainLoopTurned
from cqworker.events.stop_events import EndingDiscarded, ReturnedAfterStop
from cqworker.model.status import FailureKind, Status
from cqworker.observe.attempt_counters import Attempts
from cqworker.observe.instruments import MOST_CHILDREN, Number, Spread
from cqworker.observe.metric_definitions import Meters
from cqworker.observe.type_labels import KnownTypes

SILENT: frozenset[type] = frozenset(
    {e.CancelNoticed, EndingDiscarded, e.HandlerLoaded, MainLoopStoodStill, ReturnedAfterStop}
)
"""Never counted: the cancel was when it was asked for, and is again when the job ends; a handler was never in doubt.
What is discarded was counted as the lease that was lost or the handler that was abandoned; a loop's lag is measured."""


class Metrics:
    """An observer that counts and measures; job types that are not in `types` count as one, `(unknown)`."""

    def __init__(self, types: Collection[str], counts: Mapping[str, Callable[[], float]] | None = None) -> None:
        """`counts` adds counters that live elsewhere, by name (without cqworker_ and _total), read at each scrape."""
        # a second series beside each one, to say what process_start_time_seconds says
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self._registry)
        self._registry.register(_Counts(counts or {}))
        self._meters = Meters(self._registry)
        self._meters.build[_version(), platform.python_version()].set(1)
        self._names = KnownTypes(types)
        self._attempts = Attempts(self._meters, types)
        self._calls: dict[tuple[str, str, str], tuple[Number, Spread]] = {}
        self._slots_taken, self._slots = self._meters.slots_taken[()], self._meters.slots[()]
        self._phase = ""
        self._acts: dict[type, Callable[[Any], None]] = {**self._job_acts(), **self._copy_acts(), **self._other_acts()}

    def act_on(self, kind: type) -> Callable[[Any], None] | None:
        """What is done about events of this class; None where they change no number."""
        return self._acts.get(kind)

    def __call__(self, event: e.Event) -> None:
        act = self._acts.get(type(event))
        if act is not None:
            act(event)

    def render(self) -> tuple[bytes, str]:
        """The body of /metrics and its content type."""
        return generate_latest(self._registry), CONTENT_TYPE_LATEST

    @property
    def counted(self) -> frozenset[type]:
        """The classes of events that change a number."""
        return frozenset(self._acts)

    def _job_acts(self) -> dict[type, Callable[[Any], None]]:
        meters, attempts = self._meters, self._attempts
        return {
            e.JobSubmitted: lambda event: meters.submitted[self._type(event)].inc(),
            e.SubmissionReplayed: lambda event: meters.replayed[self._type(event)].inc(),
            e.RecordPostponed: lambda event: meters.postponed[self._type(event)].inc(),
            e.JobStarted: attempts.started,
            e.JobSettled: attempts.settled,
            e.JobForestalled: lambda event: attempts.finished(event, event.status, event.kind),
            e.JobLost: lambda event: attempts.finished(event, Status.FAILED, FailureKind.LOST),
            e.JobHandedBack: self._handed_back,
            e.LeaseLost: self._lease_lost,
            e.LeaseUnanswered: lambda event: meters.silences[self._type(event)].inc(),
            e.JobLeftRunning: lambda event: meters.left[self._type(event)].inc(),
            e.JobTakenOver: lambda event: meters.taken_over[self._type(event)].inc(),
            e.CancelAsked: lambda _: meters.interventions["cancel",].inc(),
            e.RetryAsked: lambda _: meters.interventions["retry",].inc(),
            e.HandlerAbandoned: self._abandoned,
            e.AbandonedHandlerEnded: lambda event: meters.stragglers[self._type(event)].dec(),
        }

    def _copy_acts(self) -> dict[type, Callable[[Any], None]]:
        meters = self._meters
        return {
            e.CopyHidden: lambda _: meters.copies["hidden",].inc(),
            e.CopyDropped: lambda _: meters.copies["dropped",].inc(),
            e.CopyRefreshed: lambda _: meters.copies["refreshed",].inc(),
            e.Received: self._received,
            e.ForeignMessage: lambda event: meters.foreign[event.queue,].inc(),
            e.LeasesRenewed: lambda event: meters.renewals[event.queue,].inc(event.count),
            e.ReceiptRefused: lambda event: meters.refused[event.queue, event.action, str(event.gone).lower()].inc(),
            e.DepthSeen: self._depth_seen,
        }

    def _other_acts(self) -> dict[type, Callable[[Any], None]]:
        meters = self._meters
        return {
            e.ServiceFailed: self._service_failed,
            e.ItemFailed: lambda event: meters.unusable[event.service,].inc(),
            e.ServiceRecovered: lambda event: meters.up[event.service,].set(1),
            e.ServiceCalled: self._service_called,
            e.SlotsChanged: self._slots_changed,
            HandlersLoopSilent: self._loop_silent,
            MainLoopTurned: lambda event: meters.main_lag[()].observe(event.lag),
            HandlersLoopTurned: lambda event: meters.loop_lag[()].set(event.lag),
            e.PluginBroken: lambda event: meters.broken[event.type,].set(1),
            e.DaemonPhase: self._phase_changed,
            e.BackgroundFailed: lambda event: meters.background[event.loop,].inc(),
            e.RequestFailed: lambda _: meters.requests[()].inc(),
            SubmissionsLimited: lambda event: meters.limited[event.limit,].inc(event.count),
        }

    def _type(self, event: e.JobEvent) -> tuple[str]:
        return (self._names[event.job.type],)

    def _handed_back(self, event: e.JobHandedBack) -> None:
        self._meters.handed_back[event.reason,].inc()
        self._attempts.ended(event)

    def _lease_lost(self, event: e.LeaseLost) -> None:
        self._meters.losses[self._type(event)].inc()
        self._attempts.ended(event)

    def _abandoned(self, event: e.HandlerAbandoned) -> None:
        self._meters.abandoned[self._type(event)].inc()
        self._meters.stragglers[self._type(event)].inc()
        self._attempts.ended(event)

    def _received(self, event: e.Received) -> None:
        result = "empty" if event.count == 0 else "full" if event.count >= event.asked else "partial"
        self._meters.receives[event.queue, result].inc()
        self._meters.received[event.queue,].inc(event.count)

    def _depth_seen(self, event: e.DepthSeen) -> None:
        for state in ("visible", "in_flight", "delayed"):
            self._meters.depth[event.queue, state].set(getattr(event, state))

    def _service_failed(self, event: e.ServiceFailed) -> None:
        self._meters.failures[event.service,].inc()
        self._meters.up[event.service,].set(0)

    def _service_called(self, event: e.ServiceCalled) -> None:
        meters = self._meters
        found = self._calls.get((event.service, event.operation, event.result))
        count, time = found or self._find_call(event.service, event.operation, event.result)
        count.value += 1.0
        time.observe(event.seconds)
        if event.write_units:
            meters.write_units[event.operation,].inc(event.write_units)
        if event.read_units:
            meters.read_units[event.operation,].inc(event.read_units)
        if found is None and event.result == "ok" and (event.service,) not in meters.up:
            meters.up[event.service,].set(1)

    def _find_call(self, service: str, operation: str, result: str) -> tuple[Number, Spread]:
        found = (self._meters.calls[service, operation, result], self._meters.call_time[service, operation])
        if len(self._calls) < MOST_CHILDREN:
            self._calls[service, operation, result] = found
        return found

    def _slots_changed(self, event: e.SlotsChanged) -> None:
        self._slots_taken.value, self._slots.value = event.taken, event.total

    def _loop_silent(self, event: HandlersLoopSilent) -> None:
        self._meters.loop_silences[self._names[event.type],].inc()
        self._meters.loop_lag[()].set(event.seconds)

    def _phase_changed(self, event: e.DaemonPhase) -> None:
        if self._phase:
            self._meters.phase[self._phase,].set(0)
        self._phase = event.phase
        self._meters.phase[self._phase,].set(1)


class _Counts(Collector):
    """Counters that live elsewhere."""

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
