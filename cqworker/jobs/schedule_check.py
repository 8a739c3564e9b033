"""What is asked of time, and cannot be: without the index of due jobs, or too far ahead."""

from __future__ import annotations

from cqworker.errors import NotProvisioned
from cqworker.flow.schedule_state import ScheduleState
from cqworker.jobs.refused_field import FieldRefused
from cqworker.model.job_limits import MAX_PAUSE
from cqworker.model.timestamps import rfc3339


class TooFarAhead(FieldRefused):
    """A job cannot wait for so long; the text says until when it can."""

    field = "run_at"


async def check_schedule(schedule: ScheduleState) -> None:
    """Raises NotProvisioned where the index of due jobs is missing, being filled or forbidden, and Unavailable."""
    if not await schedule.check():
        raise NotProvisioned(
            "No job can wait for longer than 15 minutes yet: the table lacks its index of due jobs, is filling it, or "
            "this role may not read it. Run `cqworker provision`; `cqworker doctor` says what is missing."
        )


def check_start(run_at: int | None, now: int) -> None:
    """Raises TooFarAhead for a time (epoch ms) that is more than 366 days ahead; one that has passed is fine."""
    if run_at is not None and run_at > (latest := now + MAX_PAUSE * 1000):
        raise TooFarAhead(
            f"run_at is more than 366 days ahead; now a job can wait until {rfc3339(latest)}. "
            "Ask for a time before that."
        )
