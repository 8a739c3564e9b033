"""What can happen to the levels of a queue, as frozen records like those of cqworker.events."""

from __future__ import annotations

from msgspec import Struct

from cqworker.events.job_event import JobEvent


class JobReprioritised(JobEvent, frozen=True, kw_only=True):
    """Somebody gave a job that waits another level of its queue."""

    priority: str


class LevelReceived(Struct, frozen=True, kw_only=True):
    """A receive from this level of a queue was answered: the oldest message of it is `oldest` s old, 0 without any."""

    queue: str
    priority: str
    oldest: float


class LevelStarted(Struct, frozen=True, kw_only=True):
    """A message of this level of a queue was given a slot."""

    queue: str
    priority: str
