"""What can happen to submissions of unique jobs, as frozen records like those of cqworker.events."""

from __future__ import annotations

from typing import Literal

from cqworker.events.job_event import JobEvent

DuplicateOutcome = Literal["returned", "rejected", "replaced"]
"""What a submission was given that met a job with its unique key."""


class DuplicateMet(JobEvent, frozen=True, kw_only=True):
    """A submission met this job, which has its unique key, and made no other."""

    outcome: DuplicateOutcome
