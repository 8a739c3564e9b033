"""Takes jobs in from untrusted clients: reads and checks what a body asks for, then submits it.

Reading is pure and waits for nothing, so that web/parse_offload.py can have it done in another process: all of the work
that grows with what a client sends is there. Nothing here knows HTTP: what is wrong is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import orjson

from cqworker.enums import OnDuplicate
from cqworker.errors import CqworkerError, InvalidPayload, Unavailable
from cqworker.jobs.strict_json import MAX_DEPTH, read_object
from cqworker.jobs.submission import Accepted, CheckedSubmission, Submission, check
from cqworker.jobs.submission_models import (
    MAX_FAULTS,
    BatchAsk,
    BatchJobAsk,
    InvalidFields,
    SubmitAsk,
    unalias,
    validate,
)
from cqworker.jobs.submit import Submitter
from cqworker.model.json_pointer import ROOT, Fault, JobPointer
from cqworker.model.start_times import start_time
from cqworker.plugins.loaded_handlers import Handler

T = TypeVar("T")
FindHandler = Callable[[str], Handler | None]
"""The handler of a job type; None leaves it to the submitter to say that there is none, or to check the payload."""
BATCH_DEPTH = 2
"""Levels of nesting that a batch puts around each of its jobs."""
MAX_BATCH_FAULTS = 200
"""Faults of a batch that are reported before each further job has one of its own: a batch can have ten thousand."""
NOTHING_ACCEPTED = "Nothing was accepted: send the job again."
"""What a failure of a service before the job's message is sent means for its client."""


@dataclass(frozen=True, slots=True)
class Sender:
    """What a request says of its jobs beside its body; `key` is the Idempotency-Key of a single one."""

    tenant: str
    traceparent: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ReadJob:
    """A job that could be read, and what points to its fields in the body."""

    submission: Submission | CheckedSubmission
    pointer: JobPointer


@dataclass(frozen=True, slots=True)
class JobAnswer:
    """What became of a job, and what points to its fields in the body.

    `outcome` is what accepted it or why it was refused: a CqworkerError, or an error that no rule foresaw.
    """

    outcome: Accepted | Exception
    pointer: JobPointer


Read = ReadJob | JobAnswer
"""A job of a body: read, or refused already."""


def read_one(body: bytes, sender: Sender, find: FindHandler) -> Read:
    """The job in the body of POST /jobs, or what is wrong with it. Raises NotStrictJson."""
    return _read_job(read_object(body), SubmitAsk, "", sender, find, MAX_FAULTS)


def read_batch(body: bytes, sender: Sender, find: FindHandler) -> list[Read]:
    """Each job in the body of POST /jobs/batch, or what is wrong with it.

    Raises NotStrictJson, and InvalidFields where it is no batch.
    """
    batch = validate(BatchAsk, read_object(body, MAX_DEPTH + BATCH_DEPTH))
    return _read_jobs([(job, f"/jobs/{place}") for place, job in enumerate(batch.jobs)], sender, find)


def read_each(jobs: Sequence[object], sender: Sender, find: FindHandler) -> list[Read]:
    """Each of these jobs as an object of its own, or what is wrong with it; may have an `idempotency_key`."""
    return _read_jobs([(job, "") for job in jobs], sender, find)


def count_later(read: Sequence[Read], now: int) -> int:
    """How many of these jobs would wait in the index of due jobs, if they were submitted at `now` (epoch ms)."""
    asked = [job.submission for job in read if isinstance(job, ReadJob)]
    plain = [each.submission if isinstance(each, CheckedSubmission) else each for each in asked]
    return sum(each.is_later(now) for each in plain)


async def submit_one(read: Read, submitter: Submitter) -> JobAnswer:
    """What became of the job. Raises errors that no rule foresaw."""
    if isinstance(read, JobAnswer):
        return read
    try:
        return JobAnswer(await submitter.submit(read.submission), read.pointer)
    except CqworkerError as error:
        return JobAnswer(_with_consequence(error), read.pointer)


async def submit_all(read: Sequence[Read], submitter: Submitter) -> list[JobAnswer]:
    """What became of each job, in order, whatever became of the others."""
    outcomes = iter(await submitter.submit_many([job.submission for job in read if isinstance(job, ReadJob)]))
    return [
        job if isinstance(job, JobAnswer) else JobAnswer(_with_consequence(next(outcomes)), job.pointer) for job in read
    ]


def _read_jobs(jobs: Sequence[tuple[object, str]], sender: Sender, find: FindHandler) -> list[Read]:
    read: list[Read] = []
    reported = 0
    for job, at in jobs:
        most = MAX_FAULTS if reported < MAX_BATCH_FAULTS else 1
        read.append(answer := _read_job(job, BatchJobAsk, at, sender, find, most))
        if isinstance(answer, JobAnswer) and isinstance(answer.outcome, InvalidFields | InvalidPayload):
            reported += len(answer.outcome.faults)
    return read


def _read_job(job: object, model: type[SubmitAsk], at: str, sender: Sender, find: FindHandler, most: int) -> Read:
    pointer = ROOT  # what is refused before its names are known has whole pointers already
    try:
        if not isinstance(job, dict):
            raise InvalidFields(f"{at}: a job is an object.", [Fault(at, "is no object")])
        fields, pointer = unalias(job, at)
        submission = _submission_of(validate(model, fields, pointer, most), sender)
        handler = find(submission.type)
        return ReadJob(submission if handler is None else check(submission, handler), pointer)
    except InvalidFields as error:
        return JobAnswer(error, pointer)
    except InvalidPayload as error:
        return JobAnswer(error if len(error.faults) <= most else InvalidPayload(error.faults[:most]), pointer)


def _submission_of(asked: SubmitAsk, sender: Sender) -> Submission:
    return Submission(
        type=asked.type,
        payload=orjson.dumps(asked.payload).decode(),
        tenant=sender.tenant,
        queue=asked.queue,
        metadata=asked.metadata,
        tags=tuple(asked.tags),
        max_attempts=asked.max_attempts,
        delay_seconds=asked.delay_seconds,
        idempotency_key=asked.idempotency_key if isinstance(asked, BatchJobAsk) else sender.key,
        traceparent=sender.traceparent,
        priority=asked.priority,
        limit_key=asked.limit_key,
        run_at=None if asked.run_at is None else start_time(asked.run_at),
        unique=None if asked.unique is None else asked.unique.unique(),
        on_duplicate=OnDuplicate(asked.on_duplicate),
        debounce_seconds=asked.debounce_seconds or 0,
        max_wait_seconds=asked.max_wait_seconds,
    )


def _with_consequence(outcome: T) -> T | Unavailable:
    """A service's failure whose text also says what it means for a job; everything else as it is."""
    if not isinstance(outcome, Unavailable):
        return outcome
    error = Unavailable(
        outcome.service, outcome.cause, outcome.remedy, ambiguous=outcome.ambiguous, concerns=outcome.concerns
    )
    error.args = (f"{outcome} {NOTHING_ACCEPTED}",)
    error.__cause__ = outcome
    return error
