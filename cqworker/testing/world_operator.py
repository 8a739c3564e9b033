"""What an operator does to the jobs of a World."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from cqworker.jobs.operator_actions import OperatorActions
from cqworker.model import start_times
from cqworker.model.job_view import job_view
from cqworker.model.public_job import JobView
from cqworker.model.record import JobRecord
from cqworker.model.timestamps import seconds_of
from cqworker.model.view_reader import job_from


class WorldOperator:
    """An operator who may see the jobs of all tenants: the acts of the API, on the jobs of a World.

    Each raises JobNotFound for a job that there is not, and NotAllowedNow for one to which it cannot be done.
    """

    def __init__(self, actions: Any) -> None:
        self._actions: OperatorActions = actions

    async def cancel(self, job_id: str) -> JobView:
        """Cancels a job that waits; asks one that runs to stop."""
        return view_of(await self._actions.cancel(job_id, None))

    async def retry(self, job_id: str) -> JobView:
        """A new round for a FAILED or CANCELLED job."""
        return view_of(await self._actions.retry(job_id, None))

    async def reschedule(self, job_id: str, to: datetime) -> JobView:
        """Another time for a job that waits. Raises ValueError for a time without an offset from UTC."""
        return view_of(await self._actions.reschedule(job_id, None, epoch_ms(to)))

    async def reprioritise(self, job_id: str, priority: str | int) -> JobView:
        """Another level of its queue for a job that waits. Raises SubmissionRefused where the queue has none such."""
        return view_of(await self._actions.reprioritise(job_id, None, priority))

    async def run_now(self, job_id: str) -> JobView:
        """A job that waits need not wait any longer."""
        return view_of(await self._actions.reschedule(job_id, None, None))


def view_of(record: JobRecord) -> JobView:
    """The job in its public shape."""
    return job_from(job_view(record))


def epoch_ms(moment: datetime) -> int:
    """The epoch milliseconds of a time, a part of one counted whole. Raises ValueError where it has no offset."""
    if moment.tzinfo is None:
        raise ValueError(
            f"{moment.isoformat()} has no offset from UTC: write world.now + timedelta(…), or give tzinfo=."
        )
    return start_times.epoch_ms(moment)


def whole_seconds(span: float | timedelta) -> int:
    """A span in seconds, a begun one counted whole."""
    return -int(-seconds_of(span) // 1)
