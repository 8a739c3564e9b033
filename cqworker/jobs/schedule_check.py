"""What needs the index of due jobs is refused until the table has it."""

from __future__ import annotations

from cqworker.errors import NotProvisioned
from cqworker.flow.schedule_state import ScheduleState


async def check_schedule(schedule: ScheduleState) -> None:
    """Raises NotProvisioned where the index of due jobs is missing, being filled or forbidden, and Unavailable."""
    if not await schedule.check():
        raise NotProvisioned(
            "No job can wait for longer than 15 minutes yet: the table lacks its index of due jobs, is filling it, or "
            "this role may not read it. Run `cqworker provision`; `cqworker doctor` says what is missing."
        )
