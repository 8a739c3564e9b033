"""The hand-over: a job that is due is sent to its queue, and only then leaves the index of due jobs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from cqworker.errors import CqworkerError
from cqworker.events import RecordPostponed
from cqworker.events.schedule_events import JobHandedOver, JobScheduled
from cqworker.flow.context import Context
from cqworker.flow.job_ref import job_ref_of
from cqworker.jobs.messages import letter_of
from cqworker.jobs.queue_directory import QueueDirectory
from cqworker.model.record import JobRecord
from cqworker.model.schedule_writes import HandOver
from cqworker.model.timestamps import rfc3339
from cqworker.ports import MAX_DELAY

HORIZON_MS = MAX_DELAY * 1000
"""Milliseconds before its time at which a job may be handed over: SQS delays no message for longer."""


class HandOvers:
    """Sends what is due, then takes it out of the index.

    Who dies between the two is no harm: the index still has the job, and its message is sent once more, a duplicate.
    The other order would lose it.
    """

    def __init__(self, context: Context, queues: QueueDirectory) -> None:
        self._store = context.store
        self._clock = context.clock
        self._emit = context.emit
        self._queues = queues

    async def hand_over(self, record: JobRecord) -> None:
        """Sends the message of a record as it was just read, delayed until its time.

        Raises what JobQueue.send raises: the job stays in the index. Raises Unavailable, too, where the store is away:
        then the message is out, and the index sends another.
        """
        ahead = max(0, (record.scheduled_at or 0) - self._clock.now())
        letter = letter_of(record, delay=min(MAX_DELAY, -(-ahead // 1000)))
        await self._queues.named(record.queue, record.priority).send(letter)
        self._emit(JobHandedOver(job=job_ref_of(record), ahead=ahead / 1000))
        await self._store.write(HandOver(seen=record))

    async def hand_over_soon(self, record: JobRecord) -> JobRecord:
        """How a job stands that was just given its time: what is due soon is handed over at once.

        Where that fails the index of due jobs does it a little later.
        """
        due = record.scheduled_at or 0
        self._emit(JobScheduled(job=job_ref_of(record), at=rfc3339(due)))
        if due > self._clock.now() + HORIZON_MS:
            return record
        try:
            await self.hand_over(record)
        except CqworkerError as error:
            self._emit(RecordPostponed(job=job_ref_of(record), cause=str(error)))
            return record
        return HandOver(seen=record).after(record)

    async def hand_over_all(self, records: Sequence[JobRecord]) -> Sequence[BaseException | None]:
        """As `hand_over` for each, under way together so that they share requests; None, or what it raised."""
        return await asyncio.gather(*map(self.hand_over, records), return_exceptions=True)
