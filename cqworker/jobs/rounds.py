"""A new round of a job: its message is sent, which commits, then its record is written."""

from __future__ import annotations

from cqworker.errors import Unavailable
from cqworker.events import RecordPostponed, RetryAsked
from cqworker.flow.context import Context
from cqworker.flow.job_ref import job_ref_of
from cqworker.jobs.messages import letter_of
from cqworker.jobs.queue_directory import QueueDirectory
from cqworker.model.operator_writes import NewRound
from cqworker.model.record import JobRecord
from cqworker.model.writes import Refused, Written


class Rounds:
    """Opens rounds of jobs that ended, and sends the message of a round once more."""

    def __init__(self, context: Context, queues: QueueDirectory) -> None:
        self._store = context.store
        self._clock = context.clock
        self._emit = context.emit
        self._retention = context.retention
        self._queues = queues

    async def open(self, record: JobRecord, said: str = "", later: int = 0) -> Written | Refused:
        """The next round of a FAILED or CANCELLED job, as its record was read; `said` is for its history.

        The message is the commit point of a retry, too: what the record says afterwards can be healed by a claim. It
        is delayed for `later` seconds. Raises NotAllowedNow and Unavailable as `send` does.
        """
        await self.send(record, record.round + 1, later)
        self._emit(RetryAsked(job=job_ref_of(record)))
        now = self._clock.now()
        change = NewRound(seen=record, now=now, purge_at=self._retention.purge_at(now), reason=said)
        try:
            answer = await self._store.write(change)
        except Unavailable as error:
            self._emit(RecordPostponed(job=job_ref_of(record), cause=error.cause))
            return Written(change.after(record))
        is_gone = isinstance(answer, Refused) and answer.seen is None
        return Written(change.after(record)) if is_gone else answer

    async def send(self, record: JobRecord, round_number: int, later: int = 0) -> None:
        """Sends the message of that round, delayed for so many seconds.

        Raises NotAllowedNow for a record from before today's limits, which no worker takes, and Unavailable.
        """
        letter = letter_of(record, round_number=round_number, delay=later)
        await self._queues.named(record.queue, record.priority).send(letter)
