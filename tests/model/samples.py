"""Records and messages for the tests of the rules, at a time of their own."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from msgspec.structs import replace

from cqworker.model.attempt_writes import Claim, Reopen
from cqworker.model.envelope import Envelope
from cqworker.model.history import Entry
from cqworker.model.record import JobRecord
from cqworker.model.status import Status

UNHURRIED = settings(deadline=None, max_examples=50)
"""A machine that is busy with something else proves nothing."""
NOW = 1_767_225_600_000
LEASE = NOW + 60_000
PURGE = NOW // 1000 + 2_592_000
MAX_ATTEMPTS = 3
OURS, OTHER = "ours.1", "other.1"


def message(number: int = 1, **changed: Any) -> Envelope:
    """The message of the sample job in a round."""
    envelope = Envelope(
        job_id="job-1",
        type="text.transform",
        queue="jobs",
        max_attempts=MAX_ATTEMPTS,
        created_at=NOW - 60_000,
        round=number,
        payload='{"text":"hello"}',
    )
    return replace(envelope, **changed)


def record(status: Status = Status.QUEUED, **changed: Any) -> JobRecord:
    """The sample job as it may stand there."""
    plain = JobRecord(
        job_id="job-1",
        type="text.transform",
        queue="jobs",
        tenant="default",
        status=status,
        max_attempts=MAX_ATTEMPTS,
        created_at=NOW - 60_000,
        purge_at=PURGE - 100,
        payload='{"text":"hello"}',
        history=(Entry(NOW - 60_000, "submitted"),),
    )
    return replace(plain, **changed)


def running(token: str = OTHER, lease_expires_at: int = LEASE, **changed: Any) -> JobRecord:
    """The sample job in its first attempt."""
    started = {"attempt": 1, "token": token, "lease_expires_at": lease_expires_at, "started_at": NOW}
    return record(Status.RUNNING, **{**started, **changed})


def claim(token: str = OURS, number: int = 1, now: int = NOW) -> Claim:
    return Claim(
        envelope=message(number), token=token, worker="w", now=now, lease_expires_at=now + 60_000, purge_at=PURGE
    )


def reopen(token: str = OURS, number: int = 2, now: int = NOW) -> Reopen:
    return Reopen(
        envelope=message(number), token=token, worker="w", now=now, lease_expires_at=now + 60_000, purge_at=PURGE
    )
