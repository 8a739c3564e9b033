"""Why a job waits, in words, where a limit is the reason."""

from __future__ import annotations

from contextlib import suppress

from cqworker.clock import Clock
from cqworker.errors import Unavailable
from cqworker.model.history import CROWDED, HANDED_BACK, RATE
from cqworker.model.job_view import reason_of
from cqworker.model.limits import named_key
from cqworker.model.record import JobRecord
from cqworker.model.status import Status
from cqworker.model.timestamps import rfc3339
from cqworker.ports.limits import Limits

MOST_AHEAD = 100
"""Jobs before this one that are counted: one read."""
HEARD_FOR = 5.0
"""Seconds for which a list that was read is not read again: 100 entries are 4 read units of a partition that wakes."""
MAX_HEARD = 1_000
"""Keys whose lists are remembered: some 10 KB each."""


class Explanations:
    """Asked for one job after the other it reads the list of each key once in a while: who polls hinders nobody."""

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self._limits = limits
        self._clock = clock
        self._heard: dict[str, tuple[float, list[str]]] = {}

    async def explain(self, record: JobRecord, *, sees_all: bool) -> str | None:
        """Which limit a job waits for, since when, and behind how many; None where no limit is the reason.

        Who does not see all tenants hears of others only where the limit is for jobs of one tenant. One read at most,
        of a job that is parked; none of any other. Where it is not answered the number is left out.
        """
        since = next((entry.at for entry in reversed(record.history) if entry.event == HANDED_BACK), record.created_at)
        if record.is_parked and record.parked is not None:
            behind = ""
            if sees_all or record.parked.startswith(("tenant:", "key:")):
                with suppress(Unavailable):
                    behind = _behind(await self._first(record.parked), record.job_id)
            return f"parked {behind}on {named_key(record.parked, record.limit_key)} since {rfc3339(since)}"
        last = record.history[-1] if record.history else None
        if record.status is not Status.QUEUED or last is None:
            return None
        reason = last.reason
        if reason.startswith(f"{CROWDED} "):
            key = reason_of(record, reason.split(" ", 2)[1])
            return f"not even parked, for as many as may already wait for {key}; it asks again and again"
        if not reason.startswith(f"{RATE} "):
            return None
        return f"put off by the {reason_of(record, reason)} since {rfc3339(last.at)}"

    async def _first(self, key: str) -> list[str]:
        """Who is the first to be woken, as it stood a few seconds ago at most."""
        now = self._clock.monotonic()
        heard_at, waiting = self._heard.get(key, (float("-inf"), []))
        if now - heard_at < HEARD_FOR:
            return waiting
        waiting = [waiter.job_id for waiter in await self._limits.first_waiters(key, MOST_AHEAD)]
        self._heard.pop(key, None)
        while len(self._heard) >= MAX_HEARD:
            del self._heard[next(iter(self._heard))]
        self._heard[key] = now, waiting
        return waiting


def _behind(waiting: list[str], job_id: str) -> str:
    if job_id in waiting:
        ahead = waiting.index(job_id)
        return "first in line " if ahead == 0 else "behind 1 other " if ahead == 1 else f"behind {ahead} others "
    return f"behind {MOST_AHEAD} others or more " if len(waiting) == MOST_AHEAD else ""
