"""Why a job waits, in words, where a limit is the reason."""

from __future__ import annotations

from contextlib import suppress

from cqworker.errors import Unavailable
from cqworker.model.history import HANDED_BACK, RATE
from cqworker.model.limits import shown_key
from cqworker.model.record import JobRecord
from cqworker.model.status import Status
from cqworker.model.timestamps import rfc3339
from cqworker.ports.limits import Limits

MOST_AHEAD = 100
"""Jobs before this one that are counted: one read."""


async def explain(limits: Limits, record: JobRecord, *, sees_all: bool) -> str | None:
    """Which limit a job waits for, since when, and behind how many; None where no limit is the reason.

    Who does not see all tenants hears of others only where the limit is for jobs of one tenant. One read, of a job that
    is parked; none of any other. Where it is not answered the number is left out.
    """
    since = next((entry.at for entry in reversed(record.history) if entry.event == HANDED_BACK), record.created_at)
    if record.is_parked and record.parked is not None:
        behind = ""
        if sees_all or record.parked.startswith(("tenant:", "key:")):
            with suppress(Unavailable):
                behind = await _behind(limits, record.parked, record.job_id)
        return f"parked {behind}on {shown_key(record.parked)} since {rfc3339(since)}"
    last = record.history[-1] if record.history else None
    if record.status is not Status.QUEUED or last is None or not last.reason.startswith(f"{RATE} "):
        return None
    return f"put off by the {last.reason} since {rfc3339(last.at)}"


async def _behind(limits: Limits, key: str, job_id: str) -> str:
    waiting = [waiter.job_id for waiter in await limits.first_waiters(key, MOST_AHEAD)]
    if job_id in waiting:
        return f"behind {waiting.index(job_id)} others "
    return f"behind {MOST_AHEAD} others or more " if len(waiting) == MOST_AHEAD else ""
