"""What an operator may do to a job: show it, wait for its end, retry it, cancel it."""

from __future__ import annotations

from collections.abc import Callable

from cqworker.errors import JobNotFound, NotAllowedNow
from cqworker.events import CancelAsked, JobForestalled, RetryAsked
from cqworker.flow.context import Context
from cqworker.flow.job_ref import job_ref_of
from cqworker.jobs.hand_over import HandOvers
from cqworker.jobs.priority_actions import PriorityActions
from cqworker.jobs.queue_directory import QueueDirectory
from cqworker.jobs.rounds import Rounds
from cqworker.jobs.schedule_check import check_schedule, check_start
from cqworker.jobs.shared_reads import SharedReads
from cqworker.jobs.unique_jobs import UniqueJobs
from cqworker.jobs.waiters import Waiters
from cqworker.jobs.waiting_jobs import require_waiting, said_by
from cqworker.model.history import RESCHEDULED, Entry, ending_event
from cqworker.model.operator_writes import AskCancel, Forestall
from cqworker.model.record import JobRecord
from cqworker.model.schedule_writes import Reschedule
from cqworker.model.status import RETRYABLE, Status
from cqworker.model.timestamps import rfc3339
from cqworker.model.writes import Refused, Written

MAX_TRIES = 5
"""Conditional writes that one act tries: each is refused only because the job changed meanwhile."""
MESSAGE_LATER = 1
"""Seconds by which the message of a retry among many is later than its record, which says who asked for it."""
_RETRYABLE = ", ".join(status for status in Status if status in RETRYABLE)


class OperatorActions:
    """What people may do to a job that exists.

    A job of another tenant does not exist for them; `tenant` None is the local operator, who may see every job.
    `cancel_here` is called with the id and round of a running job whose cancel was asked for: it may run in this
    process, which need not wait for its next renewal then.
    """

    def __init__(
        self,
        context: Context,
        queues: QueueDirectory,
        waiters: Waiters,
        cancel_here: Callable[[str, int], None] = lambda *_: None,
    ) -> None:
        self._store = context.store
        self._reads = SharedReads(context.store)
        self._rounds = Rounds(context, queues)
        self._unique = UniqueJobs(context)
        self._hand_overs = HandOvers(context, queues)
        self._schedule = context.schedule
        self._waiters = waiters
        self._clock = context.clock
        self._emit = context.emit
        self._retention = context.retention
        self._listing = context.listing
        self._cancel_here = cancel_here
        self._priorities = PriorityActions(context, queues, self.show)

    async def show(self, job_id: str, tenant: str | None) -> JobRecord:
        """The job as it is now. Raises JobNotFound, Unavailable."""
        record = await self._reads.get(job_id)
        if record is None or (tenant is not None and record.tenant != tenant):
            raise JobNotFound(f"There is no job {job_id}.")
        return record

    async def wait(self, job_id: str, tenant: str | None, seconds: float) -> JobRecord:
        """The job once it is final, or as it is after `seconds`. Raises JobNotFound, Unavailable."""
        known = self._waiters.last_read(job_id)
        record = known if known is not None and tenant in (None, known.tenant) else await self.show(job_id, tenant)
        return await self._waiters.until_final(record, seconds, lambda: self.show(job_id, None))

    async def retry(self, job_id: str, tenant: str | None, round_number: int | None = None) -> JobRecord:
        """A new round for a FAILED or CANCELLED job; for a stuck one its message again.

        `round_number` is the round the caller saw: a retry of it that was already done is not done twice.
        Raises JobNotFound, NotAllowedNow, Unavailable (nothing certain happened; repeating is harmless).
        """
        record = await self.show(job_id, tenant)
        if round_number is not None and record.round > round_number:
            return record
        if round_number is not None and record.round < round_number:
            raise NotAllowedNow(f"Job {job_id} is in round {record.round}; there was no round {round_number} yet.")
        if record.status.is_retryable:
            answer = await self._open_round(record)
            return answer.record if isinstance(answer, Written) else answer.seen or record
        if record.is_free(self._clock.now()):
            if record.is_marked:
                raise NotAllowedNow(f"Job {job_id} waits for its time; give it another one, or run it now.")
            await self._rounds.send(record, record.round)
            self._emit(RetryAsked(job=job_ref_of(record)))
            return record
        raise NotAllowedNow(f"Job {job_id} is {record.status}; only a {_RETRYABLE} or stuck job can be retried.")

    async def cancel(self, job_id: str, tenant: str | None) -> JobRecord:
        """CANCELLED at once where nobody runs it; else a request that its worker sees at its next renewal.

        Raises JobNotFound, NotAllowedNow where the job is final, Unavailable.
        """
        record = await self.show(job_id, tenant)
        for _ in range(MAX_TRIES):
            if record.status.is_final:
                raise NotAllowedNow(f"Job {job_id} is already {record.status}.")
            change = self._cancel_write(record)
            answer = await self._store.write(change)
            if isinstance(answer, Written):
                return self._report_cancel(answer.record)
            if isinstance(change, Forestall) and answer.seen is not None and change.was_applied_to(answer.seen):
                return self._report_cancel(answer.seen)
            if answer.seen is None:
                raise JobNotFound(f"There is no job {job_id}.")
            if isinstance(change, Forestall) and change.is_behind(answer.seen):
                self._emit(CancelAsked(job=job_ref_of(record)))
                return answer.seen
            record = answer.seen
        raise NotAllowedNow(f"Job {job_id} changes too quickly to be cancelled; try again.")

    async def reschedule(
        self, job_id: str, tenant: str | None, at: int | None, by: str = "", why: str = ""
    ) -> JobRecord:
        """Another time (epoch ms; None, and one that has passed: now) for a job that waits.

        `by` is who asks, `why` what for: both are for the history. Raises JobNotFound, NotProvisioned, Unavailable,
        TooFarAhead, and NotAllowedNow where the job runs, is final or was asked to stop.
        """
        check_start(at, self._clock.now())
        await check_schedule(self._schedule)
        record = await self.show(job_id, tenant)
        for _ in range(MAX_TRIES):
            require_waiting(record, "another time")
            change = self._reschedule_write(record, at, said_by(by, why))
            answer = await self._store.write(change)
            if isinstance(answer, Written) or change.was_applied_to(answer.seen):
                return await self._hand_overs.hand_over_soon(change.after(record))
            if answer.seen is None:
                raise JobNotFound(f"There is no job {job_id}.")
            if change.is_behind(answer.seen):
                return answer.seen
            record = answer.seen
        raise NotAllowedNow(f"Job {job_id} changes too quickly to be put off; try again.")

    async def reprioritise(
        self, job_id: str, tenant: str | None, asked: str | int, by: str = "", why: str = ""
    ) -> JobRecord:
        """Another level of its queue, by its name or by a number from 0 to 9, for a job that waits.

        `by` is who asks, `why` what for: both are for the history. Raises JobNotFound, Unavailable, PriorityRefused
        where its queue has no such level here, and NotAllowedNow where the job runs, is final or was asked to stop.
        """
        return await self._priorities.reprioritise(job_id, tenant, asked, by, why)

    async def retry_seen(self, record: JobRecord, said: str) -> bool:
        """A new round for a FAILED or CANCELLED job as it was read; False: it has changed since.

        `said` is for the history: its message comes a second later, so that no claim opens the round before the record
        says who asked. Raises NotAllowedNow for a record that no worker takes, and Unavailable.
        """
        answer = await self._open_round(record, said, MESSAGE_LATER)
        return not isinstance(answer, Refused)

    async def cancel_seen(self, record: JobRecord, said: str) -> bool:
        """A cancel, or a request for one, of a job as it was read; False: it has changed since. Raises Unavailable."""
        change = self._cancel_write(record, said)
        answer = await self._store.write(change)
        if isinstance(answer, Written):
            self._report_cancel(answer.record)
            return True
        return isinstance(change, Forestall) and change.was_applied_to(answer.seen)

    def _reschedule_write(self, record: JobRecord, at: int | None, said: str) -> Reschedule:
        now = self._clock.now()
        time = now if at is None else max(at, now)
        entry = Entry(now, RESCHEDULED, 0, "", f"{rfc3339(time) if time > now else 'now'}{said}")
        return Reschedule(seen=record, scheduled_at=time, purge_at=self._retention.purge_at(time), entry=entry)

    def _cancel_write(self, record: JobRecord, said: str = "a cancel was asked for") -> Forestall | AskCancel:
        now = self._clock.now()
        if not record.is_free(now):
            return AskCancel(job_id=record.job_id, round=record.round, now=now)
        entry = Entry(now, ending_event(Status.CANCELLED), record.attempt, "", said)
        return Forestall(
            seen=record,
            status=Status.CANCELLED,
            now=now,
            purge_at=self._retention.purge_at(now),
            entry=entry,
            listing=self._listing.listing_of(Status.CANCELLED),
        )

    def _report_cancel(self, record: JobRecord) -> JobRecord:
        job = job_ref_of(record)
        self._emit(CancelAsked(job=job))
        if record.status.is_final:
            self._emit(JobForestalled(job=job, status=record.status))
            self._waiters.note_written(record.job_id, Written(record))
        else:
            self._cancel_here(record.job_id, record.round)
        return record

    async def _open_round(self, record: JobRecord, said: str = "", later: int = 0) -> Written | Refused:
        """The next round, for which a unique job has its key first: else another could be made meanwhile."""
        await self._unique.take_round(record)
        return await self._rounds.open(record, said, later)
