"""What became of some of the jobs that an operation retried: where most fail again, it had better stop."""

from __future__ import annotations

from collections import deque

from cqworker.clock import Clock
from cqworker.model.record import JobRecord
from cqworker.model.status import Status
from cqworker.ports.schedule import Schedule

LOOK_AFTER = 10.0
"""Seconds after its retry at which a job is looked at, and between two looks."""
FOLLOWED = 100
"""Jobs that are followed at once: one request reads them, every ten seconds."""
LEAST_JUDGED = 20
"""Jobs whose end has to be known before they say anything about the others."""


class Sample:
    """Follows some of the jobs that were retried, by what their new rounds came to."""

    def __init__(self, schedule: Schedule, clock: Clock) -> None:
        self._schedule = schedule
        self._clock = clock
        self._followed: dict[str, tuple[int, float]] = {}
        self._failed_again: deque[bool] = deque(maxlen=FOLLOWED)
        self._looked_at = clock.monotonic()

    def add(self, record: JobRecord) -> None:
        """The job was retried as it was read; it is followed if there is room."""
        if len(self._followed) < FOLLOWED:
            self._followed[record.job_id] = (record.round + 1, self._clock.monotonic())

    async def verdict(self) -> str:
        """Why no more should be retried, or nothing; looks only now and then. Raises Unavailable."""
        now = self._clock.monotonic()
        if now < self._looked_at + LOOK_AFTER:
            return ""
        self._looked_at = now
        old = [name for name, (_, since) in self._followed.items() if now >= since + LOOK_AFTER]
        for record in await self._schedule.read_many(old) if old else ():
            self._judge(record)
        judged, failed = len(self._failed_again), sum(self._failed_again)
        return f"{failed} of {judged} failed again" if judged >= LEAST_JUDGED and failed * 2 > judged else ""

    def _judge(self, record: JobRecord) -> None:
        """A first attempt that failed says enough: the others wait for minutes."""
        expected, _ = self._followed[record.job_id]
        if record.round < expected or not (record.status.is_final or record.status is Status.RETRYING):
            return
        del self._followed[record.job_id]
        self._failed_again.append(record.round == expected and record.status in (Status.FAILED, Status.RETRYING))
