"""Counts what every job has: a start and an ending; the instruments are looked up once a type, status and kind."""

from __future__ import annotations

from collections.abc import Collection

from cqworker.events import JobEvent, JobSettled, JobStarted
from cqworker.model.status import FailureKind, Status
from cqworker.observe.instruments import Number, Spread
from cqworker.observe.metric_definitions import Meters
from cqworker.observe.type_labels import KnownTypes

_RETRYING = Status.RETRYING


class Attempts:
    """The numbers about attempts and about the jobs that run now."""

    def __init__(self, meters: Meters, types: Collection[str]) -> None:
        self._meters = meters
        self._names = KnownTypes(types)
        self._running: dict[str, Number] = {}
        self._starts: dict[str, tuple[Number, Spread, Number]] = {}
        self._endings: dict[tuple[str, Status, FailureKind | None], tuple[Spread, Number]] = {}

    def started(self, event: JobStarted) -> None:
        job = event.job
        started, wait, in_flight = self._starts.get(job.type) or self._find_start(job.type)
        started.value += 1.0
        wait.observe(max(0.0, event.waited))
        if job.job_id not in self._running:
            self._running[job.job_id] = in_flight
            in_flight.value += 1.0

    def settled(self, event: JobSettled) -> None:
        job = event.job
        found = self._endings.get((job.type, event.status, event.kind))
        duration, count = found or self._find_ending(job.type, event.status, event.kind)
        duration.observe(event.seconds)
        count.value += 1.0
        in_flight = self._running.pop(job.job_id, None)
        if in_flight is not None:
            in_flight.value -= 1.0

    def finished(self, event: JobEvent, status: Status, kind: FailureKind | None) -> None:
        self._meters.finished[self._names[event.job.type], status, kind or ""].inc()
        self.ended(event)

    def ended(self, event: JobEvent) -> None:
        """By job id alone, for a refund changes the attempt; whichever event comes first ends it."""
        in_flight = self._running.pop(event.job.job_id, None)
        if in_flight is not None:
            in_flight.dec()

    def _find_start(self, job_type: str) -> tuple[Number, Spread, Number]:
        """Kept for known types only: of the others there can be any number."""
        name, meters = self._names[job_type], self._meters
        found = (meters.started[name,], meters.wait[name,], meters.in_flight[name,])
        if name == job_type:
            self._starts[name] = found
        return found

    def _find_ending(self, job_type: str, status: Status, kind: FailureKind | None) -> tuple[Spread, Number]:
        name, meters = self._names[job_type], self._meters
        count = meters.retried[name, kind or ""] if status is _RETRYING else meters.finished[name, status, kind or ""]
        found = (meters.duration[name,], count)
        if name == job_type:
            self._endings[name, status, kind] = found
        return found
