"""An observer that counts what a run costs and notes when each of its jobs came to its end."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field

from cqworker.events import Event, JobForestalled, JobSettled, ServiceCalled
from cqworker.model.status import Status


@dataclass(slots=True)
class PhaseCounts:
    """Calls and units by operation since the phase began; `began` and `cpu` are seconds."""

    calls: Counter[str] = field(default_factory=Counter)
    write_units: Counter[str] = field(default_factory=Counter)
    read_units: Counter[str] = field(default_factory=Counter)
    sqs: int = 0
    began: float = field(default_factory=time.monotonic)
    cpu: float = field(default_factory=time.process_time)


class CountingObserver:
    """Counts the events of this process; `ended` has each job's final status and the monotonic time of it (seconds)."""

    def __init__(self) -> None:
        self.phase: PhaseCounts = PhaseCounts()
        self.ended: dict[str, tuple[Status, float]] = {}

    def begin(self) -> PhaseCounts:
        """A new phase, which counts from nothing."""
        self.phase = PhaseCounts()
        return self.phase

    def __call__(self, event: Event) -> None:
        if isinstance(event, ServiceCalled):
            self._count(event)
        elif isinstance(event, JobSettled | JobForestalled) and event.status.is_final:
            self.ended[event.job.job_id] = (event.status, time.monotonic())

    def _count(self, call: ServiceCalled) -> None:
        if call.operation in ("GetQueueUrl", "GetQueueAttributes"):
            return
        self.phase.calls[call.operation] += 1
        self.phase.sqs += call.service == "sqs"
        if call.write_units:
            self.phase.write_units[call.operation] += call.write_units  # type: ignore[assignment]
        if call.read_units:
            self.phase.read_units[call.operation] += call.read_units  # type: ignore[assignment]
