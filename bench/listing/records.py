"""The records that lists are timed on: a month of a busy fleet, with what is common, rare, and in no job at all."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from cqworker.model.history import CLAIMED, SUBMITTED, Entry, ending_event
from cqworker.model.listing import Listing
from cqworker.model.record import Failure, JobRecord, shard_of
from cqworker.model.retention import DAY_SECONDS
from cqworker.model.status import FailureKind, Status

DAYS = 28
"""Days over which the jobs are spread, evenly."""
TYPES = tuple(f"orders.step{number}" for number in range(10))
TENANTS = ("default", "acme", "blue", "green")
STATUSES = (*[Status.SUCCEEDED] * 14, *[Status.FAILED] * 4, Status.SCHEDULED, Status.QUEUED)
"""Of 20 jobs 4 have failed: far more than in life, for these make the lists."""
RARE = 5_000
"""One job of so many is of the rare type, tenant, queue, worker, release, tag and fingerprint."""


def records(number: int, now: int) -> Iterator[JobRecord]:
    """So many records of jobs that were submitted until `now` (epoch ms), in no order."""
    rng = Random(1)
    for place in range(number):
        yield _record(rng, place, now - rng.randrange(DAYS * DAY_SECONDS * 1000))


def _record(rng: Random, place: int, ended: int) -> JobRecord:
    status, rare, job_id = rng.choice(STATUSES), place % RARE == RARE // 2, f"{rng.getrandbits(128):032x}"
    if rare:
        status = Status.FAILED
    has_failed, waits = status is Status.FAILED, status is Status.SCHEDULED
    fingerprint = "rare0000" if rare else f"{rng.randrange(20):08x}"
    listing = Listing(
        kind="rejected",
        fingerprint=fingerprint,
        worker="rare" if rare else f"w{rng.randrange(50)}",
        release="rare" if rare else f"1.{rng.randrange(4)}",
    )
    submitted, claimed = Entry(ended - 60_000, SUBMITTED), Entry(ended - 900, CLAIMED, 1, listing.worker)
    return JobRecord(
        job_id=job_id,
        type="rare.type" if rare else rng.choice(TYPES),
        queue="rare" if rare else rng.choice(("main", "slow")),
        tenant="rare" if rare else rng.choice(TENANTS),
        status=status,
        max_attempts=3,
        created_at=ended - 60_000,
        purge_at=ended // 1000 + 400 * DAY_SECONDS,
        attempt=1 if status.is_final else 0,
        payload='{"order":4711,"text":"a payload as it often is"}',
        tags=("rare",) if rare else (rng.choice(("blue", "red")),),
        scheduled_at=ended + 60 * DAY_SECONDS * 1000 if waits else None,
        due=shard_of(job_id) if waits else None,
        started_at=ended - 900 if status.is_final else None,
        finished_at=ended if status.is_final else None,
        failure=Failure(FailureKind.REJECTED, "there is no such order", fingerprint=fingerprint)
        if has_failed
        else None,
        history=(submitted, claimed, Entry(ended, ending_event(status), 1, listing.worker))
        if status.is_final
        else (submitted,),
        listing=listing if has_failed else None,
    )
