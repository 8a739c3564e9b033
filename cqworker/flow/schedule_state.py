"""Whether jobs can wait in the index of due jobs, or only as SQS lets them wait."""

from __future__ import annotations

from cqworker.clock import Clock
from cqworker.ports.schedule import Schedule

LOOK_EVERY = 30.0
"""Seconds between two looks at an index that is not ready: so soon a table that was provisioned is noticed."""
BELIEVED_FOR = 300.0
"""Seconds for which one that is ready is believed to be: nobody removes it but by hand."""


class ScheduleState:
    """Remembers what the index last said; until it was asked, and without one (`schedule` is None), it is not ready."""

    def __init__(self, schedule: Schedule | None, clock: Clock) -> None:
        self._schedule = schedule
        self._clock = clock
        self._ask_at = clock.monotonic()
        self.is_ready: bool = False

    async def check(self) -> bool:
        """Whether the index is ready; asks it unless it said so a moment ago. Raises Unavailable."""
        if self._schedule is not None and self._clock.monotonic() >= self._ask_at:
            self.note(is_ready=await self._schedule.is_ready())
        return self.is_ready

    def note(self, *, is_ready: bool) -> None:
        """The index was asked for something, and showed whether it is ready."""
        self.is_ready = is_ready
        self._ask_at = self._clock.monotonic() + (BELIEVED_FOR if is_ready else LOOK_EVERY)
