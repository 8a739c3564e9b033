"""Counts what every job has: a start and an ending; the instruments are looked up once a type, status and kind."""

from __future__ import annotations

from collections.abc import Collection

from cqworker.events import JobEvent, JobSettled, JobStarted
from cqworker.model.status import FailureKind, Status
from cqworker.observe.instruments import Distribution, Value
from cqworker.observe.metric_definitions import MetricDefinitions
from cqworker.observe.type_labels import TypeLabels

_RETRYING = Status.RETRYING


class AttemptCounters:
    """The metrics of attempts and of the jobs that run now; used on the main loop alone."""

    def __init__(self, metrics: MetricDefinitions, types: Collection[str]) -> None:
        self._metrics = metrics
        self._labels = TypeLabels(types)
        self.longest_wait: float = 0.0
        """Seconds that a job waited for its start at most, since somebody last set this back."""
        self._running: dict[str, Value] = {}
        self._starts: dict[str, tuple[Value, Distribution, Value]] = {}
        self._endings: dict[tuple[str, Status, FailureKind | None], tuple[Distribution, Value]] = {}

    def count_start(self, event: JobStarted) -> None:
        """One attempt more, what it waited (seconds), and one job more in flight."""
        job = event.job
        started, wait, in_flight = self._starts.get(job.type) or self._find_start(job.type)
        started.value += 1.0
        wait.observe(max(0.0, event.waited))
        self.longest_wait = max(self.longest_wait, event.waited)
        if job.job_id not in self._running:
            self._running[job.job_id] = in_flight
            in_flight.value += 1.0

    def count_settle(self, event: JobSettled) -> None:
        """One ending more with its duration (seconds), and one job less in flight."""
        job = event.job
        found = self._endings.get((job.type, event.status, event.kind))
        duration, count = found or self._find_ending(job.type, event.status, event.kind)
        duration.observe(event.seconds)
        count.value += 1.0
        in_flight = self._running.pop(job.job_id, None)
        if in_flight is not None:
            in_flight.value -= 1.0

    def count_finish(self, event: JobEvent, status: Status, kind: FailureKind | None) -> None:
        """One job more that is final without having been settled by its attempt."""
        self._metrics.finished[self._labels[event.job.type], status, kind or ""].inc()
        self.remove_running(event)

    def remove_running(self, event: JobEvent) -> None:
        """The job is in flight no longer: by job id alone, for a refund changes the attempt; the first event counts."""
        in_flight = self._running.pop(event.job.job_id, None)
        if in_flight is not None:
            in_flight.dec()

    def _find_start(self, job_type: str) -> tuple[Value, Distribution, Value]:
        """Kept for known types only: of the others there can be any number."""
        name, metrics = self._labels[job_type], self._metrics
        found = (metrics.started[name,], metrics.wait[name,], metrics.in_flight[name,])
        if name == job_type:
            self._starts[name] = found
        return found

    def _find_ending(self, job_type: str, status: Status, kind: FailureKind | None) -> tuple[Distribution, Value]:
        name, metrics = self._labels[job_type], self._metrics
        count = metrics.retried[name, kind or ""] if status is _RETRYING else metrics.finished[name, status, kind or ""]
        found = (metrics.duration[name,], count)
        if name == job_type:
            self._endings[name, status, kind] = found
        return found
