"""Replacements: a submission gives a unique job that has yet to start another payload and another time."""

from __future__ import annotations

from cqworker.errors import Unavailable
from cqworker.flow.context import Context
from cqworker.jobs.hand_over import HandOvers
from cqworker.jobs.queue_directory import QueueDirectory
from cqworker.jobs.schedule_check import check_schedule
from cqworker.jobs.submission import Submission
from cqworker.model.history import REPLACED, Entry
from cqworker.model.record import JobRecord
from cqworker.model.schedule_writes import Reschedule
from cqworker.model.status import Status
from cqworker.model.timestamps import rfc3339
from cqworker.model.unique_hold import has_yet_to_start
from cqworker.model.writes import Written

MAX_TRIES = 8
"""Conditional writes that one replacement tries: each is refused only because the job changed meanwhile."""
REPLACEABLE = frozenset({Status.QUEUED, Status.SCHEDULED})
"""Where a job stands that has yet to start."""


def is_replaceable(record: JobRecord) -> bool:
    """Whether a job has yet to start. Once it was so, and is not any more, it never is under the same token again."""
    return record.status in REPLACEABLE and has_yet_to_start(record)


class Replacements:
    """Puts off what waits, with another payload; what is due soon is sent at once.

    Copies that were sent for another time start nothing any more, and whoever starts the job has its payload from the
    answer to the claim.
    """

    def __init__(self, context: Context, queues: QueueDirectory) -> None:
        self._store = context.store
        self._schedule = context.schedule
        self._clock = context.clock
        self._retention = context.retention
        self._hand_overs = HandOvers(context, queues)

    async def replace(self, record: JobRecord, submission: Submission, *, once: bool) -> JobRecord | None:
        """The job with this submission's payload and time; None where it has started, or ended, meanwhile.

        Its write may reach the store twice, for clients repeat what is not answered: where that has done it, or may
        have, what came after it stays. `once`: as the next replacement, and before another start. Where one came in
        between that was this one, whose answer was lost, or a later one in place of it. Raises NotProvisioned,
        Unavailable.
        """
        await check_schedule(self._schedule)
        first = record
        for _ in range(MAX_TRIES):
            if once and record.replacements != first.replacements:
                return record
            if not is_replaceable(record) or (once and (record.round, record.token) != (first.round, first.token)):
                return None
            change = self._write_of(record, submission)
            answer = await self._store.write(change)
            if isinstance(answer, Written) or change.was_applied_to(answer.seen):
                return await self._hand_overs.hand_over_soon(change.after(record))
            if answer.seen is None:
                return None
            if change.is_behind(answer.seen):
                return answer.seen
            record = answer.seen
        cause = f"Others changed job {record.job_id} {MAX_TRIES} times meanwhile."
        raise Unavailable("dynamodb", cause, "Ask again.", concerns="item")

    def _write_of(self, record: JobRecord, submission: Submission) -> Reschedule:
        now = self._clock.now()
        at = submission.starts_again_at(record, now)
        number = (record.replacements or 0) + 1
        entry = Entry(now, REPLACED, 0, "", f"x{number}: starts {rfc3339(at) if at > now else 'now'}")
        return Reschedule(
            seen=record,
            scheduled_at=at,
            purge_at=self._retention.purge_at(max(at, now)),
            entry=entry,
            payload=submission.payload,
        )
