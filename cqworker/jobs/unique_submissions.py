"""Submissions of unique jobs: the key first, then the job; or the answer that another job has the key."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from cqworker.enums import OnDuplicate, UniqueScope
from cqworker.errors import DuplicateJob
from cqworker.events import SubmissionReplayed
from cqworker.events.unique_events import DuplicateMet
from cqworker.flow.context import Context
from cqworker.flow.job_ref import job_ref_of
from cqworker.jobs.queue_directory import QueueDirectory
from cqworker.jobs.replacements import Replacements, is_replaceable
from cqworker.jobs.request_keys import RequestKey, has_payload_of, is_done, standing_of
from cqworker.jobs.rounds import Rounds
from cqworker.jobs.submission import Accepted, CheckedSubmission, Submission
from cqworker.jobs.unique_jobs import MAX_TRIES, Bound, Taken, UniqueJobs, Unsent, too_quick
from cqworker.model.record import JobRecord
from cqworker.model.unique import Unique
from cqworker.model.unique_hold import UniqueHold
from cqworker.model.writes import Written
from cqworker.ports import KeyItem

Make = Callable[[UniqueHold], Awaitable[JobRecord]]
"""Sends the job that a hold names, or puts it for later."""


class UniqueSubmissions:
    """Accepts unique jobs, each under a key that names it before it is sent."""

    def __init__(self, context: Context, queues: QueueDirectory) -> None:
        self._unique = UniqueJobs(context)
        self._rounds = Rounds(context, queues)
        self._replacements = Replacements(context, queues)
        self._unique_keys = context.unique_keys
        self._clock = context.clock
        self._emit = context.emit
        self._retention = context.retention

    def key_of(self, item: KeyItem | None) -> RequestKey:
        """A request's idempotency key, as it was read."""
        return RequestKey(self._unique_keys, item)

    async def submit(
        self, fit: CheckedSubmission, unique: Unique, job_id: str, key: RequestKey, make: Make
    ) -> Accepted | KeyItem:
        """The job that `make` made, under this id or that of one that was never sent; or the one that has the key.

        `key` is the request's idempotency key. Before a job is made, or is the answer, that key says so: where
        another try of the request was faster it is returned as it stands, and names the answer. Raises DuplicateJob,
        Unavailable, and what `make` raises.
        """
        for _ in range(MAX_TRIES):
            answer: Accepted | KeyItem | None = None
            hold = self._hold_of(fit, unique, job_id)
            match await self._unique.take(hold):
                case Bound(hold=held, record=record):
                    answer = await self._meet(fit.submission, held, record, key)
                case Unsent(hold=held, record=record) if record is not None:
                    opened = await self._rounds.open(record)
                    seen = opened.record if isinstance(opened, Written) else opened.seen or record
                    answer = await self._meet(fit.submission, held, seen, key)
                case Unsent(hold=held):
                    if (kept := await self._unique.keep(held, hold.purge_at)) is not None:
                        answer = await self._make(fit.submission, kept, key, make)
                case Taken():
                    answer = await self._make(fit.submission, hold, key, make)
            if answer is not None:
                return answer
        raise too_quick()

    async def resume(
        self, submission: Submission, holder: KeyItem, record: JobRecord
    ) -> Accepted | KeyItem | RequestKey:
        """What an earlier try of a request has begun, which replaces: as `holder` says, with the job of this record.

        Answered where that was done; done where that is still to be; else the key, of which another job is to be the
        answer. Raises NotProvisioned, Unavailable.
        """
        key = RequestKey(self._unique_keys, holder, is_open=True)
        answer = await self._replay(submission, record, key)
        if answer is None and holder.standing == standing_of(record):
            answer = await self._replace(submission, record, key)
        return answer or key

    async def _replay(self, submission: Submission, record: JobRecord, key: RequestKey) -> Accepted | KeyItem | None:
        """The answer where another try of the request has made this job, or replaced it; None where none has."""
        if key.item is None or key.item.job_id != record.job_id or not is_done(key.item, record, submission):
            return None
        if (other := await key.confirm(record)) is not None:
            return other
        self._emit(SubmissionReplayed(job=job_ref_of(record)))
        return Accepted(record, replayed=True)

    async def _make(
        self, submission: Submission, hold: UniqueHold, key: RequestKey, make: Make
    ) -> Accepted | KeyItem | None:
        """None where whoever took the key had sent its job after all, with a payload that is to be replaced."""
        if (other := await key.decide(hold.job_id)) is not None:
            return other
        record = await make(hold)
        if not submission.replaces or has_payload_of(record, submission):
            return Accepted(record)
        key.is_open = True
        return await self._replay(submission, record, key)

    async def _meet(
        self, submission: Submission, hold: UniqueHold, record: JobRecord, key: RequestKey
    ) -> Accepted | KeyItem | None:
        """The answer to a submission whose key another job has; None where that has started, and is free by that."""
        if not submission.replaces:
            return await self._answer_duplicate(submission, record, key)
        answer = await self._replay(submission, record, key)
        if answer is None and is_replaceable(record):
            answer = await key.begin(record) or await self._replace(submission, record, key)
        if answer is not None:
            return answer
        if hold.scope is UniqueScope.UNTIL_STARTED or await self._unique.is_free(hold):
            return None
        raise DuplicateJob(
            f"Job {record.job_id} has this unique key as {hold.scope} says, and has started.", record.job_id
        )

    async def _replace(self, submission: Submission, record: JobRecord, key: RequestKey) -> Accepted | KeyItem | None:
        """None where the job has started, or ended, meanwhile."""
        replaced = await self._replacements.replace(record, submission, once=key.item is not None)
        if replaced is None:
            return None
        if (other := await key.confirm(replaced)) is not None:
            return other
        self._emit(DuplicateMet(job=job_ref_of(replaced), outcome="replaced"))
        return Accepted(replaced, duplicate=True)

    async def _answer_duplicate(self, submission: Submission, record: JobRecord, key: RequestKey) -> Accepted | KeyItem:
        job = job_ref_of(record)
        if submission.on_duplicate is OnDuplicate.REJECT:
            self._emit(DuplicateMet(job=job, outcome="rejected"))
            raise DuplicateJob(f"Job {record.job_id} has this unique key, and is {record.status}.", record.job_id)
        if (other := await key.decide(record.job_id)) is not None:
            return other
        self._emit(DuplicateMet(job=job, outcome="returned"))
        return Accepted(record, duplicate=True)

    def _hold_of(self, fit: CheckedSubmission, unique: Unique, job_id: str) -> UniqueHold:
        """The key for a job of ours; it is kept for as long as the job's record will be, as far as that is known."""
        now = self._clock.now()
        expires_at = now + unique.window * 1000 if UniqueScope(unique.scope) is UniqueScope.WINDOW else None
        last = max(fit.submission.starts_at(now), expires_at or 0)
        return UniqueHold(
            key=fit.unique_key,
            job_id=job_id,
            rev=1,
            scope=UniqueScope(unique.scope),
            expires_at=expires_at,
            purge_at=self._retention.purge_at(last),
        )
