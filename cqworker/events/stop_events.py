"""What can happen when a handler was asked to stop, as frozen records like those of cqworker.events."""

from __future__ import annotations

from cqworker.events import JobEvent


class EndingDiscarded(JobEvent, frozen=True, kw_only=True):
    """How a handler ended does not count: it had been given up for this `reason`, or its lease was refused."""

    ending: str
    reason: str


class ReturnedAfterStop(JobEvent, frozen=True, kw_only=True):
    """A handler returned after it saw its stop, without job.finished(): emitted once for each type."""

    reason: str
    remedy: str = "raise job.check()'s Stopping to give up; return job.finished(result) where the result is whole"
