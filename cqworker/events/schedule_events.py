"""What happens to jobs that wait for their time, and to the index that has them."""

from __future__ import annotations

from msgspec import Struct

from cqworker.events.job_event import JobEvent


class JobScheduled(JobEvent, frozen=True, kw_only=True):
    """A job was accepted, or put off, for `at` (RFC 3339): its record waits in the index of due jobs."""

    at: str


class JobHandedOver(JobEvent, frozen=True, kw_only=True):
    """The message of a job that is due was sent, so many seconds `ahead` of its time; 0: it was late."""

    ahead: float


class JobUnsendable(JobEvent, frozen=True, kw_only=True):
    """The message of a job that is due, or whose turn it is, could not be sent; that is tried again soon."""

    reason: str


class ShardSwept(Struct, frozen=True, kw_only=True):
    """A sweep came to the end of what was due in a shard: it `sent` so many messages.

    `overdue`: seconds since the time of the oldest job that it found; 0 where none was late.
    """

    shard: str
    sent: int
    overdue: float


class ShardLeft(Struct, frozen=True, kw_only=True):
    """A shard is no longer this process's to sweep: what its last sweep found says nothing any more."""

    shard: str
