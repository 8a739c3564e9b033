"""What can happen when a handler was told to stop, beside what events.py has."""

from __future__ import annotations

from cqworker.events import JobEvent


class EndingDiscarded(JobEvent, frozen=True, kw_only=True):
    """What a handler came to is worth nothing: it had been given up for this `reason`, or its lease was refused."""

    ending: str
    reason: str


class ReturnedAfterStop(JobEvent, frozen=True, kw_only=True):
    """A handler returned after it saw its stop, without job.finished(): told once for each type."""

    reason: str
    remedy: str = "raise job.check()'s Stopping to give up; return job.finished(result) where the result is whole"
