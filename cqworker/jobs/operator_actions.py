"""What an operator may do to a job: show it, wait for its end, retry it, cancel it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cqworker.errors import JobNotFound, NotAllowedNow, Unavailable
from cqworker.events import CancelAsked, JobForestalled, RecordPostponed, RetryAsked
from cqworker.flow.context import Context
from cqworker.flow.job_ref import job_ref_of
from cqworker.jobs.shared_reads import SharedReads
from cqworker.jobs.waiters import Waiters
from cqworker.model.envelope import NotAnEnvelope, read_envelope
from cqworker.model.history import Entry, ending_event
from cqworker.model.operator_writes import AskCancel, Forestall, NewRound
from cqworker.model.record import JobRecord, envelope_of
from cqworker.model.status import RETRYABLE, Status
from cqworker.model.tenants import message_group_of
from cqworker.model.trace import traceparent_for
from cqworker.model.writes import Refused, Written
from cqworker.ports import JobQueue, Letter

MAX_CANCEL_TRIES = 5
"""Conditional writes that one cancel tries: each is refused only because the job changed meanwhile."""
_RETRYABLE = ", ".join(status for status in Status if status in RETRYABLE)


class OperatorActions:
    """What people may do to a job that exists.

    A job of another tenant does not exist for them; `tenant` None is the local operator, who may see every job.
    `cancel_here` is called with the id of a running job whose cancel was asked for: it may run in this process, which
    need not wait for its next renewal then.
    """

    def __init__(
        self,
        context: Context,
        queues: Mapping[str, JobQueue],
        waiters: Waiters,
        cancel_here: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._store = context.store
        self._reads = SharedReads(context.store)
        self._queues = queues
        self._waiters = waiters
        self._clock = context.clock
        self._emit = context.emit
        self._retention = context.retention
        self._cancel_here = cancel_here

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
            return await self._open_round(record)
        if record.is_free(self._clock.now()):
            await self._send(record, record.round)
            self._emit(RetryAsked(job=job_ref_of(record)))
            return record
        raise NotAllowedNow(f"Job {job_id} is {record.status}; only a {_RETRYABLE} or stuck job can be retried.")

    async def cancel(self, job_id: str, tenant: str | None) -> JobRecord:
        """CANCELLED at once where nobody runs it; else a request that its worker sees at its next renewal.

        Raises JobNotFound, NotAllowedNow where the job is final, Unavailable.
        """
        record = await self.show(job_id, tenant)
        for _ in range(MAX_CANCEL_TRIES):
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
            record = answer.seen
        raise NotAllowedNow(f"Job {job_id} changes too quickly to be cancelled; try again.")

    def _cancel_write(self, record: JobRecord) -> Forestall | AskCancel:
        now = self._clock.now()
        if not record.is_free(now):
            return AskCancel(job_id=record.job_id, round=record.round, now=now)
        entry = Entry(now, ending_event(Status.CANCELLED), record.attempt, "", "a cancel was asked for")
        return Forestall(
            seen=record, status=Status.CANCELLED, now=now, purge_at=self._retention.purge_at(now), entry=entry
        )

    def _report_cancel(self, record: JobRecord) -> JobRecord:
        job = job_ref_of(record)
        self._emit(CancelAsked(job=job))
        if record.status.is_final:
            self._emit(JobForestalled(job=job, status=record.status))
            self._waiters.note_written(record.job_id, Written(record))
        else:
            self._cancel_here(record.job_id)
        return record

    async def _open_round(self, record: JobRecord) -> JobRecord:
        """The message is the commit point of a retry, too: what the record says afterwards can be healed by a claim."""
        await self._send(record, record.round + 1)
        self._emit(RetryAsked(job=job_ref_of(record)))
        now = self._clock.now()
        change = NewRound(seen=record, now=now, purge_at=self._retention.purge_at(now))
        try:
            answer = await self._store.write(change)
        except Unavailable as error:
            self._emit(RecordPostponed(job=job_ref_of(record), cause=error.cause))
            return change.after(record)
        if isinstance(answer, Refused):
            return answer.seen or change.after(record)
        return answer.record

    async def _send(self, record: JobRecord, round_number: int) -> None:
        """Raises NotAllowedNow for a record from before today's limits, which no worker takes: it would be lost."""
        body = envelope_of(record, round_number=round_number).text()
        try:
            read_envelope(body)
        except NotAnEnvelope as error:
            raise NotAllowedNow(f"Job {record.job_id} cannot be sent again: its {error}.") from None
        queue = self._queues.get(record.queue) or next(iter(self._queues.values()))
        traceparent = traceparent_for(record.job_id, _traceparent(record))
        await queue.send(Letter(body=body, traceparent=traceparent, group=message_group_of(record.tenant)))


def _traceparent(record: JobRecord) -> str | None:
    """The record keeps the trace's id alone; the parent of a retry is the trace itself."""
    return f"00-{record.trace_id}-{record.trace_id[:16]}-00" if record.trace_id else None
