"""Whether jobs can wait in the index of due jobs, or only as SQS lets them wait."""

from __future__ import annotations

from cqworker.clock import Clock
from cqworker.ports.schedule import Schedule

LOOK_EVERY = 30.0
"""Seconds for which an answer is believed: so soon a table that was provisioned is noticed, or one that was remade."""


class ScheduleState:
    """Remembers what the index last said; until it was asked, and without one (`schedule` is None), it is not ready."""

    def __init__(self, schedule: Schedule | None, clock: Clock) -> None:
        self._schedule = schedule
        self._clock = clock
        self._looked_at: float | None = None
        self.is_ready = False

    async def check(self) -> bool:
        """Whether the index is ready; asks it unless it was asked a moment ago. Raises Unavailable."""
        now = self._clock.monotonic()
        if self._schedule is None:
            return False
        if self._looked_at is None or now - self._looked_at >= LOOK_EVERY:
            self.is_ready = await self._schedule.is_ready()
            self._looked_at = now
        return self.is_ready
