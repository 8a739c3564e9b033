"""Another level for a job that waits: written first, then a message is sent there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from cqworker.errors import JobNotFound, NotAllowedNow
from cqworker.events.level_events import JobReprioritised
from cqworker.flow.context import Context
from cqworker.flow.job_ref import job_ref_of
from cqworker.jobs.messages import letter_of
from cqworker.jobs.queue_directory import QueueDirectory
from cqworker.jobs.waiting_jobs import require_waiting, said_by
from cqworker.model.history import REPRIORITISED, Entry
from cqworker.model.priorities import MEDIUM
from cqworker.model.priority_writes import Reprioritise
from cqworker.model.record import JobRecord
from cqworker.model.writes import Written
from cqworker.ports import MAX_DELAY

MAX_TRIES = 5
"""Conditional writes that one act tries: each is refused only because the job changed meanwhile."""
Show = Callable[[str, str | None], Awaitable[JobRecord]]
"""Reads a job of a tenant (None: of all). Raises JobNotFound, Unavailable."""


class PriorityActions:
    """Gives jobs another level of their queue.

    The message of a job lies where it lay; the one that is sent to the new level is a second copy, and whichever is
    claimed first starts the job. Who dies between the write and the send leaves the job in its old place; asked again
    for the same level, the message is sent once more. Of a job in the index of due jobs, or on the
    waiting list of a limit, none is sent: whoever starts it off sends it to the level that its record names.
    """

    def __init__(self, context: Context, queues: QueueDirectory, show: Show) -> None:
        self._store = context.store
        self._clock = context.clock
        self._emit = context.emit
        self._retention = context.retention
        self._queues = queues
        self._show = show

    async def reprioritise(
        self, job_id: str, tenant: str | None, asked: str | int, by: str = "", why: str = ""
    ) -> JobRecord:
        """As OperatorActions.reprioritise()."""
        record = await self._show(job_id, tenant)
        for _ in range(MAX_TRIES):
            require_waiting(record, "another priority")
            priority = self._queues.priority_of(record.queue, asked) or MEDIUM
            if priority == (record.priority or MEDIUM):
                return await self._send(record)
            change = self._write_of(record, priority, said_by(by, why))
            answer = await self._store.write(change)
            if isinstance(answer, Written):
                self._emit(JobReprioritised(job=job_ref_of(answer.record), priority=priority))
                return await self._send(answer.record)
            if answer.seen is None:
                raise JobNotFound(f"There is no job {job_id}.")
            record = answer.seen
        raise NotAllowedNow(f"Job {job_id} changes too quickly to be given another priority; try again.")

    def _write_of(self, record: JobRecord, priority: str, said: str) -> Reprioritise:
        now = self._clock.now()
        purge_at = max(record.purge_at, self._retention.purge_at(max(now, record.scheduled_at or 0)))
        entry = Entry(now, REPRIORITISED, 0, "", f"{priority}{said}")
        return Reprioritise(seen=record, priority=priority, purge_at=purge_at, entry=entry)

    async def _send(self, record: JobRecord) -> JobRecord:
        """A message to its level; where that fails the job keeps its old place, and who asked may ask again."""
        if record.is_marked or record.is_parked:
            return record
        ahead = max(0, (record.scheduled_at or 0) - self._clock.now())
        letter = letter_of(record, delay=min(MAX_DELAY, -(-ahead // 1000)))
        await self._queues.named(record.queue, record.priority).send(letter)
        return record
